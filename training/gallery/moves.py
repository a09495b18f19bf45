"""How things move in the gallery: slow in and out, arcs, drag; pure functions of time.

Called by the shots. Nothing here knows how any engine fills a gap.
"""

from __future__ import annotations

import math


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
