"""A layer of five thousand strokes goes through the exporter whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest

from tests.blender import drawings
from tests.blender.conftest import Staged

if TYPE_CHECKING:
    from shared.blobs import MemoryBlobs
    from shared.shot import Layer

pytestmark = pytest.mark.blender
STROKES, POINTS = 5000, 5


@pytest.mark.parametrize("quality", ["fast", "exact"])
def test_five_thousand_strokes_are_sent_with_their_points(staged: Staged, quality: str) -> None:
    drawings.new_scene()
    item = drawings.grease_pencil("Fur")
    places = {frame: _draw_hairs(item, frame) for frame in (1, 5)}
    layer, blobs = _exported(staged, quality)
    assert [key.frame for key in layer.keys] == [1, 5]
    for key in layer.keys:
        assert (key.picture is not None) == (quality == "exact")
        assert key.strokes is not None
        drawing = staged("shared.strokes").drawing_from_bytes(blobs.get(key.strokes.blob))
        assert drawing.stroke_count == STROKES
        np.testing.assert_allclose(drawing.points, places[key.frame], atol=1e-3)


def _draw_hairs(item: bpy.types.Object, frame: int) -> np.ndarray:
    """Short random strokes on the layer `hairs`; returns their points in camera pixels."""
    chance = np.random.default_rng(7)
    roots = chance.uniform((8, 8), (drawings.WIDTH - 24, drawings.HEIGHT - 8), (STROKES, 1, 2))
    ways = chance.uniform(-6, 6, (STROKES, 1, 2)) * np.linspace(0, 1, POINTS)[:, None]
    points = (roots + ways + np.array([frame, 0])).reshape(-1, 2)
    layer = item.data.layers.get("hairs") or item.data.layers.new("hairs")
    drawing = layer.frames.new(frame).drawing
    drawing.add_strokes([POINTS] * STROKES)
    world = drawings.to_world(points).astype(np.float32)
    drawing.attributes["position"].data.foreach_set("vector", world.ravel())
    drawing.tag_positions_changed()
    return points


def _exported(staged: Staged, quality: str) -> tuple[Layer, MemoryBlobs]:
    """The layer `hairs` of a request, and the blobs that it names."""
    settings, roles = staged("scene.settings"), staged("shared.shot").Role
    blobs = staged("shared.blobs").MemoryBlobs()
    shot = settings.ShotSettings(1, 5, quality=settings.Quality(quality))
    layers = [settings.LayerSettings("Fur", "hairs", roles.ANIMATE)]
    request = staged("export.shot").export_shot(bpy.context, shot, layers, blobs)
    return request.layers[0], blobs
