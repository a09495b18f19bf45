"""Draws strokes at camera size and tells whether that looks like a key's picture; layer motion."""

from __future__ import annotations

import numpy as np

from backend import raster
from shared.pictures import Picture
from shared.strokes import Drawing

from ..plan import Scene
from ..task import GapTask
from ..warp import OVERSCAN

_LIKENESS = 0.06


def draw_strokes(drawing: Drawing, width: int, height: int) -> Picture:
    """The drawing at camera size with overscan."""
    return raster.draw(
        drawing, width=width, height=height, margin_px=int(OVERSCAN * max(width, height))
    )


def redrawn_alike(scene: Scene) -> bool:
    """True where all keys, redrawn from their strokes, look like their pictures."""
    task = scene.task
    keys = [(task.first_strokes, task.first)]
    if task.last is not None:
        keys.append((task.last_strokes, task.last))
    for strokes, picture in keys:
        scene.check()
        if strokes is None or not np.isfinite(strokes.points).all():
            return False
        if _difference(draw_strokes(strokes, task.width, task.height), picture, task) > _LIKENESS:
            return False
    return True


def _difference(one: Picture, other: Picture, task: GapTask) -> float:
    """Mean difference 0..1 of premultiplied colour and alpha over the camera where either shows."""
    width, height = task.width, task.height
    a, b = one.on_canvas(width, height), other.on_canvas(width, height)
    shown = (a[..., 3] > 0) | (b[..., 3] > 0)
    if not shown.any():
        return 0.0
    return float(np.abs(_premultiplied(a[shown]) - _premultiplied(b[shown])).mean())


def _premultiplied(pixels: np.ndarray) -> np.ndarray:
    values = pixels.astype(np.float32) / 255
    values[:, :3] *= values[:, 3:]
    return values
