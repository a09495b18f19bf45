"""`acetate import-demo`: an official LayerAnimate demo folder to a shot package."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

import msgspec

from backend.pipeline.official_demo import DemoSettings, import_demo
from shared.errors import AcetateError, ExitCode
from shared.package import write_package

MAX_CONFIG_BYTES = 1024 * 1024
RESULT_SCHEMA = "acetate.import-demo/1"
_FLAGS = {
    "mode": "mode",
    "scores": "motion_scores",
    "static": "layer_static",
    "sketch_layer": "sketch_layer_index",
    "trajectory_layer": "traj_layer_index",
    "prompt": "prompt",
    "seed": "seed",
    "frames": "L",
}


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the `acetate` parser."""
    parser = subparsers.add_parser(
        "import-demo", help="official LayerAnimate demo folder to shot package", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="holds first_frame, layer_0 ... (.jpg or .png)")
    parser.add_argument("-o", "--out", type=Path, required=True, help="package folder or .zip")
    parser.add_argument("--config", type=Path, help="the demo's YAML (default: the one inside)")
    parser.add_argument("--mode", choices=("i2v", "interpolate"), help="default: by the files")
    parser.add_argument("--scores", type=_numbers, help="motion score per layer, -1 for none")
    parser.add_argument("--static", type=_indices, help="numbers of layers that never move")
    parser.add_argument("--sketch-layer", type=int, help="layer that sketch.mp4 belongs to")
    parser.add_argument("--trajectory-layer", type=int, help="layer that the tracks belong to")
    parser.add_argument("--prompt", help="what the shot shows, for engines that read it")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--frames", type=int, help="length of the shot (default 16)")
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")
    parser.add_argument("--force", action="store_true", help="replace an earlier package")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command. Raises `AcetateError`; returns an exit code."""
    if not args.folder.is_dir():
        raise AcetateError("not_found", what=f"demo folder {args.folder.name}")
    if args.out.exists() and not args.force:
        raise AcetateError("output_exists", detail=args.out.name)
    document = _read_config(args.folder, args.config)
    given = {name: getattr(args, flag) for flag, name in _FLAGS.items()}
    document |= {name: value for name, value in given.items() if value is not None}
    try:
        settings = msgspec.convert(document, DemoSettings, strict=False)
    except msgspec.ValidationError as error:
        raise AcetateError("invalid_request", where=str(error)[:60], detail=str(error)) from error
    request, blobs = import_demo(args.folder, settings)
    write_package(request, blobs, args.out)
    layers = [
        {
            "name": layer.name,
            "role": layer.role.value,
            "controls": [type(control).__name__ for control in layer.controls],
        }
        for layer in request.layers
    ]
    if args.json:
        result = {"schema": RESULT_SCHEMA, "out": str(args.out), "sha256": request.sha256}
        print(json.dumps(result | {"mode": request.mode.value, "layers": layers}))
        return ExitCode.DONE
    print(f"{args.out}: {request.mode.value}, frames {request.start}-{request.end}")
    for layer in layers:
        print(f"  {layer['name']}: {layer['role']} {' '.join(layer['controls'])}".rstrip())
    return ExitCode.DONE


def _read_config(folder: Path, config: Path | None) -> dict[str, Any]:
    """The settings document: the named file, else the only YAML in the folder, else nothing."""
    inside = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    path = config or (inside[0] if len(inside) == 1 else None)
    if path is None:
        return {}
    import yaml  # used by this command only

    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise AcetateError("invalid_request", where=f"{path.name} is too large")
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise AcetateError("not_found", what=f"file {path.name}") from error
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        detail = str(error)
        raise AcetateError("invalid_request", where=f"{path.name}", detail=detail) from error
    if not isinstance(document, dict):
        raise AcetateError("invalid_request", where=f"{path.name} is no list of settings")
    return {str(name): value for name, value in document.items() if value is not None}


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        where = f"not motion scores: {text[:40]} (write 0.4,-1)"
        raise AcetateError("usage", where=where) from error


def _indices(text: str) -> list[bool]:
    """`0,2` as flags per layer."""
    if re.fullmatch(r"\d{1,2}(,\d{1,2})*", text) is None:
        raise AcetateError("usage", where=f"not numbers of layers: {text[:40]} (write 0,2)")
    numbers = {int(part) for part in text.split(",")}
    return [number in numbers for number in range(max(numbers) + 1)]
