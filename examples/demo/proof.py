"""Renders frames of the open scene and measures how far they are from the take; used by `run`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np


def render(out: Path, *, frames: Sequence[int]) -> dict[str, int]:
    """Render `frames` to `out`; the largest difference of each to the take's composite, 0..255."""
    scene = bpy.context.scene
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    composite = sorted((out / "takes").glob("take_*"))[-1] / "composite"
    errors = {}
    for frame in frames:
        scene.frame_set(frame)
        scene.render.filepath = str(out / f"render_{frame:04d}.png")
        bpy.ops.render.render(write_still=True)
        errors[f"frame {frame}"] = _difference(
            out / f"render_{frame:04d}.png", composite / f"{frame:04d}.png"
        )
    return errors


def _difference(first: Path, second: Path) -> int:
    return int(np.abs(_pixels(first) - _pixels(second)).max())


def _pixels(file: Path) -> np.ndarray:
    """An image file as it stands on disk, int32 [n] of 0..255, alpha multiplied in."""
    image = bpy.data.images.load(str(file))
    image.colorspace_settings.name = "Non-Color"
    values = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(values)
    bpy.data.images.remove(image)
    rgba = values.reshape(-1, 4)
    rgba[:, :3] *= rgba[:, 3:]
    return np.rint(rgba * 255).astype(np.int32).ravel()
