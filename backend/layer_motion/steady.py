"""Takes the hand's tremble out of fits to a run of rough sketches; for sketch_fit.py only.

Every rough sketch strays from the drawing it means in a way of its own, while what it means moves
smoothly. How much of the fits is tremble shows in their third differences over time: smooth motion
leaves next to nothing there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import affine

CALM_PX = (
    0.22  # rms tremble per coordinate below which fits stay as they are; clean sketches reach 0.19
)
_LEAST_MOMENTS = 5
_THIRD_SQUARED = 20.0  # mean square of third differences of white noise of rms 1
_MEDIAN = 0.6745  # median of the magnitude of a normal variable of rms 1
_CAUTION = 2.0  # price of freedom against that of C_p: a run of sketches is short
_FIXED_WEIGHT = 1e6
_STIFFNESSES = np.logspace(0, 4, 9)
_ORDERS = {0: 1.0, 1: 10.0, 2: 10.0, 3: 1.0}  # of differences, and their stiffness against others'
_LEAST_SEEN = 0.1  # what next to nothing of is seen still counts a little
_ROUNDS = 2  # a calmer way makes a better measure for the rest
_CLEAR = 4.0  # times its tremble that a course must span to count as motion
_MOST_DEGREE = 2  # a path's bow; of more, half would be tremble
_STIFF_STIFFNESSES = np.logspace(-1, 5, 13)


def tremble_px(path: np.ndarray) -> float:
    """Rms of what is not smooth about points [moments, n, 2] on their way, per coordinate."""
    if len(path) < _LEAST_MOMENTS:
        return 0.0
    third = np.abs(np.diff(path, 3, axis=0))
    return float(np.median(third)) / float(_MEDIAN * np.sqrt(_THIRD_SQUARED))


def steadied(path: np.ndarray, exact: Sequence[bool] = ()) -> np.ndarray:
    """Points [moments, n, 2] on a smooth way near the given one.

    What the points do together is taken apart into its principal movements; each is smoothed as
    far as it looks like tremble (penalised third differences, stiffness by Mallows' C_p with the
    variance that third differences show). `exact`: the moments at which nothing trembles; the way
    leads through them.
    """
    flat = path.reshape(len(path), -1)
    fixed = np.array(exact, bool) if len(exact) else np.zeros(len(path), bool)
    middle = flat[fixed].mean(axis=0) if fixed.any() else flat.mean(axis=0)
    course, size, shape = np.linalg.svd(flat - middle, full_matrices=False)
    course = course * size  # [moments, movements], in pixels times the root of the number of points
    variance = float((np.diff(course, 3, axis=0) ** 2).mean()) / _THIRD_SQUARED
    weight = _weights(fixed)
    smoothers = _smoothers(weight, 3, _STIFFNESSES)
    return (_smoothed(course, variance, weight, smoothers) @ shape + middle).reshape(path.shape)


def steadied_stiffly(
    source: np.ndarray,
    path: np.ndarray,
    start: int,
    exact: Sequence[bool],
    seen: np.ndarray | None = None,
) -> np.ndarray:
    """The same for points [moments, n, 2] that one affine map moves at each moment.

    Shift, size, turn and the two ways to stretch have courses of their own; one that is not told
    from tremble stays as it is at the moment `start`, where the points lie as in `source` [n, 2]: a
    drawing that only turns is not stretched. `seen` [moments] 0..1: how much of the points
    each moment's place was found by; all by default.
    """
    middle = source.mean(axis=0)
    centred = source - middle
    spread = float(np.sqrt((centred**2).sum(axis=1).mean())) + 1e-6
    maps = np.stack([affine.fit_affine(centred, points, stiffness=0.0) for points in path])
    shift = maps[:, :2, 2] - maps[start, :2, 2]
    course = np.hstack([shift, _growth(maps[:, :2, :2]) * spread])  # [moments, 6], pixels
    fixed = np.array(exact, bool)
    weight = _weights(fixed, seen)
    variance = _variance(course, weight)
    smoothers = [
        smoother
        for order, times in _ORDERS.items()
        for smoother in _smoothers(weight, order, times * _STIFF_STIFFNESSES)
    ]
    calm = _smoothed(course, variance, weight, smoothers)
    for _ in range(_ROUNDS):
        if np.ptp(calm, axis=0).max() < _CLEAR * np.sqrt(variance.max()):
            break  # the way of what holds still would be the tremble itself
        calm = _smoothed(course, variance, weight, smoothers + _together(calm, weight))
    linear = _grown(calm[:, 2:] / spread)
    moved = np.einsum("nj,tij->tni", centred, linear)
    moved += (calm[:, :2] + maps[start, :2, 2])[:, None]
    moved[fixed] = path[fixed]
    return moved


def _weights(fixed: np.ndarray, seen: np.ndarray | None = None) -> np.ndarray:
    """What the place of each moment counts, [t]: 1 at most, but very much where it is fixed.

    The variance of a place found by a share of the points grows faster than that share falls: an
    end of a body tells little of its turn. Only the differences of `seen` count, so that a body cut
    by the camera all the time is smoothed like any other.
    """
    plain = np.ones(len(fixed))
    if seen is not None and not fixed.all():
        share = np.maximum(seen, _LEAST_SEEN) ** 2
        plain = np.minimum(share / share[~fixed].max(), 1.0)
    return np.where(fixed, _FIXED_WEIGHT, plain)


def _variance(course: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """How much each column of a course [moments, k] trembles, [k], by its third differences.

    A difference counts as its least moment does.
    """
    plain = np.minimum(weight, 1.0)
    told = np.minimum.reduce([plain[k : len(plain) - 3 + k] for k in range(4)])
    square = np.average(np.diff(course, 3, axis=0) ** 2, axis=0, weights=told)
    return np.asarray(square / _THIRD_SQUARED)


def _together(course: np.ndarray, weight: np.ndarray) -> list[np.ndarray]:
    """Matrices [t, t] that make a course a polynomial of the way which all columns go together.

    A body that travels, turns and grows does so at one pace, whatever its spacing over time.
    """
    middle = course - course.mean(axis=0)
    way = np.linalg.svd(middle, full_matrices=False)[0][:, 0]
    way = way / max(float(np.abs(way).max()), 1e-9)
    found: list[np.ndarray] = []
    for degree in range(1, _MOST_DEGREE + 1):
        basis = np.vander(way, degree + 1)
        told = basis.T @ (weight[:, None] * basis)
        found.append(basis @ np.linalg.solve(told + 1e-9 * np.eye(degree + 1), basis.T * weight))
    return found


def _growth(linear: np.ndarray) -> np.ndarray:
    """Maps [t, 2, 2] as log of size, angle (without jumps), two numbers of the stretch: [t, 4]."""
    left, sizes, right = np.linalg.svd(linear)
    turn = left @ right
    stretch = (right.swapaxes(1, 2) * np.log(np.maximum(sizes, 1e-3))[:, None]) @ right
    along, across, slanted = stretch[:, 0, 0], stretch[:, 1, 1], stretch[:, 0, 1]
    angle = np.unwrap(np.arctan2(turn[:, 1, 0], turn[:, 0, 0]))
    return np.stack([(along + across) / 2, angle, (along - across) / 2, slanted], axis=1)


def _grown(growth: np.ndarray) -> np.ndarray:
    """The maps [t, 2, 2] of which `_growth` tells."""
    size, angle, straight, slanted = growth.T
    stretch = np.stack(
        [np.stack([size + straight, slanted], 1), np.stack([slanted, size - straight], 1)], 1
    )
    values, vectors = np.linalg.eigh(stretch)
    stretch = (vectors * np.exp(values)[:, None]) @ vectors.swapaxes(1, 2)
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.stack([np.stack([cosine, -sine], 1), np.stack([sine, cosine], 1)], 1)
    return turn @ stretch


def _smoothers(weight: np.ndarray, order: int, stiffnesses: np.ndarray) -> list[np.ndarray]:
    """Matrices [t, t] that smooth a course by its differences of an order, 0 to 3."""
    rough = np.diff(np.eye(len(weight)), order, axis=0)
    own, penalty = np.diag(weight), rough.T @ rough
    return [np.linalg.solve(own + stiffness * penalty, own) for stiffness in stiffnesses]


def _smoothed(
    course: np.ndarray,
    variance: np.ndarray | float,
    weight: np.ndarray,
    smoothers: list[np.ndarray],
) -> np.ndarray:
    """Every column [moments] of `course` with the smoother that suits it best."""
    fixed = weight >= _FIXED_WEIGHT
    best = np.full(course.shape[1], np.inf)
    chosen = course.copy()
    for smoother in smoothers:
        smooth = smoother @ course
        left = (weight[~fixed, None] * (course - smooth)[~fixed] ** 2).sum(axis=0)
        freedom = float(np.trace(smoother[np.ix_(~fixed, ~fixed)]))
        price = left + _CAUTION * 2 * variance * freedom
        chosen = np.where(price < best, smooth, chosen)
        best = np.minimum(best, price)
    return chosen
