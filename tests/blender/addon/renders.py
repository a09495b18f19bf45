"""Renders a frame of the open scene and reads pictures back exactly as they are on disk."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np


def render_frame(frame: int, file: Path) -> np.ndarray:
    """One frame through Workbench, compositor and sequencer as set: uint8 [h, w, 4]."""
    scene = bpy.context.scene
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.film_transparent = True
    scene.render.dither_intensity = 0.0
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.filepath = str(file)
    scene.frame_set(frame)
    bpy.ops.render.render(write_still=True)
    return read_picture(file)


def read_picture(file: Path) -> np.ndarray:
    """The bytes of a PNG without any colour management: uint8 [h, w, 4]."""
    image = bpy.data.images.load(str(file))
    image.colorspace_settings.name = "Non-Color"
    image.alpha_mode = "CHANNEL_PACKED"
    flat = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(flat)
    width, height = image.size
    bpy.data.images.remove(image)
    return np.rint(flat.reshape(height, width, 4)[::-1] * 255.0).astype(np.uint8)
