"""Pen and brush of the demo: plain curves become strokes with a line weight; pure numpy.

Called by the drawings in this folder. Coordinates are picture pixels of a 512x320 frame, x right,
y down; `scene` turns them into Grease Pencil strokes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.gallery.ink import Stroke, evenly, rotated

Dots = Sequence[tuple[float, float]]
CAP_POINTS = 13  # of a round end; fewer show their corners at 1920x1080
LINE_PX = 1.25  # half the width of a full line at 512x320


def path(text: str) -> list[tuple[float, float]]:
    """Dots written as `x,y x,y ...`, the way drawings are written down elsewhere too."""
    pairs = (word.split(",") for word in text.split())
    return [(float(x), float(y)) for x, y in pairs]


def curve(dots: Dots, count: int, *, cyclic: bool = False) -> np.ndarray:
    """A smooth curve through `dots`, as `count` evenly spread points [count, 2].

    Centripetal knots, so that neighbours at very different distances make no loops.
    """
    given = np.asarray(dots, float)  # [k, 2]
    if cyclic:
        given = np.concatenate([given[-2:], given, given[:2]])
    else:
        given = np.concatenate([2 * given[:1] - given[1:2], given, 2 * given[-1:] - given[-2:-1]])
    step = np.sqrt(np.maximum(np.linalg.norm(np.diff(given, axis=0), axis=1), 1e-6))
    knots = np.concatenate([[0.0], np.cumsum(step)])
    last = len(given) - 2
    times = np.linspace(knots[1], knots[last], 12 * len(given))
    dense = np.stack([_hermite(knots, given[:, axis], times) for axis in (0, 1)], axis=1)
    return evenly(dense, count, cyclic=cyclic)


def _hermite(knots: np.ndarray, values: np.ndarray, times: np.ndarray) -> np.ndarray:
    slope = np.gradient(values, knots)
    index = np.clip(np.searchsorted(knots, times, "right") - 1, 0, len(knots) - 2)
    width = knots[index + 1] - knots[index]
    u = (times - knots[index]) / width
    ahead = u * u * (3 - 2 * u)
    start = (u * (1 - u) ** 2) * width * slope[index]
    end = (u * u * (u - 1)) * width * slope[index + 1]
    return values[index] * (1 - ahead) + values[index + 1] * ahead + start + end


def shape(
    dots: Dots, fill: str, line: str | None, *, count: int = 64, width: float = 1.0
) -> Stroke:
    """A closed, filled shape; its outline is heavier at the lower right, like a brush pen."""
    return outline(curve(dots, count, cyclic=True), fill, line, width=width)


def outline(points: np.ndarray, fill: str, line: str | None, *, width: float = 1.0) -> Stroke:
    """A closed, filled shape through given points [n, 2], with the brush pen's line weight."""
    along = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    area = np.sum(
        points[:, 0] * np.roll(points[:, 1], -1) - points[:, 1] * np.roll(points[:, 0], -1)
    )
    outward = np.stack([along[:, 1], -along[:, 0]], axis=1) * np.sign(area or 1.0)
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
    weight = 0.78 + 0.34 * (outward @ np.array([0.55, 0.83]))
    radius = LINE_PX * width * weight if line else np.zeros(len(points))
    return Stroke(points, radius, line, fill, cyclic=True)


def pen(dots: Dots, line: str, *, count: int = 24, width: float = 1.0) -> Stroke:
    """An open line that swells in the middle and ends in points."""
    u = np.linspace(0.0, 1.0, count)
    radius = LINE_PX * width * np.sin(np.pi * np.clip(u, 0.03, 0.97)) ** 0.6
    return Stroke(curve(dots, count), radius, line, None, cyclic=False)


def ellipse(
    centre: tuple[float, float],
    size: tuple[float, float],
    fill: str,
    line: str | None = None,
    *,
    count: int = 32,
    turn: float = 0.0,
) -> Stroke:
    """A filled ellipse with half axes `size`, turned by `turn` radians."""
    angle = np.linspace(0.0, 2 * np.pi, count, endpoint=False)
    flat = np.stack([np.cos(angle) * size[0], np.sin(angle) * size[1]], axis=1)
    return outline(rotated(flat, turn) + np.asarray(centre, float), fill, line)


def tube(
    dots: Dots,
    widths: Sequence[float],
    fill: str,
    line: str | None,
    *,
    part: tuple[float, float] = (0.0, 1.0),
    grow: float = 0.0,
    count: int = 32,
    weight: float = 1.0,
) -> Stroke:
    """A limb or tail: half `widths` along a spine through `dots`, round at both ends.

    `part` takes a piece of the spine (0..1), `grow` adds to its half width.
    """
    return outline(
        tube_outline(dots, widths, part=part, grow=grow, count=count), fill, line, width=weight
    )


def tube_outline(
    dots: Dots,
    widths: Sequence[float],
    *,
    part: tuple[float, float] = (0.0, 1.0),
    grow: float = 0.0,
    count: int = 32,
    round_ends: bool = True,
) -> np.ndarray:
    """The outline of a `tube`, [2 * count + 2 * CAP_POINTS, 2]: down one side, round the end, back.

    Without `round_ends` it is a band with straight ends, [2 * count, 2].
    """
    spine = curve(dots, 200)
    u = np.linspace(part[0], part[1], count)
    whole = np.linspace(0.0, 1.0, len(spine))
    middle = np.stack([np.interp(u, whole, spine[:, axis]) for axis in (0, 1)], axis=1)
    along = np.gradient(middle, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    side = np.stack([along[:, 1], -along[:, 0]], axis=1)
    half = _profile(widths, u) + grow
    left, right = middle + side * half[:, None], middle - side * half[:, None]
    if not round_ends:
        return np.concatenate([left, right[::-1]])
    tip = _cap(middle[-1], along[-1], side[-1], half[-1])
    root = _cap(middle[0], -along[0], -side[0], half[0])
    return np.concatenate([left, tip, right[::-1], root])


def _profile(widths: Sequence[float], u: np.ndarray) -> np.ndarray:
    flat = curve([(index, width) for index, width in enumerate(widths)], 100)
    return np.interp(u * (len(widths) - 1), flat[:, 0], flat[:, 1])


def _cap(at: np.ndarray, ahead: np.ndarray, side: np.ndarray, half: float) -> np.ndarray:
    angle = np.linspace(0.0, np.pi, CAP_POINTS + 2)[1:-1]
    return at + half * (np.cos(angle)[:, None] * side + np.sin(angle)[:, None] * ahead)
