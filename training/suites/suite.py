"""The six named suites: which keys a task gives away and what steers its layers.

LayerAnimate (ICCV 2025) reports six tasks: animation from a first frame and interpolation between
two, each by itself (motion scores only), with trajectories and with sketches.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from shared.errors import AcetateError


class Control(Enum):
    """What every layer that moves is steered by."""

    SCORE = "motion score"
    TRAJECTORY = "trajectory"
    SKETCH = "sketch"


@dataclass(frozen=True)
class Suite:
    """One task. `last_key`: the last frame is given too; `title`: as the paper's tables say."""

    name: str
    title: str
    last_key: bool
    control: Control

    def made(self, frames: int) -> range:
        """The frames that a method makes and that are scored; the others are given."""
        return range(1, frames - 1 if self.last_key else frames)


SUITES: tuple[Suite, ...] = (
    Suite("i2v", "I2V", last_key=False, control=Control.SCORE),
    Suite("i2v-trajectory", "I2V + trajectory", last_key=False, control=Control.TRAJECTORY),
    Suite("i2v-sketch", "I2V + sketch", last_key=False, control=Control.SKETCH),
    Suite("interpolation", "Interpolation", last_key=True, control=Control.SCORE),
    Suite(
        "interpolation-trajectory",
        "Interpolation + trajectory",
        last_key=True,
        control=Control.TRAJECTORY,
    ),
    Suite("interpolation-sketch", "Interpolation + sketch", last_key=True, control=Control.SKETCH),
)


def suites_called(name: str) -> tuple[Suite, ...]:
    """The suite of a name, or all of them for `all`. Raises `usage` for an unknown one."""
    found = tuple(suite for suite in SUITES if name in (suite.name, "all"))
    if not found:
        known = ", ".join(("all", *(suite.name for suite in SUITES)))
        raise AcetateError("usage", where=f"unknown suite {name[:40]}", detail=known)
    return found
