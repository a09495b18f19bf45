"""The way of a pair of drawings' points by themselves, and how fast they go at its keys; for flow.

A point that is to leave its own way does so by a cubic Hermite form on top of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .. import affine

_UNEVEN, _EVEN = 0.8, 1.0  # slower over faster of a point's own speeds: no swing; a swing
_TURN = 0.15  # radians: less is no swing
_RIGID, _BENT = 0.2, 0.5  # of a stroke's motion: what a turn leaves
_NUDGE = 0.02


@dataclass(frozen=True, eq=False)
class OwnWay:
    """The way of a pair's points by themselves, arrays [P, 2] in pixels per gap.

    `way`: from key to key; `speeds` at both keys. `arc` [P] 0..1: whether a point goes about as
    fast at both, so that its way is a swing which it stays on however it slows down or turns back.
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
        return cls(goal - start, speeds, arc * _turning(start, goal, offsets))

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
        turn = abs(float(np.arctan2(matrix[1, 0], matrix[0, 0])))
        left = float(((goal[span] - affine.apply(matrix, start[span])) ** 2).sum())
        moved = float(((goal[span] - start[span]) ** 2).sum())
        share = np.sqrt(left / max(moved, 1e-9))
        rigid = float(np.clip((_BENT - share) / (_BENT - _RIGID), 0.0, 1.0))
        found[span] = rigid * float(np.clip(turn / _TURN - 1.0, 0.0, 1.0))
    return found


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
