"""Figures of joints: every joint moves in its parent's frame, pieces of drawing hang on joints.

Lengths within a figure are its own units; its root joint places it in the world, whose unit is
the height of the frame. Used by everything that the studio draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.procedural.figure import Colour

Value = float | np.ndarray
"""A number, or one for every frame: float64 [frames]."""

NO_SWAY = (0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Shape:
    """How one piece looks. `points` [p, 2] in its joint's frame.

    `line_width` in frame heights of an unzoomed camera; 0 draws no line. `fill_end`: the colour
    that the fill turns into from `span[0]` to `span[1]` along y. `shade`: the colour of its side
    away from the light. `alpha`: opacity of the fill. `sketched`: whether line drawings show it.
    """

    points: np.ndarray
    fill: Colour | None
    line: Colour | None
    line_width: float
    closed: bool = True
    fill_end: Colour | None = None
    span: tuple[float, float] = (0.0, 1.0)
    shade: Colour | None = None
    alpha: float = 1.0
    sketched: bool = True


@dataclass(frozen=True, eq=False)
class Piece:
    """A shape with its motion: `matrices` [frames, 2, 3] from its own units to the world.

    `sway` [frames, 5]: bend, growing wave, even wave, wave number, phase; it shifts a point at
    (x, y) along x by bend * y^2 + (growing * y + even) * sin(wave number * y - phase), before the
    matrix. None for stiff pieces. `shown` bool [frames].
    """

    shape: Shape
    element: str
    matrices: np.ndarray
    sway: np.ndarray | None
    shown: np.ndarray


def sway_shift(sway: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The shift along x of points at `y`; `sway` [..., 5] as in `Piece`."""
    bend, growing, even, number, phase = np.moveaxis(sway, -1, 0)
    return bend * y * y + (growing * y + even) * np.sin(number * y - phase)


class Rig:
    """A figure under construction; `times` [frames] are the seconds at which it is drawn."""

    def __init__(self, times: np.ndarray) -> None:
        self.times = times
        self._joints: list[np.ndarray] = []
        self.pieces: list[Piece] = []

    def joint(
        self,
        parent: int | None,
        x: Value = 0.0,
        y: Value = 0.0,
        angle: Value = 0.0,
        scale: Value | tuple[Value, Value] = 1.0,
    ) -> int:
        """A new joint at (x, y) of its parent's frame, turned by `angle` radians, then scaled."""
        scales = scale if isinstance(scale, tuple) else (scale, scale)
        local = self._local(x, y, angle, scales)
        if parent is not None:
            local = _chained(self._joints[parent], local)
        self._joints.append(local)
        return len(self._joints) - 1

    def piece(
        self,
        joint: int,
        shape: Shape,
        element: str,
        *,
        sway: tuple[Value, Value, Value, Value, Value] = NO_SWAY,
        shown: np.ndarray | None = None,
    ) -> None:
        """Hang a shape on a joint, in front of all earlier ones."""
        count = len(self.times)
        moving = sway is not NO_SWAY
        swaying = np.stack([np.broadcast_to(v, count) for v in sway], axis=1) if moving else None
        seen = np.ones(count, bool) if shown is None else shown
        self.pieces.append(Piece(shape, element, self._joints[joint], swaying, seen))

    def centre(self, joint: int) -> np.ndarray:
        """Where a joint lies in the world: [frames, 2]."""
        return self._joints[joint][:, :, 2]

    def _local(self, x: Value, y: Value, angle: Value, scales: tuple[Value, Value]) -> np.ndarray:
        count = len(self.times)
        cosine, sine = np.cos(angle), np.sin(angle)
        matrix = np.empty((count, 2, 3))
        matrix[:, 0, 0], matrix[:, 0, 1] = cosine * scales[0], -sine * scales[1]
        matrix[:, 1, 0], matrix[:, 1, 1] = sine * scales[0], cosine * scales[1]
        matrix[:, 0, 2], matrix[:, 1, 2] = x, y
        return matrix


def _chained(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Matrices [frames, 2, 3] that apply `inner` first."""
    chained = outer[:, :, :2] @ inner
    chained[:, :, 2] += outer[:, :, 2]
    return chained
