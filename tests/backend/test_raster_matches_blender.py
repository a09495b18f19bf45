"""The rasteriser's pictures against Blender's own, by way of the real export command."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from backend.cli.export import export_scene
from backend.raster import draw
from shared.blobs import MemoryBlobs
from shared.package import read_package
from shared.pictures import Picture, decode_png
from shared.shot import ShotRequest
from shared.strokes import drawing_from_bytes

ROOT = Path(__file__).resolve().parents[2]
BLENDERS = sorted((ROOT / ".venvs").glob("blender-*/bin/python"))
FILLS = ("sky", "ring", "figure", "figure tinted", "glow")


@pytest.fixture(scope="module", params=BLENDERS, ids=lambda path: path.parents[1].name)
def package(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[ShotRequest, MemoryBlobs]:
    """The reference scene exported exactly by one Blender."""
    folder = tmp_path_factory.mktemp("reference")
    file = folder / "Füchse und Bälle.blend"
    subprocess.run(
        [str(request.param), "-m", "tests.blender.export.reference_scene", str(file)],
        cwd=ROOT,
        env={**os.environ, "BLENDER_USER_RESOURCES": str(folder)},
        check=True,
        capture_output=True,
    )
    export_scene(file, folder / "shot", quality="exact", blender=request.param)
    return read_package(folder / "shot")


def _pair(package: tuple[ShotRequest, MemoryBlobs], name: str) -> tuple[np.ndarray, np.ndarray]:
    """The rasteriser's and Blender's picture of a layer: two uint8 [320, 512, 4]."""
    shot, blobs = package
    key = next(layer for layer in shot.layers if layer.name == name).keys[0]
    assert key.picture is not None
    assert key.strokes is not None
    own = Picture(decode_png(blobs.get(key.picture.blob)), key.picture.x, key.picture.y)
    drawing = drawing_from_bytes(blobs.get(key.strokes.blob))
    ours = draw(drawing, width=shot.width, height=shot.height)
    size = (shot.width, shot.height)
    return ours.on_canvas(*size), own.on_canvas(*size)


def _overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of where the alpha is at least half of its largest value."""
    a, b = (image[..., 3] > image[..., 3].max() / 2 for image in (first, second))
    return float((a & b).sum() / (a | b).sum())


@pytest.mark.parametrize("name", FILLS)
def test_fills_cover_what_blender_covers(
    package: tuple[ShotRequest, MemoryBlobs], name: str
) -> None:
    assert _overlap(*_pair(package, name)) >= 0.98


def test_thin_lines_cover_what_blender_covers(package: tuple[ShotRequest, MemoryBlobs]) -> None:
    ours, own = _pair(package, "thin lines")
    assert _overlap(ours, own) >= 0.88
    ink = [float(image[..., 3].sum()) for image in (ours, own)]
    assert ink[0] == pytest.approx(ink[1], rel=0.02)


@pytest.mark.parametrize("name", FILLS)
def test_colours_are_blenders(package: tuple[ShotRequest, MemoryBlobs], name: str) -> None:
    ours, own = _pair(package, name)
    solid = (ours[..., 3] == own[..., 3]) & (own[..., 3] > 64)
    difference = np.abs(ours[solid][:, :3].astype(int) - own[solid][:, :3])
    assert solid.sum() > 1000
    assert np.median(difference) <= 1
    assert difference.mean() < 3
