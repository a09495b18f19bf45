"""Tells whether two layers are drawn on the same lines, as ink and paint are; layer motion only."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from shared.strokes import Drawing

_REACH = 0.0015  # of the picture's height, beyond what the line itself covers
_COVERED = 0.6  # of half a line: limbs that swing side by side lie farther apart
_LIES_SHARE = 0.75
_SPACING = 0.003  # of the picture's height
_MAX_SAMPLES = 6000


def on_same_lines(one: Drawing, other: Drawing, height: int) -> bool:
    """Whether most of one drawing's outlines lie on those of the other.

    `height`: of the camera, pixels.
    """
    if not _near(one, other, _REACH * height):
        return False
    places = [_outline(drawing, _SPACING * height) for drawing in (one, other)]
    if not all(len(place) for place in places):
        return False
    trees = [KDTree(place) for place in places]
    reach = _REACH * height + _COVERED * max(_half_line(one), _half_line(other))
    shares = (
        float((trees[1 - side].query(places[side], distance_upper_bound=reach)[0] < reach).mean())
        for side in (0, 1)
    )
    return max(shares) >= _LIES_SHARE


def _near(one: Drawing, other: Drawing, reach: float) -> bool:
    if not (len(one.points) and len(other.points)):
        return False
    low = np.maximum(one.points.min(axis=0), other.points.min(axis=0))
    high = np.minimum(one.points.max(axis=0), other.points.max(axis=0))
    return bool((low <= high + reach).all())


def _half_line(drawing: Drawing) -> float:
    shown = np.repeat(drawing.stroke_colour[:, 3] > 0, np.diff(drawing.offsets))
    return float(np.median(drawing.radius[shown])) if shown.any() else 0.0


def _outline(drawing: Drawing, spacing: float) -> np.ndarray:
    """Places along all strokes, evenly: float64 [n, 2]; those of a closed stroke go round."""
    ways: list[np.ndarray] = []
    for stroke in range(drawing.stroke_count):
        points = drawing.stroke_points(stroke).astype(float)
        closed = bool(drawing.cyclic[stroke]) or drawing.fill_colour[stroke, 3] > 0
        if closed and len(points) > 2:
            points = np.concatenate([points, points[:1]])
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        way = np.concatenate([[0.0], np.cumsum(steps)])
        at = np.linspace(0.0, way[-1], max(2, int(way[-1] / spacing) + 1))
        ways.append(np.stack([np.interp(at, way, points[:, axis]) for axis in (0, 1)], axis=1))
    found = np.concatenate(ways) if ways else np.zeros((0, 2))
    return found[:: len(found) // _MAX_SAMPLES + 1]
