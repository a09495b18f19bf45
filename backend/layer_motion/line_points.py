"""Sub-pixel points on lines; layer motion only."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_BLUR_PX = 1.0
_MIN_CURVATURE = 0.05
_MAX_OFFSET_PX = 0.6
_FINENESS = 2.0  # sketches are read at this many times the working scale: thin limbs, small eyes


@dataclass(frozen=True, eq=False)
class LinePoints:
    """Points on lines: `place` float64 [n, 2] working pixels, (0, 0) the plane's upper left corner.

    `heading` float64 [n, 2]: cosine and sine of twice the line's angle, so that a line has the
    same heading from both ends. `per_px`: how many there are on a working pixel of line.
    """

    place: np.ndarray
    heading: np.ndarray
    per_px: float = 1.0

    def __len__(self) -> int:
        return len(self.place)

    @property
    def length_px(self) -> float:
        """Length of the lines in working pixels."""
        return len(self.place) / self.per_px


def along(heading: np.ndarray) -> np.ndarray:
    """Directions [n, 2], length 1, of lines with headings [n, 2] as of `LinePoints`."""
    angle = np.arctan2(heading[:, 1], heading[:, 0]) / 2
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def across(heading: np.ndarray) -> np.ndarray:
    """Directions [n, 2], length 1, a quarter turn from `along`."""
    x, y = along(heading).T
    return np.stack([-y, x], axis=1)


NO_POINTS = LinePoints(np.zeros((0, 2)), np.zeros((0, 2)))


def sketch_points(lines: np.ndarray, scale: float) -> LinePoints:
    """Ridge points of a line map [h, w] (1 on a stroke) at a working scale of at most 1."""
    fine = scale * _FINENESS
    size = (max(4, round(lines.shape[1] * fine)), max(4, round(lines.shape[0] * fine)))
    small = np.nan_to_num(lines).astype(np.float32)
    if size != (lines.shape[1], lines.shape[0]):
        way = cv2.INTER_AREA if fine < 1 else cv2.INTER_LINEAR
        small = cv2.resize(small, size, interpolation=way)
    peak = float(np.percentile(small[small > 0.02], 95)) if (small > 0.02).any() else 0.0
    if peak <= 0.02:
        return NO_POINTS
    found = ridges(np.minimum(small / peak, 1.0))
    stretch = np.array([lines.shape[1] / size[0], lines.shape[0] / size[1]])
    return LinePoints(found.place * stretch * scale, found.heading, _FINENESS)


def ridges(image: np.ndarray) -> LinePoints:
    """Places where brightness peaks across a line: parabola through the blurred picture.

    Second derivatives give the direction across the line, first and second together the peak's
    distance from the pixel centre; a pixel counts where that peak lies in it.
    """
    smooth = cv2.GaussianBlur(image, (0, 0), _BLUR_PX)
    slope_x = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    slope_y = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    bend_xx = cv2.Sobel(smooth, cv2.CV_32F, 2, 0, ksize=3, scale=0.25)
    bend_yy = cv2.Sobel(smooth, cv2.CV_32F, 0, 2, ksize=3, scale=0.25)
    bend_xy = cv2.Sobel(smooth, cv2.CV_32F, 1, 1, ksize=3, scale=0.25)
    mean, half = (bend_xx + bend_yy) / 2, (bend_xx - bend_yy) / 2
    lowest = mean - np.sqrt(half**2 + bend_xy**2)  # curvature across the line, negative on it
    angle = 0.5 * np.arctan2(bend_xy, half) + np.pi / 2  # direction of the lowest curvature
    across_x, across_y = np.cos(angle), np.sin(angle)
    curvature = np.minimum(lowest, -1e-6)
    distance = -(slope_x * across_x + slope_y * across_y) / curvature
    offset_x, offset_y = distance * across_x, distance * across_y
    found = (lowest < -_MIN_CURVATURE) & (np.abs(offset_x) < _MAX_OFFSET_PX)
    found &= np.abs(offset_y) < _MAX_OFFSET_PX
    rows, columns = np.nonzero(found)
    place = np.stack(
        [columns + 0.5 + offset_x[found], rows + 0.5 + offset_y[found]], axis=1
    )  # [n, 2]
    twice = 2 * (angle[found] + np.pi / 2)
    return LinePoints(place.astype(np.float64), np.stack([np.cos(twice), np.sin(twice)], axis=1))
