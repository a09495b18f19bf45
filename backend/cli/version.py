"""`acetate version`: of the program and of the protocol it speaks."""

from __future__ import annotations

import argparse
import json

from backend.server.about import version
from shared.errors import ExitCode
from shared.messages import OUR_PROTO
from shared.wire import proto_text


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the `acetate` parser."""
    parser = subparsers.add_parser("version", help="which Acetate this is", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; always succeeds."""
    if args.json:
        document = {"schema": "acetate.version/1", "version": version(), "proto": OUR_PROTO}
        print(json.dumps(document))
    else:
        print(f"acetate {version()} ({proto_text(OUR_PROTO)})")
    return ExitCode.DONE
