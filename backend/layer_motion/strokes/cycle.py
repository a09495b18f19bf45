"""Whether a layer's last key shows its first one again, as a walk cycle's; for the pipeline."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from shared.strokes import Drawing

from .level import lines_of, resampled

_SAME_SHARE = 0.01  # of the drawing's extent: what a hand that draws it again may stray
_SPACING_SHARE = 0.005
_MOST_SAMPLES = 40_000


def comes_round(first: Drawing, last: Drawing) -> np.ndarray | None:
    """The shift [2], camera pixels, that carries a first key onto an equal last one; else None.

    Equal is what looks the same line by line, however its strokes were drawn. A shift that a hand
    may stray by is none.
    """
    if first.stroke_count != last.stroke_count or not (len(first.points) and len(last.points)):
        return None
    corners = [np.stack([d.points.min(axis=0), d.points.max(axis=0)]) for d in (first, last)]
    if not np.isfinite(corners).all():
        return None
    size = max(float(np.hypot(*(corners[0][1] - corners[0][0]))), 1.0)
    near = _SAME_SHARE * size
    away = corners[1] - corners[0]
    if np.abs(away - away.mean(axis=0)).max() > near:
        return None
    shift = away.mean(axis=0).astype(float)
    if np.abs(shift).max() < near:
        shift[:] = 0.0
    one, other = _dense(first, size) + shift, _dense(last, size)
    apart = (KDTree(b).query(a)[0] for a, b in ((one, other), (other, one)))
    return shift if all(float(np.max(distance)) < near for distance in apart) else None


def _dense(drawing: Drawing, size: float) -> np.ndarray:
    """Points [n, 2] close together along all strokes."""
    lines = lines_of(drawing)
    spacing = max(_SPACING_SHARE * size, sum(float(line.way[-1]) for line in lines) / _MOST_SAMPLES)
    return np.concatenate(
        [resampled(line, 2 + int(line.way[-1] / spacing)).points for line in lines]
    )
