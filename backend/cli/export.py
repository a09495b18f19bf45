"""`acetate export`: the shot package of a .blend file, made by a headless Blender."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from backend.cli.blender_program import LACKING_EXTENSION, find_blender, run_module
from shared.errors import AcetateError, ExitCode

SCHEMA = "acetate.export/1"
_LACKING_BLENDER = "No module named 'bpy'"


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the `acetate` parser."""
    parser = subparsers.add_parser(
        "export", help="write a scene's shot package", description=__doc__
    )
    parser.add_argument("file", type=Path, help=".blend file")
    parser.add_argument("-o", "--out", type=Path, required=True, help="package: a folder or .zip")
    parser.add_argument("--frames", metavar="A-B", help="frame range; else as set in the file")
    parser.add_argument(
        "--whole-scene", action="store_true", help="the scene's own range, not the file's choice"
    )
    parser.add_argument(
        "--every-frame", action="store_true", help="key all that moves on every frame, as footage"
    )
    parser.add_argument("--scene", default="", help="name of the scene; else the active one")
    parser.add_argument("--quality", choices=("exact", "fast"), help="else as set in the file")
    parser.add_argument("--blender", type=Path, help="Blender's program, or a bpy interpreter")
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command. Raises `AcetateError`; returns an exit code."""
    report = export_scene(
        args.file,
        args.out,
        frames=_parse_frames(args.frames) if args.frames else None,
        whole_scene=args.whole_scene,
        every_frame=args.every_frame,
        scene=args.scene,
        quality=args.quality,
        blender=args.blender,
    )
    for warning in report["warnings"]:
        print(f"Warning: {warning['text']}", file=sys.stderr)
    if args.json:
        print(json.dumps({"schema": SCHEMA, "out": str(args.out), **report}))
    else:
        start, end = report["frames"]
        print(f"{args.out}: {len(report['layers'])} layers, frames {start}-{end}", file=sys.stderr)
    return ExitCode.DONE


def export_scene(
    file: Path,
    package: Path,
    *,
    frames: tuple[int, int] | None = None,
    whole_scene: bool = False,
    every_frame: bool = False,
    scene: str = "",
    quality: str | None = None,
    blender: Path | None = None,
) -> dict[str, Any]:
    """Export a .blend file as a shot package (folder or .zip): `frames`, else the whole scene's
    range if asked for, else what the file says. `every_frame`: whatever a camera, an object's
    animation or a modifier moves becomes a key on every frame.

    Returns `warnings`, `layers`, `frames`, `size` and the request's `sha256`. Raises
    `blender_missing`, `not_found`, `disk`, `timeout`, `bug` where Blender crashed, and whatever the
    scene itself gives.
    """
    if not file.is_file():
        raise AcetateError("not_found", what=f"file {file}")
    program = find_blender(blender)
    with tempfile.TemporaryDirectory(prefix="acetate-report-") as folder:
        answer = Path(folder) / "report.json"
        arguments = [str(file.resolve()), "--package", str(package.resolve())]
        arguments += ["--report", str(answer)]
        arguments += ["--frames", *map(str, frames)] if frames else []
        arguments += ["--whole-scene"] if whole_scene else []
        arguments += ["--every-frame"] if every_frame else []
        arguments += ["--scene", scene] if scene else []
        arguments += ["--quality", quality] if quality else []
        process = run_module(program, "export.headless", arguments)
        if not answer.exists():
            raise _crash(process)
        report: dict[str, Any] = json.loads(answer.read_bytes())
    if "error" in report:
        raise AcetateError.from_dict(report["error"])
    return report


def _crash(process: subprocess.CompletedProcess[str]) -> AcetateError:
    """What it means that there is no report."""
    detail = f"Blender ended with exit code {process.returncode}: {_last_lines(process.stderr)}"
    if LACKING_EXTENSION in process.stderr:
        return AcetateError("blender_missing", detail=f"the extension is not installed; {detail}")
    if _LACKING_BLENDER in process.stderr:
        return AcetateError("blender_missing", detail=f"this Python has no Blender; {detail}")
    return AcetateError("bug", detail=detail)


def _last_lines(text: str) -> str:
    return " ".join(text.strip().splitlines()[-3:])[-300:]


def _parse_frames(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(-?\d+)-(-?\d+)", text)
    if match is None:
        raise AcetateError("usage", where=f"not a frame range: {text[:40]} (write 1-24)")
    return int(match[1]), int(match[2])
