"""`acetate curate forget` and `acetate curate statistics`: what is done to sets that are there."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def add_forget(stages: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `curate forget`."""
    parser = stages.add_parser(
        "forget",
        help="take a source out of a set, for good",
        description="Out of data set, kept work, ledger, manifests and review; later runs leave "
        "it out until `curate run --include ID`. The footage itself is left where it is. End "
        "other runs of the set before.",
    )
    parser.add_argument("folder", type=Path, help="the set's folder")
    parser.add_argument("--source", required=True, metavar="ID", help="source_id, 16 digits or all")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(run=run_forget)


def add_statistics(stages: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `curate statistics`."""
    parser = stages.add_parser("statistics", help="a set in figures, as its last run left it")
    parser.add_argument("folder", type=Path, help="the set's folder")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(run=run_statistics)


def run_forget(args: argparse.Namespace) -> int:
    """Take the source out. Raises `not_found`, `usage`, `dataset_busy`, `disk`."""
    from dataclasses import asdict

    from curation.forgotten import forget_source

    done = forget_source(args.folder.resolve(), args.source)
    if args.json:
        sys.stdout.write(json.dumps({"schema": "acetate.forgotten/1", **asdict(done)}) + "\n")
    else:
        sys.stdout.write(
            f"{done.clips} clips and {done.files} files of kept work removed; later runs leave "
            f"{done.source_id[:16]} out\n"
        )
    return 0


def run_statistics(args: argparse.Namespace) -> int:
    """Print the figures. Raises `not_found`, `invalid_request`."""
    import msgspec

    from curation.review.figures import as_rows, figures_of
    from curation.review.page import read_review

    figures = figures_of(read_review(args.folder).cards)
    if args.json:
        sys.stdout.write(msgspec.json.encode(figures).decode() + "\n")
    else:
        sys.stdout.writelines(f"{name}: {text}\n" for name, text in as_rows(figures))
    return 0
