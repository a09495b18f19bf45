"""Points as complex numbers x + iy, whose products turn and scale; for strokes only."""

from __future__ import annotations

import numpy as np

Ends = tuple[np.ndarray, np.ndarray]
"""The same points at the first and at the last key, complex [n] pixels each."""


def as_complex(points: np.ndarray) -> np.ndarray:
    """Points [..., 2] as complex [...]."""
    return points[..., 0] + 1j * points[..., 1]


def as_points(places: np.ndarray) -> np.ndarray:
    """Complex [...] as points [..., 2]."""
    return np.stack([np.real(places), np.imag(places)], axis=-1)


def way_along(places: np.ndarray) -> np.ndarray:
    """How far along a line each of its points lies, complex [n]: [n], from 0."""
    return np.concatenate([[0.0], np.cumsum(np.abs(np.diff(places)))])
