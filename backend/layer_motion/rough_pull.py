"""What a run of rough sketches says of the lines of one drawing; for fits to whole runs only.

A rough line tells where the drawing lies across it and nothing along it. Both strokes of a doubled
line count, and a line counts for the points nearest to it: the pupil's says nothing of the eye's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist

from . import line_points
from .line_points import LinePoints
from .line_target import BORDER_PX, HEADING_PX, MAX_TARGET_POINTS, robust_weight, thinned

_PARTNERS = 10  # of a point: both strokes of a doubled line within about a pixel along it
_ALONG_PX = 1.0
_RIVAL_PX = 1.0  # a line this much nearer to another point of the drawing counts little
_ENOUGH = 3.0  # weights of partners that make a place as good as known
_TANGENT_PX, _TANGENT_HEADING = 2.0, 0.6


@dataclass(frozen=True, eq=False)
class Run:
    """Sketches that follow each other, and the drawing that moves along them.

    `source`, `heading` [n, 2] as of `LinePoints`; `targets`: moment -> sketch; `key`: the moment
    at which the source lies as it is; `exact`: moments at which sketches were laid on finished art;
    `frame`: width and height in working pixels inside which sketches are drawn.
    """

    source: np.ndarray
    heading: np.ndarray
    targets: Mapping[int, LinePoints]
    key: int
    exact: frozenset[int]
    frame: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Pull:
    """Per point, where the lines near it lie.

    `distance` [n]: working pixels along `across` [n, 2]; `weight` [n]: 0 (nothing near) to 1.
    """

    distance: np.ndarray
    across: np.ndarray
    weight: np.ndarray


class RunLines:
    """The lines of a run's sketches at given moments, ready for searches."""

    def __init__(self, run: Run, moments: Sequence[int]) -> None:
        self._source, self._frame = run.source, np.array(run.frame)
        self._sketches = [None if m == run.key else _Sketch(run.targets[m]) for m in moments]
        self._along = _along(run)

    def pulls(self, path: np.ndarray, reach: float) -> list[Pull | None]:
        """What each sketch says of points [moments, n, 2] near it; None for the key's own."""
        tangents = _tangents(path - self._source, *self._along)
        return [
            None if sketch is None else self._seen(sketch.pull(points, tangent, reach), points)
            for sketch, points, tangent in zip(self._sketches, path, tangents, strict=True)
        ]

    def _seen(self, pull: Pull, points: np.ndarray) -> Pull:
        inside = (points > -BORDER_PX) & (points < self._frame + BORDER_PX)
        return Pull(pull.distance, pull.across, pull.weight * inside.all(axis=1))


class _Sketch:
    """One sketch, ready for searches of lines by place and heading."""

    def __init__(self, target: LinePoints) -> None:
        points = thinned(target, MAX_TARGET_POINTS)
        self.place = points.place
        self.across = line_points.across(points.heading)
        self._tree = KDTree(np.hstack([points.place, points.heading * HEADING_PX]))

    def pull(self, moved: np.ndarray, tangent: np.ndarray, reach: float) -> Pull:
        """Where lines that run as the points' own lie from them: the mean over those in reach."""
        x, y = tangent.T
        own = np.stack([-y, x], axis=1)
        heading = np.stack([x * x - y * y, 2 * x * y], axis=1)
        far, nearest, index = self._partners(np.hstack([moved, heading * HEADING_PX]))
        apart = self.place[index] - moved[:, None]  # [n, partners, 2]
        along = (apart * tangent[:, None]).sum(axis=2)
        weight = robust_weight(far, reach) * _falling(along**2, _ALONG_PX)
        beyond = np.maximum(far**2 - nearest**2 - along**2, 0.0)
        weight = weight * _falling(beyond, _RIVAL_PX)
        across = self.across[index]
        across = across * np.where((across * own[:, None]).sum(axis=2) < 0, -1.0, 1.0)[..., None]
        total = weight.sum(axis=1)
        distance = (weight * (apart * across).sum(axis=2)).sum(axis=1) / np.maximum(total, 1e-6)
        mean = (weight[..., None] * across).sum(axis=1)
        mean = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-6)
        return Pull(distance, mean, np.minimum(total / _ENOUGH, 1.0))

    def _partners(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The lines nearest to each point, all [n, partners].

        How far they lie from it, how far from the point nearest to them, and which they are.
        """
        count = min(_PARTNERS, len(self.place))
        far, index = self._tree.query(features, k=count)
        far, index = far.reshape(len(features), count), np.asarray(index).reshape(-1, count)
        return far, KDTree(features).query(self._tree.data)[0][index], index


def _falling(square: np.ndarray, reach: float) -> np.ndarray:
    """Weight 0..1 of what lies at squared distances, in squared pixels."""
    return np.exp(-square / (2 * reach**2))


def _along(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Directions of the lines at the points [n, 2], and what takes differences along them [n, n].

    Points on the same stretch of line count, not those of another line close by.
    """
    tangent = line_points.along(run.heading)
    square = cdist(run.source, run.source, "sqeuclidean")
    unlike = cdist(run.heading, run.heading, "sqeuclidean")
    near = np.exp(-square / (2 * _TANGENT_PX**2) - unlike / (2 * _TANGENT_HEADING**2))
    apart = tangent @ run.source.T - (tangent * run.source).sum(axis=1)[:, None]
    slope = near * apart / ((near * apart**2).sum(axis=1, keepdims=True) + 0.5)
    return tangent, slope - np.diag(slope.sum(axis=1))


def _tangents(shift: np.ndarray, tangent: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Directions of the lines [moments, n, 2] after shifts [moments, n, 2] of their points."""
    flat = slope @ shift.transpose(1, 0, 2).reshape(len(slope), -1)
    turned = tangent + flat.reshape(len(slope), len(shift), 2).transpose(1, 0, 2)
    return turned / np.maximum(np.linalg.norm(turned, axis=2, keepdims=True), 1e-6)
