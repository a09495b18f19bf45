"""Draws the gallery anew: `python -m training.gallery.draw [NAME ...]` in a `bpy` interpreter.

Writes for each shot `shots/NAME.zip`, what the artist gives, and `shots/NAME-truth.zip`, the same
scene finely keyed; both by the extension's own exporter. `--blends DIR` saves the scenes, too.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import io
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import msgspec

from .scene import BACKDROP, DRAWINGS, build_scene, path_name, rough_name
from .shot import GalleryLayer, GalleryShot
from .shots import all_shots

SHOTS = Path(__file__).parent / "shots"
_ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = "acetate_gallery_exporter"
_EPOCH = (1980, 1, 1, 0, 0, 0)


@contextmanager
def exporter() -> Iterator[None]:
    """The extension laid out as an installed one, importable while the context lasts."""
    with tempfile.TemporaryDirectory(prefix="acetate-gallery-") as folder:
        target = Path(folder) / _PACKAGE
        ignore = shutil.ignore_patterns("__pycache__", "shared")
        shutil.copytree(_ROOT / "blender_addon", target, ignore=ignore)
        shutil.copytree(_ROOT / "shared", target / "shared", ignore=ignore)
        spec = importlib.util.spec_from_file_location(
            _PACKAGE, target / "__init__.py", submodule_search_locations=[str(target)]
        )
        if spec is None or spec.loader is None:
            raise RuntimeError("the extension's source cannot be loaded")
        module = importlib.util.module_from_spec(spec)
        sys.modules[_PACKAGE] = module
        try:
            spec.loader.exec_module(module)
            yield
        finally:
            for name in [name for name in sys.modules if name.split(".")[0] == _PACKAGE]:
                del sys.modules[name]


def part(name: str) -> ModuleType:
    """One of the extension's modules inside `exporter`, such as `export.shot`."""
    return importlib.import_module(f"{_PACKAGE}.{name}")


def export(shot: GalleryShot, *, fine: bool) -> bytes:
    """The open scene of a shot as a package: strokes only, with all controls of the shot.

    Of a `fine` scene the judged frames are kept, and nothing that guides.
    """
    settings, blobs = part("scene.settings"), part("shared.blobs").MemoryBlobs()
    chosen = settings.ShotSettings(
        start=shot.start, end=shot.end, exposure=shot.exposure, quality=settings.Quality.FAST
    )
    layers = [_layer_settings(layer, fine=fine) for layer in shot.layers]
    request = part("export.shot").export_shot(bpy.context, chosen, layers, blobs)
    if fine:
        request = _judged_only(request, shot)
    return _packed(part("shared.package").pack(request, blobs))


def _judged_only(request: msgspec.Struct, shot: GalleryShot) -> msgspec.Struct:
    """Without the drawings of frames that nobody compares; held ones keep theirs."""
    replace = msgspec.structs.replace
    layers = tuple(
        replace(layer, keys=_judged_keys(layer.keys, shot) if len(layer.keys) > 1 else layer.keys)
        for layer in request.layers  # pyright: ignore[reportAttributeAccessIssue]
    )
    return replace(request, layers=layers)


def _judged_keys(keys: Sequence[Any], shot: GalleryShot) -> tuple[Any, ...]:
    """The keys in effect at the judged frames; equal neighbours were joined by the exporter."""
    seen = {max((k.frame for k in keys if k.frame <= frame), default=None) for frame in shot.judged}
    return tuple(key for key in keys if key.frame in seen)


def _layer_settings(layer: GalleryLayer, *, fine: bool) -> object:
    settings, role = part("scene.settings"), part("shared.shot").Role
    kinds, source = settings.TrajectoryKind, settings.TrajectorySource(settings.TrajectoryKind.NONE)
    item = BACKDROP if layer.background else DRAWINGS
    if layer.background or len(layer.keys) == 1:
        kind = role.BACKGROUND if layer.background else role.HOLD
        return settings.LayerSettings(item, layer.name, kind, trajectory=source)
    if layer.path is not None and not fine:
        source = settings.TrajectorySource(kinds.TARGET, path_name(layer))
    guide = settings.LayerId(DRAWINGS, rough_name(layer)) if layer.rough and not fine else None
    return settings.LayerSettings(item, layer.name, role.ANIMATE, sketch=guide, trajectory=source)


def _packed(package: bytes) -> bytes:
    """The same package compressed; the bytes depend on the package alone."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(package)) as source,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target,
    ):
        for name in source.namelist():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system, info.compress_type = 3, zipfile.ZIP_DEFLATED
            target.writestr(info, source.read(name))
    return buffer.getvalue()


def draw_shot(shot: GalleryShot, out: Path, blends: Path | None = None) -> tuple[int, int]:
    """Write both packages of one shot; returns their sizes in bytes."""
    sizes: list[int] = []
    for fine, name in ((False, shot.name), (True, f"{shot.name}-truth")):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        build_scene(shot, fine=fine)
        data = export(shot, fine=fine)
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{name}.zip").write_bytes(data)
        sizes.append(len(data))
        if blends is not None:
            blends.mkdir(parents=True, exist_ok=True)
            bpy.ops.wm.save_as_mainfile(filepath=str(blends.resolve() / f"{name}.blend"))
    return sizes[0], sizes[1]


def main() -> int:
    """Draw the named shots, or all."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--out", type=Path, default=SHOTS)
    parser.add_argument("--blends", type=Path)
    options = parser.parse_args()
    known = {shot.name: shot for shot in all_shots()}
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"no shot called {unknown[0]}; there are {', '.join(known)}")
    with exporter():
        for name in options.names or known:
            given, truth = draw_shot(known[name], options.out, options.blends)
            sys.stdout.write(f"{name}: {given / 1024:.0f} KiB, truth {truth / 1024:.0f} KiB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
