"""Takes come into a scene in four ways, exactly, in one undo step, and touch nothing else."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("bpy")

import bpy

from tests.blender.addon.conftest import Part, TakeMaker
from tests.blender.addon.inventory import (
    furnish_scene,
    inventory,
    whole_inventory,
)
from tests.blender.addon.renders import render_frame

pytestmark = pytest.mark.blender

START = 3
Pictures = dict[str, list[np.ndarray]]


def _composite(pictures: Pictures, index: int) -> np.ndarray:
    """The expected picture: the second layer is either clear or opaque."""
    below, above = (frames[index] for frames in pictures.values())
    return np.where(above[..., 3:] == 255, above, below)


@pytest.mark.parametrize("placement", ["compositor", "sequencer"])
def test_an_untouched_picture_comes_back_bit_equal(
    saved_file: Path, pictures: Pictures, make_take: TakeMaker, tmp_path: Path, placement: str
) -> None:
    make_take(pictures, start=START)
    bpy.ops.acetate.take_apply(placement=placement)
    for index in (0, 2, 5):
        rendered = render_frame(START + index, tmp_path / f"out{index}.png")
        np.testing.assert_array_equal(rendered, _composite(pictures, index))


def test_the_compositor_shows_the_artists_own_picture_outside_the_take(
    saved_file: Path, pictures: Pictures, make_take: TakeMaker, tmp_path: Path
) -> None:
    before = render_frame(START - 1, tmp_path / "before.png")
    make_take(pictures, start=START)
    bpy.ops.acetate.take_apply(placement="compositor")
    for frame in (START - 1, START + 6):
        np.testing.assert_array_equal(render_frame(frame, tmp_path / "after.png"), before)


def test_a_second_take_for_another_gap_leaves_the_first_in_place(
    saved_file: Path, pictures: Pictures, make_take: TakeMaker, tmp_path: Path
) -> None:
    make_take(pictures, start=START)
    bpy.ops.acetate.take_apply(placement="compositor")
    later = {name: frames[::-1] for name, frames in pictures.items()}
    make_take(later, start=START + 6)
    bpy.ops.acetate.take_apply(placement="compositor")
    for frame, source, index in ((START, pictures, 0), (START + 6, later, 0)):
        rendered = render_frame(frame, tmp_path / "out.png")
        np.testing.assert_array_equal(rendered, _composite(source, index))


@pytest.mark.parametrize("placement", ["planes", "empties", "compositor", "sequencer"])
def test_placing_a_take_alters_nothing_of_the_artists(
    saved_file: Path, pictures: Pictures, make_take: TakeMaker, placement: str
) -> None:
    furnish_scene()
    make_take(pictures, start=START)
    before = inventory()
    bpy.ops.acetate.take_apply(placement=placement)
    after = inventory()
    assert len(after) > len(before) or placement == "sequencer"
    assert {name: after.get(name) for name in before} == before


@pytest.mark.parametrize("placement", ["planes", "empties", "compositor", "sequencer"])
def test_one_undo_removes_the_take_and_redo_brings_it_back(
    saved_file: Path, pictures: Pictures, make_take: TakeMaker, placement: str
) -> None:
    furnish_scene()
    make_take(pictures, start=START)
    bpy.ops.ed.undo_push(message="before")
    before = whole_inventory()
    bpy.ops.acetate.take_apply("EXEC_DEFAULT", True, placement=placement)
    placed = whole_inventory()
    assert placed != before
    bpy.ops.ed.undo()
    assert whole_inventory() == before
    bpy.ops.ed.redo()
    assert whole_inventory() == placed


def test_planes_and_empties_fill_the_camera_in_order_and_only_inside_the_take(
    saved_file: Path, pictures: Pictures, make_take: TakeMaker
) -> None:
    take = make_take(pictures, start=START)
    bpy.ops.acetate.take_apply(placement="planes")
    collection = bpy.data.collections[take.title]
    assert all(thing.hide_viewport for thing in collection.objects)  # the playhead is before it
    planes = sorted(collection.objects, key=lambda thing: thing.data.vertices[0].co.z)
    assert [plane["acetate_layer"] for plane in planes] == list(pictures)
    scene = bpy.context.scene
    corners = [corner.normalized() for corner in scene.camera.data.view_frame(scene=scene)]
    for plane in planes:
        assert plane.parent == scene.camera
        found = [vertex.co.normalized() for vertex in plane.data.vertices]
        assert all(min((corner - one).length for one in found) < 1e-5 for corner in corners)
    shown = []
    for frame in (START - 1, START, START + 5, START + 6):
        scene.frame_set(frame)
        shown.append(not planes[0].hide_render)
    assert shown == [False, True, True, False]


def test_a_plane_shows_the_pictures_exact_colours(
    saved_file: Path, pictures: Pictures, make_take: TakeMaker, tmp_path: Path
) -> None:
    flat = np.zeros((80, 128, 4), np.uint8)
    flat[:, :64], flat[:, 64:] = (200, 40, 90, 255), (10, 250, 128, 255)
    make_take({"flat": [flat] * 2}, start=1)
    bpy.ops.acetate.take_apply(placement="planes")
    scene = bpy.context.scene
    scene.frame_set(1)
    plane = next(thing for thing in scene.objects if thing.get("acetate_layer") == "flat")
    texture = next(
        node for node in plane.active_material.node_tree.nodes if node.type == "TEX_IMAGE"
    )
    assert texture.image.colorspace_settings.name == "sRGB"
    assert texture.image.alpha_mode == "STRAIGHT"
    assert texture.image.filepath.startswith("//")
    user = texture.image_user
    assert (user.frame_start, user.frame_duration, user.frame_offset) == (1, 2, 0)


def test_a_later_take_lies_in_front_of_earlier_ones_and_inside_the_cameras_view(
    saved_file: Path, pictures: Pictures, make_take: TakeMaker
) -> None:
    depths: list[list[float]] = []
    for placement in ("planes", "empties") * 12:
        before = set(bpy.context.scene.objects)
        make_take({name: frames[:1] for name, frames in pictures.items()})
        bpy.ops.acetate.take_apply(placement=placement)
        made = sorted(set(bpy.context.scene.objects) - before, key=lambda one: one.name)
        depths.append([_depth(thing) for thing in made])
    clip = bpy.context.scene.camera.data.clip_start
    for earlier, later in itertools.pairwise(depths):
        assert len(later) == len(pictures)
        assert max(later) < min(earlier)
        assert min(later) > clip


def _depth(thing: bpy.types.Object) -> float:
    return -thing.location.z if thing.type == "EMPTY" else -thing.data.vertices[0].co.z


@pytest.mark.skipif(bpy.app.version >= (5, 0, 0), reason="5.0 has no switch for the whole tree")
def test_a_tree_that_was_switched_off_stays_out_of_the_picture(
    saved_file: Path, pictures: Pictures, make_take: TakeMaker, tmp_path: Path
) -> None:
    scene = bpy.context.scene
    scene.use_nodes = True
    tint = scene.node_tree.nodes.new("CompositorNodeRGB")
    tint.outputs[0].default_value = (1.0, 0.0, 0.0, 1.0)
    output = next(one for one in scene.node_tree.nodes if one.type == "COMPOSITE")
    scene.node_tree.links.new(tint.outputs[0], output.inputs[0])
    scene.use_nodes = False
    before = render_frame(START - 1, tmp_path / "before.png")
    make_take(pictures, start=START)
    bpy.ops.acetate.take_apply(placement="compositor")
    np.testing.assert_array_equal(render_frame(START - 1, tmp_path / "after.png"), before)
    inside = render_frame(START, tmp_path / "inside.png")
    np.testing.assert_array_equal(inside, _composite(pictures, 0))


@pytest.mark.skipif(bpy.app.version < (5, 0, 0), reason="before 5.0 each scene has its own tree")
def test_a_compositing_group_that_another_scene_uses_is_left_to_it(
    saved_file: Path, pictures: Pictures, make_take: TakeMaker
) -> None:
    furnish_scene()
    scene = bpy.context.scene
    group, other = scene.compositing_node_group, bpy.data.scenes.new("Other")
    other.compositing_node_group = group
    nodes = len(group.nodes)
    make_take(pictures, start=START)
    bpy.ops.acetate.take_apply(placement="compositor")
    assert other.compositing_node_group == group
    assert len(group.nodes) == nodes
    assert scene.compositing_node_group != group
    assert len(scene.compositing_node_group.nodes) > nodes
    other.compositing_node_group = None
    count = len(bpy.data.node_groups)
    bpy.ops.acetate.take_apply(placement="compositor")
    assert len(bpy.data.node_groups) == count  # its own group is used as it is


def test_other_view_transforms_give_a_warning_and_stay(
    saved_file: Path, pictures: Pictures, make_take: TakeMaker, part: Part
) -> None:
    take = make_take(pictures)
    scene = bpy.context.scene
    scene.view_settings.view_transform = "AgX"
    bpy.ops.acetate.take_apply(placement="compositor")
    assert scene.view_settings.view_transform == "AgX"
    assert any("AgX" in text for text in part("takes.place").warnings_for(scene, take))


def test_a_take_with_a_missing_file_is_refused_before_anything_is_made(
    saved_file: Path, pictures: Pictures, make_take: TakeMaker
) -> None:
    take = make_take(pictures)
    (take.folder / "layers" / "paper" / f"{START + 1:04d}.png").unlink()
    before = whole_inventory()
    with pytest.raises(RuntimeError, match="E502"):
        bpy.ops.acetate.take_apply(placement="planes")
    assert whole_inventory() == before
