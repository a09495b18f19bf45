"""Shuts faces that one key alone shows onto the edge they hang on, as flaps and sides of a box.

A side that turns out of sight gets narrower until nothing is left of it. Drawn whole up to the
middle of the gap it would stand there as a board and be gone in the next frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from .level import Line, resampled
from .root import Level

_TOUCH_SHARE = 0.008  # of the drawing's extent
_LEAST_TOUCH_PX = 1.0
_STEP_PX = 2.0
_MOST_PLACES = 400
_LEAST, _MOST = 0.2, 0.85  # of a face's outline: how much of it is shared
_SAME_EDGE = 0.5  # of the shorter edge that lies on the other


@dataclass(frozen=True, eq=False)
class Hinge:
    """What a face shares with partners: `edge` [m, 2] there where the key shows it, `goal` [m, 2]
    at the other key; `nearest` int [n]: which of those each of the face's points shuts onto.
    """

    edge: np.ndarray
    goal: np.ndarray
    nearest: np.ndarray

    @property
    def shut(self) -> np.ndarray:
        """The face's points at the other key, where nothing is left of it: [n, 2]."""
        return self.goal[self.nearest]

    def turned_over(self, points: np.ndarray) -> np.ndarray:
        """The same if it only is shut halfway, and turned to its other side there: [n, 2]."""
        return self.shut - (points - self.edge[self.nearest])

    def is_other_side(self, other: Hinge, touch_px: float) -> bool:
        """Whether a face of the other key hangs on the same edge."""
        apart = KDTree(other.edge).query(self.goal)[0], KDTree(self.goal).query(other.edge)[0]
        return max(float((np.asarray(a) < touch_px).mean()) for a in apart) > _SAME_EDGE


class Hinges:
    """All that partners, point by point, offer to faces of the first of the keys in `level`."""

    def __init__(self, level: Iterable[Level]) -> None:
        both = [_places(one, other) for one, other in level]
        self._here, self._there = (np.concatenate([pair[side] for pair in both]) for side in (0, 1))
        self._tree = KDTree(self._here)
        extent = float(np.hypot(*np.ptp(self._here, axis=0)))
        self.touch_px = max(_TOUCH_SHARE * extent, _LEAST_TOUCH_PX)

    def of(self, face: Line) -> Hinge | None:
        """What a face hangs on; None where it is no face or hangs on nothing."""
        if not (face.cyclic and face.is_filled) or face.way[-1] <= 0.0:
            return None
        count = int(np.clip(face.way[-1] / _STEP_PX, len(face.values), _MOST_PLACES))
        outline = resampled(face, count).points
        away, index = (np.asarray(part) for part in self._tree.query(outline))
        shared = away < self.touch_px
        if not _LEAST <= float(shared.mean()) <= _MOST:
            return None
        edge = self._here[index[shared]]
        nearest = np.asarray(KDTree(edge).query(face.points)[1])
        return Hinge(edge, self._there[index[shared]], nearest)


def _places(one: Line, other: Line) -> tuple[np.ndarray, np.ndarray]:
    """Places along two strokes of one layout that belong together: [m, 2] each."""
    sides = [
        np.concatenate([line.points, line.points[:1]]) if line.cyclic else line.points
        for line in (one, other)
    ]
    steps = np.hypot(*np.diff(sides[0], axis=0).T)
    wanted = int(np.clip(steps.sum() / _STEP_PX, len(steps), _MOST_PLACES))
    way = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.linspace(0.0, way[-1], wanted + 1)
    index = np.arange(len(way), dtype=float)
    rows = np.interp(at, way, index) if way[-1] > 0 else index
    here, there = (
        np.stack([np.interp(rows, index, side[:, axis]) for axis in (0, 1)], axis=1)
        for side in sides
    )
    return here, there
