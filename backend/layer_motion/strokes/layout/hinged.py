"""Shuts faces that one key alone shows onto the edge they hang on, as flaps and sides of a box.

A side that turns out of sight gets narrower until nothing is left of it. Drawn whole up to the
middle of the gap it would stand there as a board and be gone in the next frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from ... import affine
from ..shape.level import Line, resampled
from .root import Level

_TOUCH_SHARE = 0.008  # of the drawing's extent
_LEAST_TOUCH_PX = 1.0
STEP_PX = 2.0
_MOST_PLACES = 400
_LEAST, _MOST = 0.2, 0.85  # of a face's outline: how much of it is shared
_SMALL = 6.0  # times as far as what touches: the extent of a face that has edges
_SHUT = 0.15  # of its area: what may be left of a face laid on its edge
_SAME_EDGE = 0.5  # of the shorter edge that lies on the other


@dataclass(frozen=True, eq=False)
class Hinge:
    """The edge that a face shares with partners: `edge` [m, 2] where its key shows it, `goal`
    [m, 2] at the other key.

    For each of the face's points, `shut` [n, 2]: where on the goal it comes to lie when nothing is
    left of the face; `offset` [n, 2]: how far from that place on the edge it is drawn. `touch_px`:
    how far apart two edges are that are one.
    """

    edge: np.ndarray
    goal: np.ndarray
    shut: np.ndarray
    offset: np.ndarray
    touch_px: float

    @property
    def turned_over(self) -> np.ndarray:
        """The face's points at the other key if halfway it is shut, and turns to its other side."""
        return self.shut - self.offset @ self._turn.T

    def meets(self, other: Hinge) -> bool:
        """Whether a face of the other key hangs on the same edge."""
        apart = KDTree(other.edge).query(self.goal)[0], KDTree(self.goal).query(other.edge)[0]
        return max(float((np.asarray(a) < self.touch_px).mean()) for a in apart) > _SAME_EDGE

    def is_other_side(self, other: Hinge) -> bool:
        """Whether a face of the other key that hangs on the same edge lies across it."""
        here = self._turn @ self.offset.mean(axis=0)
        return float(here @ other.offset.mean(axis=0)) < 0.0

    @property
    def _turn(self) -> np.ndarray:
        """How the edge turns up to the other key: [2, 2].

        Without its growth: halfway what is drawn at both keys is to cancel out.
        """
        matrix = affine.fit_similarity(self.edge, self.goal)
        return matrix[:2, :2] / affine.size(matrix) if affine.is_regular(matrix) else np.eye(2)


class Hinges:
    """All that partners, point by point, offer to faces of the first of the keys in `level`.

    `places`: two [n, 2] along them that belong together; `touch_px`: what is as near touches.
    """

    def __init__(self, level: Iterable[Level]) -> None:
        both = [_places(one, other) for one, other in level]
        here, there = (np.concatenate([pair[side] for pair in both]) for side in (0, 1))
        self.places = here, there
        self._tree = KDTree(here)
        extent = float(np.hypot(*np.ptp(here, axis=0)))
        self.touch_px = max(_TOUCH_SHARE * extent, _LEAST_TOUCH_PX)

    def of(self, face: Line) -> Hinge | None:
        """What a face hangs on; None where it is no face, or would not shut onto that."""
        extent = float(np.hypot(*np.ptp(face.points, axis=0)))
        if not (face.cyclic and face.is_filled) or extent < _SMALL * self.touch_px:
            return None
        away, index = (np.asarray(part) for part in self._tree.query(outline(face)))
        shared = away < self.touch_px
        if not _LEAST <= float(shared.mean()) <= _MOST:
            return None
        edge, goal = (places[index[shared]] for places in self.places)
        nearest = np.asarray(KDTree(edge).query(face.points)[1])
        if abs(face.placed(edge[nearest]).area) > _SHUT * abs(face.area):
            return None
        return Hinge(edge, goal, goal[nearest], face.points - edge[nearest], self.touch_px)


def outline(line: Line) -> np.ndarray:
    """Even places [n, 2] along a stroke, `STEP_PX` apart where that is not too many."""
    count = int(np.clip(line.way[-1] / STEP_PX, len(line.values), _MOST_PLACES))
    return resampled(line, count).points


def _places(one: Line, other: Line) -> tuple[np.ndarray, np.ndarray]:
    """Places along two strokes of one layout that belong together: [m, 2] each."""
    sides = [
        np.concatenate([line.points, line.points[:1]]) if line.cyclic else line.points
        for line in (one, other)
    ]
    steps = np.hypot(*np.diff(sides[0], axis=0).T)
    wanted = int(np.clip(steps.sum() / STEP_PX, len(steps), _MOST_PLACES))
    way = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.linspace(0.0, way[-1], wanted + 1)
    index = np.arange(len(way), dtype=float)
    rows = np.interp(at, way, index) if way[-1] > 0 else index
    here, there = (
        np.stack([np.interp(rows, index, side[:, axis]) for axis in (0, 1)], axis=1)
        for side in sides
    )
    return here, there
