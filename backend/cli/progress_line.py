"""One line on stderr that says what runs and how long it will take; for commands that wait."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import TextIO

STAGE_SHARES = {
    "plan": 0.02,
    "motion": 0.5,
    "sketch": 0.0,
    "condition": 0.05,
    "sample": 0.6,
    "decode": 0.1,
    "separate": 0.05,
    "deliver": 0.4,
}
"""Rough shares of a job's time, only for the estimate; stages that do not occur drop out."""

_ORDER = tuple(STAGE_SHARES)
_MODEL_STAGES = {"condition", "sample", "decode", "separate"}
_MIN_PAUSE_S = 0.1


@dataclass
class ProgressLine:
    """Call `update` with every report of a stage, `close` at the end.

    On a terminal the line is rewritten in place; elsewhere each stage prints one line.
    """

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    quiet: bool = False
    with_model: bool = False
    _started_s: float = field(default_factory=time.monotonic)
    _written_s: float = 0.0
    _stage: str = ""
    _width: int = 0

    def update(self, stage: str, step: int, steps: int) -> None:
        """Note that `step` of `steps` of a stage are done."""
        if self.quiet:
            return
        now_s = time.monotonic()
        changed = stage != self._stage
        self._stage = stage
        if not self.stream.isatty():
            if changed:
                print(f"{stage} ...", file=self.stream, flush=True)
            return
        if not changed and step < steps and now_s - self._written_s < _MIN_PAUSE_S:
            return
        self._written_s = now_s
        done = fraction_done(stage, step, steps, with_model=self.with_model)
        self._write(f"{_bar(done)} {stage} {step}/{steps}{_eta(now_s - self._started_s, done)}")

    def close(self) -> None:
        """Clear the line."""
        if self._width:
            self._write("")
            self.stream.write("\r")
            self.stream.flush()
            self._width = 0

    def _write(self, text: str) -> None:
        self.stream.write("\r" + text.ljust(self._width))
        self.stream.flush()
        self._width = len(text)


def fraction_done(stage: str, step: int, steps: int, *, with_model: bool) -> float:
    """Share of the whole job that is behind, 0..1, by the usual shares of the stages."""
    shares = {
        name: share
        for name, share in STAGE_SHARES.items()
        if with_model or name not in _MODEL_STAGES
    }
    if stage not in shares:
        return 0.0
    before = sum(
        share for name, share in shares.items() if _ORDER.index(name) < _ORDER.index(stage)
    )
    inside = shares[stage] * min(step / max(steps, 1), 1.0)
    return (before + inside) / sum(shares.values())


def _bar(done: float) -> str:
    filled = round(done * 20)
    return f"[{'#' * filled}{'-' * (20 - filled)}]"


def _eta(elapsed_s: float, done: float) -> str:
    if done < 0.05 or elapsed_s < 0.5:
        return ""
    left_s = round(elapsed_s * (1 - done) / done)
    return f" - {left_s // 60}:{left_s % 60:02d} left"
