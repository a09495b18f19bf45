"""The painted background of a procedural clip: a gradient with soft-coloured flat shapes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

Colour = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class PlateShape:
    """A flat closed shape: points [p, 2] in frame heights, its fill and optional line."""

    points: np.ndarray
    fill: Colour
    line: Colour | None


@dataclass(frozen=True, eq=False)
class Plate:
    """Vertical gradient from `top` to `bottom`, shapes over it in painting order."""

    top: Colour
    bottom: Colour
    shapes: tuple[PlateShape, ...]


def make_plate(rng: np.random.Generator, aspect: float) -> Plate:
    """A random plate whose shapes reach half a frame beyond the nominal frame."""
    top, bottom = _pastel(rng), _pastel(rng)
    shapes = tuple(_shape(rng, aspect) for _ in range(int(rng.integers(3, 9))))
    return Plate(top, bottom, shapes)


def _shape(rng: np.random.Generator, aspect: float) -> PlateShape:
    theta = np.linspace(0, 2 * math.pi, 64, endpoint=False)
    radius = rng.uniform(0.06, 0.35) * (
        1 + 0.25 * np.cos(2 * theta + rng.uniform(0, 6.3)) + 0.1 * np.cos(5 * theta)
    )
    centre = rng.uniform([-0.4, -0.2], [aspect + 0.4, 1.2])
    points = centre + np.stack([np.cos(theta), np.sin(theta)], axis=1) * radius[:, None]
    fill = _pastel(rng)
    red, green, blue = (int(channel * 0.6) for channel in fill)
    return PlateShape(points, fill, (red, green, blue) if rng.random() < 0.4 else None)


def _pastel(rng: np.random.Generator) -> Colour:
    red, green, blue = (int(c) for c in rng.integers(110, 236, 3))
    return red, green, blue
