"""Finds pictures in the scene (image empties, textured planes) and how they lie before the camera.

`layers` lists them, the exporter reads their corners and pixels.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import bpy
import numpy as np

from ..shared.errors import AcetateError
from ..shared.pictures import check_size

PLACED_BY_US = "acetate_take"  # custom property of objects that show a take


@dataclass(frozen=True, eq=False)
class PlanePlace:
    """Where a picture lies: `corners` float64 [4, 3] in the world, `uv` float64 [4, 2] (y up)."""

    corners: np.ndarray
    uv: np.ndarray
    opacity: float


@dataclass(frozen=True)
class _Source:
    image: bpy.types.Image
    user: bpy.types.ImageUser


def image_plane_objects(scene: bpy.types.Scene) -> Iterator[bpy.types.Object]:
    """Objects that show one picture, in scene order; placed takes are not layers."""
    for item in scene.objects:
        if _source(item) is not None and PLACED_BY_US not in item.keys():  # noqa: SIM118
            yield item


def image_keys(item: bpy.types.Object, scene: bpy.types.Scene) -> tuple[int, ...]:
    """Frames where the picture may change: one for a still, each frame of a sequence."""
    source = _found(item)
    if source.image.source != "SEQUENCE":
        return (scene.frame_start,)
    first = source.user.frame_start
    return tuple(range(first, first + max(source.user.frame_duration, 1)))


def unreadable_reason(item: bpy.types.Object) -> str:
    """Why the picture cannot be sent, or an empty string."""
    image = _found(item).image
    if image.source in ("MOVIE", "TILED", "VIEWER"):
        return f"{image.source.capitalize()} images cannot be sent; use an image sequence"
    if image.source == "FILE" and not image.has_data and not image.packed_file:
        path = bpy.path.abspath(image.filepath, library=image.library)
        return "" if os.path.exists(path) else f"The file of image {image.name} is missing"
    return ""


def read_place(item: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> PlanePlace:
    """The picture's corners in the world at the depsgraph's frame."""
    evaluated = item.evaluated_get(depsgraph)
    to_world = np.array(evaluated.matrix_world)
    if item.type == "EMPTY":
        local, uv = _empty_corners(evaluated)
        opacity = float(item.color[3]) if item.use_empty_image_alpha else 1.0
    else:
        local, uv = _mesh_corners(evaluated.data)
        opacity = 1.0
    return PlanePlace(local @ to_world[:3, :3].T + to_world[:3, 3], uv, opacity)


def read_pixels(item: bpy.types.Object, frame: int) -> np.ndarray:
    """The picture at a scene frame: uint8 [h, w, 4] straight sRGB, first row at the top.

    Raises `bad_picture` where its file cannot be read, `picture_too_large` or `size` where it is
    beyond the limits, before any pixel is copied.
    """
    source = _found(item)
    if source.image.source != "SEQUENCE":
        return _image_pixels(source.image)
    image = _load(sequence_file(source.image, source.user, frame))
    try:
        image.colorspace_settings.name = source.image.colorspace_settings.name
        image.alpha_mode = source.image.alpha_mode
        return _image_pixels(image)
    finally:
        bpy.data.images.remove(image)


def sequence_file(image: bpy.types.Image, user: bpy.types.ImageUser, frame: int) -> str:
    """The file that a sequence shows at a scene frame; outside its range first and last hold."""
    position = frame - user.frame_start + 1
    duration = max(user.frame_duration, 1)
    if user.use_cyclic:
        position = (position - 1) % duration + 1
    number = min(max(position, 1), duration) + user.frame_offset
    path = bpy.path.abspath(image.filepath, library=image.library)
    folder, name = os.path.split(path)
    digits = list(re.finditer(r"\d+", os.path.splitext(name)[0]))
    if not digits:
        return path
    start, stop = digits[-1].span()
    return os.path.join(folder, f"{name[:start]}{number:0{stop - start}d}{name[stop:]}")


def _load(path: str) -> bpy.types.Image:
    try:
        return bpy.data.images.load(path)
    except RuntimeError as error:
        raise AcetateError("bad_picture", where=os.path.basename(path)) from error


def _image_pixels(image: bpy.types.Image) -> np.ndarray:
    width, height = image.size
    if not width or not height:
        raise AcetateError("bad_picture", where=f"image {image.name} is empty")
    check_size(width, height)
    flat = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(flat)
    rows = flat.reshape(height, width, image.channels)[::-1]
    pixels = np.ones((height, width, 4), np.float32)
    pixels[..., : image.channels] = rows if image.channels > 2 else rows[..., :1]
    if image.alpha_mode == "NONE":
        pixels[..., 3] = 1.0
    if image.is_float:  # premultiplied linear light
        pixels[..., :3] /= np.maximum(pixels[..., 3:], 1e-6)
    if image.is_float or image.colorspace_settings.name != "sRGB":
        colour = np.clip(pixels[..., :3], 0.0, 1.0)
        pixels[..., :3] = np.where(
            colour <= 0.0031308, colour * 12.92, 1.055 * colour ** (1.0 / 2.4) - 0.055
        )
    return np.rint(np.clip(pixels, 0.0, 1.0) * 255.0).astype(np.uint8)


def _found(item: bpy.types.Object) -> _Source:
    source = _source(item)
    if source is None:
        raise AcetateError("not_found", what=f'picture on object "{item.name}"')
    return source


def _source(item: bpy.types.Object) -> _Source | None:
    if item.type == "EMPTY":
        shown = item.empty_display_type == "IMAGE" and item.data is not None
        return _Source(item.data, item.image_user) if shown else None
    if item.type != "MESH" or len(item.data.polygons) != 1 or not item.data.uv_layers:
        return None
    if len(item.data.vertices) != 4:
        return None
    for slot in item.material_slots:
        tree = slot.material.node_tree if slot.material is not None else None
        for node in tree.nodes if tree is not None else ():
            if node.type == "TEX_IMAGE" and node.image is not None and node.outputs[0].is_linked:
                return _Source(node.image, node.image_user)
    return None


def _empty_corners(item: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    width, height = item.data.size
    longest = max(width, height, 1)
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)
    flat = (uv + np.array(item.empty_image_offset)) * [width / longest, height / longest]
    local = np.concatenate([flat * item.empty_display_size, np.zeros((4, 1))], axis=1)
    return local, uv


def _mesh_corners(mesh: bpy.types.Mesh) -> tuple[np.ndarray, np.ndarray]:
    loops = mesh.polygons[0].loop_indices
    local = np.array([mesh.vertices[mesh.loops[i].vertex_index].co for i in loops], np.float64)
    uv = np.array([mesh.uv_layers.active.data[i].uv for i in loops], np.float64)
    return local, uv
