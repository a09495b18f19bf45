"""The look of one studio clip: ink, palette and how fills are shaded; used by all its figures."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import Literal

import numpy as np

from training.procedural.figure import Colour
from training.procedural.studio.rig import Shape

Style = Literal["inked", "cel", "shaded", "flat", "line art"]
_STYLES: tuple[Style, ...] = ("inked", "cel", "shaded", "flat", "line art")
_SHARES = (0.3, 0.32, 0.14, 0.12, 0.12)
PAPER: Colour = (250, 248, 242)


@dataclass(frozen=True)
class Look:
    """`width`: of ink lines in frame heights. `hue` 0..1: where the palette starts."""

    style: Style
    ink: Colour
    width: float
    hue: float

    def shape(
        self,
        points: np.ndarray,
        colour: Colour | None,
        *,
        closed: bool = True,
        pen: float = 1.0,
        sketched: bool = True,
        alpha: float = 1.0,
    ) -> Shape:
        """A piece in this look; `pen` scales its line, 0 leaves the line out."""
        width = self.width * pen
        if not closed:  # a drawn line: always there
            ink = self.ink if self.style != "flat" else darker(self.ink, 1.2)
            return Shape(points, None, ink, width, closed=False, sketched=sketched)
        if self.style == "line art" and colour is not None:
            # Only the darkest fills are spotted black; the rest stays paper and needs a line.
            colour = self.ink if sum(colour) < 130 else PAPER
            width = width or 0.5 * self.width
        line = None if self.style == "flat" or not width else self.ink
        shade = end = None
        span = (float(points[:, 1].min()), float(points[:, 1].max()))
        if colour is not None and self.style == "cel":
            shade = darker(colour, 0.78)
        if colour is not None and self.style == "shaded":
            end = darker(colour, 0.62)
        return Shape(
            points, colour, line, width, fill_end=end, span=span, shade=shade, alpha=alpha,
            sketched=sketched,
        )  # fmt: skip


def make_look(rng: np.random.Generator) -> Look:
    """A random look."""
    style = _STYLES[int(rng.choice(len(_STYLES), p=_SHARES))]
    tone = float(rng.uniform(0.08, 0.26))
    ink = hsv(float(rng.random()), float(rng.uniform(0.0, 0.6)), tone)
    if style == "line art":
        ink = hsv(float(rng.random()), 0.3, float(rng.uniform(0.05, 0.2)))
    return Look(style, ink, float(rng.uniform(0.006, 0.012)), float(rng.random()))


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """A colour from hue (any turn), saturation and value 0..1."""
    red, green, blue = colorsys.hsv_to_rgb(
        hue % 1.0, min(max(saturation, 0.0), 1.0), min(max(value, 0.0), 1.0)
    )
    return round(255 * red), round(255 * green), round(255 * blue)


def darker(colour: Colour, share: float) -> Colour:
    """The colour with its value scaled, turned slightly to blue as shadows are."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in colour))
    return hsv(hue, saturation * 1.08, value * share)


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """A mixture of two colours, `share` 0 gives the first."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def vivid(rng: np.random.Generator, hue: float | None = None) -> Colour:
    """A strong colour, as characters wear."""
    return hsv(
        float(rng.random()) if hue is None else hue + float(rng.normal(0, 0.03)),
        float(rng.uniform(0.45, 0.9)),
        float(rng.uniform(0.6, 1.0)),
    )


def skin(rng: np.random.Generator) -> Colour:
    """A tone of skin, from light to dark."""
    light = float(rng.uniform(0.0, 1.0))
    return hsv(float(rng.uniform(0.045, 0.085)), 0.62 - 0.34 * light, 0.45 + 0.55 * light)
