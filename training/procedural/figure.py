"""What a procedural layer is drawn of: outlined bodies, features and limbs, and how they bend.

Layer units: the body has a radius of about 1, y points down. Used by clip.py and render.py.
"""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["body", "feature", "eye", "limb"]
Colour = tuple[int, int, int]
_SAMPLES = 72


@dataclass(frozen=True, eq=False)
class Part:
    """One outline of a layer, in painting order.

    `points` [p, 2] in layer units; for a limb (distance along its spine, distance from it).
    `root` [2], `angle`: where a limb hangs and in which direction (radians).
    `depth`: how far a feature slides when the head turns. `line_width` in frame heights.
    `fill_end`: colour at the far side of a shaded part. `sketched`: whether sketches show it.
    """

    kind: Kind
    points: np.ndarray
    closed: bool
    fill: Colour | None
    line: Colour | None
    line_width: float
    depth: float = 0.0
    root: tuple[float, float] = (0.0, 0.0)
    angle: float = 0.0
    length: float = 0.0
    swing: Wobble | None = None
    curl: Wobble | None = None
    fill_end: Colour | None = None
    sketched: bool = True


@dataclass(frozen=True)
class Wobble:
    """A value over time 0..1: a drift from 0 to `amount`, or an oscillation around 0."""

    amount: float
    cycles: float = 0.0
    phase: float = 0.0

    def at(self, time: float) -> float:
        """The value at a time 0..1."""
        if not self.cycles:
            return self.amount * time * time * (3 - 2 * time)
        return self.amount * math.sin(2 * math.pi * (self.cycles * time + self.phase))


@dataclass(frozen=True)
class Deformation:
    """How a figure changes beyond its pose; None or 0 where it does not.

    `blink`: time of the closed eye, `blink_half` half its duration.
    """

    bend: Wobble | None = None
    wave: Wobble | None = None
    wave_number: float = 1.0
    turn: Wobble | None = None
    blink: float | None = None
    blink_half: float = 0.2


RIGID = Deformation()


@dataclass(frozen=True, eq=False)
class Figure:
    """All parts of one layer in painting order, and how they deform."""

    parts: tuple[Part, ...]
    deformation: Deformation

    def outlines(self, time: float) -> list[np.ndarray]:
        """Every part's points [p, 2] in layer units at a time 0..1, vertex order kept."""
        return [self.bent(self._posed(part, time), time) for part in self.parts]

    def bent(self, points: np.ndarray, time: float) -> np.ndarray:
        """Bend and wave of the whole figure, applied to material points [p, 2]."""
        bend, wave = self.deformation.bend, self.deformation.wave
        x, y = points[:, 0], points[:, 1]
        if wave is not None:
            phase = wave.phase + wave.cycles * time
            swell = wave.amount * np.sin(2 * math.pi * (self.deformation.wave_number * y - phase))
            x = x + swell - wave.amount * math.sin(-2 * math.pi * phase)
        if bend is not None:
            angle = bend.at(time) * y
            x, y = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
        return np.stack([x, y], axis=1)

    def _posed(self, part: Part, time: float) -> np.ndarray:
        if part.kind == "limb":
            return _limb(part, time)
        points = part.points
        if part.kind == "eye" and self.deformation.blink is not None:
            points = self._blinked(points, time)
        turn = self.deformation.turn
        if part.kind == "body" or turn is None:
            return points
        shift = turn.at(time)
        middle = points.mean(axis=0)
        narrow = np.array([1 - 0.5 * abs(shift), 1.0])
        return middle + (points - middle) * narrow + np.array([shift * part.depth, 0.0])

    def _blinked(self, points: np.ndarray, time: float) -> np.ndarray:
        centre = self.deformation.blink or 0.0
        distance = abs(time - centre) / self.deformation.blink_half
        opening = 0.12 + 0.88 * min(distance, 1.0)
        middle = points.mean(axis=0)
        return middle + (points - middle) * np.array([1.0, opening])


def _limb(part: Part, time: float) -> np.ndarray:
    """Bend a limb's outline around a spine of constant curvature that hangs at its root."""
    swing = part.swing.at(time) if part.swing else 0.0
    curl = part.curl.at(time) if part.curl else 0.0
    along, across = part.points[:, 0], part.points[:, 1]
    curvature = curl / part.length
    heading = part.angle + swing + curvature * along
    if abs(curvature) < 1e-6:
        spine = np.stack(
            [along * math.cos(part.angle + swing), along * math.sin(part.angle + swing)], axis=1
        )
    else:
        start = part.angle + swing
        spine = (
            np.stack([np.sin(heading) - math.sin(start), math.cos(start) - np.cos(heading)], axis=1)
            / curvature
        )
    normal = np.stack([-np.sin(heading), np.cos(heading)], axis=1)
    return np.array(part.root) + spine + normal * across[:, None]


def make_figure(rng: np.random.Generator, *, deforming: bool) -> Figure:
    """A random figure: outlined body, one to five features, up to three limbs."""
    width = float(rng.uniform(0.011, 0.02))
    ink = _shade(rng, rng.uniform(0.05, 0.22))
    hue = float(rng.random())
    body, radii = _body(rng, _tint(rng, hue, 0.75), ink, width)
    limbs = [
        _make_limb(rng, hue, ink, width, deforming=deforming) for _ in range(rng.integers(0, 4))
    ]
    behind = [limb for limb in limbs if rng.random() < 0.6]
    before = [limb for limb in limbs if limb not in behind]
    features = _features(rng, radii, hue, ink, width)
    parts = (*behind, body, *features, *before)
    return Figure(parts, _deformation(rng) if deforming else RIGID)


def _body(
    rng: np.random.Generator, fill: Colour, ink: Colour, width: float
) -> tuple[Part, tuple[float, float]]:
    theta = np.linspace(0, 2 * math.pi, _SAMPLES, endpoint=False)
    radii = (float(rng.uniform(0.65, 1.0)), float(rng.uniform(0.75, 1.15)))
    if rng.random() < 0.3:  # superellipse: towards a box
        power = rng.uniform(0.45, 0.8)
        unit = np.stack([_power(np.cos(theta), power), _power(np.sin(theta), power)], axis=1)
    else:
        radius = np.ones_like(theta)
        for wave in (2, 3, 4, 5):
            radius += rng.normal(0, 0.1 / (wave - 1)) * np.cos(wave * theta + rng.uniform(0, 6.3))
        unit = np.stack([np.cos(theta), np.sin(theta)], axis=1) * radius[:, None]
    line = None if rng.random() < 0.12 else ink
    return Part("body", unit * radii, True, fill, line, width), radii


def _power(values: np.ndarray, exponent: float) -> np.ndarray:
    return np.sign(values) * np.abs(values) ** exponent


def _make_limb(
    rng: np.random.Generator, hue: float, ink: Colour, width: float, *, deforming: bool
) -> Part:
    angle = float(rng.uniform(0, 2 * math.pi))
    root = (0.6 * math.cos(angle), 0.7 * math.sin(angle))
    length = float(rng.uniform(0.7, 1.3))
    thick, tip = float(rng.uniform(0.12, 0.22)), float(rng.uniform(0.08, 0.2))
    along = np.linspace(0, length, 20)
    half = np.interp(along, [0, length], [thick, tip])
    cap = np.linspace(-math.pi / 2, math.pi / 2, 10)[1:-1]
    end = np.stack([length + tip * np.cos(cap), tip * np.sin(cap)], axis=1)
    points = np.concatenate(
        [np.stack([along, -half], axis=1), end, np.stack([along, half], axis=1)[::-1]]
    )
    swing = _wobble(rng, 0.33, 1.17) if deforming and rng.random() < 0.75 else None
    curl = _wobble(rng, 0.39, 1.43) if deforming and rng.random() < 0.6 else None
    fill = _tint(rng, hue + rng.normal(0, 0.06), 0.7)
    return Part(
        "limb", points, True, fill, ink, width, 0.0, root, angle + float(rng.normal(0, 0.4)),
        length, swing, curl,
    )  # fmt: skip


def _features(
    rng: np.random.Generator, radii: tuple[float, float], hue: float, ink: Colour, width: float
) -> list[Part]:
    parts: list[Part] = []
    for _ in range(int(rng.integers(1, 6))):
        place = rng.uniform(-0.5, 0.5, 2) * radii
        choice = rng.random()
        if choice < 0.4:
            parts += _eye(rng, place, ink, width)
        elif choice < 0.65:
            parts.append(_mouth(rng, place, ink, width))
        else:
            size = rng.uniform(0.1, 0.28, 2)
            fill = _tint(rng, hue + rng.uniform(0.15, 0.85), 0.8)
            line = ink if rng.random() < 0.6 else None
            outline = _ellipse(place, size, float(rng.uniform(0, math.pi)))
            parts.append(Part("feature", outline, True, fill, line, width * 0.8, depth=0.9))
    return parts


def _eye(rng: np.random.Generator, place: np.ndarray, ink: Colour, width: float) -> list[Part]:
    size = rng.uniform(0.12, 0.24, 2)
    white = Part("eye", _ellipse(place, size), True, (246, 246, 240), ink, width * 0.8, depth=1.0)
    look = place + rng.uniform(-0.3, 0.3, 2) * size
    pupil = Part("eye", _ellipse(look, size * 0.45), True, ink, None, width, depth=1.0)
    return [white, pupil]


def _mouth(rng: np.random.Generator, place: np.ndarray, ink: Colour, width: float) -> Part:
    half, sag = rng.uniform(0.15, 0.35), rng.uniform(-0.18, 0.18)
    s = np.linspace(-1, 1, 16)
    points = place + np.stack([s * half, sag * (1 - s * s)], axis=1)
    return Part("feature", points, False, None, ink, width * 0.9, depth=1.0)


def _ellipse(place: np.ndarray, size: np.ndarray, angle: float = 0.0) -> np.ndarray:
    theta = np.linspace(0, 2 * math.pi, 36, endpoint=False)
    unit = np.stack([size[0] * np.cos(theta), size[1] * np.sin(theta)], axis=1)
    c, s = math.cos(angle), math.sin(angle)
    return place + unit @ np.array([[c, s], [-s, c]])


def _deformation(rng: np.random.Generator) -> Deformation:
    """One to three kinds of change, so that every deforming figure does change."""
    kinds = rng.permutation(["bend", "wave", "turn", "blink"])[: int(rng.integers(1, 4))]
    return Deformation(
        bend=_wobble(rng, 0.26, 0.78) if "bend" in kinds else None,
        wave=Wobble(
            float(rng.uniform(0.05, 0.14)), float(rng.choice([-1, 1]) * rng.uniform(0.4, 1))
        )
        if "wave" in kinds
        else None,
        wave_number=float(rng.uniform(0.4, 0.8)),
        turn=_wobble(rng, 0.2, 0.52) if "turn" in kinds else None,
        blink=float(rng.uniform(0.25, 0.75)) if "blink" in kinds else None,
        blink_half=float(rng.uniform(0.12, 0.25)),
    )


def _wobble(rng: np.random.Generator, low: float, high: float) -> Wobble:
    amount = float(rng.uniform(low, high)) * (1 if rng.random() < 0.5 else -1)
    if rng.random() < 0.55:
        return Wobble(amount)
    return Wobble(amount * 0.7, float(rng.uniform(0.4, 1.0)), float(rng.random()))


def _tint(rng: np.random.Generator, hue: float, value: float) -> Colour:
    colour = colorsys.hsv_to_rgb(
        hue % 1.0, float(rng.uniform(0.25, 0.85)), float(rng.uniform(value - 0.15, 1.0))
    )
    red, green, blue = (round(255 * c) for c in colour)
    return red, green, blue


def _shade(rng: np.random.Generator, value: float) -> Colour:
    colour = colorsys.hsv_to_rgb(float(rng.random()), float(rng.uniform(0, 0.5)), value)
    red, green, blue = (round(255 * c) for c in colour)
    return red, green, blue
