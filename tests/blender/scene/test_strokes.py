"""Evaluated strokes hold modifiers, parents and animation, and reading them moves nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest

from tests.blender import drawings
from tests.blender.conftest import Staged
from tests.blender.drawings import Ink, disc, draw, grease_pencil, line

if TYPE_CHECKING:
    from blender_addon.scene.strokes import LayerReading

pytestmark = pytest.mark.blender


def _read(staged: Staged, item: bpy.types.Object, layer: str, frame: int = 1) -> LayerReading:
    scene, name = bpy.context.scene, bpy.context.view_layer.name
    with staged("scene.moments").scene_at(scene, name, frame) as moment:
        return staged("scene.strokes").read_layer(item, layer, moment.depsgraph, frame)


@pytest.fixture
def item() -> bpy.types.Object:
    """A Grease Pencil object in a fresh scene."""
    drawings.new_scene()
    return grease_pencil("Fox")


def test_modifiers_are_applied(staged: Staged, item: bpy.types.Object) -> None:
    draw(item, "arm", 1, [line((10, 10), (50, 50))])
    assert _read(staged, item, "arm").point_count == 2
    item.modifiers.new("more", "GREASE_PENCIL_SUBDIV").level = 2
    assert _read(staged, item, "arm").point_count > 4


def test_missing_attributes_have_blenders_defaults(staged: Staged, item: bpy.types.Object) -> None:
    layer = item.data.layers.new("arm")
    layer.frames.new(1).drawing.add_strokes([3])
    reading = _read(staged, item, "arm")
    assert reading.values("opacity", "POINT", np.float32(1.0)).tolist() == [1.0, 1.0, 1.0]
    assert reading.values("cyclic", "CURVE", np.bool_(False)).tolist() == [False]


def test_a_held_drawing_is_read_between_keys_and_nothing_before_the_first(
    staged: Staged, item: bpy.types.Object
) -> None:
    draw(item, "arm", 3, [line((10, 10), (50, 50))])
    assert _read(staged, item, "arm", 1) is None
    assert _read(staged, item, "arm", 7).stroke_count == 1


def test_hidden_layers_and_objects_can_still_be_read(
    staged: Staged, item: bpy.types.Object
) -> None:
    draw(item, "rough", 1, [line((10, 10), (50, 50))]).hide = True
    item.hide_set(True)
    assert _read(staged, item, "rough").stroke_count == 1
    item.hide_viewport = True
    assert _read(staged, item, "rough").stroke_count == 1
    assert item.hide_get()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_points_that_are_not_finite_are_e111(
    staged: Staged, item: bpy.types.Object, bad: float
) -> None:
    points = np.array([[10.0, 10.0], [20.0, 20.0], [30.0, 10.0]])
    draw(item, "arm", 1, [Ink(points)])
    item.data.layers["arm"].frames[0].drawing.strokes[0].points[1].position = (bad, 0.0, 0.0)
    with pytest.raises(staged("shared.errors").AcetateError, match="E111") as caught:
        _read(staged, item, "arm")
    assert "Fox/arm" in caught.value.text


def test_an_unknown_layer_is_e116(staged: Staged, item: bpy.types.Object) -> None:
    with pytest.raises(staged("shared.errors").AcetateError, match="E116"):
        _read(staged, item, "leg")


def test_looking_at_another_frame_leaves_playhead_and_values_alone(
    staged: Staged, item: bpy.types.Object
) -> None:
    draw(item, "ball", 1, [disc((50, 50), 10)])
    for frame, x in ((1, 0.0), (5, 1.0)):
        item.location.x = x
        item.keyframe_insert("location", frame=frame)
    scene = bpy.context.scene
    scene.frame_set(1)
    before = [tuple(row) for row in item.matrix_world]
    reading = _read(staged, item, "ball", 5)
    assert reading.object_to_world[0, 3] == pytest.approx(1.0)
    assert scene.frame_current == 1
    assert item.location.x == 0.0
    assert [tuple(row) for row in item.matrix_world] == before
    assert list(bpy.data.scenes) == [scene]


def test_a_bone_carries_a_layer(staged: Staged, item: bpy.types.Object) -> None:
    layer = draw(item, "arm", 1, [line((10, 10), (50, 50))])
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    bone = rig.data.edit_bones.new("hand")
    bone.head, bone.tail = (0, 0, 0), (0, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.update()
    still = _read(staged, item, "arm").layer_to_object
    layer.parent, layer.parent_bone = rig, "hand"
    rig.pose.bones["hand"].location = (0.5, 0.0, 0.0)
    bpy.context.view_layer.update()
    moved = _read(staged, item, "arm").layer_to_object
    assert np.abs(moved - still).max() == pytest.approx(0.5, abs=1e-5)


def test_where_strokes_name_their_fill_the_material_decides_nothing(
    staged: Staged, item: bpy.types.Object
) -> None:
    draw(item, "art", 1, [disc((80, 50), 20), line((10, 10), (50, 50))])
    before = _read(staged, item, "art")
    if not before.has_fill_ids:
        assert before.filled().tolist() == [True, False]
        assert before.lined().tolist() == [False, True]
    attribute = staged("scene.strokes").Attribute
    named = replace(
        before,
        has_fill_ids=True,
        attributes={
            **before.attributes,
            "fill_id": attribute("CURVE", "INT", np.array([0, 7], np.int32)),
            "hide_stroke": attribute("CURVE", "BOOLEAN", np.array([False, True])),
        },
    )
    assert named.filled().tolist() == [False, True]
    assert named.lined().tolist() == [True, False]


def test_several_outlines_of_one_fill_cannot_be_told_by_strokes_alone(
    staged: Staged, item: bpy.types.Object
) -> None:
    draw(item, "art", 1, [disc((80, 50), 20), disc((80, 50), 10)])
    reading = _read(staged, item, "art")
    representable = staged("export.drawing").is_representable
    for ids, expected in (([1, 2], True), ([3, 3], False)):
        numbers = staged("scene.strokes").Attribute("CURVE", "INT", np.array(ids, np.int32))
        attributes = {**reading.attributes, "fill_id": numbers}
        named = replace(reading, has_fill_ids=True, attributes=attributes)
        assert representable(named) is expected
