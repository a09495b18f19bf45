"""Lays limbs root on root where one of their ends stays, however far they swing; matching only.

An arm, a leg or a tail is alike from either end. Swung over more than a right angle, or curled up,
it is more like itself with root and tip exchanged, but then no end of it stays in the picture.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from ... import affine
from ..shape.complex_points import as_complex, as_points
from ..shape.limb import Limb, limb_of
from .end_to_end import is_laid, laid
from .root import Level, Numbers, carrier_of

_THICKEST = 0.3
_STAYS, _LEAVES = 0.08, 0.25  # of the limb's length: how far its root is off, and all other ends
_CAP = 5  # sections
_MOST = 120


def root_on_root(level: Mapping[Numbers, Level], free: Collection[Numbers]) -> dict[Numbers, Level]:
    """Those partners whose roots stay, laid so.

    Only those in `free` may; of the others it is known which point became which.
    """
    if len(level) > _MOST:
        return {}
    found: dict[Numbers, Level] = {}
    for numbers in free:
        one, other = level[numbers]
        if not (one.cyclic and other.cyclic and one.area * other.area > 0.0):
            continue
        limb, goal = limb_of(one, _THICKEST), limb_of(other, _THICKEST)
        if limb is None or goal is None:
            continue
        same = _from_the_root(limb, goal, affine.IDENTITY)
        if same is None:
            carrier = carrier_of(_longer(level, numbers), level[numbers])
            same = None if carrier is None else _from_the_root(limb, goal, carrier)
        if same is not None:
            lies = is_laid(limb, same, (one, other))
            found[numbers] = level[numbers] if lies else laid(one, other, limb, same)
    return found


def _longer(level: Mapping[Numbers, Level], numbers: Numbers) -> list[Level]:
    """All that may carry a stroke, the longest first."""
    length = float(level[numbers][0].way[-1])
    longer = [both for both in level.values() if float(both[0].way[-1]) > length]
    return sorted(longer, key=lambda both: -float(both[0].way[-1]))


def _from_the_root(limb: Limb, goal: Limb, carrier: np.ndarray) -> Limb | None:
    """The goal in the direction in which an end of both stays; None where none does, or either.

    `carrier` (3 x 3): the motion of what it stays on.
    """
    length = min(limb.length, goal.length)
    ways = goal, goal.turned_round()
    here = as_complex(affine.apply(carrier, as_points(_joints(limb))))
    away = [float(np.abs(here - _joints(way)).min()) / length for way in ways]
    held = int(away[1] < away[0])
    return ways[held] if away[held] < _STAYS and away[1 - held] > _LEAVES else None


def _joints(limb: Limb) -> np.ndarray:
    """Where each end of a limb turns: complex [2] pixels, half its width from the end itself."""
    found = []
    for way in (limb, limb.turned_round()):
        along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(way.axis)))])
        half = float(way.widths[:_CAP].max()) / 2
        found.append(np.interp(half, along, way.axis))
    return np.array(found)
