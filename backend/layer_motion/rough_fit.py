"""Fits a whole run of rough sketches at once instead of drawing by drawing; for sketch_way.py only.

A rough line errs in a way of its own at every moment: the motion is the smoothest one that explains
them all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import solveh_banded
from scipy.spatial.distance import cdist

from . import affine
from .rough_pull import Pull, Run, RunLines
from .steady import steadied_stiffly

_REACHES_PX = (3.0, 2.5, 2.0, 2.0)
_STIFF_REACHES_PX = (3.0, 2.5)
_STIFF_ROUNDS = 3
_STIFF_PULL = 0.03  # towards where the points lie: of their number, decides what no line tells
_ERROR_PX = 0.5  # of one rough line
_EXACT_PX = 0.1  # of a key's own line
_INDEPENDENT = 40.0  # a hand errs smoothly: points of one drawing count as so many
_JERKS = 0.003, 0.05  # third differences over time of a movement, against its size
_RIDGE = 0.01  # as much of a movement's size is no movement
_WHOLE_PX = 20.0  # size of the movements of all points together
_BENDS = ((20.0, 8.0, 16), (8.0, 4.0, 40))  # reach of a bend, its size, how many are told apart
_KEEP = 1e6


def fit_bent(run: Run, moments: Sequence[int], path: np.ndarray) -> np.ndarray:
    """Points [moments, n, 2] near `path`, bent smoothly in space and over time."""
    lines = RunLines(run, moments)
    shapes, groups = _shapes(run.source)
    jerks = _jerks(shapes, groups, path - run.source)
    for reach in _REACHES_PX:
        path = _smoothest(run, moments, path, lines.pulls(path, reach), (shapes, jerks))
    return path


def fit_stiff(run: Run, moments: Sequence[int], path: np.ndarray) -> np.ndarray:
    """Points [moments, n, 2] near `path`, moved by one affine map at each of at least 4 moments.

    What the lines of a moment do not tell, as of a body that the camera cuts, stays as in `path`,
    which every round makes smoother.
    """
    lines = RunLines(run, moments)
    exact = [moment == run.key or moment in run.exact for moment in moments]
    start = [moment == run.key for moment in moments].index(True)
    wide, close = _STIFF_REACHES_PX
    for _ in range(_STIFF_ROUNDS):
        path = _stiffly(path, lines.pulls(path, wide))
        pulls = lines.pulls(path, close)
        path = _stiffly(path, pulls)
        seen = [1.0 if pull is None else pull.weight.mean() for pull in pulls]
        path = steadied_stiffly(run.source, path, start, exact, np.array(seen))
    return path


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
    return np.exp(-cdist(points, others, "sqeuclidean") / 2)


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
    pulls: list[Pull | None],
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


def _stiffly(path: np.ndarray, pulls: Sequence[Pull | None]) -> np.ndarray:
    """Points [moments, n, 2], each moment's moved onto its lines by the likeliest affine map."""
    return np.stack(
        [
            points if pull is None else _pulled(points, pull)
            for points, pull in zip(path, pulls, strict=True)
        ]
    )


def _pulled(points: np.ndarray, pull: Pull) -> np.ndarray:
    """Points moved by the affine map that takes them onto the lines as nearly as possible."""
    middle = points - points.mean(axis=0)
    plain = np.column_stack([np.ones(len(points)), middle])
    sides = np.hstack([plain * pull.across[:, :1], plain * pull.across[:, 1:]])
    told = sides.T @ (sides * pull.weight[:, None])
    told += _STIFF_PULL * np.kron(np.eye(2), plain.T @ plain) + 1e-9 * np.eye(6)
    change = np.linalg.solve(told, sides.T @ (pull.weight * pull.distance)).reshape(2, 3)
    matrix = affine.fit_affine(points, points + plain @ change.T, stiffness=0.0)
    return affine.apply(matrix, points) if affine.is_regular(matrix) else points
