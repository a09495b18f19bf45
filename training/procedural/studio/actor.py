"""What a figure of the studio is made for, and what it becomes; shared by everything on stage."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from training.procedural.motion import ASPECT
from training.procedural.studio.look import Look
from training.procedural.studio.rig import Piece, Rig
from training.procedural.words import travelling, with_article


@dataclass(frozen=True, eq=False)
class Cue:
    """The moments at which a figure is drawn (`times` [frames], seconds), the look, the chance."""

    times: np.ndarray
    look: Look
    rng: np.random.Generator

    @property
    def seconds(self) -> float:
        """Length of the clip."""
        return max(float(self.times[-1] - self.times[0]), 1e-3)

    def rig(self) -> Rig:
        """A figure without joints."""
        return Rig(self.times)

    def turns(self, per_second: float, phase: float = 0.0) -> np.ndarray:
        """The angle of a steady cycle at every frame, radians; `phase` in turns."""
        return 2 * math.pi * (per_second * self.times + phase)

    def swing(self, amount: float, per_second: float, phase: float = 0.0) -> np.ndarray:
        """A steady swing between -amount and amount at every frame."""
        return amount * np.sin(self.turns(per_second, phase))


@dataclass(frozen=True, eq=False)
class Actor:
    """A finished figure: its layer's name, pieces, and the words for what it does.

    `shift`: how far it goes to the right, in frame heights.
    """

    name: str
    pieces: tuple[Piece, ...]
    phrase: str
    shift: float = 0.0


@dataclass(frozen=True, eq=False)
class Journey:
    """Where a figure goes: `x` [frames] in the world, `facing` 1 right or -1 left."""

    x: np.ndarray
    facing: float

    @property
    def shift(self) -> float:
        """How far it goes to the right."""
        return float(self.x[-1] - self.x[0])


def journey(cue: Cue, speed: float, reach: float) -> Journey:
    """A steady way across the frame at `speed` frame heights per second.

    It crosses the view, enters it, leaves it, or stays inside where that is short enough; `reach`:
    half the figure's width.
    """
    facing = 1.0 if cue.rng.random() < 0.5 else -1.0
    length = speed * cue.seconds
    choice = cue.rng.random()
    far = length > 1.5 * reach + 0.15  # else whoever enters would hardly be seen
    if choice < 0.2 and far:  # enters
        start = -reach + cue.rng.uniform(0.0, 0.3) * length
    elif choice < 0.4 and far:  # leaves
        start = ASPECT + reach - length * cue.rng.uniform(0.7, 1.0)
    else:
        room = max(ASPECT - 2 * reach - length, 0.0)
        start = ASPECT / 2 - length / 2 + cue.rng.uniform(-0.5, 0.5) * room
    x = start + speed * cue.times
    return Journey(x if facing > 0 else ASPECT - x, facing)


def standing(cue: Cue, reach: float) -> Journey:
    """A place inside the view, facing either way."""
    place = float(cue.rng.uniform(reach, ASPECT - reach))
    facing = 1.0 if cue.rng.random() < 0.5 else -1.0
    return Journey(np.full(len(cue.times), place), facing)


def told(noun: str, verb: str, shift: tuple[float, float], cue: Cue) -> str:
    """A phrase such as "a red bird flies quickly to the left"."""
    return f"{with_article(noun)} {travelling(verb, shift, cue.seconds)}"


def eased(times: np.ndarray, start: float, stop: float) -> np.ndarray:
    """0 before `start`, 1 after `stop`, slow out and slow in between."""
    u = np.clip((times - start) / max(stop - start, 1e-6), 0.0, 1.0)
    return u * u * (3 - 2 * u)


def blinking(cue: Cue) -> np.ndarray:
    """Opening of eyes at every frame, 1 open; many figures blink once."""
    if cue.rng.random() < 0.4:
        return np.ones(len(cue.times))
    centre = cue.rng.uniform(0.1, 0.9) * cue.seconds
    distance = np.abs(cue.times - centre) / 0.14
    return 0.1 + 0.9 * np.clip(distance, 0.0, 1.0)
