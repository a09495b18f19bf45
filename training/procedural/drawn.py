"""A vector clip drawn at one size, with all that its generator knows of every pixel.

Made by the generators of this package, turned into training clips by `training.data`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.procedural.exact import Movement


@dataclass(frozen=True)
class DrawnElement:
    """A named part of a layer that moves as one; `layer` counts from 0, the plate's layer."""

    name: str
    layer: int


@dataclass(frozen=True)
class DrawnLayer:
    """A layer's name and what it shows and does, in words."""

    name: str
    caption: str


@dataclass(frozen=True, eq=False)
class DrawnClip:
    """Pixels and their meaning; layers in depth order, the first lies lowest.

    `frames` uint8 [frames, h, w, 3]. `pieces` uint16 [frames, h, w]: the topmost piece at each
    pixel's centre; every pixel shows one. `piece_elements` uint16 [pieces]: index into `elements`.
    `sketch` uint8 [frames, h, w], 0 on a line .. 255 paper.
    """

    frames: np.ndarray
    pieces: np.ndarray
    piece_elements: np.ndarray
    elements: tuple[DrawnElement, ...]
    layers: tuple[DrawnLayer, ...]
    sketch: np.ndarray
    movement: Movement
    caption: str
    fps: float
