"""Other looks for training clips: dark fills, any outline, shading, daubs; called by the trainer.

Only colours, daubs and what the sketch leaves out change; motion and shapes stay those of the
clip. The evaluation never uses this, so that its figures stay comparable.
"""

from __future__ import annotations

import colorsys
from dataclasses import replace

import numpy as np

from training.procedural.clip import Clip, Layer
from training.procedural.figure import Colour, Figure, Part

_DARK = (0.02, 0.35)  # values of dark fills; 0 is black
_DAUBS = (4, 12)


def repainted(clip: Clip, seed: int) -> Clip:
    """The clip with every layer in a random look; the same for the same clip and seed."""
    rng = np.random.default_rng([seed, 0x100C])
    return replace(clip, layers=tuple(_repainted(layer, rng) for layer in clip.layers))


def _repainted(layer: Layer, rng: np.random.Generator) -> Layer:
    """A layer whose parts share how dark, shaded and completely sketched they are."""
    dark_share = float(rng.choice([0.0, 0.5, 1.0]))
    shaded = bool(rng.random() < 0.5)
    left_out = 0.25 if rng.random() < 0.35 else 0.0
    parts: list[Part] = []
    for part in layer.figure.parts:
        painted = _recoloured(part, rng, dark=bool(rng.random() < dark_share), shaded=shaded)
        parts.append(replace(painted, sketched=bool(rng.random() >= left_out)))
        if part.kind == "body" and shaded:
            parts += _daubs(painted, rng)
    return replace(layer, figure=Figure(tuple(parts), layer.figure.deformation))


def _recoloured(part: Part, rng: np.random.Generator, *, dark: bool, shaded: bool) -> Part:
    if part.fill is None:
        return part
    fill = _colour(rng, *_DARK) if dark else part.fill
    end = _near(fill, rng, 70) if shaded else None
    line, choice = part.line, rng.random()
    if choice < 0.3:
        line = None
    elif choice < 0.6:
        line = _colour(rng, 0.0, 1.0)
    return replace(part, fill=fill, fill_end=end, line=line)


def _daubs(body: Part, rng: np.random.Generator) -> list[Part]:
    """Unsketched spots near the body's colour, as brush strokes leave them."""
    reach = np.abs(body.points).max(axis=0)
    theta = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    daubs: list[Part] = []
    for _ in range(int(rng.integers(*_DAUBS))):
        place = rng.uniform(-0.5, 0.5, 2) * reach
        size = rng.uniform(0.04, 0.25, 2) * reach
        points = place + np.stack([np.cos(theta), np.sin(theta)], axis=1) * size
        fill = _near(body.fill or (0, 0, 0), rng, 40)
        daubs.append(
            Part("feature", points, True, fill, None, body.line_width, depth=0.5, sketched=False)
        )
    return daubs


def _colour(rng: np.random.Generator, low: float, high: float) -> Colour:
    saturation, value = float(rng.uniform(0, 0.9)), float(rng.uniform(low, high))
    red, green, blue = colorsys.hsv_to_rgb(float(rng.random()), saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def _near(colour: Colour, rng: np.random.Generator, reach: int) -> Colour:
    shift = int(rng.integers(-reach, reach + 1))
    red, green, blue = (min(255, max(0, c + shift + int(rng.integers(-15, 16)))) for c in colour)
    return red, green, blue
