"""Pictures in the scene: untouched ones keep their bytes, turned ones are seen as by the camera."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest

from tests.blender import drawings
from tests.blender.conftest import Staged
from tests.blender.drawings import PIXEL, disc, draw, grease_pencil, image_empty, new_image
from tests.blender.pictures import loaded, on_camera

if TYPE_CHECKING:
    from shared.blobs import Blobs
    from shared.shot import Layer

pytestmark = pytest.mark.blender


@pytest.fixture
def noise() -> np.ndarray:
    """A random picture of 40x24 with all alphas; clear pixels carry no colour."""
    pixels = np.random.default_rng(7).integers(0, 256, (24, 40, 4), dtype=np.uint8)
    pixels[pixels[..., 3] == 0] = 0
    return pixels


@pytest.fixture(autouse=True)
def _scene() -> None:
    drawings.new_scene()
    item = grease_pencil("Ball", depth=-1.0)
    for frame in (1, 5):
        draw(item, "ball", frame, [disc((20 + frame, 20), 4)])


def _export(staged: Staged, name: str) -> tuple[Layer, Blobs]:
    settings, shot = staged("scene.settings"), staged("shared.shot")
    blobs = staged("shared.blobs").MemoryBlobs()
    layers = [
        settings.LayerSettings(name, "", shot.Role.HOLD),
        settings.LayerSettings("Ball", "ball", shot.Role.ANIMATE),
    ]
    wanted = settings.ShotSettings(1, 5, quality=settings.Quality.FAST)
    request = staged("export.shot").export_shot(bpy.context, wanted, layers, blobs)
    return next(layer for layer in request.layers if layer.name == name), blobs


def _fitted_empty(name: str, image: bpy.types.Image, left: int, top: int) -> bpy.types.Object:
    """An image empty whose pixels fall on camera pixels, its top left corner at (left, top)."""
    item = image_empty(name, image)
    width, height = image.size
    item.empty_display_size = max(width, height) * PIXEL
    centre = np.array([[left + width / 2, top + height / 2]])
    item.location = drawings.to_world(centre)[0]
    return item


def test_an_untouched_picture_leaves_bit_equal(
    staged: Staged, noise: np.ndarray, tmp_path: Path
) -> None:
    _fitted_empty("plate", new_image("plate", noise), 30, 50)
    layer, blobs = _export(staged, "plate")
    (key,) = layer.keys
    assert key.picture is not None
    seen = on_camera(blobs, key.picture, (160, 100), tmp_path)
    np.testing.assert_array_equal(seen[50:74, 30:70], noise)
    seen[50:74, 30:70] = 0
    assert not seen.any()


def test_a_picture_file_leaves_bit_equal(staged: Staged, noise: np.ndarray, tmp_path: Path) -> None:
    file = tmp_path / "Bild ä.png"
    file.write_bytes(staged("shared.pictures").encode_png(noise))
    _fitted_empty("plate", bpy.data.images.load(str(file)), 0, 0)
    layer, blobs = _export(staged, "plate")
    assert layer.keys[0].picture is not None
    seen = on_camera(blobs, layer.keys[0].picture, (160, 100), tmp_path)
    np.testing.assert_array_equal(seen[:24, :40], noise)


def test_a_textured_plane_is_a_picture_too(
    staged: Staged, noise: np.ndarray, tmp_path: Path
) -> None:
    _textured_plane("plane", new_image("plane", noise), 60, 30)
    layer, blobs = _export(staged, "plane")
    assert layer.keys[0].picture is not None
    seen = on_camera(blobs, layer.keys[0].picture, (160, 100), tmp_path)
    np.testing.assert_array_equal(seen[30:54, 60:100], noise)


def _textured_plane(name: str, image: bpy.types.Image, left: int, top: int) -> None:
    width, height = image.size
    edges = [(left, top + height), (left + width, top + height), (left + width, top), (left, top)]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(drawings.to_world(np.array(edges, float)).tolist(), [], [(0, 1, 2, 3)])
    layer = mesh.uv_layers.new(name="UV")
    for corner, uv in zip(layer.data, [(0, 0), (1, 0), (1, 1), (0, 1)], strict=True):
        corner.uv = uv
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.image = image
    tree.links.new(texture.outputs[0], tree.nodes["Principled BSDF"].inputs[0])
    mesh.materials.append(material)
    bpy.context.scene.collection.objects.link(bpy.data.objects.new(name, mesh))


def test_a_scaled_picture_keeps_its_place_and_colours(staged: Staged, tmp_path: Path) -> None:
    halves = np.zeros((20, 40, 4), np.uint8)
    halves[:, :20], halves[:, 20:] = (200, 30, 10, 255), (10, 60, 220, 255)
    item = _fitted_empty("plate", new_image("plate", halves), 60, 40)
    item.scale = (1.5, 1.5, 1.5)  # 60x30 pixels around (80, 50)
    layer, blobs = _export(staged, "plate")
    assert layer.keys[0].picture is not None
    seen = on_camera(blobs, layer.keys[0].picture, (160, 100), tmp_path)
    assert seen[50, 60].tolist() == [200, 30, 10, 255]
    assert seen[50, 100].tolist() == [10, 60, 220, 255]
    assert (seen[..., 3] > 127).sum() == pytest.approx(60 * 30, rel=0.03)


def test_a_fading_empty_scales_its_alpha(staged: Staged, noise: np.ndarray, tmp_path: Path) -> None:
    item = _fitted_empty("plate", new_image("plate", noise), 30, 50)
    item.use_empty_image_alpha, item.color[3] = True, 0.5
    layer, blobs = _export(staged, "plate")
    assert layer.keys[0].picture is not None
    seen = on_camera(blobs, layer.keys[0].picture, (160, 100), tmp_path)
    expected = np.rint(noise[..., 3] * 0.5)
    np.testing.assert_allclose(seen[50:74, 30:70, 3], expected, atol=1)


def test_a_sequence_has_a_key_for_each_new_picture(
    staged: Staged, noise: np.ndarray, tmp_path: Path
) -> None:
    encode = staged("shared.pictures").encode_png
    for number in range(6):
        shown = np.roll(noise, number // 2, axis=0)  # each picture is held for two frames
        (tmp_path / f"walk_{number:04d}.png").write_bytes(encode(shown))
    image = bpy.data.images.load(str(tmp_path / "walk_0000.png"))
    image.source = "SEQUENCE"
    item = _fitted_empty("walk", image, 0, 0)
    user = item.image_user
    user.frame_start, user.frame_duration, user.frame_offset = 1, 6, -1
    layer, blobs = _export(staged, "walk")
    assert [key.frame for key in layer.keys] == [1, 3, 5]
    assert layer.keys[1].picture is not None
    seen = on_camera(blobs, layer.keys[1].picture, (160, 100), tmp_path)
    np.testing.assert_array_equal(seen[:24, :40], loaded(tmp_path / "walk_0002.png"))
    assert [image.name for image in bpy.data.images if image.name.startswith("walk")] == [
        "walk_0000.png"
    ]


def test_a_missing_picture_is_e115(staged: Staged, tmp_path: Path) -> None:
    image = bpy.data.images.new("lost", 16, 16)
    image.source, image.filepath = "FILE", str(tmp_path / "lost.png")
    image_empty("plate", image)
    with pytest.raises(staged("shared.errors").AcetateError, match="E115"):
        _export(staged, "plate")


def test_a_picture_of_sixty_megapixels_is_refused_unread(staged: Staged) -> None:
    image_empty("plate", bpy.data.images.new("huge", 10_000, 6_000))
    with pytest.raises(staged("shared.errors").AcetateError, match="60 megapixels") as caught:
        _export(staged, "plate")
    assert caught.value.name == "picture_too_large"
