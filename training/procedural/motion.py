"""How a procedural layer moves over its clip: easings, curved paths, poses; used by clip.py."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

Stratum = Literal["static", "translate", "similarity", "affine", "deform"]
STRATA: tuple[Stratum, ...] = ("static", "translate", "similarity", "affine", "deform")
_SHARES = (0.12, 0.16, 0.20, 0.20, 0.32)

# strengths for which the published baselines of set B come out (docs/decisions/006)
_EASE = 0.65  # share of an easing's own curve, the rest is an even pace
_BOW = 0.3  # how far beside its chord a path's control point may lie, in chords

ASPECT = 1.6  # width of the nominal frame in heights; wider canvases see more at the sides


def _in_out(t: float) -> float:
    return t * t * (3 - 2 * t)


def _overshoot(t: float) -> float:
    back = 1.4
    return 1 + (back + 1) * (t - 1) ** 3 + back * (t - 1) ** 2


EASINGS: tuple[Callable[[float], float], ...] = (
    lambda t: t,
    lambda t: t * t,
    lambda t: 1 - (1 - t) ** 2,
    _in_out,
    _overshoot,
)


@dataclass(frozen=True)
class Pose:
    """Affine placement of a layer: matrix [2, 2] times layer units, then a shift in heights."""

    matrix: np.ndarray
    shift: np.ndarray

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Map points [p, 2] from layer units to frame heights."""
        return points @ self.matrix.T + self.shift


@dataclass(frozen=True, eq=False)
class Motion:
    """The affine part of a layer's motion; angles in radians, lengths in frame heights.

    `path` [3, 2]: control points of a quadratic curve of the centre. `turn`, `log_scale`,
    `log_stretch`, `shear`: change from the first to the last frame. `squash`: extra stretch along
    the direction of motion at full speed. `easing`: index into `EASINGS`.
    """

    path: np.ndarray
    easing: int = 0
    angle: float = 0.0
    turn: float = 0.0
    log_scale: float = 0.0
    log_stretch: float = 0.0
    shear: float = 0.0
    squash: float = 0.0

    def centre(self, progress: float) -> np.ndarray:
        """Centre [2] at a progress (not a time) along the path."""
        a, b, c = self.path
        return (1 - progress) ** 2 * a + 2 * progress * (1 - progress) * b + progress**2 * c

    def progress(self, time: float) -> float:
        """How far along its path the layer is at `time` 0..1; may pass 1 before it ends there."""
        return _EASE * EASINGS[self.easing](time) + (1 - _EASE) * time

    def pose(self, time: float) -> Pose:
        """Placement at `time` 0..1."""
        progress = self.progress(time)
        matrix = _rotation(self.angle + self.turn * progress) * math.exp(self.log_scale * progress)
        stretch = self.log_stretch * progress
        matrix = matrix @ np.array([[math.exp(stretch), 0.0], [0.0, math.exp(-stretch)]])
        matrix = matrix @ np.array([[1.0, self.shear * progress], [0.0, 1.0]])
        if self.squash:
            matrix = self._squashed(time) @ matrix
        return Pose(matrix, self.centre(progress))

    def _squashed(self, time: float) -> np.ndarray:
        step = 0.02
        before = self.progress(max(time - step, 0.0))
        after = self.progress(min(time + step, 1.0))
        velocity = self.centre(after) - self.centre(before)
        speed = float(np.hypot(*velocity)) / (2 * step)
        stretch = self.squash * min(speed, 1.5)
        frame = _rotation(math.atan2(velocity[1], velocity[0]))
        return frame @ np.diag([math.exp(stretch), math.exp(-stretch)]) @ frame.T


def _rotation(angle: float) -> np.ndarray:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s], [s, c]])


def draw_stratum(rng: np.random.Generator) -> Stratum:
    """A stratum by the shares of set B (bundled-model specification 1.1)."""
    return STRATA[int(rng.choice(len(STRATA), p=_SHARES))]


def make_motion(rng: np.random.Generator, stratum: Stratum, radius: float) -> Motion:
    """A random motion of that stratum for a layer of about `radius` frame heights."""
    angle = float(rng.uniform(-0.5, 0.5))
    if stratum == "static":
        place = _inside(rng)
        return Motion(np.stack([place, place, place]), angle=angle)
    motion = Motion(_path(rng, radius), easing=int(rng.integers(len(EASINGS))), angle=angle)
    if stratum == "translate":
        return motion
    calm = 0.5 if stratum == "deform" else 1.0
    motion = replace(
        motion,
        turn=_signed(rng, 0.25, 1.2) * calm,
        log_scale=float(rng.uniform(-0.35, 0.35)) * calm,
    )
    if stratum != "affine":
        return motion
    return replace(
        motion,
        turn=motion.turn * 0.6,
        log_stretch=_signed(rng, 0.08, 0.35),
        shear=float(rng.uniform(-0.25, 0.25)),
        squash=float(rng.uniform(0.0, 0.18)),
    )


def _signed(rng: np.random.Generator, low: float, high: float) -> float:
    return float(rng.uniform(low, high)) * (1 if rng.random() < 0.5 else -1)


def _inside(rng: np.random.Generator) -> np.ndarray:
    return np.array([rng.uniform(0.2, ASPECT - 0.2), rng.uniform(0.22, 0.78)])


def _path(rng: np.random.Generator, radius: float) -> np.ndarray:
    """Control points [3, 2] of a curved path; one in six begins or ends beyond the border."""
    start = _inside(rng)
    heading = rng.uniform(0, 2 * math.pi)
    length = rng.uniform(0.2, 0.75)
    end = start + length * np.array([math.cos(heading), 0.7 * math.sin(heading)])
    end = np.clip(end, [0.12, 0.18], [ASPECT - 0.12, 0.82])
    if rng.random() < 1 / 6:
        side = -1.0 if rng.random() < 0.5 else 1.0
        outside = radius * rng.uniform(0.2, 1.4)
        end = np.array([ASPECT + outside if side > 0 else -outside, end[1]])
        start[0] = np.clip(start[0], end[0] - 0.9, end[0] + 0.9)
    across = np.array([-(end - start)[1], (end - start)[0]])
    middle = (start + end) / 2 + across * rng.uniform(-_BOW, _BOW)
    path = np.stack([start, middle, end])
    return path[::-1].copy() if rng.random() < 0.5 else path
