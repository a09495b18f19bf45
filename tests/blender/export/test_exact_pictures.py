"""A key's picture is what Blender itself renders of the layer, whatever the layer's settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest

from tests.blender import drawings
from tests.blender.conftest import Staged
from tests.blender.drawings import HEIGHT, PIXEL, WIDTH, Ink, disc, draw, grease_pencil, line
from tests.blender.pictures import on_camera, rendered

if TYPE_CHECKING:
    from blender_addon.scene.settings import LayerSettings
    from shared.blobs import Blobs
    from shared.shot import ShotRequest

pytestmark = pytest.mark.blender
LAYER = "art"
# Blender draws lines that leave the frame a little differently in their last pixels; the export,
# which sees beyond the border, does not.
INSIDE = np.s_[5:-5, 5:-5]
Setup = Callable[[bpy.types.Object], None]


def _plain(item: bpy.types.Object) -> None:
    draw(item, LAYER, 1, [disc((80, 50), 30), line((20, 20), (140, 80), radius=2)])


def _opacity(item: bpy.types.Object) -> None:
    _plain(item)
    item.data.layers[LAYER].opacity = 0.4


def _tint(item: bpy.types.Object) -> None:
    _plain(item)
    layer = item.data.layers[LAYER]
    layer.tint_color, layer.tint_factor, layer.radius_offset = (0.1, 0.3, 0.9), 0.6, 0.01


def _holdout(item: bpy.types.Object) -> None:
    draw(item, LAYER, 1, [disc((80, 50), 30), disc((90, 50), 12, holdout=True)])


def _vertex_paint(item: bpy.types.Object) -> None:
    _plain(item)
    fill, ink = item.data.layers[LAYER].frames[0].drawing.strokes
    fill.fill_color, fill.fill_opacity = (0.0, 0.3, 0.9, 0.5), 0.7
    for point, paint in zip(ink.points, [(1, 0, 0, 1), (0, 1, 0, 0.5)], strict=True):
        point.vertex_color = paint


def _transforms(item: bpy.types.Object) -> None:
    _plain(item)
    layer = item.data.layers[LAYER]
    layer.scale, layer.rotation = (0.7, 0.7, 0.7), (0.0, 0.3, 0.0)
    item.scale = (1.2, 1.0, 0.8)
    holder = bpy.data.objects.new("holder", None)
    bpy.context.scene.collection.objects.link(holder)
    holder.rotation_euler.y, holder.scale = 0.3, (1.0, 1.0, 1.4)
    item.parent = holder  # a turned object below an uneven scale is sheared
    item.rotation_euler.y = 0.4


def _layer_parent(item: bpy.types.Object) -> None:
    _plain(item)
    holder = bpy.data.objects.new("holder", None)
    bpy.context.scene.collection.objects.link(holder)
    bpy.context.view_layer.update()
    item.data.layers[LAYER].parent = holder
    holder.location, holder.rotation_euler = (0.2, 0.0, 0.1), (0.0, 0.4, 0.0)
    item.location.x = 0.1


def _modifier(item: bpy.types.Object) -> None:
    _plain(item)
    item.modifiers.new("shift", "GREASE_PENCIL_OFFSET").location = (0.1, 0.0, 0.05)


SETUPS: tuple[Setup, ...] = (
    _plain,
    _opacity,
    _tint,
    _holdout,
    _vertex_paint,
    _transforms,
    _layer_parent,
    _modifier,
)


def _export(staged: Staged, *, quality: str = "EXACT") -> tuple[ShotRequest, Blobs]:
    settings, shot = staged("scene.settings"), staged("shared.shot")
    blobs = staged("shared.blobs").MemoryBlobs()
    layers: list[LayerSettings] = [
        settings.LayerSettings("Fox", LAYER, shot.Role.BACKGROUND),
        settings.LayerSettings("Ball", "ball", shot.Role.ANIMATE),
    ]
    wanted = settings.ShotSettings(1, 5, mode=shot.Mode.ANIMATE, quality=settings.Quality[quality])
    return staged("export.shot").export_shot(bpy.context, wanted, layers, blobs), blobs


@pytest.fixture
def item() -> bpy.types.Object:
    """The object under test; another, animated one is there because every shot needs one."""
    drawings.new_scene()
    ball = grease_pencil("Ball", depth=-1.0)
    draw(ball, "ball", 1, [disc((20, 20), 4)])
    ball.hide_render = True
    return grease_pencil("Fox")


def _picture(staged: Staged, folder: Path) -> np.ndarray:
    request, blobs = _export(staged)
    ref = next(layer for layer in request.layers if layer.name == LAYER).keys[0].picture
    assert ref is not None
    return on_camera(blobs, ref, (WIDTH, HEIGHT), folder)


def _alpha_error(picture: np.ndarray, own: np.ndarray) -> np.ndarray:
    return np.abs(picture[..., 3].astype(int) - own[..., 3])


@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.__name__.strip("_"))
def test_a_layer_is_exported_as_blender_renders_it(
    staged: Staged, item: bpy.types.Object, setup: Setup, tmp_path: Path
) -> None:
    setup(item)
    own = rendered(bpy.context.scene, tmp_path)
    picture = _picture(staged, tmp_path)
    assert own[..., 3].any()
    assert _alpha_error(picture, own)[INSIDE].max() <= 8
    solid = (own[INSIDE][..., 3] > 200) & (picture[INSIDE][..., 3] > 200)
    difference = np.abs(picture[INSIDE][solid].astype(int) - own[INSIDE][solid])
    assert difference.max(initial=0) <= 6


def test_a_perspective_camera_gives_the_same_picture(
    staged: Staged, item: bpy.types.Object, tmp_path: Path
) -> None:
    _plain(item)
    camera = bpy.context.scene.camera
    camera.data.type, camera.data.lens = "PERSP", 180.0
    camera.data.shift_x, camera.data.shift_y = 0.05, -0.04
    camera.rotation_euler = (1.55, 0.1, 0.02)
    own = rendered(bpy.context.scene, tmp_path)
    error = _alpha_error(_picture(staged, tmp_path), own)[INSIDE]
    assert own[..., 3].any()
    assert np.mean(error) < 0.05


TURNS = ((np.pi / 2, 0.0, 0.0), (np.pi / 2 + 0.1, 0.05, 0.1))


@pytest.mark.parametrize("turn", TURNS, ids=("straight", "turned"))
@pytest.mark.parametrize("half_size", [(5.0, 4.0), (7.0, 5.0), (20.0, 20.0)], ids=str)
def test_a_fill_far_larger_than_the_picture_covers_all_of_it(
    staged: Staged,
    item: bpy.types.Object,
    turn: tuple[float, float, float],
    half_size: tuple[float, float],
    tmp_path: Path,
) -> None:
    camera = bpy.context.scene.camera
    camera.data.type, camera.location.y, camera.rotation_euler = "PERSP", -8.0, turn
    draw(item, LAYER, 1, [_box(*half_size)])
    assert (_picture(staged, tmp_path)[..., 3] == 255).all()


def test_a_line_stays_whole_where_its_fill_is_cut(
    staged: Staged, item: bpy.types.Object, tmp_path: Path
) -> None:
    box = _box(7.0, 0.4)
    draw(item, LAYER, 1, [Ink(box.points, 3.0, (0.9, 0.1, 0.1, 1.0), box.fill, cyclic=True)])
    own = rendered(bpy.context.scene, tmp_path)  # an orthographic camera draws all of it
    picture = _picture(staged, tmp_path)
    assert _alpha_error(picture, own)[INSIDE].max() <= 8
    solid = own[INSIDE][..., 3] > 200
    difference = picture[INSIDE][solid].astype(int) - own[INSIDE][solid]
    assert np.abs(difference).max() <= 6
    assert len(np.unique(picture[50 - 45 : 50 + 45, 80], axis=0)) > 2  # both line and fill


def _box(half_width: float, half_height: float) -> Ink:
    """A filled box around the picture's centre, world units."""
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], float)
    points = corners * [half_width / PIXEL, half_height / PIXEL] + [WIDTH / 2, HEIGHT / 2]
    return Ink(points, 0.0, None, (0.3, 0.5, 0.8, 1.0), cyclic=True)


MASKS = (
    (("A", False),),
    (("A", True),),
    (("A", False), ("B", True)),
    (("B", True), ("A", False)),
    (("A", True), ("B", True)),
)


@pytest.mark.parametrize("masks", MASKS, ids=str)
def test_masks_cut_as_in_blender(
    staged: Staged,
    item: bpy.types.Object,
    masks: tuple[tuple[str, bool], ...],
    tmp_path: Path,
) -> None:
    layer = draw(item, LAYER, 1, [disc((80, 50), 40)])
    draw(item, "A", 1, [disc((60, 50), 20)])
    draw(item, "B", 1, [disc((95, 50), 20)]).opacity = 0.5
    draw(item, "nothing", 1, [disc((-500, -500), 2)])
    _mask(item, layer, masks)
    for name in ("A", "B"):  # sources that mask but are not seen themselves
        _mask(item, item.data.layers[name], [("nothing", False)])
    own = rendered(bpy.context.scene, tmp_path)
    picture = _picture(staged, tmp_path)
    assert own[..., 3].any()
    assert np.mean(_alpha_error(picture, own) > 16) < 0.01
    assert np.mean(_alpha_error(picture, own)) < 0.5


def _mask(
    item: bpy.types.Object,
    layer: bpy.types.GreasePencilLayer,
    masks: tuple[tuple[str, bool], ...] | list[tuple[str, bool]],
) -> None:
    bpy.context.view_layer.objects.active = item
    item.data.layers.active = layer
    for name, invert in masks:
        bpy.ops.grease_pencil.layer_mask_add(name=name)
        layer.mask_layers[-1].invert = invert
    layer.use_masks = True


def test_a_mask_whose_source_is_hidden_does_nothing(
    staged: Staged, item: bpy.types.Object, tmp_path: Path
) -> None:
    layer = draw(item, LAYER, 1, [disc((80, 50), 40)])
    source = draw(item, "A", 1, [disc((60, 50), 20)])
    _mask(item, layer, [("A", False)])
    source.hide = True
    own = rendered(bpy.context.scene, tmp_path)
    assert _alpha_error(_picture(staged, tmp_path), own).max() <= 2


def test_lights_and_blend_mode_do_not_darken_the_picture(
    staged: Staged, item: bpy.types.Object, tmp_path: Path
) -> None:
    _plain(item)
    own = rendered(bpy.context.scene, tmp_path)
    layer = item.data.layers[LAYER]
    layer.use_lights, layer.blend_mode = True, "MULTIPLY"
    bpy.context.scene.render.dither_intensity = 1.0
    request, _ = _export(staged)
    picture = _picture(staged, tmp_path)
    assert _alpha_error(picture, own).max() <= 2
    assert np.abs(picture[50, 60].astype(int) - own[50, 60]).max() <= 1
    assert next(one.blend for one in request.layers if one.name == LAYER) == "multiply"


def test_art_beyond_the_border_is_kept(staged: Staged, item: bpy.types.Object) -> None:
    draw(item, LAYER, 1, [disc((0, 50), 30), disc((150, 95), 20)])
    request, _ = _export(staged)
    ref = next(layer for layer in request.layers if layer.name == LAYER).keys[0].picture
    assert ref is not None
    assert ref.x == pytest.approx(-30, abs=2)
    assert ref.x + ref.width == pytest.approx(170, abs=2)
    assert ref.y + ref.height == pytest.approx(115, abs=2)


def test_overscan_ends_a_quarter_beyond_the_border(staged: Staged, item: bpy.types.Object) -> None:
    draw(item, LAYER, 1, [disc((80, 50), 900)])
    request, _ = _export(staged)
    ref = next(layer for layer in request.layers if layer.name == LAYER).keys[0].picture
    assert ref is not None
    assert (ref.x, ref.y, ref.width, ref.height) == (-40, -25, 240, 150)


def test_fast_quality_sends_strokes_alone_where_they_say_everything(
    staged: Staged, item: bpy.types.Object
) -> None:
    _plain(item)
    request, _ = _export(staged, quality="FAST")
    assert all(key.picture is None for layer in request.layers for key in layer.keys)
    assert all(key.strokes is not None for layer in request.layers for key in layer.keys)


def test_fast_quality_renders_what_strokes_cannot_say(
    staged: Staged, item: bpy.types.Object
) -> None:
    layer = draw(item, LAYER, 1, [disc((80, 50), 40)])
    draw(item, "A", 1, [disc((60, 50), 20)])
    _mask(item, layer, [("A", False)])
    request, _ = _export(staged, quality="FAST")
    pictures = {one.name: one.keys[0].picture for one in request.layers}
    assert pictures[LAYER] is not None
    assert pictures["ball"] is None
