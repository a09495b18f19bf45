"""A whole procedural clip as vector data, made from one seed; rendered by render.py.

After set B of the bundled-model specification, section 1.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from training.procedural.figure import Figure, make_figure
from training.procedural.motion import (
    ASPECT,
    STRATA,
    Motion,
    Stratum,
    draw_stratum,
    make_motion,
)
from training.procedural.plate import Plate, make_plate

Stream = Literal["evaluate", "train"]
_STREAM_KEYS: dict[str, int] = {"evaluate": 0x0E7A1, "train": 0x7EA17}
# material points of the body that are tracked, in layer units: never on one line
_TRACKED = np.array([[0.0, 0.0], [0.45, -0.35], [-0.4, 0.45], [0.4, 0.5]])


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer: a figure, its motion, its size (body radius in frame heights) and stratum."""

    figure: Figure
    motion: Motion
    radius: float
    stratum: Stratum

    def outlines(self, time: float) -> list[np.ndarray]:
        """Every part's points [p, 2] in frame heights at a time 0..1; vertices correspond."""
        pose = self.motion.pose(time)
        return [pose.apply(points * self.radius) for points in self.figure.outlines(time)]

    def tracked(self, time: float) -> np.ndarray:
        """Four material points of the body [4, 2] in frame heights at a time 0..1."""
        points = self.figure.bent(_TRACKED, time)
        return self.motion.pose(time).apply(points * self.radius)


@dataclass(frozen=True, eq=False)
class Clip:
    """Layers in depth order (the first lies lowest) over a background plate.

    Lengths are frame heights; the nominal frame is `ASPECT` wide, frame f of `frames` lies at
    time f / (frames - 1). The same clip renders at any resolution.
    """

    seed: int
    stream: Stream
    frames: int
    layers: tuple[Layer, ...]
    plate: Plate

    @property
    def stratum(self) -> Stratum:
        """Stratum of the most complex layer."""
        return STRATA[max(STRATA.index(layer.stratum) for layer in self.layers)]

    def time(self, frame: int) -> float:
        """Time 0..1 of a frame."""
        return frame / (self.frames - 1)


def make_clip(
    seed: int,
    *,
    stream: Stream = "evaluate",
    frames: int = 16,
    strata: tuple[Stratum, ...] | None = None,
) -> Clip:
    """The clip of a seed; the same seed, stream and arguments give the same clip on any machine.

    Streams keep data apart: no seed of "train" repeats one of "evaluate". `strata` fixes the
    layers' strata in depth order; otherwise one to four layers are drawn by the shares of set B.
    Raises ValueError for fewer than two frames.
    """
    if frames < 2:
        raise ValueError("a clip has at least two frames")
    rng = np.random.default_rng([_STREAM_KEYS[stream], seed])
    chosen = strata or tuple(draw_stratum(rng) for _ in range(rng.integers(1, 5)))
    layers = tuple(_make_layer(rng, stratum, len(chosen)) for stratum in chosen)
    return Clip(seed, stream, frames, layers, make_plate(rng, ASPECT))


def _make_layer(rng: np.random.Generator, stratum: Stratum, count: int) -> Layer:
    radius = float(rng.uniform(0.14, 0.325 if count < 3 else 0.25))
    motion = make_motion(rng, stratum, radius)
    figure = make_figure(rng, deforming=stratum == "deform")
    return Layer(figure, motion, radius, stratum)
