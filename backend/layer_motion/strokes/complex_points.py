"""Points as complex numbers x + iy, whose products turn and scale; for strokes only."""

from __future__ import annotations

import numpy as np


def as_complex(points: np.ndarray) -> np.ndarray:
    """Points [..., 2] as complex [...]."""
    return points[..., 0] + 1j * points[..., 1]


def as_points(places: np.ndarray) -> np.ndarray:
    """Complex [...] as points [..., 2]."""
    return np.stack([np.real(places), np.imag(places)], axis=-1)
