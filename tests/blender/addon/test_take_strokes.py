"""A take comes back as editable strokes: the same lines, colours and frames as its pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("bpy")

import bpy

from tests.blender.addon.conftest import Part, TakeMaker
from tests.blender.addon.inventory import inventory
from tests.blender.addon.scenes import FIRST, LAST, draw_scene
from tests.blender.addon.server import RunningServer

pytestmark = pytest.mark.blender


@pytest.mark.parametrize("lens", ["ORTHO", "PERSP"])
def test_strokes_of_a_take_are_exported_again_as_they_came(
    saved_file: Path, server: RunningServer, part: Part, lens: str
) -> None:
    draw_scene()
    scene = bpy.context.scene
    scene.camera.data.type, scene.acetate.engine = lens, "layer-motion"
    part("runtime").session().dismiss()
    bpy.ops.acetate.generate(timeout_s=120)
    take = part("takes.library").read_take(
        Path(bpy.path.abspath(scene.acetate.take_list[0].folder))
    )
    before, known = inventory(), set(bpy.data.objects)
    assert bpy.ops.acetate.take_strokes() == {"FINISHED"}
    after = inventory()
    assert {name: after.get(name) for name in before if "scenes/" not in name} == {
        name: value for name, value in before.items() if "scenes/" not in name
    }
    (thing,) = set(bpy.data.objects) - known
    (layer,) = thing.data.layers  # the held background stays what it is
    assert layer.name == "figure"
    assert [key.frame_number for key in layer.frames] == list(range(FIRST, LAST + 1))
    for frame in (FIRST, 4, LAST):
        _assert_same_strokes(part, thing, take.stroke_files("figure")[frame - FIRST], frame)


def _assert_same_strokes(part: Part, thing: bpy.types.Object, file: Path, frame: int) -> None:
    wanted = part("shared.strokes").drawing_from_bytes(file.read_bytes())
    bpy.context.scene.frame_set(frame)
    depsgraph = bpy.context.evaluated_depsgraph_get()
    view = part("scene.camera").camera_view(bpy.context.scene, depsgraph)
    reading = part("scene.strokes").read_layer(thing, "figure", depsgraph, frame)
    found = part("export.drawing").to_drawing(reading, view)
    for name in ("points", "radius"):
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), atol=0.02)
    for name in ("stroke_colour", "fill_colour", "point_colour", "opacity"):
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), atol=2e-3)
    for name in ("offsets", "cyclic", "holdout", "round_caps"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))


def test_a_take_of_pixels_says_that_it_has_no_strokes(
    saved_file: Path, pictures: dict[str, list[np.ndarray]], make_take: TakeMaker
) -> None:
    make_take(pictures)
    count = len(bpy.data.objects)
    with pytest.raises(RuntimeError, match="E507 Take 001 is made of pixels"):
        bpy.ops.acetate.take_strokes()
    assert len(bpy.data.objects) == count
