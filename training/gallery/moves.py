"""How things move in the gallery: slow in and out, arcs, drag; pure functions of time.

Called by the shots. Nothing here knows how any engine fills a gap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise


def ease(u: float) -> float:
    """Slow out and slow in: 0..1 to 0..1, held outside."""
    u = min(max(u, 0.0), 1.0)
    return u * u * (3 - 2 * u)


def span(frame: float, start: float, stop: float) -> float:
    """Where a frame lies between two: 0 at `start`, 1 at `stop`, unbounded."""
    return (frame - start) / (stop - start)


def mix(one: float, other: float, share: float) -> float:
    """Straight mixture of two numbers."""
    return one + (other - one) * share


def arc(
    one: tuple[float, float], other: tuple[float, float], share: float, height_px: float
) -> tuple[float, float]:
    """A point on a parabola between two places, `height_px` above their line at the middle."""
    lift = 4 * height_px * share * (1 - share)
    return mix(one[0], other[0], share), mix(one[1], other[1], share) - lift


def wave(frame: float, period: float, phase: float = 0.0) -> float:
    """A swing -1..1 that repeats every `period` frames; `phase` in turns."""
    return math.sin(2 * math.pi * (frame / period + phase))


def track(frame: float, *knots: tuple[float, float]) -> float:
    """A smooth curve through (frame, value) `knots`, flat before, behind and where it turns.

    Between two knots it never leaves their values: slopes are harmonic means of the chords beside.
    """
    if frame <= knots[0][0]:
        return knots[0][1]
    for index, ((start, one), (stop, other)) in enumerate(pairwise(knots)):
        if frame <= stop:
            length, share = stop - start, span(frame, start, stop)
            leave = length * share * (1 - share) ** 2 * _slope(knots, index)
            arrive = length * share * share * (share - 1) * _slope(knots, index + 1)
            return mix(one, other, ease(share)) + leave + arrive
    return knots[-1][1]


def _slope(knots: Sequence[tuple[float, float]], index: int) -> float:
    """How steeply a track passes a knot, per frame; 0 at its ends and turning points."""
    if index in (0, len(knots) - 1):
        return 0.0
    before, here, after = knots[index - 1 : index + 2]
    left = (here[1] - before[1]) / (here[0] - before[0])
    right = (after[1] - here[1]) / (after[0] - here[0])
    return 0.0 if left * right <= 0 else 2 * left * right / (left + right)
