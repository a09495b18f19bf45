"""One line on stderr that says what runs and how long it will take; for commands that wait."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TextIO

STAGE_SHARES = {
    "plan": 0.02,
    "motion": 0.5,
    "condition": 0.05,
    "sample": 0.6,
    "decode": 0.1,
    "separate": 0.05,
    "deliver": 0.4,
}
"""Rough shares of a job's time in their order, only for the estimate."""

_CLIP_STAGES = ("condition", "sample", "decode")
_MODEL_STAGES = {*_CLIP_STAGES, "separate"}
_MIN_PAUSE_S = 0.1


@dataclass
class ProgressLine:
    """Call `update` with every report of a stage, `close` at the end.

    On a terminal the line is rewritten in place; elsewhere each stage prints one line. `shares`:
    other stages than a job's, with their parts of the whole.
    """

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    quiet: bool = False
    with_model: bool = False
    shares: Mapping[str, float] | None = None
    _started_s: float = field(default_factory=time.monotonic)
    _written_s: float = 0.0
    _stage: str = ""
    _width: int = 0
    _overall: OverallProgress = field(init=False)

    def __post_init__(self) -> None:
        self._overall = OverallProgress(with_model=self.with_model, shares=self.shares)

    def update(self, stage: str, step: int, steps: int) -> None:
        """Note that `step` of `steps` of a stage are done."""
        if self.quiet:
            return
        now_s = time.monotonic()
        if stage == "plan" and self._stage not in ("", "plan"):  # another take, or another attempt
            self._overall = OverallProgress(with_model=self.with_model, shares=self.shares)
            self._started_s = now_s
        done = self._overall.note(stage, step, steps)
        changed = stage != self._stage
        self._stage = stage
        if not self.stream.isatty():
            if changed:
                print(f"{stage} ...", file=self.stream, flush=True)
            return
        if not changed and step < steps and now_s - self._written_s < _MIN_PAUSE_S:
            return
        self._written_s = now_s
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


class OverallProgress:
    """Share of the whole job that is behind, 0..1, from the reports of its stages.

    Never decreases. The stages of a clip take turns, clip by clip, each
    counting on where it stopped; all others come one after the other.
    """

    def __init__(self, *, with_model: bool, shares: Mapping[str, float] | None = None) -> None:
        usual = {
            name: share
            for name, share in STAGE_SHARES.items()
            if with_model or name not in _MODEL_STAGES
        }
        self._shares = dict(shares) if shares else usual
        self._done = dict.fromkeys(self._shares, 0.0)

    def note(self, stage: str, step: int, steps: int) -> float:
        """Take in that `step` of `steps` of a stage are done; returns the share of the whole."""
        if stage in self._done:
            inside = min(max(step / max(steps, 1), 0.0), 1.0)
            self._done |= dict.fromkeys(self._before(stage), 1.0)
            self._done[stage] = max(self._done[stage], inside)
        whole = sum(self._shares[name] * done for name, done in self._done.items())
        return whole / sum(self._shares.values())

    def _before(self, stage: str) -> list[str]:
        """The stages that are over once this one runs."""
        names = list(self._shares)
        earlier = names[: names.index(stage)]
        if stage in _CLIP_STAGES:
            earlier = [name for name in earlier if name not in _CLIP_STAGES]
        return earlier


def _bar(done: float) -> str:
    filled = round(done * 20)
    return f"[{'#' * filled}{'-' * (20 - filled)}]"


def _eta(elapsed_s: float, done: float) -> str:
    if done < 0.05 or elapsed_s < 0.5:
        return ""
    left_s = round(elapsed_s * (1 - done) / done)
    return f" - {left_s // 60}:{left_s % 60:02d} left"
