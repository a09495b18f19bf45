"""Blender's own renders and PNG files as arrays, to compare exports with what the artist sees."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np

if TYPE_CHECKING:
    from shared.blobs import Blobs
    from shared.shot import PictureRef


def rendered(scene: bpy.types.Scene, folder: Path) -> np.ndarray:
    """The scene as its own settings render it: uint8 [h, w, 4]."""
    image = scene.render.image_settings
    image.file_format, image.color_mode, image.color_depth = "PNG", "RGBA", "8"
    scene.render.filepath = str(folder / "own.png")
    bpy.ops.render.render(write_still=True)
    return loaded(folder / "own.png")


def loaded(file: Path) -> np.ndarray:
    """A PNG file as uint8 [h, w, 4], straight alpha."""
    image = bpy.data.images.load(str(file))
    try:
        image.colorspace_settings.name, image.alpha_mode = "Non-Color", "CHANNEL_PACKED"
        width, height = image.size
        flat = np.empty(width * height * 4, np.float32)
        image.pixels.foreach_get(flat)
    finally:
        bpy.data.images.remove(image)
    return np.rint(flat.reshape(height, width, 4)[::-1] * 255.0).astype(np.uint8)


def on_camera(blobs: Blobs, ref: PictureRef, size: tuple[int, int], folder: Path) -> np.ndarray:
    """An exported picture inside the camera's border: uint8 [h, w, 4]."""
    file = folder / "exported.png"
    file.write_bytes(blobs.get(ref.blob))
    pixels = loaded(file)
    width, height = size
    canvas = np.zeros((height, width, 4), np.uint8)
    left, top = max(ref.x, 0), max(ref.y, 0)
    right, bottom = min(ref.x + ref.width, width), min(ref.y + ref.height, height)
    canvas[top:bottom, left:right] = pixels[
        top - ref.y : bottom - ref.y, left - ref.x : right - ref.x
    ]
    return canvas
