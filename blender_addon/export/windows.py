"""Rectangles of camera pixels: which part of the plane a layer's picture covers; pure numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..scene.camera import CameraView

_SMALLEST_SIDE_PX = 16


@dataclass(frozen=True)
class Window:
    """A rectangle of whole camera pixels; negative and beyond the border where art overhangs."""

    x: int
    y: int
    width: int
    height: int

    def grown(self, margin_px: int) -> Window:
        """The same window with a margin on each side."""
        both = 2 * margin_px
        return Window(self.x - margin_px, self.y - margin_px, self.width + both, self.height + both)


def content_window(
    points: np.ndarray, radius: np.ndarray, view: CameraView, overscan: float
) -> Window | None:
    """The smallest window that holds what is drawn, within the picture grown by `overscan`.

    `points` [P, 2], `radius` [P] camera pixels; `overscan` 0.25 keeps a quarter of the picture's
    size on each side. None where nothing falls inside.
    """
    if not len(points):
        return None
    margin = np.ceil(overscan * np.array([view.width, view.height]))
    reach = radius[:, None] * 1.5 + 3.0
    low = np.maximum(np.floor((points - reach).min(axis=0)), -margin)
    border = np.array([view.width, view.height]) + margin
    high = np.minimum(np.ceil((points + reach).max(axis=0)), border)
    if (low >= high).any():
        return None
    size = np.maximum(high - low, _SMALLEST_SIDE_PX)
    return Window(int(low[0]), int(low[1]), int(size[0]), int(size[1]))
