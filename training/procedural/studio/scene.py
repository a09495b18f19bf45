"""A whole studio clip as vector data: layers of pieces, a camera before them, words for it all.

Made by stage.py, drawn by paint.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.procedural.motion import ASPECT
from training.procedural.studio.rig import Piece


@dataclass(frozen=True, eq=False)
class StudioLayer:
    """Pieces in painting order. `caption`: a sentence; `phrase`: the same as part of one."""

    name: str
    pieces: tuple[Piece, ...]
    phrase: str


@dataclass(frozen=True, eq=False)
class Camera:
    """`shift` [frames, 2] of the view in frame heights, `zoom` [frames] about its middle."""

    shift: np.ndarray
    zoom: np.ndarray


@dataclass(frozen=True, eq=False)
class Scene:
    """Layers lowest first; the first is the background and covers the whole view.

    `parallax` [layers][pieces]: how much of the camera's shift a piece follows; 0 for the sky.
    """

    seed: tuple[int, ...]
    frames: int
    fps: float
    exposure: int
    layers: tuple[StudioLayer, ...]
    parallax: tuple[tuple[float, ...], ...]
    camera: Camera
    caption: str

    @property
    def pieces(self) -> list[Piece]:
        """All pieces in painting order."""
        return [piece for layer in self.layers for piece in layer.pieces]

    def matrices_px(self, width: int, height: int) -> np.ndarray:
        """From every piece's own units to pixels: float64 [frames, pieces, 2, 3]."""
        world = np.stack([piece.matrices for piece in self.pieces], axis=1)
        share = np.array([value for row in self.parallax for value in row])
        zoom = self.camera.zoom[:, None, None] * height
        middle = np.array([ASPECT / 2, 0.5])
        seen = world.copy()
        seen[..., 2] -= middle + self.camera.shift[:, None] * share[None, :, None]
        seen *= zoom[..., None]
        seen[..., 2] += (width / 2, height / 2)
        return seen
