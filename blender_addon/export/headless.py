"""Exports a .blend file without a window: `python -m acetate.export.headless FILE.blend ...`.

Started by the `acetate export` command in a `bpy` interpreter, or through Blender's own
`--python-expr`. Blender prints what it likes on stdout, so the outcome goes into the report file.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import bpy

from .. import properties
from ..scene.layers import scan
from ..shared.blobs import MemoryBlobs, write_atomically
from ..shared.errors import AcetateError
from ..shared.package import write_package
from ..shot_settings import layer_settings, shot_settings, sync_layers
from .shot import ExportProgress, export_steps


def main(argv: Sequence[str] | None = None) -> int:
    """Export one file; the exit code is 0 or that of the error in the report."""
    parser = argparse.ArgumentParser(prog="acetate.export.headless")
    parser.add_argument("file", type=Path)
    parser.add_argument("--package", type=Path, required=True)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--every-frame", action="store_true")
    parser.add_argument("--scene", default="")
    parser.add_argument("--frames", nargs=2, type=int)
    parser.add_argument("--whole-scene", action="store_true")
    parser.add_argument("--quality", choices=("exact", "fast"))
    args = parser.parse_args(argv)
    try:
        report, code = _export(args), 0
    except AcetateError as error:
        report, code = {"error": error.to_dict()}, int(error.exit_code)
    except Exception as error:  # noqa: BLE001 - whoever waits for the report learns what it was
        bug = AcetateError("bug", detail=f"{type(error).__name__}: {error}")
        report, code = {"error": bug.to_dict()}, int(bug.exit_code)
    write_atomically(args.report, json.dumps(report).encode())
    return code


def _export(args: argparse.Namespace) -> dict[str, object]:
    properties.register()
    try:
        last = _run(args)
    finally:
        properties.unregister()
    if last.request is None:
        raise AcetateError("bug", detail="the export ended without a request")
    return {
        "warnings": [asdict(warning) for warning in last.warnings],
        "layers": [layer.name for layer in last.request.layers],
        "frames": [last.request.start, last.request.end],
        "size": [last.request.width, last.request.height],
        "sha256": last.request.sha256,
    }


def _run(args: argparse.Namespace) -> ExportProgress:
    scene = _open(args.file, args.scene)
    shot, blobs = properties.shot_of(scene), MemoryBlobs()
    found = scan(scene)
    sync_layers(scene, found)
    if args.whole_scene:
        shot.range = "scene"
    if args.frames:
        shot.range = "custom"
        shot.custom_start, shot.custom_end = args.frames
    settings = replace(shot_settings(scene, found), every_frame=args.every_frame)
    if args.quality:
        settings = replace(settings, quality=type(settings.quality)(args.quality))
    *_, last = export_steps(bpy.context, settings, layer_settings(scene), blobs)
    if last.request is not None:
        write_package(last.request, blobs, args.package)
    return last


def _open(file: Path, scene_name: str) -> bpy.types.Scene:
    """Open a file without running its scripts. Raises `not_found` or `invalid_request`."""
    if not file.is_file():
        raise AcetateError("not_found", what=f"file {file.name}")
    try:
        bpy.ops.wm.open_mainfile(filepath=str(file), load_ui=False, use_scripts=False)
    except RuntimeError as error:
        where = f"{file.name} is not a .blend file that this Blender can open"
        raise AcetateError("invalid_request", where=where[:56], detail=str(error)) from error
    if scene_name:
        scene = bpy.data.scenes.get(scene_name)
        if scene is None:
            raise AcetateError("not_found", what=f'scene "{scene_name}"')
        bpy.context.window.scene = scene
    return bpy.context.scene


if __name__ == "__main__":
    raise SystemExit(main())
