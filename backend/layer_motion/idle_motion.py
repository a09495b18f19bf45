"""How idle art is displaced at a moment, as smooth functions of place and time; for `idle` only.

Every motion is nothing at times 0 and 1 and goes round a whole number of times between them, so
that it leaves the key and meets it again. Displacements stay far below the size of what moves:
art bends, it never folds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .idle_shape import Idle, Stance

_REACH = 0.04  # of the camera's height, at the tip, at score 1
_SCORE_POWER = 1.3
_PERIOD_S = {
    Idle.SWAY: 2.0,
    Idle.BREATHE: 2.8,
    Idle.DRIFT: 3.6,
    Idle.FLICKER: 0.6,
    Idle.BURN: 0.6,
}
_DRAWINGS_PER_CYCLE = 6
# Part of the art's own size that a motion may reach: small art must not leave its place.
_REACH_OF_SIZE = {
    Idle.SWAY: 0.15,
    Idle.BREATHE: 0.08,
    Idle.DRIFT: 0.3,
    Idle.FLICKER: 0.06,
    Idle.BURN: 0.1,
}
_TIP_LAG = 0.25  # radians by which the tip is behind the root
_BEND_POWER = 1.5
_WAVES = 3
_MAX_SLOPE = 0.2
_DIMMING = 0.04
_PINNED_SHARE = 0.15
_PINNED_REACHES = 4.0


@dataclass(frozen=True, eq=False)
class Rhythm:
    """A layer's own way to idle, from its seed.

    `reach_px`: displacement at the tip. `cycles`: times around from time 0 to 1. `side` -1 or 1:
    where it goes first. `directions` [3, 2], `lengths` [3] (parts of the art's size) and
    `harmonics` [3]: the waves of a flicker.
    """

    kind: Idle
    reach_px: float
    cycles: int
    side: float
    directions: np.ndarray
    lengths: np.ndarray
    harmonics: np.ndarray


def rhythm_of(
    kind: Idle, score: float, camera_height: int, seconds: float, drawings: int, seed: int
) -> Rhythm:
    """The rhythm of a layer with a motion score 0..1 in a gap of so many seconds and drawings."""
    random = np.random.default_rng(seed)
    period_s = _PERIOD_S[kind] * random.uniform(0.85, 1.15)
    most = max(1, drawings // _DRAWINGS_PER_CYCLE)
    angles = -np.pi / 2 + random.uniform(-0.6, 0.6, _WAVES)  # mostly upwards
    return Rhythm(
        kind=kind,
        reach_px=_REACH * camera_height * score**_SCORE_POWER,
        cycles=int(np.clip(round(seconds / period_s), 1, most)),
        side=float(random.choice([-1.0, 1.0])),
        directions=np.stack([np.cos(angles), np.sin(angles)], axis=1),
        lengths=random.uniform(0.3, 0.8, _WAVES),
        harmonics=np.array([1, 1, 2]),
    )


def displaced(points: np.ndarray, stance: Stance, rhythm: Rhythm, time: float) -> np.ndarray:
    """Displacement of camera points [n, 2] at a time 0..1: [n, 2] pixels."""
    limit = _REACH_OF_SIZE[rhythm.kind] * _extent(rhythm.kind, stance)
    reach = min(rhythm.reach_px, limit)
    phase = 2 * np.pi * rhythm.cycles * time
    moves = {
        Idle.SWAY: _sway,
        Idle.BREATHE: _breathe,
        Idle.DRIFT: _drift,
        Idle.FLICKER: _flicker,
        Idle.BURN: _burn,
    }
    shift = moves[rhythm.kind](points, stance, rhythm, phase)
    return reach * shift * _freedom(points, stance, reach)


def strength_at(rhythm: Rhythm, score: float, time: float) -> float:
    """Opacity 0..1 of the whole drawing: flickering art dims a little, all else never does."""
    if rhythm.kind is not Idle.FLICKER:
        return 1.0
    phase = 2 * np.pi * rhythm.cycles * time
    dip = 0.3 * (1 - np.cos(phase)) + 0.2 * (1 - np.cos(2 * phase))
    return float(1.0 - _DIMMING * score * dip)


def _extent(kind: Idle, stance: Stance) -> float:
    """The size that limits a motion: what stands is limited by its height."""
    if kind in (Idle.SWAY, Idle.BREATHE, Idle.BURN):
        return float(stance.size[1])
    return float(stance.size.max())


def _height(points: np.ndarray, stance: Stance) -> np.ndarray:
    """Height above the root, 0 at the ground and below, 1 at the top: [n]."""
    return np.clip((stance.root[1] - points[:, 1]) / stance.size[1], 0.0, 1.2)


def _sway(points: np.ndarray, stance: Stance, rhythm: Rhythm, phase: float) -> np.ndarray:
    """Bend about the root, the tip a little late; what leans over comes down."""
    high = _height(points, stance)
    lag = _TIP_LAG * high
    swing = np.sin(phase - lag) + np.sin(lag) + 0.15 * high * np.sin(2 * phase)
    across = rhythm.side * high**_BEND_POWER * swing
    lean = min(rhythm.reach_px / stance.size[1], _REACH_OF_SIZE[Idle.SWAY])
    return np.stack([across, 0.5 * lean * across**2], axis=1)


def _breathe(points: np.ndarray, stance: Stance, rhythm: Rhythm, phase: float) -> np.ndarray:
    """Swell upwards and to the sides on the base, with a slight sway of the top."""
    high = _height(points, stance)
    breath = (1 - np.cos(phase)) / 2
    beside = np.clip((points[:, 0] - stance.centre[0]) / (stance.size[0] / 2), -1.2, 1.2)
    wide = 0.35 * beside * np.sin(np.pi * np.clip(high, 0.0, 1.0)) * breath
    across = wide + 0.3 * rhythm.side * high * np.sin(phase)
    return np.stack([across, -high * breath], axis=1)


def _drift(points: np.ndarray, stance: Stance, rhythm: Rhythm, phase: float) -> np.ndarray:
    """Float along a lying eight and tilt a little with it."""
    swing = np.sin(phase)
    tilt = 0.4 * rhythm.side * swing / float(np.hypot(*stance.size) / 2)
    arms = points - stance.centre
    shift = np.array([rhythm.side * swing, 0.35 * np.sin(2 * phase)])
    return shift + tilt * np.stack([-arms[:, 1], arms[:, 0]], axis=1)


def _flicker(points: np.ndarray, stance: Stance, rhythm: Rhythm, phase: float) -> np.ndarray:
    """Waves that run through the art, side to side more than along."""
    extent = float(stance.size.max())
    reach = max(min(rhythm.reach_px, _REACH_OF_SIZE[Idle.FLICKER] * extent), 1e-6)
    total = np.zeros_like(points)
    for way, length, harmonic in zip(
        rhythm.directions, rhythm.lengths * extent, rhythm.harmonics, strict=True
    ):
        along = 2 * np.pi * (points @ way) / length
        wave = np.sin(along - harmonic * phase) - np.sin(along)
        part = min(1.0 / _WAVES, _MAX_SLOPE * length / (2 * np.pi * reach * _WAVES))
        total += part * wave[:, None] * np.array([-way[1], 0.4 * way[0] + 0.4])
    return rhythm.side * total


def _burn(points: np.ndarray, stance: Stance, rhythm: Rhythm, phase: float) -> np.ndarray:
    """Waves that climb from a resting base and grow on their way; the tips reach up and sink."""
    high = _height(points, stance)
    lick = np.sin(2 * phase - 2 * high) + np.sin(2 * high)
    climb = 2 * np.pi * high * (1.0 + rhythm.lengths[0])
    wave = np.sin(climb - phase) - np.sin(climb)
    across = 0.5 * rhythm.side * high**_BEND_POWER * wave
    return np.stack([across, -0.3 * high**2 * lick], axis=1)


def _freedom(points: np.ndarray, stance: Stance, reach: float) -> np.ndarray:
    """Share 0..1 of a displacement across and down [n, 2]: none at borders that cut the art.

    What the camera cuts has no more art behind the border; it may slide along it, not off it.
    """
    shares = np.ones_like(points)
    for axis in (0, 1):
        width = max(_PINNED_SHARE * float(stance.size[axis]), _PINNED_REACHES * reach, 1.0)
        for border, sign in ((stance.known[axis], 1.0), (stance.known[axis + 2], -1.0)):
            if np.isfinite(border):
                near = np.clip(sign * (points[:, axis] - border) / width, 0.0, 1.0)
                shares[:, axis] *= near**2 * (3 - 2 * near)
    return shares
