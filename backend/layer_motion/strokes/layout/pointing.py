"""Tells which end of an open stroke became which end of its partner; stroke matching only.

A hair that curls up is as much like its partner from either end. Its ends' places tell, and so do
its widths: what was thick at its root still is.
"""

from __future__ import annotations

import numpy as np

from ... import affine
from ..shape.correlation import centred, likeness
from ..shape.level import Line, resampled, reversed_line

_SAMPLES = 64
_PLACE = 0.5  # what an end one length off costs
_WIDTH = 0.3  # what widths are worth that agree
_TAPERED = 0.1  # of its mean: how far a stroke's width has to vary
_TINY = 1e-9


def pointing_alike(one: Line, other: Line, matrix: np.ndarray) -> Line:
    """The other stroke in the direction in which it is most like the one, both of them open.

    `matrix` (3 x 3) carries the one roughly onto the other.
    """
    if one.cyclic or other.cyclic or min(float(one.way[-1]), float(other.way[-1])) <= 0.0:
        return other
    here = resampled(one, _SAMPLES)
    here = here.placed(affine.apply(matrix, here.points))
    turned = reversed_line(other)
    worth = [_worth(here, resampled(way, _SAMPLES)) for way in (other, turned)]
    return other if worth[0] >= worth[1] else turned


def _worth(here: Line, there: Line) -> float:
    sizes = [float(np.linalg.norm(centred(line.points))) for line in (here, there)]
    alike = likeness(here.points, there.points) / max(sizes[0] * sizes[1], _TINY)
    length = max(float(here.way[-1]), float(there.way[-1]), _TINY)
    ends = np.linalg.norm(here.points[[0, -1]] - there.points[[0, -1]], axis=1).sum() / length
    return alike - _PLACE * float(ends) + _WIDTH * _widths_agree(here, there)


def _widths_agree(here: Line, there: Line) -> float:
    """How well what is seen of both strokes' widths goes together: -1..1, 0 where one is even."""
    widths = [line.values[:, 2] * line.values[:, 3] for line in (here, there)]
    if any(float(width.std()) <= _TAPERED * float(width.mean()) for width in widths):
        return 0.0
    return float(np.corrcoef(widths[0], widths[1])[0, 1])
