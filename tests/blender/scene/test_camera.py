"""World points land on the same pixels as in Blender's own projection, whatever the camera."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from mathutils import Vector

from tests.blender import drawings
from tests.blender.conftest import Staged

object_utils = pytest.importorskip("bpy_extras.object_utils")

pytestmark = pytest.mark.blender


@pytest.mark.parametrize("kind", ["ORTHO", "PERSP"])
@pytest.mark.parametrize("fit", ["AUTO", "HORIZONTAL", "VERTICAL"])
def test_projection_matches_blenders(staged: Staged, kind: str, fit: str) -> None:
    scene = drawings.new_scene(width=160, height=200)
    camera, lens = scene.camera, scene.camera.data
    lens.type, lens.sensor_fit, lens.shift_x, lens.shift_y = kind, fit, 0.1, -0.2
    camera.rotation_euler = (1.4, 0.2, 0.1)
    camera.scale = (2.0, 2.0, 2.0)
    scene.render.pixel_aspect_x = 1.5
    bpy.context.view_layer.update()
    points = np.random.default_rng(1).uniform(-1, 1, (20, 3))
    view = staged("scene.camera").camera_view(scene, bpy.context.evaluated_depsgraph_get())
    pixels, _ = view.project(points)
    for point, pixel in zip(points, pixels, strict=True):
        expected = object_utils.world_to_camera_view(scene, camera, Vector(point))
        assert pixel[0] == pytest.approx(expected.x * 160, abs=2e-3)
        assert pixel[1] == pytest.approx((1 - expected.y) * 200, abs=2e-3)


def test_no_camera_is_e106(staged: Staged) -> None:
    scene = drawings.new_scene()
    scene.camera = None
    with pytest.raises(staged("shared.errors").AcetateError, match="E106"):
        staged("scene.camera").camera_view(scene, bpy.context.evaluated_depsgraph_get())
