"""The command `python -m tests.golden DIR [--mode final|reference] [--json]`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from shared.errors import AcetateError
from tests.golden.runner import CHECKS_OF_MODE, bar_of, run_directory


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the errors of every tensor; 0 = all within their bars, 1 = some are not."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__)
    parser.add_argument("directory", type=Path, help="a directory of golden vectors")
    parser.add_argument("--json", action="store_true", help="print one flat JSON object only")
    parser.add_argument(
        "--mode",
        choices=sorted(CHECKS_OF_MODE),
        default="final",
        help="what production runs (final), or the plain computation (reference)",
    )
    chosen = parser.parse_args(arguments)
    try:
        errors = run_directory(chosen.directory, chosen.mode)
    except AcetateError as error:
        sys.stderr.write(f"{error}\n")
        return int(error.exit_code)
    if chosen.json:
        sys.stdout.write(json.dumps(errors) + "\n")
    else:
        sys.stdout.write(_table(errors))
    return 1 if any(not error <= bar_of(name) for name, error in errors.items()) else 0


def _line(name: str, error: float, bar: float) -> str:
    return f"{'ok  ' if error <= bar else 'FAIL'} {error:9.2e}  (bar {bar:.0e})  {name}"


def _table(errors: dict[str, float]) -> str:
    lines = [_line(name, error, bar_of(name)) for name, error in errors.items()]
    return "\n".join([*lines, f"{len(errors)} tensors"]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
