"""Lays what is painted on a limb as the limb turns there, as bands on a snake; matching only.

A body that bends turns its bands each by its own angle. Laid on their partners as the drawing turns
as a whole, some would be turned over, and shrink to nothing on their way.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from ..shape.complex_points import as_complex
from ..shape.correlation import centred
from ..shape.level import Line, begun_at, resampled
from ..shape.limb import Limb, limb_of
from .root import Level, Numbers
from .seam import sewn
from .unturned import upright_start

_SAMPLES = 64
_THICKEST = 0.3
_SHORTER = 3.0  # times a band's way round is at most that of its limb
_ON_IT = 0.6  # widths from the axis
_NEAR = 2  # power of the distance by which places on the limb lose their say
_TINY = 1e-3
_MOST = 120


def banded(level: Mapping[Numbers, Level], free: Collection[Numbers]) -> dict[Numbers, Level]:
    """The same partners; closed ones on a limb begin where they turn as it does.

    Only those in `free` may; of the others it is known which point became which.
    """
    result = dict(level)
    if len(level) > _MOST:
        return result
    bands = [numbers for numbers in free if _may_be_one(*level[numbers])]
    if not bands:
        return result
    limbs = [(limb, both) for both in level.values() if (limb := limb_of(both[0], _THICKEST))]
    for numbers in bands:
        one, other = result[numbers]
        ring = resampled(one, _SAMPLES).points
        below = [
            both
            for limb, both in limbs
            if _SHORTER * one.way[-1] < both[0].way[-1] and _lies_on(as_complex(ring), limb)
        ]
        if not below:
            continue
        limb = min(below, key=lambda both: float(both[0].way[-1]))
        base = centred(ring) * _turn(limb, complex(as_complex(ring).mean()))
        start = upright_start(base, centred(resampled(other, _SAMPLES).points), other)
        if start is not None:
            result[numbers] = sewn(one, begun_at(other, start))
    return result


def _may_be_one(one: Line, other: Line) -> bool:
    return one.cyclic and min(float(one.way[-1]), float(other.way[-1])) > 0.0


def _lies_on(ring: np.ndarray, limb: Limb) -> bool:
    away = np.abs(ring[:, None] - limb.axis[None])
    return bool((away.min(axis=1) < _ON_IT * limb.widths[away.argmin(axis=1)]).all())


def _turn(limb: Level, place: complex) -> complex:
    """How a limb turns next to a place on it: complex, length 1."""
    start, end = (as_complex(line.points) for line in limb)
    weight = 1.0 / (np.abs(start - place) + _TINY) ** _NEAR
    weight /= weight.sum()
    turned = (weight * (start - weight @ start).conj()) @ (end - weight @ end)
    return complex(np.exp(1j * np.angle(turned)))
