"""Options of the commands that take a shot: its file, and wishes that change it on its way."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import msgspec

from shared.blobs import Blobs
from shared.errors import AcetateError
from shared.package import read_package
from shared.shot import Adapter, Look, ShotRequest, shot_from_json, to_json

_WISHES = ("engine", "preset", "seed", "steps", "takes")
_PRESETS = ("normal", "crisp", "final", "balanced", "draft")


def add_shot_options(parser: argparse.ArgumentParser) -> None:
    """The shot itself, `--engine`, `--preset`, `--lora`, `--size`, `--seed`, ...."""
    parser.add_argument("shot", type=Path, help="shot package (folder or .zip) or .blend file")
    parser.add_argument("--engine", help="auto, layer-motion, mini or layeranimate")
    parser.add_argument(
        "--preset",
        choices=_PRESETS,
        help="layeranimate: final (exact), balanced or draft; layer motion: normal or crisp",
    )
    parser.add_argument(
        "--lora",
        metavar="NAME[:SCALE]",
        action="append",
        default=[],
        help="layeranimate: wear this imported adapter (repeatable; scale 1 as it was trained)",
    )
    parser.add_argument("--size", metavar="WxH", help="generate at another size, such as 960x540")
    parser.add_argument("--seed", type=int, help="seed of the first take")
    parser.add_argument("--steps", type=int, help="sampling steps of a diffusion engine")
    parser.add_argument("--takes", type=int, help="how many takes, with seeds that count up")


def wanted_shot(args: argparse.Namespace) -> tuple[ShotRequest, Blobs]:
    """The shot that the options describe, validated.

    Raises what `read_package` and `export_scene` raise, `usage`, `size` or `invalid_request`.
    """
    request, blobs = _read_shot(args.shot)
    given = {name: getattr(args, name) for name in _WISHES if getattr(args, name) is not None}
    look = _with_adapters(msgspec.structs.replace(request.look, **given), args.lora)
    request = msgspec.structs.replace(request, look=look)
    if args.size:
        from backend.pipeline.rescale import rescale_shot

        request, blobs = rescale_shot(request, blobs, *_parse_size(args.size))
    return shot_from_json(to_json(request)), blobs


def _with_adapters(look: Look, wishes: list[str]) -> Look:
    """The look with adapters of the command line instead of its own. Raises `usage`."""
    if not wishes:
        return look
    return msgspec.structs.replace(look, adapters=tuple(_parse_adapter(wish) for wish in wishes))


def _parse_adapter(text: str) -> Adapter:
    name, colon, scale = text.partition(":")
    try:
        return Adapter(name=name, scale=float(scale) if colon else 1.0)
    except ValueError as error:
        where = f"not an adapter: {text[:40]} (write name or name:0.8)"
        raise AcetateError("usage", where=where) from error


def _read_shot(shot: Path) -> tuple[ShotRequest, Blobs]:
    """A package, or a scene's package made by headless Blender."""
    if shot.suffix.lower() != ".blend":
        return read_package(shot)
    from backend.cli.export import export_scene

    with tempfile.TemporaryDirectory(prefix="acetate-export-") as folder:
        package = Path(folder) / "shot"
        export_scene(shot, package)
        return read_package(package)


def _parse_size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise AcetateError("usage", where=f"not a size: {text[:40]} (write 960x540)")
    return int(width), int(height)
