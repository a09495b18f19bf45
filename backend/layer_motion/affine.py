"""Plane affine maps as 3x3 float64 matrices on pixel-edge coordinates; for layer motion only.

A point lies at (x, y) with x right and y down; the centre of pixel (column i, row j) is
(i + 0.5, j + 0.5), so that scaling to another resolution is a plain multiplication.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

IDENTITY = np.eye(3)
_MIN_AREA_FACTOR = 1e-4


def translation(dx: float, dy: float) -> np.ndarray:
    """The map that adds (dx, dy)."""
    return np.array([[1.0, 0.0, dx], [0.0, 1.0, dy], [0.0, 0.0, 1.0]])


def scaling(factor: float) -> np.ndarray:
    """The map that multiplies both coordinates by `factor`."""
    return np.diag([factor, factor, 1.0])


def rotation_about(centre: np.ndarray, degrees: float, scale: float = 1.0) -> np.ndarray:
    """Rotation (positive from x to y) and uniform scale around a fixed point [2]."""
    angle = np.deg2rad(degrees)
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    matrix = np.eye(3)
    matrix[:2, :2] = [[cosine, -sine], [sine, cosine]]
    matrix[:2, 2] = centre - matrix[:2, :2] @ centre
    return matrix


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Map points [..., 2]."""
    return points @ matrix[:2, :2].T + matrix[:2, 2]


def size(matrix: np.ndarray) -> float:
    """How many times as long a map makes lines, on average of all directions."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))


def is_regular(matrix: np.ndarray) -> bool:
    """True where the map is finite, unmirrored and of a sane size."""
    if not np.isfinite(matrix).all():
        return False
    factor = float(np.linalg.det(matrix[:2, :2]))
    return _MIN_AREA_FACTOR < factor < 1.0 / _MIN_AREA_FACTOR


def turn(matrix: np.ndarray) -> float:
    """The angle in radians, -pi to pi, by which a similarity (2 x 2 or larger) turns."""
    return float(np.arctan2(matrix[1, 0], matrix[0, 0]))


def interpolate(matrix: np.ndarray, progress: float, centre: np.ndarray) -> np.ndarray:
    """The part `progress` (0 identity, 1 whole) of a map, turning around `centre` [2].

    Polar decomposition: the rotation's angle and the logarithm of the stretch grow linearly, the
    centre moves straight. Maps that mirror or collapse move only their centre.
    """
    return _part(matrix, progress, centre, lambda stretch: stretch**progress)


def evenly(matrix: np.ndarray, progress: float, centre: np.ndarray) -> np.ndarray:
    """The same, `progress` 0..1, but what grows does so by the same length in equal times.

    As an object does between two keys of its scale: half-way it is as large as both on average.
    """
    return _part(matrix, progress, centre, lambda stretch: 1 - progress + progress * stretch)


def _part(
    matrix: np.ndarray,
    progress: float,
    centre: np.ndarray,
    stretched: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    offset = apply(matrix, centre) - centre
    linear = np.eye(2)
    if is_regular(matrix):
        left, stretch, right = np.linalg.svd(matrix[:2, :2])
        angle = progress * turn(left @ right)
        cosine, sine = np.cos(angle), np.sin(angle)
        grown = (right.T * stretched(stretch)) @ right
        linear = np.array([[cosine, -sine], [sine, cosine]]) @ grown
    part = np.eye(3)
    part[:2, :2] = linear
    part[:2, 2] = centre + progress * offset - linear @ centre
    return part


def fit_similarity(
    source: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """Least-squares similarity from points [n, 2] to points [n, 2]; translation where n is 1."""
    share = np.full(len(source), 1.0) if weights is None else weights
    share = share / max(float(share.sum()), 1e-12)
    centre_source, centre_target = share @ source, share @ target
    from_centre, to_centre = source - centre_source, target - centre_target
    spread = float(share @ (from_centre**2).sum(axis=1))
    if spread < 1e-9:
        return translation(*(centre_target - centre_source))
    dot = float(share @ (from_centre * to_centre).sum(axis=1)) / spread
    cross = float(share @ _cross(from_centre, to_centre)) / spread
    matrix = np.eye(3)
    matrix[:2, :2] = [[dot, -cross], [cross, dot]]
    matrix[:2, 2] = centre_target - matrix[:2, :2] @ centre_source
    return matrix


def fit_affine(
    source: np.ndarray,
    target: np.ndarray,
    weights: np.ndarray | None = None,
    *,
    stiffness: float = 1e-3,
) -> np.ndarray:
    """Least-squares affine map between points [n, 2], drawn towards the best similarity.

    `stiffness` is the weight of that pull relative to the spread of the points; it decides alone
    where points lie on a line.
    """
    start = fit_similarity(source, target, weights)
    share = np.full(len(source), 1.0) if weights is None else weights
    share = share / max(float(share.sum()), 1e-12)
    centred = source - share @ source
    residual = target - apply(start, source)
    residual = residual - share @ residual
    moments = (centred * share[:, None]).T @ centred
    moments += np.eye(2) * (stiffness * np.trace(moments) + 1e-9)
    change = np.linalg.solve(moments, (centred * share[:, None]).T @ residual).T
    matrix = start.copy()
    matrix[:2, :2] += change
    matrix[:2, 2] = share @ target - matrix[:2, :2] @ (share @ source)
    return matrix


def _cross(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
