"""Lets strokes keep what they touch where they touch it, as a hand at its arm's end; matching only.

An arm is alike from shoulder to hand and from hand to shoulder, and where it is drawn with nothing
else but its hand and sleeve, no body tells which end is which. But those are drawn at one end. So
is a belt alike from both sides, but it stays on the hem that it is drawn on, and turns as that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from ... import affine
from ..shape.correlation import centred, correlation, over_starts
from ..shape.level import begun_at, resampled
from ..shape.limb import limb_of
from .root import SAMPLES, Level, Numbers, carrier_of, half_px, starts_alike
from .seam import sewn

_REACH = 0.12  # of a stroke's half length: as near as that is a touch
_TOUCHES, _EVERYWHERE = 0.5, 0.6  # closeness: at the nearest place, and mean
_MOSTLY, _CLEARLY = 0.55, 0.33
_STIFF = 0.93  # likeness of what swings: what curls touches other things with its tip
_THICKEST = 0.3
_ROUND = 0.9  # likeness from the worst start, of that from the best
_RESTS, _TURNS, _LEAST_GAIN = 0.45, 0.8, 0.1  # radians
_AS_ONE = 0.7
_LARGE = 0.7  # of a stroke's length: what is smaller goes with it, and does not tell its turn
_LEAVES, _LEAVES_ALONE = 0.4, 1.2  # of its half length: of its place on a carrier, without one
_ROUNDS = 4
_MOST = 120


def in_touch(level: Mapping[Numbers, Level], free: Collection[Numbers]) -> dict[Numbers, Level]:
    """Those partners that begin elsewhere if others are to touch them where they did.

    Only those in `free` may; of the others it is known which point became which. Limbs come first:
    they may where they seem to turn or to leave what they hang on, unless what is larger tells of
    no such turn. A pole stays as it is, whatever slides along it. Anything else has to turn more
    like what it touches, too: a pupil that goes to the other corner of its eye does not turn that.
    """
    if not 1 < len(level) <= _MOST:
        return {}
    drawn = {numbers: _Drawn.of(both) for numbers, both in level.items()}
    found = {n: found for n in free if (found := _found(n, level[n], drawn)) is not None}
    if not found:
        return {}
    limbs = {numbers for numbers, both in level.items() if _is_limb(both)}
    moved = _limbs_in_touch({n: found[n] for n in found if n in limbs}, level)
    left = {n: found[n] for n in found if n not in limbs}
    for _ in range(_ROUNDS):
        settled, told = {**level, **moved}, limbs | moved.keys()
        more = {
            n: one.later
            for n, one in left.items()
            if n not in moved
            and (gain := _gain(n, one, settled, told)) is not None
            and gain > _LEAST_GAIN
        }
        if not more:
            break
        moved |= more
    return moved


@dataclass(frozen=True, eq=False)
class _Found:
    """Partners `later` of which the other begins where touches are kept; `touched`: by whom."""

    later: Level
    touched: tuple[Numbers, ...]


def _found(numbers: Numbers, both: Level, drawn: Mapping[Numbers, _Drawn]) -> _Found | None:
    """The partners with the other begun where it keeps its touches; None where not clearly."""
    starts = starts_alike(*both, _STIFF)
    if not starts:
        return None
    kept = drawn[numbers].kept_touches(drawn)
    if not kept:
        return None
    share = np.mean(list(kept.values()), axis=0)
    best = starts[int(np.argmax(share[starts]))]
    if share[best] <= max(_MOSTLY, share[0] + _CLEARLY):
        return None
    return _Found(sewn(both[0], begun_at(both[1], best / SAMPLES)), tuple(kept))


def _limbs_in_touch(
    found: Mapping[Numbers, _Found], level: Mapping[Numbers, Level]
) -> dict[Numbers, Level]:
    """Those of the limbs found that may begin elsewhere."""
    moved: dict[Numbers, Level] = {}
    for numbers, one in found.items():
        gain = _gain(numbers, one, level, ())
        if gain > -_TURNS if gain is not None else _moves(numbers, level):
            moved[numbers] = one.later
    return moved


def _moves(numbers: Numbers, level: Mapping[Numbers, Level]) -> bool:
    """Whether a limb turns, or at least leaves its place on what it hangs on, or in the picture."""
    both = level[numbers]
    if abs(float(np.angle(_correlation(both)))) > _RESTS:
        return True
    longer = [some for some in level.values() if _ink(some) > _ink(both)]
    longer.sort(key=_ink, reverse=True)
    carrier = carrier_of(longer, both)
    far = _LEAVES if carrier is not None else _LEAVES_ALONE
    here, there = (resampled(line, SAMPLES).points for line in both)
    carried = here if carrier is None else affine.apply(carrier, here)
    return float(np.hypot(*(there - carried).mean(axis=0))) > far * half_px(carried)


def _gain(
    numbers: Numbers, one: _Found, level: Mapping[Numbers, Level], told: Collection[Numbers]
) -> float | None:
    """By how many radians a stroke found turns more like what it touches if it begins elsewhere.

    None where that does not turn as one. What is smaller goes with it and has no say, nor has what
    is not known to turn so far; of those in `told` it is, whatever they look like.
    """
    large = _LARGE * _ink(level[numbers])
    around = [
        _correlation(level[n])
        for n in one.touched
        if _ink(level[n]) > large and (n in told or _is_told(level[n]))
    ]
    mean = sum(around) / max(len(around), 1)
    if abs(mean) < _AS_ONE:
        return None
    both = _correlation(level[numbers]), _correlation(one.later)
    apart = [abs(float(np.angle(turn * mean.conjugate()))) for turn in both]
    return apart[0] - apart[1]


def _ink(both: Level) -> float:
    return float(both[0].way[-1] + both[1].way[-1])


def _is_limb(both: Level) -> bool:
    return all(limb_of(line, _THICKEST) is not None for line in both)


def _correlation(both: Level) -> complex:
    """Of size 1 where a stroke keeps its shape, less where not; its angle is the stroke's turn."""
    one, other = (resampled(line, SAMPLES).points for line in both)
    return correlation(one, other)


def _is_told(both: Level) -> bool:
    """Whether it is known by how much a stroke turns: not if it looks alike from two sides."""
    return not both[0].cyclic or _looks_one_way(both)


def _looks_one_way(both: Level) -> bool:
    """Whether a closed stroke is like its partner from one start only: no ring, no two ends."""
    one, other = (centred(resampled(line, SAMPLES).points) for line in both)
    alike = np.abs(over_starts(one, other))
    return bool(alike.min() < _ROUND * alike.max()) and len(starts_alike(*both, _STIFF)) == 1


@dataclass(frozen=True, eq=False)
class _Drawn:
    """Even samples of partners at both keys, `places` [2, SAMPLES, 2]; size and tree of each."""

    places: np.ndarray
    half_px: tuple[float, float]
    trees: tuple[KDTree, KDTree]

    @classmethod
    def of(cls, both: Level) -> _Drawn:
        one, other = (resampled(line, SAMPLES).points for line in both)
        sizes = half_px(one), half_px(other)
        return cls(np.array([one, other]), sizes, (KDTree(one), KDTree(other)))

    def kept_touches(self, drawn: Mapping[Numbers, _Drawn]) -> dict[Numbers, np.ndarray]:
        """How far, 0..1, each other touches at the same places, by where the other key begins.

        [SAMPLES] of those of all strokes that touch this one at some places only, in both keys.
        """
        others = ((n, self._kept(some)) for n, some in drawn.items() if some is not self)
        return {n: kept for n, kept in others if kept is not None}

    def _kept(self, other: _Drawn) -> np.ndarray | None:
        here, there = (self._closeness(other, key) for key in (0, 1))
        if min(here.max(), there.max()) < _TOUCHES or max(here.mean(), there.mean()) > _EVERYWHERE:
            return None
        ways = np.fft.rfft(here).conj() * np.fft.rfft(there)
        return np.fft.irfft(ways, SAMPLES) / np.sqrt((here**2).sum() * (there**2).sum())

    def _closeness(self, other: _Drawn, key: int) -> np.ndarray:
        """How close, 0..1, each sample is to another stroke: [SAMPLES]."""
        reach = _REACH * self.half_px[key]
        places, others = self.places[key], other.places[key]
        apart = np.maximum(
            others.min(axis=0) - places.max(axis=0), places.min(axis=0) - others.max(axis=0)
        )
        if apart.max() > 3 * reach:
            return np.zeros(len(places))
        away = np.asarray(other.trees[key].query(places)[0])
        return np.exp(-((away / reach) ** 2))
