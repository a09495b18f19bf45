"""The way of a pair of drawings' points by themselves, and how fast they go at its keys; for flow.

A point that is to leave its own way does so by a cubic Hermite form on top of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ... import affine

_UNEVEN, _EVEN = 0.8, 1.0  # slower over faster of a point's own speeds: no swing; a swing
_TURN = 0.15  # radians: less is no swing
_FAR, _FARTHEST = 0.8, 1.4  # radians: what turns as far goes round, however it bends or speeds
_DOT_PX = 0.5  # rms distance from a stroke's middle: less has no turn
_LOOKS = (0.0, 1 / 3, 2 / 3, 1.0)  # progress between which no turn is taken for its opposite
_RIGID, _BENT = 0.2, 0.5  # of a stroke's motion: what a turn leaves
_NUDGE = 0.02


@dataclass(frozen=True, eq=False)
class OwnWay:
    """The way of a pair's points by themselves, arrays [P, 2] in pixels per gap.

    `way`: from key to key; `speeds` at both keys. `arc` [P] 0..1: whether a point's way is a swing
    which it stays on however it slows down or turns back: that of a stiff stroke which goes about
    as fast at both keys, or of any stroke that turns far. A straight path would cut through it.
    """

    way: np.ndarray
    speeds: tuple[np.ndarray, np.ndarray]
    arc: np.ndarray

    @classmethod
    def of(
        cls,
        still: Callable[[float], np.ndarray],
        ends: tuple[np.ndarray, np.ndarray],
        offsets: np.ndarray,
    ) -> OwnWay:
        """Measured on points [P, 2] at a progress 0..1; `ends`: at 0 and at 1."""
        start, goal = ends
        speeds = (still(_NUDGE) - start) / _NUDGE, (goal - still(1 - _NUDGE)) / _NUDGE
        fast = [np.linalg.norm(speed, axis=1) for speed in speeds]
        even = np.minimum(*fast) / np.maximum(np.maximum(*fast), 1e-6)
        arc = np.clip((even - _UNEVEN) / (_EVEN - _UNEVEN), 0.0, 1.0)
        arc = np.maximum(arc * _turning(start, goal, offsets), _turning_far(still, offsets))
        return cls(goal - start, speeds, arc)

    def at(self, progress: np.ndarray | float) -> np.ndarray:
        """Points from where they start: [P, 2]."""
        leave, arrive = self.speeds[0] - self.way, self.speeds[1] - self.way
        return progress * self.way + bulge(progress, leave, arrive)

    def slowed(self, share: np.ndarray, end: int) -> np.ndarray:
        """Speeds [P, 2] at a key, `end` 0 or 1, of `share` [P] times those of the way."""
        arc = self.arc[:, None]
        return share[:, None] * (arc * self.speeds[end] + (1 - arc) * self.way)


def _turning(start: np.ndarray, goal: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """How well each stroke's motion is a turn, not a change of shape: 0..1 per point [P]."""
    found = np.zeros(len(start))
    for span in (slice(a, b) for a, b in pairwise(offsets.tolist())):
        matrix = affine.fit_similarity(start[span], goal[span])
        turn = abs(affine.turn(matrix))
        left = float(((goal[span] - affine.apply(matrix, start[span])) ** 2).sum())
        moved = float(((goal[span] - start[span]) ** 2).sum())
        share = np.sqrt(left / max(moved, 1e-9))
        rigid = float(np.clip((_BENT - share) / (_BENT - _RIGID), 0.0, 1.0))
        found[span] = rigid * float(np.clip(turn / _TURN - 1.0, 0.0, 1.0))
    return found


def _turning_far(still: Callable[[float], np.ndarray], offsets: np.ndarray) -> np.ndarray:
    """How far each stroke turns from key to key, its bends aside: 0..1 per point [P]."""
    counts = np.diff(offsets)
    looks = [points[:, 0] + 1j * points[:, 1] for points in map(still, _LOOKS)]
    middles = [np.add.reduceat(look, offsets[:-1]) / counts for look in looks]
    arms = [look - np.repeat(middle, counts) for look, middle in zip(looks, middles, strict=True)]
    turns = [
        np.angle(np.add.reduceat(one.conj() * other, offsets[:-1])) for one, other in pairwise(arms)
    ]
    share = np.clip((np.abs(np.sum(turns, axis=0)) - _FAR) / (_FARTHEST - _FAR), 0.0, 1.0)
    sizes = [np.add.reduceat(np.abs(arm) ** 2, offsets[:-1]) / counts for arm in arms]
    return np.repeat(share * (np.min(sizes, axis=0) > _DOT_PX**2), counts)


@dataclass(frozen=True, eq=False)
class KeySpeed:
    """How points leave or reach a key: `total` [P, 2] pixels per gap; `pace` [P]: how much of that
    is their own way, gone faster or slower, and 1 where they leave that way.
    """

    total: np.ndarray
    pace: np.ndarray


def bulge(progress: np.ndarray | float, leave: np.ndarray, arrive: np.ndarray) -> np.ndarray:
    """What Hermite's cubic adds at a progress 0..1 for further speeds at both ends."""
    rest = 1.0 - progress
    return progress * rest * (rest * leave - progress * arrive)
