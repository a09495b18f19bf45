"""Takes the hand's tremble out of fits to a run of rough sketches; for sketch_fit.py only.

Every rough sketch strays from the drawing it means in a way of its own, while what it means moves
smoothly. How much of the fits is tremble shows in their third differences over time: smooth motion
leaves next to nothing there.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import savgol_filter

_CALM_PX = (
    0.22  # rms tremble per coordinate below which fits stay as they are; clean sketches reach 0.19
)
_WINDOW, _WIDE_WINDOW = 7, 9  # moments that are smoothed over
_WIDE_FROM_PX = 0.6  # tremble from which the wide one is taken
_LEAST_MOMENTS = 5
_THIRD = np.sqrt(20.0)  # rms of third differences of white noise of rms 1
_MEDIAN = 0.6745  # median of the magnitude of a normal variable of rms 1


def tremble_px(path: np.ndarray) -> float:
    """Rms of what is not smooth about points [moments, n, 2] on their way, per coordinate."""
    if len(path) < _LEAST_MOMENTS:
        return 0.0
    third = np.abs(np.diff(path, 3, axis=0))
    return float(np.median(third)) / (_MEDIAN * _THIRD)


def steadied(path: np.ndarray) -> np.ndarray:
    """Points [moments, n, 2] on a smooth way near the given one; the same where that is smooth.

    A quadratic through the moments around each one.
    """
    tremble = tremble_px(path)
    if tremble < _CALM_PX:
        return path
    window = _WINDOW if tremble < _WIDE_FROM_PX else _WIDE_WINDOW
    window = min(window, len(path) - 1 + len(path) % 2)
    return np.asarray(savgol_filter(path, window, 2, axis=0, mode="interp"))
