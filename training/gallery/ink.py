"""Pen and brush of the gallery: plain curves become strokes with line weight; pure numpy.

Called by the shots. Coordinates are pixels of a 960x540 picture, x right, y down; angles in
radians, positive turns clockwise on the screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

WIDTH, HEIGHT = 960, 540
INK = "#2b2330"
PENCIL = "#3b6fd4"
LINE_PX = 1.9  # half the width of a full line
_LIGHT = np.array([-0.6, -0.8])  # outlines are thin where light falls

Dots = Sequence[tuple[float, float]] | Sequence[np.ndarray] | np.ndarray


@dataclass(frozen=True, eq=False)
class Stroke:
    """One pen stroke: float64 `points` [n, 2] and half widths `radius` [n], both in pixels.

    `line` and `fill` are colours `#rrggbb` or `#rrggbbaa`; None leaves that part out.
    """

    points: np.ndarray
    radius: np.ndarray
    line: str | None = INK
    fill: str | None = None
    cyclic: bool = False


def curve(dots: Dots, count: int, *, cyclic: bool = False) -> np.ndarray:
    """`count` evenly spread points [count, 2] on a smooth curve through all `dots`."""
    given = np.asarray(dots, float)
    if cyclic:
        padded = np.concatenate([given[-1:], given, given[:2]])
    else:
        padded = np.concatenate([2 * given[:1] - given[1:2], given, 2 * given[-1:] - given[-2:-1]])
    u = np.linspace(0.0, 1.0, 16, endpoint=False)[:, None]
    quads = zip(padded, padded[1:], padded[2:], padded[3:], strict=False)
    pieces = [_piece(*quad, u) for quad in quads]
    end = given[:1] if cyclic else given[-1:]
    return evenly(np.concatenate([*pieces, end]), count, cyclic=cyclic)


def _piece(
    before: np.ndarray, start: np.ndarray, stop: np.ndarray, after: np.ndarray, u: np.ndarray
) -> np.ndarray:
    """One span with slopes that long neighbours cannot pull into loops: [len(u), 2]."""
    chord = float(np.linalg.norm(stop - start))
    leave, arrive = _slope(before, start, stop, chord), _slope(start, stop, after, chord)
    ahead = u * u * (3 - 2 * u)
    return start * (1 - ahead) + stop * ahead + u * (1 - u) ** 2 * leave + u * u * (u - 1) * arrive


def _slope(one: np.ndarray, two: np.ndarray, three: np.ndarray, chord: float) -> np.ndarray:
    direction = three - one
    return direction * (chord / max(float(np.linalg.norm(direction)), 1e-9))


def evenly(dense: np.ndarray, count: int, *, cyclic: bool = False) -> np.ndarray:
    """A polyline [n, 2] as `count` points at even arc length; a closed one repeats its first."""
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(dense, axis=0), axis=1))])
    wanted = np.linspace(0.0, way[-1], count, endpoint=not cyclic)
    return np.stack([np.interp(wanted, way, dense[:, axis]) for axis in (0, 1)], axis=1)


def closed(
    points: np.ndarray, fill: str | None, line: str | None = INK, *, width: float = 1.0
) -> Stroke:
    """A closed shape through given points [n, 2]; its outline is heavier away from the light."""
    along = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    x, y = points[:, 0], points[:, 1]
    turning = np.sign(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) or 1.0)
    outward = np.stack([along[:, 1], -along[:, 0]], axis=1) * turning
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
    weight = 0.82 - 0.38 * (outward @ _LIGHT)
    radius = LINE_PX * width * weight if line else np.zeros(len(points))
    return Stroke(points, radius, line, fill, cyclic=True)


def shape(
    dots: Dots, fill: str | None, line: str | None = INK, *, count: int = 48, width: float = 1.0
) -> Stroke:
    """A smooth closed shape through `dots`."""
    return closed(curve(dots, count, cyclic=True), fill, line, width=width)


def boxy(corners: Dots, fill: str | None, line: str | None = INK, *, width: float = 0.8) -> Stroke:
    """A closed shape whose corners stay corners."""
    given = np.asarray(corners, float)
    sides = [
        np.linspace(a, b, 5, endpoint=False)
        for a, b in zip(given, np.roll(given, -1, 0), strict=True)
    ]
    return closed(np.concatenate(sides), fill, line, width=width)


def pen(dots: Dots, line: str = INK, *, count: int = 18, width: float = 1.0) -> Stroke:
    """An open line that swells in the middle and ends in points."""
    u = np.linspace(0.0, 1.0, count)
    radius = LINE_PX * width * np.sin(np.pi * np.clip(u, 0.05, 0.95)) ** 0.6
    return Stroke(curve(dots, count), radius, line)


def ellipse(
    at: tuple[float, float],
    size: tuple[float, float],
    fill: str | None,
    line: str | None = INK,
    *,
    count: int = 28,
    turn: float = 0.0,
    width: float = 1.0,
) -> Stroke:
    """An ellipse with half axes `size`, turned by `turn`."""
    angle = np.linspace(0.0, 2 * np.pi, count, endpoint=False)
    flat = np.stack([np.cos(angle) * size[0], np.sin(angle) * size[1]], axis=1)
    return closed(rotated(flat, turn) + np.asarray(at, float), fill, line, width=width)


def limb(
    dots: Dots,
    widths: Sequence[float],
    fill: str | None,
    line: str | None = INK,
    *,
    count: int = 18,
    width: float = 1.0,
) -> Stroke:
    """An arm, leg or tail: half `widths` along a smooth spine, round at both ends."""
    spine = curve(dots, count)
    along = np.gradient(spine, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    side = np.stack([along[:, 1], -along[:, 0]], axis=1)
    half = np.interp(np.linspace(0, len(widths) - 1, count), range(len(widths)), widths)[:, None]
    tip = _cap(spine[-1], along[-1], side[-1], float(half[-1, 0]))
    root = _cap(spine[0], -along[0], -side[0], float(half[0, 0]))
    ring = np.concatenate([spine + side * half, tip, (spine - side * half)[::-1], root])
    return closed(ring, fill, line, width=width)


def _cap(at: np.ndarray, ahead: np.ndarray, side: np.ndarray, half: float) -> np.ndarray:
    angle = np.linspace(0.0, np.pi, 9)[1:-1, None]
    return at + half * (np.cos(angle) * side + np.sin(angle) * ahead)


def rotated(points: np.ndarray, angle: float) -> np.ndarray:
    """Points [n, 2] turned about the origin."""
    cos, sin = np.cos(angle), np.sin(angle)
    return points @ np.array([[cos, sin], [-sin, cos]])


def placed(
    strokes: Sequence[Stroke],
    at: tuple[float, float],
    *,
    turn: float = 0.0,
    size: tuple[float, float] = (1.0, 1.0),
) -> list[Stroke]:
    """Strokes around the origin, stretched, then turned, then moved; lines keep their weight."""
    return [
        replace(s, points=rotated(s.points * np.asarray(size, float), turn) + np.asarray(at, float))
        for s in strokes
    ]
