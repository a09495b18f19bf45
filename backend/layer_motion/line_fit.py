"""Moves the points of one line drawing onto another: global affine, then free form; layer motion.

Neighbours are searched both ways, by place and heading, of a backdrop one way among all lines.
Displacements are smoothed over the points of the source drawing, where parts that cross later
still lie apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.spatial import KDTree

from . import affine
from .line_points import LinePoints
from .line_target import BORDER_PX, LineTarget, thinned, trimmed_mean

MAX_SOURCE_POINTS = 600
_AFFINE_STEPS = 6
_PLAIN_STEPS = 5
_START_STEPS = 6
_FREE_SIGMAS_PX = (16.0, 10.0, 6.0, 4.0)
_FREE_STEPS = 2
_REACH_PX = (10.0, 8.0, 5.0, 4.0)
_SETTLED_PX = 0.02
_STRETCH_COST_PX = 0.5
_PLAIN_MARGIN_PX = 0.06
_PLAIN_MARGIN = 0.35  # of what free form leaves: it must explain clearly more than an affine map
_PLATE_MARGIN = 1.0
_ALL_LINES_REACH_PX = (5.0, 4.0, 3.0, 2.0, 2.0, 1.5, 1.5, 1.5)  # ever fewer wrong neighbours
_EXPLAINED_PX = 0.35  # backdrops moved whole leave 0.04, whatever share of them is sketched
_STIFFNESS = 0.02  # of a map for all points, towards the best similarity
_LEAST_WEIGHT = 3.0  # points that a map for all of them needs
_TURNS_DEG = (-60.0, -30.0, 0.0, 30.0, 60.0)
_LEAST_PARTNERED = 0.2  # of a target: with less to compare, all of it counts
_WHOLE = (-np.inf, -np.inf, np.inf, np.inf)


@dataclass(frozen=True, eq=False)
class Fit:
    """Source points moved onto a target drawing.

    `moved` float64 [n, 2] working pixels; `trust` [n] 0..1: how well a point found its line.
    `error_px`: trimmed mean distance between both drawings after the fit, in working pixels;
    `stiff_error_px`: what it would be with one affine map for all points.
    """

    moved: np.ndarray
    trust: np.ndarray
    error_px: float
    stiff_error_px: float = float("inf")


class LineFitter:
    """Fits one source drawing to many targets; keeps what depends on the source alone.

    `frame`: width and height in working pixels inside which targets are drawn; points that move
    out of it are carried by the others. `known`: left, top, right and bottom border of what the
    source shows, in working pixels, infinite where it ends by itself. What a target shows of the
    drawing beyond a finite one has no partner, and pulls nothing. `is_plate`: the drawing fills the
    frame, so that a camera's pan, zoom and roll are likelier than a bend.
    """

    def __init__(
        self,
        source: LinePoints,
        frame: tuple[float, float],
        known: tuple[float, float, float, float] = _WHOLE,
        *,
        is_plate: bool = False,
    ) -> None:
        self.frame = frame
        self._is_plate = is_plate
        self._known = None if np.isinf(known).all() else np.array(known)
        self._source_places = source.place
        few = thinned(source, MAX_SOURCE_POINTS)
        self.source, self.heading = few.place, few.heading  # [n, 2] each
        square = ((self.source[:, None] - self.source[None]) ** 2).sum(axis=2)
        self._kernels = [
            np.exp(square / (-2 * sigma**2)).astype(np.float32) for sigma in _FREE_SIGMAS_PX
        ]

    def rest(self) -> Fit:
        """The source itself, unmoved."""
        return Fit(self.source, np.ones(len(self.source)), 0.0, 0.0)

    def follow(self, start: np.ndarray, target: LinePoints) -> Fit:
        """Fit to a target close by: `start` [n, 2] are the points' places a moment ago."""
        return self._fit(start, LineTarget(target, self.frame))

    def error_px(self, moved: np.ndarray, target: LinePoints) -> float:
        """Trimmed mean distance between points [n, 2] and a target: both ways, a plate's one."""
        return self._error_px(moved, LineTarget(target, self.frame))

    def follow_stiffly(self, start: np.ndarray, target: LinePoints) -> Fit:
        """As `follow`, with one affine map for all points."""
        goal = LineTarget(target, self.frame)
        moved = self._globally(start, goal, _AFFINE_STEPS)
        matrix = affine.fit_affine(self.source, moved, stiffness=0.0)
        if affine.is_regular(matrix):
            moved = affine.apply(matrix, self.source)
        error = self._error_px(moved, goal)
        return Fit(moved, np.ones(len(moved)), error, error)

    def find(
        self, starts: list[np.ndarray], target: LinePoints, near: np.ndarray | None = None
    ) -> Fit:
        """Fit to a target further off: several starts, turned ones among them, the best wins.

        `near` [n, 2]: where the points lay before, for what a border cuts; by default the first
        start.
        """
        goal = LineTarget(target, self.frame)
        centre_goal = target.place.mean(axis=0)
        options: list[np.ndarray] = []
        for start in starts:
            options.append(start)
            centre = start.mean(axis=0)
            for turn in _TURNS_DEG:
                turned = affine.apply(affine.rotation_about(centre, turn), start)
                options.append(turned + (centre_goal - centre))
        if self._known is not None:
            options += goal.shifted_onto(starts[0] if near is None else near)
        rough = [self._globally(option, goal, _START_STEPS) for option in options]
        rough.sort(key=lambda moved: self._cost_px(moved, goal))
        fits = [self._fit(moved, goal) for moved in rough[:3]]
        return min(fits, key=lambda fit: self._cost_px(fit.moved, goal))

    def _cost_px(self, moved: np.ndarray, goal: LineTarget) -> float:
        """Fit error plus what an unlikely change of shape costs."""
        linear = affine.fit_affine(self.source, moved, stiffness=1e-3)[:2, :2]
        stretch = np.log(np.maximum(np.linalg.svd(linear, compute_uv=False), 1e-3))
        return self._error_px(moved, goal) + _STRETCH_COST_PX * float(np.abs(stretch).sum())

    def _fit(self, start: np.ndarray, goal: LineTarget) -> Fit:
        """Free form, or one affine map for all points where that explains the lines as well."""
        bent = self._freely(start, goal)
        plain = self._plainly(((bent.moved, bent.trust + 0.05), (start, None)), goal)
        if plain is None:
            return bent
        margin = _PLATE_MARGIN if self._is_plate else _PLAIN_MARGIN
        is_worse = plain.error_px > bent.error_px + max(_PLAIN_MARGIN_PX, margin * bent.error_px)
        if is_worse and not (self._is_plate and self._explains(plain, goal)):
            return replace(bent, stiff_error_px=plain.error_px)
        return replace(plain, trust=bent.trust)

    def _explains(self, plain: Fit, goal: LineTarget) -> bool:
        """Whether nearly all that a target shows lies on lines of a plate, moved by one map.

        What it does not show of them says nothing: few artists sketch all of a backdrop.
        """
        back = np.linalg.inv(affine.fit_similarity(self.source, plain.moved))
        far = self._source_lines.query(affine.apply(back, goal.place))[0]
        return trimmed_mean(far) < _EXPLAINED_PX

    @cached_property
    def _source_lines(self) -> KDTree:
        return KDTree(self._source_places)

    def _plainly(
        self, starts: Sequence[tuple[np.ndarray, np.ndarray | None]], goal: LineTarget
    ) -> Fit | None:
        """The best fit by one map for all points, from places [n, 2] with weights [n] or None.

        None where all points lie on one spot.
        """
        fits: list[Fit] = []
        for points, weight in starts:
            matrix = self._whole_map(self.source, points, weight, _STIFFNESS)
            if affine.is_regular(matrix):
                moved = self._globally(affine.apply(matrix, self.source), goal, _PLAIN_STEPS)
                moved = self._onto_all_lines(moved, goal) if self._is_plate else moved
                error = self._error_px(moved, goal)
                fits.append(Fit(moved, np.ones(len(moved)), error, error))
        return min(fits, key=lambda fit: fit.error_px, default=None)

    def _onto_all_lines(self, moved: np.ndarray, goal: LineTarget) -> np.ndarray:
        """A plate's points [n, 2] laid on the nearest of all lines, not of some of them.

        A painted backdrop has thousands: chosen ones of two drawings are seldom the same.
        """
        for reach in _ALL_LINES_REACH_PX:
            pull, weight = goal.nearest(moved, self._headings(moved), reach)
            change = affine.fit_similarity(moved, moved + pull, weight)
            if weight.sum() < _LEAST_WEIGHT or not affine.is_regular(change):
                break
            moved = affine.apply(change, moved)
        return moved

    def _whole_map(
        self, source: np.ndarray, target: np.ndarray, weight: np.ndarray | None, stiffness: float
    ) -> np.ndarray:
        """The map that brings points [n, 2] nearest to others [n, 2]; it shears no plate."""
        if self._is_plate:
            return affine.fit_similarity(source, target, weight)
        return affine.fit_affine(source, target, weight, stiffness=stiffness)

    def _freely(self, start: np.ndarray, goal: LineTarget) -> Fit:
        moved = self._globally(start, goal, _AFFINE_STEPS)
        trust = np.ones(len(moved))
        for kernel, reach in zip(self._kernels, _REACH_PX, strict=True):
            for _ in range(_FREE_STEPS):
                pull, weight = self._pull(moved, goal, reach)
                moved = moved + self._smooth(kernel, pull, weight)
                trust = np.minimum(weight, 1.0)
        return Fit(moved, trust, self._error_px(moved, goal))

    def _pull(
        self, moved: np.ndarray, goal: LineTarget, reach: float
    ) -> tuple[np.ndarray, np.ndarray]:
        return goal.pull(moved, self._headings(moved), reach, self._partnered(moved, goal))

    def _error_px(self, moved: np.ndarray, goal: LineTarget) -> float:
        if self._is_plate:
            return goal.far_px(moved)
        return goal.error_px(moved, self._partnered(moved, goal))

    def _partnered(self, moved: np.ndarray, goal: LineTarget) -> np.ndarray | None:
        """Which points of a target [m] the source can show, lying as it does; None for all."""
        if self._known is None:
            return None
        ahead = affine.fit_similarity(self.source, moved)
        if not affine.is_regular(ahead):
            return None
        there = affine.apply(np.linalg.inv(ahead), goal.place)
        low, high = self._known[:2] - BORDER_PX, self._known[2:] + BORDER_PX
        found = np.asarray(((there > low) & (there < high)).all(axis=1))
        return found if found.sum() >= _LEAST_PARTNERED * len(found) else None

    def _globally(self, start: np.ndarray, goal: LineTarget, steps: int) -> np.ndarray:
        moved = start
        for step in range(steps):
            reach = 10.0 * 0.7**step + 3.0
            pull, weight = self._pull(moved, goal, reach)
            if weight.sum() < _LEAST_WEIGHT:
                break
            hidden = float(np.mean(weight < 0.05))
            change = self._whole_map(moved, moved + pull, weight, _STIFFNESS + hidden)
            if not affine.is_regular(change):
                break
            before, moved = moved, affine.apply(change, moved)
            if np.abs(moved - before).max() < _SETTLED_PX:
                break
        return moved

    def _headings(self, moved: np.ndarray) -> np.ndarray:
        """Headings after the global turn from source to `moved`."""
        turn = affine.fit_similarity(self.source, moved)
        angle = 2 * np.arctan2(turn[1, 0], turn[0, 0])
        cosine, sine = np.cos(angle), np.sin(angle)
        return self.heading @ np.array([[cosine, sine], [-sine, cosine]])

    def _smooth(self, kernel: np.ndarray, pull: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Locally affine weighted mean of displacements around every source point: [n, 2]."""
        x, y = self.source.T
        one = np.ones_like(x)
        basis = np.stack([one, x, y, x * x, x * y, y * y], axis=1)
        moments = kernel @ (basis * weight[:, None]).astype(np.float32)
        sides = np.stack([one, x, y], axis=1)[:, :, None] * (pull * weight[:, None])[:, None]
        right = (kernel @ sides.reshape(len(x), 6).astype(np.float32)).reshape(-1, 3, 2)
        return _local_affine(moments.astype(float), right.astype(float), x, y)


def _local_affine(
    moments: np.ndarray, right: np.ndarray, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """Solve the local fits around each point; a pull to the plain mean keeps them stable."""
    total = moments[:, 0] + 0.3
    mean_x, mean_y = moments[:, 1] / total, moments[:, 2] / total
    mean = right[:, 0] / total[:, None]  # [n, 2]
    xx = moments[:, 3] / total - mean_x**2
    xy = moments[:, 4] / total - mean_x * mean_y
    yy = moments[:, 5] / total - mean_y**2
    pull_x = right[:, 1] / total[:, None] - mean_x[:, None] * mean
    pull_y = right[:, 2] / total[:, None] - mean_y[:, None] * mean
    stiff = 0.25 * (xx + yy) + 1.0
    xx, yy = xx + stiff, yy + stiff
    determinant = xx * yy - xy**2
    slope_x = (pull_x * yy[:, None] - pull_y * xy[:, None]) / determinant[:, None]
    slope_y = (pull_y * xx[:, None] - pull_x * xy[:, None]) / determinant[:, None]
    return mean + slope_x * (x - mean_x)[:, None] + slope_y * (y - mean_y)[:, None]
