"""Lets limbs keep what they touch where they touch it, as a hand at its arm's end; matching only.

An arm is alike from shoulder to hand and from hand to shoulder, and where it is drawn with nothing
else but its hand and sleeve, no body tells which end is which. But those are drawn at one end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from ..shape.level import begun_at, resampled
from ..shape.limb import limb_of
from .root import Level, Numbers, starts_alike
from .seam import sewn

_SAMPLES = 64
_REACH = 0.12  # of a stroke's half length: as near as that is a touch
_TOUCHES, _EVERYWHERE = 0.5, 0.6  # closeness: at the nearest place, and mean
_CLEARLY = 0.33
_STIFF = 0.93  # likeness of what swings: what curls touches other things with its tip
_MOST = 120
_THICKEST = 0.3


def in_touch(level: Mapping[Numbers, Level], free: Collection[Numbers]) -> dict[Numbers, Level]:
    """The same partners; closed ones begin elsewhere if then others touch them where they did.

    Only those in `free` may; of the others it is known which point became which.
    """
    result = dict(level)
    if not 1 < len(level) <= _MOST:
        return result
    drawn = {numbers: _Drawn.of(both) for numbers, both in level.items()}
    for numbers in free:
        one, other = level[numbers]
        starts = starts_alike(one, other, _STIFF)
        if len(starts) < 2 or not all(limb_of(line, _THICKEST) for line in (one, other)):
            continue
        kept = drawn[numbers].kept_touches([some for n, some in drawn.items() if n != numbers])
        if kept is None:
            continue
        best = starts[int(np.argmax(kept[starts]))]
        if kept[best] > kept[0] + _CLEARLY:
            result[numbers] = sewn(one, begun_at(other, best / _SAMPLES))
    return result


@dataclass(frozen=True, eq=False)
class _Drawn:
    """Even samples of partners at both keys: `places` [2, _SAMPLES, 2]; `half_px` [2] of each."""

    places: np.ndarray
    half_px: np.ndarray

    @classmethod
    def of(cls, both: Level) -> _Drawn:
        places = np.array([resampled(line, _SAMPLES).points for line in both])
        away = np.linalg.norm(places - places.mean(axis=1, keepdims=True), axis=2)
        return cls(places, np.maximum(away.max(axis=1), 1e-6))

    def kept_touches(self, around: list[_Drawn]) -> np.ndarray | None:
        """How far, 0..1, others touch at the same places if the other begins at each sample.

        [_SAMPLES]; None where nothing touches at some places only, in both keys.
        """
        found = [kept for other in around if (kept := self._kept(other)) is not None]
        return np.mean(found, axis=0) if found else None

    def _kept(self, other: _Drawn) -> np.ndarray | None:
        here, there = (self._closeness(other, key) for key in (0, 1))
        if min(here.max(), there.max()) < _TOUCHES or max(here.mean(), there.mean()) > _EVERYWHERE:
            return None
        ways = np.fft.rfft(here).conj() * np.fft.rfft(there)
        return np.fft.irfft(ways, _SAMPLES) / np.sqrt((here**2).sum() * (there**2).sum())

    def _closeness(self, other: _Drawn, key: int) -> np.ndarray:
        """How close, 0..1, each sample is to another stroke: [_SAMPLES]."""
        reach = _REACH * float(self.half_px[key])
        places, others = self.places[key], other.places[key]
        apart = np.maximum(
            others.min(axis=0) - places.max(axis=0), places.min(axis=0) - others.max(axis=0)
        )
        if apart.max() > 3 * reach:
            return np.zeros(len(places))
        away = np.asarray(KDTree(others).query(places)[0])
        return np.exp(-((away / reach) ** 2))
