"""Lays closed strokes on partners that are squashed, as a coin or a page turned away; matching.

Their sides grow and shrink unevenly, so that shares of the length tell little of which place became
which. Brought to one width and height first, by their areas, both shapes are alike again.
"""

from __future__ import annotations

import cv2
import numpy as np

from ... import affine
from ..shape.correlation import centred, over_starts
from ..shape.level import Line, begun_at, resampled, reversed_line
from .root import Level
from .seam import sewn

_SAMPLES = 64
_SQUASHED = 1.5  # longer over shorter side at one key, over that at the other
_THINNEST = 0.02  # of the longer side: what is thinner is as good as a line
_ALIKE = 0.985  # of the best likeness: starts at which a shape looks the same
_FEWEST_POINTS = 4
_LEAST_PX2 = 1.0  # area below which a shape has no width
_EXPLAINED, _BETTER = 0.25, 0.7  # what squashing leaves of the shape; of what it left before
_STIFF = 1e-3


def unsquashed(one: Line, other: Line, plain: Level) -> Level:
    """Two closed strokes point by point as they are in `plain`, or better where one is squashed.

    Better is what an even squash and turn explains: a limb that bends is narrower, too. Of all
    starts at which both shapes are as much alike, the one that asks for the shortest way counts.
    """
    if not (one.cyclic and other.cyclic):
        return plain
    spread, goal = _spread(one), _spread(other)
    if spread is None or goal is None or not _is_squashed(spread, goal):
        return plain
    level = _level(one, other, spread, goal)
    left, before = (_unexplained(*pair, spread, goal) for pair in (level, plain))
    return level if left < min(_EXPLAINED, _BETTER * before) else plain


def _level(one: Line, other: Line, spread: np.ndarray, goal: np.ndarray) -> Level:
    if one.area * other.area < 0:
        other = reversed_line(other)
    here, there = _even(one, spread), _even(other, goal)
    a, b = resampled(here, _SAMPLES).points, resampled(there, _SAMPLES).points
    alike = np.abs(over_starts(centred(a), centred(b)))
    near = np.real(over_starts(centred(a @ spread), centred(b @ goal)))
    start = int(np.argmax(np.where(alike >= _ALIKE * alike.max(), near, -np.inf))) / _SAMPLES
    here, there = sewn(here, begun_at(there, start))
    return here.placed(here.points @ spread), there.placed(there.points @ goal)


def _unexplained(one: Line, other: Line, spread: np.ndarray, goal: np.ndarray) -> float:
    """What the best affine map leaves of the way from one to the other, of the other's size."""
    even = one.points @ np.linalg.inv(spread), other.points @ np.linalg.inv(goal)
    steps = np.stack(
        [points - np.roll(points, side, axis=0) for points in even for side in (-1, 1)]
    )
    ink = np.linalg.norm(steps, axis=2).sum(axis=0)
    matrix = affine.fit_affine(one.points, other.points, ink, stiffness=_STIFF)
    left = (affine.apply(matrix, one.points) - other.points) @ np.linalg.inv(goal)
    return float(np.sqrt(np.average((left**2).sum(axis=1), weights=ink)))


def _even(line: Line, spread: np.ndarray) -> Line:
    """The stroke as wide as it is high."""
    return line.placed(line.points @ np.linalg.inv(spread))


def _spread(line: Line) -> np.ndarray | None:
    """The symmetric map [2, 2] from a shape of even width and height to that of a closed stroke.

    None where it has no area, or one that it does not go round.
    """
    points = line.points
    if len(points) < _FEWEST_POINTS or abs(line.area) < _LEAST_PX2:
        return None
    found = cv2.moments((points - points.mean(axis=0)).astype(np.float32)[:, None])
    second = np.array([[found["mu20"], found["mu11"]], [found["mu11"], found["mu02"]]])
    values, axes = np.linalg.eigh(second / found["m00"])
    if values[-1] <= 0.0:
        return None
    sides = np.sqrt(np.maximum(values, _THINNEST**2 * values[-1]))
    return axes @ np.diag(sides) @ axes.T


def _is_squashed(one: np.ndarray, other: np.ndarray) -> bool:
    slims = [float(np.linalg.cond(spread)) for spread in (one, other)]
    return max(slims) > _SQUASHED * min(slims)
