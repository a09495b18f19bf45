"""Entry point of the `acetate` command: finds the sub-command, runs it, reports errors in one line.

Sub-commands are modules of this folder and the entry-point group `acetate.commands`; each has a
`register(subparsers)` that sets `run`. Only the wanted one is imported, so that all start fast.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import sys
import textwrap
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

from backend.cli.interruption import Interruption
from backend.jobs.out_of_memory import is_out_of_memory
from shared.blobs import write_atomically
from shared.errors import AcetateError, ExitCode
from shared.local_server import run_dir

_Subparsers = Any  # argparse names this type privately
_COMMANDS = {
    "serve": "serve",
    "generate": "generate",
    "submit": "submit",
    "status": "follow",
    "watch": "follow",
    "wait": "follow",
    "cancel": "follow",
    "fetch": "fetch",
    "export": "export",
    "import-demo": "import_demo",
    "models": "models",
    "bench": "bench",
    "doctor": "doctor",
    "version": "version",
}
ENTRY_POINTS = "acetate.commands"


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the process's exit code (`shared.errors.ExitCode`)."""
    arguments = sys.argv[1:] if argv is None else argv
    wants_json = "--json" in arguments
    try:
        with Interruption():
            args = _parser(arguments).parse_args(arguments)
            return int(args.run(args))
    except AcetateError as error:
        return _report(error, wants_json=wants_json)
    except KeyboardInterrupt:
        print("Interrupted", file=sys.stderr)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output left; what is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    except Exception as error:  # noqa: BLE001 - the last stop: nobody sees a traceback
        return _report(_logged(error), wants_json=wants_json)


def error_line(error: AcetateError) -> str:
    """An error as one line for a terminal."""
    detail = " ".join(error.detail.split())[:400]
    return f"{error.code} {error.text} - {error.hint}" + (f" ({detail})" if detail else "")


def _report(error: AcetateError, *, wants_json: bool) -> int:
    if wants_json:
        print(json.dumps({"schema": "acetate.error/1", "error": error.to_dict()}), file=sys.stderr)
    else:
        print(error_line(error), file=sys.stderr)
    return error.exit_code


def _logged(error: Exception) -> AcetateError:
    """An unforeseen error as `oom` or `bug`, the traceback of a bug in a log file."""
    detail = f"{type(error).__name__}: {error}"
    if is_out_of_memory(error):
        return AcetateError("oom", detail=detail)
    file = run_dir() / "acetate-error.log"
    formatter = logging.Formatter()
    trace = formatter.formatException((type(error), error, error.__traceback__))
    try:
        write_atomically(file, f"{sys.argv}\n{trace}\n".encode(), private=True)
    except AcetateError:
        return AcetateError("bug", detail=detail)
    return AcetateError("bug", detail=f"{detail}; see {file}")


class _ShowVersion(argparse.Action):
    """`--version`, as people try it first; what knows the version is imported only then."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> NoReturn:
        del namespace, values, option_string
        parser.exit(main(["version"]))


class _JsonParser(argparse.ArgumentParser):
    """Raises where it cannot understand the arguments: a script that asked for JSON gets JSON."""

    def error(self, message: str) -> NoReturn:
        where = textwrap.shorten(message, 80, placeholder=" ...")
        raise AcetateError("usage", where=where, detail=f"{self.prog}: {message}")


def _parser(arguments: list[str]) -> argparse.ArgumentParser:
    kind = _JsonParser if "--json" in arguments else argparse.ArgumentParser
    parser = kind(prog="acetate", description="Layered in-betweens for Blender")
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help="as the command version")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    wanted = arguments[0] if arguments else ""
    found = {**_local_commands(), **_other_commands()}
    for load in [found[wanted]] if wanted in found else _each_once(found):
        load()(subparsers)
    return parser


def _local_commands() -> dict[str, Callable[[], Callable[[_Subparsers], None]]]:
    here = Path(__file__).parent
    modules = {
        name: module for name, module in _COMMANDS.items() if (here / f"{module}.py").exists()
    }
    return {name: _LocalGroup(f"backend.cli.{module}") for name, module in modules.items()}


def _other_commands() -> dict[str, Callable[[], Callable[[_Subparsers], None]]]:
    return {point.name: point.load for point in metadata.entry_points(group=ENTRY_POINTS)}


class _LocalGroup:
    """Imports a module of this folder when it is called, and returns its `register`."""

    def __init__(self, module: str) -> None:
        self.module = module

    def __call__(self) -> Callable[[_Subparsers], None]:
        return importlib.import_module(self.module).register


def _each_once(
    found: dict[str, Callable[[], Callable[[_Subparsers], None]]],
) -> list[Callable[[], Callable[[_Subparsers], None]]]:
    """All groups; those of one module register several commands at once."""
    groups: dict[str, Callable[[], Callable[[_Subparsers], None]]] = {}
    for name, load in found.items():
        groups.setdefault(load.module if isinstance(load, _LocalGroup) else name, load)
    return list(groups.values())


if __name__ == "__main__":
    sys.exit(main())
