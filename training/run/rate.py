"""The learning rate of a step; the loop's stepper calls this."""

from __future__ import annotations

import math

from training.run.config import ScheduleSettings


def rate_share(settings: ScheduleSettings, step: int, steps: int) -> float:
    """What part of the full rate step `step` of `steps` uses, 0..1, counted from 0.

    Rises linearly over `warm_up` steps; from then on constant, or falls to `final` at the last.
    """
    if step < settings.warm_up:
        return (step + 1) / settings.warm_up
    if settings.kind == "constant":
        return 1.0
    gone = min(1.0, (step - settings.warm_up) / max(1, steps - 1 - settings.warm_up))
    left = 1.0 - gone if settings.kind == "linear" else 0.5 * (1.0 + math.cos(math.pi * gone))
    return settings.final + (1.0 - settings.final) * left
