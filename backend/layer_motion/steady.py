"""Takes the hand's tremble out of fits to a run of rough sketches; for sketch_fit.py only.

Every rough sketch strays from the drawing it means in a way of its own, while what it means moves
smoothly. How much of the fits is tremble shows in their third differences over time: smooth motion
leaves next to nothing there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CALM_PX = (
    0.22  # rms tremble per coordinate below which fits stay as they are; clean sketches reach 0.19
)
_LEAST_MOMENTS = 5
_THIRD_SQUARED = 20.0  # mean square of third differences of white noise of rms 1
_MEDIAN = 0.6745  # median of the magnitude of a normal variable of rms 1
_CAUTION = 2.0  # price of freedom against that of C_p: a run of sketches is short
_FIXED_WEIGHT = 1e6
_STIFFNESSES = np.logspace(0, 4, 9)


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
    return (_smoothed(course, variance, fixed) @ shape + middle).reshape(path.shape)


def _smoothed(course: np.ndarray, variance: float, fixed: np.ndarray) -> np.ndarray:
    """Every column [moments] of `course` with the stiffness that suits it best."""
    best = np.full(course.shape[1], np.inf)
    chosen = course.copy()
    rough = np.diff(np.eye(len(course)), 3, axis=0)
    weight = np.where(fixed, _FIXED_WEIGHT, 1.0)
    for stiffness in _STIFFNESSES:
        smoother = np.linalg.solve(np.diag(weight) + stiffness * rough.T @ rough, np.diag(weight))
        smooth = smoother @ course
        left = ((course - smooth)[~fixed] ** 2).sum(axis=0)
        freedom = float(np.trace(smoother[np.ix_(~fixed, ~fixed)]))
        price = left + _CAUTION * 2 * variance * freedom
        chosen = np.where(price < best, smooth, chosen)
        best = np.minimum(best, price)
    return chosen
