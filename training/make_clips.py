"""`acetate clips make procedural|shots`: writes procedural clips, or drawn shots, as a data set.

Joins the command line through the entry-point group `acetate.commands`; heavy imports wait until
the command runs.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import AcetateError

if TYPE_CHECKING:
    from training.data.make import NamedClips
    from training.data.shot_source import Rights

SCHEMA = "acetate.clips-made/1"
_RIGHTS = {
    "rights_holder": "who holds the rights",
    "licence": "SPDX id, or proprietary:CONTRACT",
    "licence_evidence": "where the licence is written: an address or a file",
    "consent_by": "who agreed to training on it",
    "consent_date": "when, as 2026-01-31",
    "acquired": "day on which the file came here, as 2026-01-31",
    "attribution": "how the holder wants to be named; else by name",
}


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `clips` to the command line; the chosen parser sets `run(args) -> exit code`."""
    parser = subparsers.add_parser("clips", help="make data sets of exact clips")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    make = verbs.add_parser("make", help="write clips into a data set; goes on after a stop")
    kinds = make.add_subparsers(dest="kind", required=True, metavar="KIND")
    _add_procedural(kinds.add_parser("procedural", help="clips that a generator draws"))
    _add_shots(kinds.add_parser("shots", help="shot packages and .blend files"))


def _add_procedural(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clips", type=int, default=100, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other clips")
    parser.add_argument("--size", type=_size, default=(512, 320), metavar="WxH")
    parser.add_argument("--frames", type=int, default=16, help="frames of every clip")
    parser.add_argument(
        "--stream", choices=("studio", "train"), default="studio",
        help="studio: scenes with characters and a camera; train: figures as the mini model sees",
    )  # fmt: skip
    _add_output(parser)
    parser.set_defaults(run=run_procedural)


def _add_shots(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", type=Path, nargs="+", help="shot packages or .blend files")
    parser.add_argument("--rights", type=Path, metavar="FILE", help="a licence.toml with all below")
    for field, words in _RIGHTS.items():
        parser.add_argument(f"--{field.replace('_', '-')}", default="", help=words)
    parser.add_argument("--height", type=int, help="of the clips in pixels; else the camera's")
    parser.add_argument("--frames", type=int, default=128, help="longer shots are split")
    parser.add_argument(
        "--drawn-only", action="store_true", help="leave out frames that only hold a drawing"
    )
    parser.add_argument("--blender", type=Path, help="Blender's program, or a bpy interpreter")
    parser.add_argument("--quality", choices=("exact", "fast"), default="fast")
    parser.add_argument("--packages", type=Path, help="keep exported .blend files here")
    _add_output(parser)
    parser.set_defaults(run=run_shots)


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--jobs", type=int, default=1, help="processes that draw side by side")
    parser.add_argument("--with-flow", action="store_true", help="keep dense flow; takes room")
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")


def run_procedural(args: argparse.Namespace) -> int:
    """Make procedural clips. Raises `usage`, `size`, `disk`, `dataset_busy` and the like."""
    from training.data.procedural_source import ProceduralClips

    width, height = args.size
    source = ProceduralClips(
        args.clips, seed=args.seed, width=width, height=height, length=args.frames,
        stream=args.stream,
    )  # fmt: skip
    return _write(source, args)


def run_shots(args: argparse.Namespace) -> int:
    """Make clips of shots. Raises `licence_missing`, and what exporting and reading raise."""
    from training.data.blender_source import export_blends
    from training.data.shot_source import ShotClips

    rights = _rights(args)
    rights.check(args.files[0].name)  # before Blender starts
    with tempfile.TemporaryDirectory(prefix="acetate-shots-") as folder:
        packages = export_blends(
            args.files,
            args.packages or Path(folder),
            blender=args.blender,
            quality=args.quality,
            told=_told,
        )
        source = ShotClips.open(
            list(packages), rights, height=args.height, length=args.frames,
            drawn_only=args.drawn_only, origins=packages,
        )  # fmt: skip
        return _write(source, args)


def _told(file: Path, warnings: list[str]) -> None:
    sys.stderr.write(f"{file.name} exported\n")
    for warning in warnings:
        sys.stderr.write(f"Warning: {warning}\n")


def _rights(args: argparse.Namespace) -> Rights:
    """What the command line says of the rights; it goes before what the file says."""
    import msgspec

    from curation.media.licence import LicenceRecord
    from training.data.shot_source import Rights

    known: dict[str, str] = {}
    if args.rights is not None:
        try:
            record = msgspec.toml.decode(args.rights.read_bytes(), type=LicenceRecord)
        except OSError as error:
            raise AcetateError("not_found", what=f"file {args.rights.name}") from error
        except msgspec.DecodeError as error:
            where = f"{args.rights.name[:40]} is no licence record"
            raise AcetateError("usage", where=where, detail=str(error)) from error
        if not record.consent_for_training:
            raise AcetateError("licence_missing", clip=args.files[0].name, field="consent")
        known = {field: getattr(record, field) for field in _RIGHTS}
    given = {field: getattr(args, field) for field in _RIGHTS if getattr(args, field)}
    return Rights(**{**dict.fromkeys(_RIGHTS, ""), **known, **given})


def _write(source: NamedClips, args: argparse.Namespace) -> int:
    """Write the data set and print what was made."""
    import msgspec

    from backend.cli.progress_line import ProgressLine
    from training.data.make import make_dataset

    line = ProgressLine(shares={"clips": 1.0})
    try:
        made = make_dataset(
            source,
            args.out,
            jobs=args.jobs,
            with_flow=args.with_flow,
            report=lambda done, of: line.update("clips", done, of),
        )
    finally:
        line.close()
    if args.json:
        document = {"schema": SCHEMA, "out": str(args.out), **dataclasses.asdict(made)}
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    else:
        words = f"{made.written} clips written, {made.present} there before"
        sys.stdout.write(f"{args.out}: {words}, {made.clips} in all\n")
    return 0


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{2,4})x(\d{2,4})", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"not a size: {text[:20]} (write 512x320)")
    return int(match[1]), int(match[2])
