"""Fits a whole run of rough sketches at once instead of drawing by drawing; for sketch_fit.py only.

A rough line tells where the drawing lies across it and nothing along it, and it errs in a way of
its own at every moment. So only distances across lines count, over both strokes of a doubled line,
and the motion is the smoothest one that explains them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solveh_banded
from scipy.spatial import KDTree

from . import affine, line_points
from .line_fit import HEADING_PX, MAX_TARGET_POINTS, robust_weight, thinned
from .line_points import LinePoints
from .steady import steadied_stiffly

_PARTNERS = 10  # of a point: both strokes of a doubled line within about a pixel along it
_ALONG_PX = 1.0
_ENOUGH = 3.0  # weights of partners that make a place as good as known
_BORDER_PX = 0.5
_REACHES_PX = (3.0, 2.5, 2.0, 2.0)
_STIFF_REACHES_PX = (3.0, 2.5)
_STIFF_ROUNDS = 2
_STIFF_PULL = 1e-4  # towards where the points lie: of their number, decides what no line tells
_ERROR_PX = 0.5  # of one rough line
_EXACT_PX = 0.1  # of a key's own line
_INDEPENDENT = 40.0  # a hand errs smoothly: points of one drawing count as so many
_JERKS = 0.003, 0.05  # third differences over time of a movement, against its size
_RIDGE = 0.01  # as much of a movement's size is no movement
_WHOLE_PX = 20.0  # size of the movements of all points together
_BENDS = ((20.0, 8.0, 16), (8.0, 4.0, 40))  # reach of a bend, its size, how many are told apart
_TANGENT_PX, _TANGENT_HEADING = 2.0, 0.6
_KEEP = 1e6


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


def fit_bent(run: Run, moments: Sequence[int], path: np.ndarray) -> np.ndarray:
    """Points [moments, n, 2] near `path`, bent smoothly in space and over time."""
    views, along = _views(run, moments), _along(run)
    shapes, groups = _shapes(run.source)
    jerks = _jerks(shapes, groups, path - run.source)
    for reach in _REACHES_PX:
        pulls = _pulls(run, views, path, reach, along)
        path = _smoothest(run, moments, path, pulls, (shapes, jerks))
    return path


def fit_stiff(run: Run, moments: Sequence[int], path: np.ndarray) -> np.ndarray:
    """Points [moments, n, 2] near `path`, moved by one affine map at each moment."""
    views, along = _views(run, moments), _along(run)
    exact = [moment == run.key or moment in run.exact for moment in moments]
    start = [moment == run.key for moment in moments].index(True)
    pulls: list[_Pull | None] = []
    for _ in range(_STIFF_ROUNDS):
        for reach in _STIFF_REACHES_PX:
            pulls = _pulls(run, views, path, reach, along)
            path = np.stack(
                [
                    points if pull is None else _stiffly(points, pull)
                    for points, pull in zip(path, pulls, strict=True)
                ]
            )
        seen = np.array([1.0 if pull is None else pull.weight.mean() for pull in pulls])
        path = steadied_stiffly(run.source, path, start, exact, seen)
    return path


@dataclass(frozen=True, eq=False)
class _Pull:
    """Per point: distance to the lines near it, direction in which they lie [n, 2], weight 0..1."""

    distance: np.ndarray
    across: np.ndarray
    weight: np.ndarray


class _View:
    """One sketch, ready for searches of lines by place and heading."""

    def __init__(self, target: LinePoints) -> None:
        points = thinned(target, MAX_TARGET_POINTS)
        self.place = points.place
        self.across = line_points.across(points.heading)
        self._tree = KDTree(np.hstack([points.place, points.heading * HEADING_PX]))

    def pull(self, moved: np.ndarray, tangent: np.ndarray, reach: float) -> _Pull:
        """Where lines that run as the points' own lie from them: the mean over those in reach."""
        x, y = tangent.T
        own = np.stack([-y, x], axis=1)
        heading = np.stack([x * x - y * y, 2 * x * y], axis=1)
        count = min(_PARTNERS, len(self.place))
        far, index = self._tree.query(np.hstack([moved, heading * HEADING_PX]), k=count)
        far, index = far.reshape(len(moved), count), np.asarray(index).reshape(len(moved), count)
        apart = self.place[index] - moved[:, None]  # [n, partners, 2]
        along = (apart * tangent[:, None]).sum(axis=2)
        weight = robust_weight(far, reach) * np.exp(-(along**2) / (2 * _ALONG_PX**2))
        across = self.across[index]
        across = across * np.where((across * own[:, None]).sum(axis=2) < 0, -1.0, 1.0)[..., None]
        total = weight.sum(axis=1)
        distance = (weight * (apart * across).sum(axis=2)).sum(axis=1) / np.maximum(total, 1e-6)
        mean = (weight[..., None] * across).sum(axis=1)
        mean = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-6)
        return _Pull(distance, mean, np.minimum(total / _ENOUGH, 1.0))


def _views(run: Run, moments: Sequence[int]) -> list[_View | None]:
    return [None if moment == run.key else _View(run.targets[moment]) for moment in moments]


def _pulls(
    run: Run,
    views: list[_View | None],
    path: np.ndarray,
    reach: float,
    along: tuple[np.ndarray, np.ndarray],
) -> list[_Pull | None]:
    """What the sketch of each moment says; None for the key's own."""
    tangents = _tangents(path - run.source, *along)
    pulls: list[_Pull | None] = []
    for view, points, tangent in zip(views, path, tangents, strict=True):
        if view is None:
            pulls.append(None)
            continue
        pull = view.pull(points, tangent, reach)
        inside = (points > -_BORDER_PX) & (points < np.array(run.frame) + _BORDER_PX)
        pulls.append(_Pull(pull.distance, pull.across, pull.weight * inside.all(axis=1)))
    return pulls


def _along(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Directions of the lines at the points [n, 2], and what takes differences along them [n, n].

    Points on the same stretch of line count, not those of another line close by.
    """
    tangent = line_points.along(run.heading)
    square = _squares(run.source, run.source)
    unlike = _squares(run.heading, run.heading)
    near = np.exp(-square / (2 * _TANGENT_PX**2) - unlike / (2 * _TANGENT_HEADING**2))
    apart = tangent @ run.source.T - (tangent * run.source).sum(axis=1)[:, None]
    slope = near * apart / ((near * apart**2).sum(axis=1, keepdims=True) + 0.5)
    return tangent, slope - np.diag(slope.sum(axis=1))


def _tangents(shift: np.ndarray, tangent: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Directions of the lines [moments, n, 2] after shifts [moments, n, 2] of their points."""
    flat = slope @ shift.transpose(1, 0, 2).reshape(len(slope), -1)
    turned = tangent + flat.reshape(len(slope), len(shift), 2).transpose(1, 0, 2)
    return turned / np.maximum(np.linalg.norm(turned, axis=2, keepdims=True), 1e-6)


def _shapes(source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Movements [n, k] that points make, each of the size it may have in pixels.

    The covariance of displacements that they span: affine, and bends of a few reaches, each told
    by landmarks (Nystroem's approximation of a Gaussian process). Also the group [k] of each:
    shifts, other affine ones, bends by their reach.
    """
    middle = source - source.mean(axis=0)
    spread = float(np.sqrt((middle**2).sum(axis=1).mean())) + 1e-6
    columns = [_WHOLE_PX * np.column_stack([np.ones(len(source)), middle / spread])]
    groups = [0, 1, 1]
    for reach, size, count in _BENDS:
        chosen = source[_landmarks(source, count)] / reach
        own = _likeness(chosen, chosen) + 1e-4 * np.eye(len(chosen))
        values, vectors = np.linalg.eigh(own)
        columns.append(size * _likeness(source / reach, chosen) @ (vectors / np.sqrt(values)))
        groups += [groups[-1] + 1] * len(chosen)
    return np.hstack(columns), np.array(groups)


def _jerks(shapes: np.ndarray, groups: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """How unsteadily displacements [moments, n, 2] go: rms third difference of each movement.

    [2 k], alike for all movements of a group [k].
    """
    told = shapes.T @ shapes + _RIDGE * len(shapes) * np.eye(len(groups))
    flat = np.einsum("nk,tnc->ktc", shapes, shift, optimize=True).reshape(len(groups), -1)
    sizes = np.linalg.solve(told, flat).reshape(len(groups), len(shift), 2)
    square = (np.diff(sizes, 3, axis=1) ** 2).mean(axis=(1, 2))
    mean = np.bincount(groups, square) / np.bincount(groups)
    return np.tile(np.clip(np.sqrt(mean), *_JERKS)[groups], 2)


def _likeness(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.exp(-_squares(points, others) / 2)


def _squares(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Squared distances [n, m] between points [n, 2] and others [m, 2]."""
    return ((points[:, None] - others[None]) ** 2).sum(axis=2)


def _landmarks(points: np.ndarray, count: int) -> list[int]:
    """Points that lie far from each other, the farthest from the middle first."""
    chosen = [int(((points - points.mean(axis=0)) ** 2).sum(axis=1).argmax())]
    far = ((points - points[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < min(count, len(points)):
        chosen.append(int(far.argmax()))
        far = np.minimum(far, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
    return chosen


def _smoothest(
    run: Run,
    moments: Sequence[int],
    path: np.ndarray,
    pulls: list[_Pull | None],
    movements: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """The likeliest path: least squares over all moments, each movement smooth over time.

    Penalised third differences tie a moment to its three followers, so the normal equations are
    banded.
    """
    shapes, jerks = movements
    count = 2 * shapes.shape[1]
    third = np.diff(np.eye(len(moments)), 3, axis=0)
    calm = third.T @ third
    band = np.zeros((3 * count + 1, len(moments) * count))
    right = np.zeros((len(moments), count))
    for number, (moment, pull) in enumerate(zip(moments, pulls, strict=True)):
        columns = slice(number * count, (number + 1) * count)
        if pull is None:
            told = np.eye(count) * _KEEP
        else:
            error = _EXACT_PX if moment in run.exact else _ERROR_PX
            share = pull.weight * (_INDEPENDENT / len(run.source) / error**2)
            goal = pull.distance + (pull.across * (path[number] - run.source)).sum(axis=1)
            sides = np.hstack([shapes * pull.across[:, :1], shapes * pull.across[:, 1:]])
            told = sides.T @ (sides * share[:, None])
            right[number] = sides.T @ (share * goal)
        told = told + np.diag(calm[number, number] / jerks**2 + 1.0)
        for side in range(count):
            band[: count - side, number * count + side] = told[side:, side]
        for later in range(1, min(4, len(moments) - number)):
            band[later * count, columns] = calm[number, number + later] / jerks**2
    found = solveh_banded(band, right.ravel(), lower=True, check_finite=False)
    sizes = found.reshape(len(moments), 2, -1)
    moved = run.source + np.einsum("nk,tck->tnc", shapes, sizes, optimize=True)
    moved[list(moments).index(run.key)] = run.source
    return moved


def _stiffly(points: np.ndarray, pull: _Pull) -> np.ndarray:
    """Points moved by the affine map that takes them onto the lines as nearly as possible."""
    middle = points - points.mean(axis=0)
    plain = np.column_stack([np.ones(len(points)), middle])
    sides = np.hstack([plain * pull.across[:, :1], plain * pull.across[:, 1:]])
    told = sides.T @ (sides * pull.weight[:, None])
    told += _STIFF_PULL * np.kron(np.eye(2), plain.T @ plain) + 1e-9 * np.eye(6)
    change = np.linalg.solve(told, sides.T @ (pull.weight * pull.distance)).reshape(2, 3)
    matrix = affine.fit_affine(points, points + plain @ change.T, stiffness=0.0)
    return affine.apply(matrix, points) if affine.is_regular(matrix) else points
