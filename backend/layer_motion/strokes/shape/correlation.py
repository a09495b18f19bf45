"""How alike two shapes are, wherever they lie and however turned; for stroke matching only."""

from __future__ import annotations

import numpy as np

from .complex_points import as_complex

_TINY = 1e-9


def centred(points: np.ndarray) -> np.ndarray:
    """Points [n, 2] about their middle, as complex numbers x + iy: [n]."""
    plain = as_complex(points)
    return plain - plain.mean()


def over_starts(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlations of two closed shapes, centred complex [n] each, over the other's starts: [n].

    The size of each tells how alike they are from there, the angle by how much the other is turned.
    """
    return np.fft.ifft(np.fft.fft(one).conj() * np.fft.fft(other))


def correlation(one: np.ndarray, other: np.ndarray) -> complex:
    """Of two shapes [n, 2]: of size 1 where they are alike but for turn and scale, less where not.

    Its angle is how far the other is turned against the one.
    """
    some, others = centred(one), centred(other)
    whole = float(np.linalg.norm(some) * np.linalg.norm(others))
    return complex(np.vdot(some, others)) / max(whole, _TINY)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of two shapes [n, 2] about their middles; turning by 180 degrees costs it all."""
    product = complex(np.vdot(centred(one), centred(other)))
    return float(abs(product) * np.cos(np.angle(product) / 2))
