"""Tells which end of an open stroke became which end of its partner; stroke matching only.

A hair that curls up is as much like its partner from either end. Its ends' places tell, and so do
its widths: what was thick at its root still is. An end that both keys show at the very same place
is a shoulder or a root, however far the rest swings.
"""

from __future__ import annotations

import numpy as np

from ... import affine
from ..shape.correlation import centred, correlation, likeness
from ..shape.level import Line, resampled, reversed_line

_SAMPLES = 64
_PLACE = 0.5  # what an end one length off costs
_WIDTH = 0.3  # what widths are worth that agree
_TAPERED = 0.1  # of its mean: how far a stroke's width has to vary
PLANTED = 0.8
"""How far, 0..1, an end has to stay to be taken for a root."""
_STAYS = 0.04  # of what its ends are apart
_LEAST_ALIKE = 0.35  # in form: a root does not make another line of it
_TINY = 1e-9


def pointing_alike(one: Line, other: Line, matrix: np.ndarray) -> Line:
    """The other stroke in the direction in which it is most like the one, both of them open.

    `matrix` (3 x 3) carries the one roughly onto the other.
    """
    if one.cyclic or other.cyclic or min(float(one.way[-1]), float(other.way[-1])) <= 0.0:
        return other
    here = resampled(one, _SAMPLES)
    here = here.placed(affine.apply(matrix, here.points))
    ways = other, reversed_line(other)
    stays = [float(np.ptp(stay(one, way))) for way in ways]  # both ends stay, and it is no swing
    forms = [abs(correlation(here.points, resampled(way, _SAMPLES).points)) for way in ways]
    held = int(stays[1] > stays[0])
    if stays[held] > PLANTED > stays[1 - held] and forms[held] > _LEAST_ALIKE:
        return ways[held]
    worth = [_worth(here, resampled(way, _SAMPLES)) for way in ways]
    return ways[0] if worth[0] >= worth[1] else ways[1]


def stay(one: Line, other: Line) -> np.ndarray:
    """How far each end of an open stroke stays where it is in the picture: [2], 0..1."""
    tips = [line.points[[0, -1]] for line in (one, other)]
    apart = max(min(float(np.hypot(*np.diff(both, axis=0)[0])) for both in tips), _TINY)
    return np.exp(-((np.linalg.norm(tips[1] - tips[0], axis=1) / (_STAYS * apart)) ** 2))


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
