"""How long a run still takes, from the times of its steps; the worker asks after every step."""

from __future__ import annotations

from collections import deque
from statistics import median, quantiles

MIN_STEPS = 3
WINDOW = 24
MAX_SPREAD = 0.5
ROUND_S = 5.0


class EtaMeter:
    """Moving median of step times within one stage.

    Silent (None) before three steps and while the middle half of the step times spreads by more
    than 50 % of their median: no figure is better than a wrong one.
    """

    def __init__(self) -> None:
        self._stage = ""
        self._last: tuple[float, int] | None = None
        self._times_s: deque[float] = deque(maxlen=WINDOW)

    def note(self, stage: str, step: int, steps: int, now_s: float) -> float | None:
        """Take in that `step` of `steps` are done at `now_s`; returns seconds left, or None."""
        if stage != self._stage or (self._last and step < self._last[1]):
            self._stage, self._last = stage, None
            self._times_s.clear()
        if self._last is not None and step > self._last[1]:
            before_s, before = self._last
            self._times_s.append((now_s - before_s) / (step - before))
        if self._last is None or step > self._last[1]:
            self._last = (now_s, step)
        return self._left(steps - step)

    def _left(self, steps_left: int) -> float | None:
        if len(self._times_s) < MIN_STEPS or steps_left < 0:
            return None
        typical = median(self._times_s)
        low, _, high = quantiles(self._times_s, n=4)
        if typical > 0 and (high - low) / typical > MAX_SPREAD:
            return None
        return rounded(typical * steps_left)


def rounded(seconds: float) -> float:
    """Nearest five seconds; whole seconds below ten, where five would say nothing."""
    step = ROUND_S if seconds >= 2 * ROUND_S else 1.0
    return round(seconds / step) * step
