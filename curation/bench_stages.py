"""`python -m curation.bench_stages`: the same as `acetate curate bench`."""

from __future__ import annotations

import argparse
import sys

from curation.curate import register


def main() -> int:
    """Run the bench with the rest of the command line."""
    parser = argparse.ArgumentParser(prog="curation.bench_stages")
    register(parser.add_subparsers(required=True))
    args = parser.parse_args(["curate", "bench", *sys.argv[1:]])
    return int(args.run(args))


if __name__ == "__main__":
    sys.exit(main())
