"""Keeps limbs on the body they hang on where their outline alone fits in two ways; matching only.

An arm is alike from shoulder to hand and from hand to shoulder. Swung over more than a right angle
it turns less if both change places, but then no part of it stays where the body carries it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from ... import affine
from ..shape.correlation import centred, over_starts
from ..shape.level import Line, begun_at, resampled
from .seam import sewn

Level = tuple[Line, Line]
"""Partners of one layout, point by point."""

Numbers = tuple[int, int]
"""Which stroke of the first drawing and which of the last are partners."""

Pairs = list[tuple[int | None, int | None]]
"""Numbers of partners in the first and the last drawing; None: no partner there."""

SAMPLES = 64
"""Even samples by whose numbers starts are told."""
_ALIKE = 0.9  # of the best likeness
_WINDOW = 8
_ROOTED, _LOOSE = 0.45, 0.6  # of the half length: how far the part that stays most moves
_CLEARLY = 0.65
_TURN = 0.45  # radians; what only slides over its carrier, as features over a face, has no root
_TOUCHING = 0.3
_MOST = 120


def rooted(level: Mapping[Numbers, Level], free: Collection[Numbers]) -> dict[Numbers, Level]:
    """The same partners; closed ones that come off what carries them begin elsewhere.

    Only those in `free` may; of the others it is known which point became which.
    """
    result = dict(level)
    if len(level) > _MOST:
        return result
    order = sorted(level, key=lambda numbers: -float(level[numbers][0].way[-1]))
    for rank, numbers in enumerate(order):
        if numbers not in free:
            continue
        one, other = result[numbers]
        starts = starts_alike(one, other)
        if len(starts) < 2:
            continue
        carrier = carrier_of([result[n] for n in order[:rank]], (one, other))
        if carrier is None:
            continue
        a, b = (resampled(line, SAMPLES).points for line in (one, other))
        carried = affine.apply(carrier, a)
        strays = [_stray(carried, np.roll(b, -start, axis=0)) for start in starts]
        best, now = int(np.argmin(strays)), _stray(carried, b)
        loose = now > _LOOSE and _turn(carried, b) > _TURN
        if loose and strays[best] < min(_ROOTED, _CLEARLY * now):
            result[numbers] = sewn(one, begun_at(other, starts[best] / SAMPLES))
    return result


def starts_alike(one: Line, other: Line, least: float = 0.0) -> list[int]:
    """Numbers of samples at which the other may begin to look like the one, if it is closed.

    As far as either is as like the other as `least`: 1 is the same shape, however turned and large.
    """
    if not one.cyclic or min(float(one.way[-1]), float(other.way[-1])) <= 0.0:
        return []
    a, b = (centred(resampled(line, SAMPLES).points) for line in (one, other))
    alike = np.abs(over_starts(a, b))
    peak = (alike >= np.roll(alike, 1)) & (alike > np.roll(alike, -1))
    same = float(np.linalg.norm(a) * np.linalg.norm(b))
    return np.flatnonzero(peak & (alike >= max(_ALIKE * alike.max(), least * same))).tolist()


def half_px(points: np.ndarray) -> float:
    """How far the farthest of points [n, 2] is from their middle; never nothing."""
    return max(float(np.linalg.norm(points - points.mean(axis=0), axis=1).max()), 1e-6)


def _stray(carried: np.ndarray, there: np.ndarray) -> float:
    """How far the part that stays most leaves its place on the carrier, in half lengths."""
    away = np.linalg.norm(there - carried, axis=1)
    around = np.concatenate([away, away[: _WINDOW - 1]])
    part = np.convolve(around, np.full(_WINDOW, 1.0 / _WINDOW), mode="valid")
    return float(part.min()) / half_px(carried)


def _turn(carried: np.ndarray, there: np.ndarray) -> float:
    """How far a stroke turns on its carrier, radians 0..pi."""
    return abs(affine.turn(affine.fit_similarity(carried, there)))


def carrier_of(longer: list[Level], limb: Level) -> np.ndarray | None:
    """How the longest stroke moves that touches a limb in both keys: 3 x 3, None without one."""
    ends = [resampled(line, SAMPLES).points for line in limb]
    for level in longer:
        body = [resampled(line, 2 * SAMPLES).points for line in level]
        apart = [
            float(np.linalg.norm(some[:, None] - others[None], axis=2).min()) / half_px(some)
            for some, others in zip(ends, body, strict=True)
        ]
        if max(apart) < _TOUCHING:
            matrix = affine.fit_similarity(level[0].points, level[1].points)
            return matrix if affine.is_regular(matrix) else None
    return None
