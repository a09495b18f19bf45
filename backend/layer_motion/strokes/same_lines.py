"""Tells whether two layers are drawn on the same lines, as ink and paint are; layer motion only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import KDTree

from shared.strokes import Drawing

_REACH = 0.0015  # of the picture's height, beyond what the line itself covers
_COVERED = 0.6  # of half a line: limbs that swing side by side lie farther apart
_LIES_SHARE = 0.75
_SPACING = 0.003  # of the picture's height
_MAX_PLACES = 6000
_ASKED = 400  # places that tell how much of an outline lies on another


@dataclass(frozen=True, eq=False)
class Outline:
    """All strokes of a key as places that lie densely along them.

    `places` float64 [n, 2] camera pixels; those of a closed or filled stroke go round. `reach_px`:
    how far beside them another outline still lies on them.
    """

    places: np.ndarray
    reach_px: float

    @cached_property
    def _tree(self) -> KDTree:
        return KDTree(self.places)

    @cached_property
    def _box(self) -> np.ndarray:
        return np.stack([self.places.min(axis=0), self.places.max(axis=0)])

    def lies_with(self, other: Outline) -> bool:
        """Whether most of one of the two lies on the other."""
        if not (len(self.places) and len(other.places)):
            return False
        reach = max(self.reach_px, other.reach_px)
        low, high = np.maximum(self._box[0], other._box[0]), np.minimum(self._box[1], other._box[1])
        if (low > high + reach).any():
            return False
        return self._covers(other, reach) or other._covers(self, reach)

    def _covers(self, other: Outline, reach: float) -> bool:
        some = other.places[:: len(other.places) // _ASKED + 1]
        away = self._tree.query(some, distance_upper_bound=reach)[0]
        return float((np.asarray(away) < reach).mean()) >= _LIES_SHARE


def traced(drawing: Drawing, height: int) -> Outline:
    """The outlines of a key; none of a drawing with broken numbers. `height`: the camera's."""
    points = drawing.points.astype(float)
    if not (len(points) and np.isfinite(points).all()):
        return Outline(np.zeros((0, 2)), 0.0)
    strokes = [_closed(drawing, stroke) for stroke in range(drawing.stroke_count)]
    ways = [
        np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(one, axis=0).T))]) for one in strokes
    ]
    spacing = max(_SPACING * height, float(sum(way[-1] for way in ways if len(way))) / _MAX_PLACES)
    places = [_along(one, way, spacing) for one, way in zip(strokes, ways, strict=True)]
    reach_px = _REACH * height + _COVERED * _half_line_px(drawing)
    return Outline(np.concatenate(places), reach_px)


def on_same_lines(one: Drawing, other: Drawing, height: int) -> bool:
    """Whether most of one drawing's outlines lie on those of the other.

    `height`: of the camera, pixels.
    """
    return traced(one, height).lies_with(traced(other, height))


def _half_line_px(drawing: Drawing) -> float:
    shown = np.repeat(drawing.stroke_colour[:, 3] > 0, np.diff(drawing.offsets))
    return float(np.median(drawing.radius[shown])) if shown.any() else 0.0


def _closed(drawing: Drawing, stroke: int) -> np.ndarray:
    points = drawing.stroke_points(stroke).astype(float)
    goes_round = bool(drawing.cyclic[stroke]) or drawing.fill_colour[stroke, 3] > 0
    return np.concatenate([points, points[:1]]) if goes_round and len(points) > 2 else points


def _along(points: np.ndarray, way: np.ndarray, spacing: float) -> np.ndarray:
    """Places [n, 2] at even lengths along points [m, 2]; none of a stroke without points."""
    if not len(points):
        return points
    at = np.linspace(0.0, way[-1], max(2, int(way[-1] / spacing) + 1))
    return np.stack([np.interp(at, way, points[:, axis]) for axis in (0, 1)], axis=1)
