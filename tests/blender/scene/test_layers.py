"""Scanning a scene: every layer is listed once, under its own name, as the artist left it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import pytest

from tests.blender import drawings
from tests.blender.conftest import Staged
from tests.blender.drawings import disc, draw, grease_pencil, image_empty, line

if TYPE_CHECKING:
    from blender_addon.scene.layers import SceneLayer

pytestmark = pytest.mark.blender


@pytest.fixture
def scene() -> bpy.types.Scene:
    """An empty scene with a camera."""
    return drawings.new_scene()


def _scan(staged: Staged, scene: bpy.types.Scene) -> dict[str, SceneLayer]:
    return {layer.name: layer for layer in staged("scene.layers").scan(scene)}


def test_an_empty_scene_has_no_layers(staged: Staged, scene: bpy.types.Scene) -> None:
    assert staged("scene.layers").scan(scene) == ()


def test_equal_layer_names_in_two_objects_get_the_objects_name(
    staged: Staged, scene: bpy.types.Scene
) -> None:
    for name in ("Fox", "Owl"):
        item = grease_pencil(name)
        draw(item, "Lines", 1, [line((10, 10), (50, 50))])
        draw(item, f"{name} fill", 1, [disc((50, 50), 10)])
    assert set(_scan(staged, scene)) == {"Fox/Lines", "Owl/Lines", "Fox fill", "Owl fill"}


def test_a_made_up_name_never_meets_a_real_one(staged: Staged, scene: bpy.types.Scene) -> None:
    for name, layer in (("A", "B"), ("C", "B"), ("D", "A/B")):
        draw(grease_pencil(name), layer, 1, [line((10, 10), (50, 50))])
    names = [layer.name for layer in staged("scene.layers").scan(scene)]
    assert len(set(names)) == 3
    assert "A/B" in names


def test_names_with_spaces_umlauts_and_slashes_survive(
    staged: Staged, scene: bpy.types.Scene
) -> None:
    item = grease_pencil("Bär")
    for name in ("linker Arm", "Füße/rechts", "眼"):
        draw(item, name, 1, [line((10, 10), (50, 50))])
    assert set(_scan(staged, scene)) == {"linker Arm", "Füße/rechts", "眼"}


def test_a_hidden_group_hides_its_layers_and_a_locked_one_holds_them(
    staged: Staged, scene: bpy.types.Scene
) -> None:
    item = grease_pencil("Fox")
    for name in ("seen", "inside", "deep"):
        for frame in (1, 5):
            draw(item, name, frame, [line((10, 10), (50, 50))])
    outer = item.data.layer_groups.new("outer")
    inner = item.data.layer_groups.new("inner", parent_group=outer)
    item.data.layers.move_to_layer_group(item.data.layers["inside"], outer)
    item.data.layers.move_to_layer_group(item.data.layers["deep"], inner)
    outer.hide, inner.lock = True, True
    found = _scan(staged, scene)
    assert not found["seen"].hidden
    assert found["inside"].hidden
    assert found["inside"].group == "outer"
    assert found["inside"].suggested_role.value == "ignore"
    assert found["inside"].problems[0].name == "hidden"
    assert found["deep"].locked
    assert found["deep"].group == "outer/inner"
    assert found["seen"].suggested_role.value == "animate"


def test_a_locked_layer_and_a_single_drawing_are_held(
    staged: Staged, scene: bpy.types.Scene
) -> None:
    item = grease_pencil("Fox")
    for frame in (1, 5):
        draw(item, "locked", frame, [line((10, 10), (50, 50))]).lock = True
    draw(item, "single", 1, [line((10, 10), (50, 50))])
    found = _scan(staged, scene)
    assert found["locked"].suggested_role.value == "hold"
    assert found["single"].suggested_role.value == "hold"


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("BG sky", "background"),
        ("Background.001", "background"),
        ("tail rough", "guide"),
        ("Sketch", "guide"),
        ("bgcolor", "animate"),
    ],
)
def test_names_tell_roles(staged: Staged, scene: bpy.types.Scene, name: str, role: str) -> None:
    item = grease_pencil("Fox")
    for frame in (1, 5):
        draw(item, name, frame, [line((10, 10), (50, 50))])
    assert _scan(staged, scene)[name].suggested_role.value == role


def test_keys_and_empty_keys_are_told_apart(staged: Staged, scene: bpy.types.Scene) -> None:
    item = grease_pencil("Fox")
    draw(item, "arm", 9, [line((10, 10), (50, 50))])
    draw(item, "arm", 1, [line((10, 10), (50, 50))])
    draw(item, "arm", 5, [])
    found = _scan(staged, scene)["arm"]
    assert found.keys == (1, 5, 9)
    assert found.empty_keys == (5,)
    assert found.problems[0].name == "empty_key"


def test_the_farthest_object_is_lowest(staged: Staged, scene: bpy.types.Scene) -> None:
    for name, depth in (("near", -2.0), ("far", 3.0), ("middle", 0.0)):
        item = grease_pencil(name, depth=depth)
        for part in ("below", "above"):
            draw(item, f"{name} {part}", 1, [disc((50, 50), 10)])
    bpy.context.view_layer.update()
    found = staged("scene.layers").scan(scene)
    assert [layer.name for layer in found] == [
        "far below",
        "far above",
        "middle below",
        "middle above",
        "near below",
        "near above",
    ]
    assert [layer.order for layer in found] == list(range(6))


def test_objects_that_do_not_render_are_hidden(staged: Staged, scene: bpy.types.Scene) -> None:
    item = grease_pencil("Fox")
    draw(item, "arm", 1, [disc((50, 50), 10)])
    item.hide_render = True
    assert _scan(staged, scene)["arm"].hidden


def test_an_animated_object_moves_and_a_still_one_does_not(
    staged: Staged, scene: bpy.types.Scene
) -> None:
    for name in ("still", "flying", "carried"):
        draw(grease_pencil(name), name, 1, [disc((50, 50), 10)])
    flying = bpy.data.objects["flying"]
    for frame in (1, 8):
        flying.location.x = frame * 0.1
        flying.keyframe_insert("location", frame=frame)
    bpy.data.objects["carried"].parent = flying
    found = _scan(staged, scene)
    assert [found[name].moves for name in ("still", "flying", "carried")] == [False, True, True]
    assert found["flying"].suggested_role.value == "animate"


def test_an_image_empty_is_a_layer_and_a_placed_take_is_not(
    staged: Staged, scene: bpy.types.Scene
) -> None:
    for name in ("plate", "Take 001"):
        image_empty(name, bpy.data.images.new(name, 16, 16))
    bpy.data.objects["Take 001"]["acetate_take"] = "1"
    found = staged("scene.layers").scan(scene)
    assert [(layer.name, layer.kind.value) for layer in found] == [("plate", "image_plane")]


def test_a_missing_picture_is_named_as_a_problem(staged: Staged, scene: bpy.types.Scene) -> None:
    image = bpy.data.images.new("lost", 16, 16)
    image.source = "FILE"
    image.filepath = "//nowhere/lost.png"
    image_empty("plate", image)
    found = _scan(staged, scene)["plate"]
    assert found.problems[0].name == "bad_picture"
    assert found.suggested_role.value == "ignore"
