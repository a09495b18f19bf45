"""Inked flat shapes under an affine motion, drawn with their numbers; `synthetic` uses it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

FINE = 3
"""Drawn this much larger, so that the centre of a pixel is the centre of one fine pixel."""
_BITS = 4


@dataclass(frozen=True, eq=False)
class Shape:
    """A filled outline. `points` [n, 2] in pixels of its own space; `ink_px` 0 = borderless."""

    points: np.ndarray
    colour: tuple[int, int, int]
    ink_px: float = 1.6


@dataclass(frozen=True, eq=False)
class Part:
    """Shapes that move as one. `motion` float64 [frames, 2, 3]: own space to the canvas."""

    thing: int
    shapes: tuple[Shape, ...]
    motion: np.ndarray


def ellipse(
    x: float, y: float, rx: float, ry: float, start: float = 0, end: float = 360
) -> np.ndarray:
    """Points on an ellipse (or a sector, closed through its middle), float64 [n, 2]."""
    angles = np.radians(np.linspace(start, end, 49))
    arc = np.stack([x + rx * np.cos(angles), y + ry * np.sin(angles)], 1)
    return arc if end - start >= 360 else np.vstack([arc, [[x, y]]])


def capsule(length: float, width: float) -> np.ndarray:
    """A limb from (0, 0) down to (0, length), float64 [n, 2]."""
    top = ellipse(0, 0, width / 2, width / 2, 180, 360)[:-1]
    bottom = ellipse(0, length, width / 2, width / 2, 0, 180)[:-1]
    return np.vstack([top, bottom])


def box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """Corners of an upright rectangle, float64 [4, 2]."""
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64)


def draw(parts: list[Part], frame: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Picture uint8 [h, w, 3] and part numbers uint8 [h, w] of one frame; later parts on top."""
    colours = np.zeros((height * FINE, width * FINE, 3), np.uint8)
    numbers = np.zeros((height * FINE, width * FINE), np.uint8)
    for number, part in enumerate(parts):
        matrix = part.motion[frame]
        for shape in part.shapes:
            _fill(colours, numbers, shape, number, matrix)
    picture = cv2.resize(colours, (width, height), interpolation=cv2.INTER_AREA)
    return picture, numbers[FINE // 2 :: FINE, FINE // 2 :: FINE].copy()


def _fill(
    colours: np.ndarray, numbers: np.ndarray, shape: Shape, number: int, matrix: np.ndarray
) -> None:
    points = shape.points @ matrix[:, :2].T + matrix[:, 2]
    fine = np.round((points * FINE - 0.5) * (1 << _BITS)).astype(np.int32)
    ink = round(shape.ink_px * FINE)
    cv2.fillPoly(colours, [fine], shape.colour, cv2.LINE_8, _BITS)
    cv2.fillPoly(numbers, [fine], number, cv2.LINE_8, _BITS)
    if ink:
        tone = (38, 30, 40)
        cv2.polylines(colours, [fine], True, tone, ink, cv2.LINE_8, _BITS)
        cv2.polylines(numbers, [fine], True, number, ink, cv2.LINE_8, _BITS)
