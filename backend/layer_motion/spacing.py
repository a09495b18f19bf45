"""From an artist's spacing chart to progress along the way between two keys; for the pipeline."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from shared.shot import Chart


def progress_at(chart: Chart | tuple[float, ...], times: np.ndarray) -> np.ndarray:
    """How much of the way lies behind, [n] 0..1, at times [n] 0..1 between two keys.

    Marks are met exactly at their even positions and joined by a smooth curve that never goes
    back; what is slow starts or ends at rest.
    """
    if isinstance(chart, Chart):
        return _named(chart, times)
    positions = np.linspace(0.0, 1.0, len(chart) + 2)
    curve = PchipInterpolator(positions, np.array([0.0, *chart, 1.0]))
    return np.clip(curve(times), 0.0, 1.0)


def _named(chart: Chart, times: np.ndarray) -> np.ndarray:
    if chart is Chart.SLOW_OUT:
        return times**2
    if chart is Chart.SLOW_IN:
        return 1.0 - (1.0 - times) ** 2
    if chart is Chart.SLOW_IN_OUT:
        return times**2 * (3.0 - 2.0 * times)
    return times
