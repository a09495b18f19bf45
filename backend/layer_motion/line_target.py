"""A drawing that another one's points are moved onto: where its lines lie, how far they are.

For line_fit.py; rough_pull.py chooses and weighs points alike.
"""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
from scipy.spatial import KDTree

from .line_points import LinePoints

MAX_TARGET_POINTS = 1500
HEADING_PX = 2.5
BORDER_PX = 0.5  # so far outside the frame a point may lie and still be seen
_SHIFT_REACH_PX, _SHIFT_STEP_PX, _SHIFT_POINTS, _SHIFTS_KEPT = 4.0, 3, 150, 2
_SHIFT_SEEN = 0.4  # least share of the points that a shift must leave in view, to be told from luck
_KEPT, _BACK_KEPT = 0.9, 0.95  # of distances, the nearest first


class LineTarget:
    """A drawing to be fitted to, ready for neighbour searches."""

    def __init__(self, points: LinePoints, frame: tuple[float, float]) -> None:
        self._frame = np.array(frame)
        self._all = points
        points = thinned(points, MAX_TARGET_POINTS)
        self.place = points.place
        self.heading = points.heading
        self._tree = KDTree(np.hstack([points.place, points.heading * HEADING_PX]))
        self._plain = KDTree(points.place)

    def pull(
        self,
        moved: np.ndarray,
        heading: np.ndarray,
        reach: float,
        partnered: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean displacement [n, 2] towards matched target points and its weight [n].

        `partnered` bool [m]: the target points that count; None for all.
        """
        features = np.hstack([moved, heading * HEADING_PX])
        there, index = self._tree.query(features)
        ahead = robust_weight(there, reach) * self._seen(moved)
        total = ahead.copy()
        pull = ahead[:, None] * (self.place[index] - moved)
        own = KDTree(features)
        back, origin = own.query(np.hstack([self.place, self.heading * HEADING_PX]))
        share = robust_weight(back, reach)
        if partnered is not None:
            share = share * partnered
        np.add.at(pull, origin, share[:, None] * (self.place - moved[origin]))
        np.add.at(total, origin, share)
        return pull / np.maximum(total, 1e-6)[:, None], total

    @cached_property
    def _all_lines(self) -> KDTree:
        return KDTree(np.hstack([self._all.place, self._all.heading * HEADING_PX]))

    @cached_property
    def _all_places(self) -> KDTree:
        return KDTree(self._all.place)

    def nearest(
        self, moved: np.ndarray, heading: np.ndarray, reach: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Displacement [n, 2] to the nearest of all target points, and its weight [n]."""
        there, index = self._all_lines.query(np.hstack([moved, heading * HEADING_PX]))
        return self._all.place[index] - moved, robust_weight(there, reach) * self._seen(moved)

    def far_px(self, moved: np.ndarray) -> float:
        """Trimmed mean distance from points [n, 2] to all lines, without headings."""
        seen = moved[self._seen(moved) > 0]
        if not len(seen):
            return float(np.hypot(*self._frame))
        return trimmed_mean(self._all_places.query(seen)[0])

    def shifted_onto(self, moved: np.ndarray) -> list[np.ndarray]:
        """Points [n, 2] shifted to where most of them lie on lines: the best few places.

        Drawings that a border cuts need this: their centres tell nothing.
        """
        columns, rows = np.ceil(self._frame).astype(int)
        empty = np.full((rows, columns), 255, np.uint8)
        inside = np.floor(np.clip(self.place, 0, self._frame - 1)).astype(int)
        empty[inside[:, 1], inside[:, 0]] = 0
        near = np.clip(1 - cv2.distanceTransform(empty, cv2.DIST_L2, 3) / _SHIFT_REACH_PX, 0, 1)
        some = moved[:: max(1, len(moved) // _SHIFT_POINTS)]
        shifts = np.stack(
            np.meshgrid(
                np.arange(-columns // 2, columns // 2 + 1, _SHIFT_STEP_PX),
                np.arange(-rows // 4, rows // 4 + 1, _SHIFT_STEP_PX),
            ),
            axis=-1,
        ).reshape(-1, 2)
        index = np.floor(some[None] + shifts[:, None]).astype(int)  # [shifts, points, 2]
        seen = ((index >= 0) & (index < (columns, rows))).all(axis=2)
        index = np.clip(index, 0, (columns - 1, rows - 1))
        found = (near[index[..., 1], index[..., 0]] * seen).sum(axis=1)
        score = found / np.maximum(seen.sum(axis=1), _SHIFT_SEEN * len(some))
        best: list[np.ndarray] = []
        for number in np.argsort(-score):
            shift = shifts[number]
            if all(np.abs(shift - other).max() > 2 * _SHIFT_STEP_PX for other in best):
                best.append(shift)
            if len(best) == _SHIFTS_KEPT:
                break
        return [moved + shift for shift in best]

    def _seen(self, moved: np.ndarray) -> np.ndarray:
        inside = (moved > -BORDER_PX) & (moved < self._frame + BORDER_PX)
        return inside.all(axis=1).astype(float)

    def error_px(self, moved: np.ndarray, partnered: np.ndarray | None = None) -> float:
        """Trimmed mean of both ways' distances, without headings; `partnered` as in `pull`."""
        seen = moved[self._seen(moved) > 0]
        if not len(seen):
            return float(np.hypot(*self._frame))
        there = self.place if partnered is None else self.place[partnered]
        ahead, back = self._plain.query(seen)[0], KDTree(moved).query(there)[0]
        return (trimmed_mean(ahead) + trimmed_mean(back, _BACK_KEPT)) / 2


def trimmed_mean(distances: np.ndarray, kept: float = _KEPT) -> float:
    """Mean of the nearest of some distances; `kept`: share 0..1 that counts."""
    nearest = np.sort(distances)
    return float(nearest[: max(1, int(kept * len(nearest)))].mean())


def thinned(points: LinePoints, most: int) -> LinePoints:
    """At most `most` points, spread over all lines; the same choice every time."""
    if len(points) <= most:
        return points
    chosen = np.sort(np.random.default_rng(0).permutation(len(points))[:most])
    return LinePoints(points.place[chosen], points.heading[chosen])


def robust_weight(distance: np.ndarray, reach: float) -> np.ndarray:
    """Robust weight: 1 on the spot, 0 beyond twice the reach."""
    return np.clip(1.0 - (distance / (2 * reach)) ** 2, 0.0, 1.0) ** 2
