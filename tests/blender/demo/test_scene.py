"""The demo scene holds what the demo promises, in every supported Blender."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from examples.demo import scene as demo
from training.gallery.easel import linear, to_world

pytestmark = pytest.mark.blender


@pytest.fixture
def built() -> bpy.types.Scene:
    """The demo scene in an otherwise empty file."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    demo.build_scene(width=128, height=80)
    return bpy.context.scene


def _keys(name: str, layer: str) -> list[int]:
    return [key.frame_number for key in bpy.data.objects[name].data.layers[layer].frames]


def test_layers_have_keys_at_both_ends_and_the_guide_in_between(built: bpy.types.Scene) -> None:
    assert _keys(demo.SET, demo.BACKGROUND) == [1]
    for layer in (demo.TAIL, demo.FOX, demo.BALL):
        assert _keys(demo.CHARACTER, layer) == [1, 17]
    assert _keys(demo.CHARACTER, demo.ROUGH) == [1, 5, 9, 13, 17]
    assert (built.frame_start, built.frame_end) == (1, 17)


def test_the_ball_path_leads_from_key_to_key(built: bpy.types.Scene) -> None:
    path = bpy.data.objects[demo.BALL_PATH]
    for frame in (1, 17):
        built.frame_set(frame)
        wanted = to_world(np.array([demo.ball_art.centre(frame)]), (demo.WIDTH, demo.HEIGHT))[0]
        assert np.allclose(path.matrix_world.translation, wanted, atol=1e-5)


def test_colours_do_not_change_on_their_way_to_the_screen(built: bpy.types.Scene) -> None:
    assert built.view_settings.view_transform == "Standard"
    assert linear("#ffffff80") == (1.0, 1.0, 1.0, 128 / 255)


def test_the_scene_renders_as_a_full_picture(built: bpy.types.Scene, tmp_path: Path) -> None:
    built.render.filepath = str(tmp_path / "frame.png")
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(tmp_path / "frame.png"))
    pixels = np.array(image.pixels[:]).reshape(80, 128, 4)
    assert pixels[..., 3].min() == 1.0
    assert pixels[70, 5:60, :3].std() > 0.01


def test_building_twice_gives_the_same_scene(built: bpy.types.Scene) -> None:
    demo.build_scene(width=128, height=80)
    assert sorted(item.name for item in bpy.data.objects) == sorted(
        [demo.SET, demo.CHARACTER, demo.BALL_PATH, "Camera"]
    )
