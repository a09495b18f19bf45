"""Takes come into a scene in four ways, exactly, in one undo step, and touch nothing else."""

from __future__ import annotations

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
