"""Renders frames of the open scene and measures how far they are from the take; used by `run`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np


@dataclass(frozen=True)
class Proof:
    """A rendered frame against the take's own composite, in steps of 0..255.

    `worst` is taken over pixels where no layer is half transparent, a `share` of the picture:
    Blender mixes soft edges in linear light, the take's composite mixes them as displayed.
    """

    frame: int
    worst: int
    mean: float
    share: float


def render(out: Path, frame: int) -> Proof:
    """Render one frame; the compositor's image nodes put the take in the picture's place."""
    scene = bpy.context.scene
    scene.render.image_settings.file_format = "PNG"
    scene.frame_set(frame)
    file = out / f"render_{frame:04d}.png"
    scene.render.filepath = str(file)
    bpy.ops.render.render(write_still=True)
    take = sorted((out / "takes").glob("take_*"))[-1]
    name = f"{frame:04d}.png"
    error = np.abs(_pixels(file) - _pixels(take / "composite" / name))[:, :3]
    alphas = [_pixels(layer / name)[:, 3] for layer in sorted((take / "layers").iterdir())]
    solid = np.all([(alpha == 0) | (alpha == 255) for alpha in alphas], axis=0)
    return Proof(frame, int(error[solid].max()), float(error.mean()), float(solid.mean()))


def _pixels(file: Path) -> np.ndarray:
    """An image file as it stands on disk, int32 [pixels, 4] of 0..255."""
    image = bpy.data.images.load(str(file))
    image.colorspace_settings.name = "Non-Color"
    image.alpha_mode = "CHANNEL_PACKED"
    values = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(values)
    bpy.data.images.remove(image)
    return np.rint(values.reshape(-1, 4) * 255).astype(np.int32)
