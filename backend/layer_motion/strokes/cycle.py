"""Whether a layer's last key shows its first one again, as a walk cycle's; for the pipeline."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from shared.strokes import Drawing

from .shape.level import lines_of, resampled

_SAME_SHARE, _SAME_PX = 0.01, 4.0  # of the extent, and camera pixels: what a second hand may stray
_SPACING_SHARE = 0.005  # of the extent: from sample to sample
_MOST_SAMPLES = 40_000


def comes_round(first: Drawing, last: Drawing) -> bool:
    """Whether two drawings of as many strokes have their ink in the same places.

    However each stroke was drawn: from which end, with how many points. Colours do not count.
    """
    if first.stroke_count != last.stroke_count or not (len(first.points) and len(last.points)):
        return False
    corners = [np.stack([d.points.min(axis=0), d.points.max(axis=0)]) for d in (first, last)]
    if not np.isfinite(corners).all():
        return False
    size = max(float(np.hypot(*(corners[0][1] - corners[0][0]))), 1.0)
    near = min(_SAME_SHARE * size, _SAME_PX)
    if np.abs(corners[1] - corners[0]).max() > near:
        return False
    one, other = _dense(first, size), _dense(last, size)
    return _covers(one, other, near) and _covers(other, one, near)


def _covers(one: np.ndarray, other: np.ndarray, near: float) -> bool:
    """Whether every point of `other` [n, 2] lies near one of `one` [m, 2]."""
    away = np.asarray(KDTree(one).query(other, distance_upper_bound=near)[0])
    return bool(np.isfinite(away).all())


def _dense(drawing: Drawing, size: float) -> np.ndarray:
    """Points [n, 2] close together along all strokes."""
    lines = lines_of(drawing)
    spacing = max(_SPACING_SHARE * size, sum(float(line.way[-1]) for line in lines) / _MOST_SAMPLES)
    return np.concatenate(
        [resampled(line, 2 + int(line.way[-1] / spacing)).points for line in lines]
    )
