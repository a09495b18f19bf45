"""`acetate fetch`: a finished job's pictures, in the layout that `acetate generate` writes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from backend.cli.server_options import add_server_options, connect, job_id, print_json
from backend.pipeline.output_folder import check_free, write_result
from shared.blobs import MemoryBlobs
from shared.errors import ExitCode


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the `acetate` parser."""
    parser = subparsers.add_parser("fetch", help="bring a result here", description=__doc__)
    parser.add_argument("job", type=job_id, metavar="ID")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the result")
    parser.add_argument("--force", action="store_true", help="replace an earlier result in OUT")
    add_server_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command. Raises `AcetateError`; returns an exit code."""
    check_free(args.out, force=args.force)
    blobs = MemoryBlobs()
    with connect(args) as client:
        manifest = client.fetch(args.job, blobs)
    write_result(manifest, blobs, args.out, force=args.force)
    if args.json:
        layers = [{"layer": layer.name, "folder": layer.folder} for layer in manifest.layers]
        document = {"schema": "acetate.fetch/1", "out": str(args.out), "engine": manifest.engine}
        document |= {"frames": [manifest.start, manifest.end], "layers": layers}
        print_json(document | {"warnings": list(manifest.warnings)})
    else:
        frames = f"frames {manifest.start}-{manifest.end}"
        print(f"{args.out}: {manifest.engine}, {frames}", file=sys.stderr)
        for warning in manifest.warnings:
            print(f"  note: {warning}", file=sys.stderr)
    return ExitCode.DONE
