"""Painted backgrounds that several shots share; each gives strokes in painting order, lowest first.

Painted beyond the 960x540 picture, so that overscan shows painting.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .ink import HEIGHT, WIDTH, Stroke, closed, curve, ellipse, pen, shape

LEFT, RIGHT, TOP, BOTTOM = -120.0, WIDTH + 120.0, -70.0, HEIGHT + 70.0


def land(
    skyline: Sequence[tuple[float, float]], fill: str, line: str | None = None, *, count: int = 40
) -> Stroke:
    """All that lies below a smooth skyline."""
    top = curve(skyline, count)
    corners = np.array([[top[-1, 0], BOTTOM], [top[0, 0], BOTTOM]])
    return closed(np.concatenate([top, corners]), fill, line, width=0.7)


def flat(fill: str, top: float = TOP, bottom: float = BOTTOM) -> Stroke:
    """An even band across the picture."""
    corners = np.array([[LEFT, top], [RIGHT, top], [RIGHT, bottom], [LEFT, bottom]])
    return closed(corners, fill, None)


def cloud(at: tuple[float, float], size: float, fill: str, shade: str) -> list[Stroke]:
    """A heap of cloud with a shaded belly."""
    dots = [(-70, 12), (-52, -14), (-26, -16), (-4, -36), (30, -30), (44, -12), (72, -8), (80, 12)]
    ring = [(at[0] + x * size, at[1] + y * size) for x, y in [*dots, (10, 18)]]
    below = [(x, y + 7 * size) for x, y in ring]
    return [shape(below, shade, None, count=40), shape(ring, fill, None, count=40)]


def street() -> list[Stroke]:
    """A morning street: sky, far houses, a hedge and the pavement."""
    strokes = [flat("#bfe0ea"), flat("#d9ecdf", 150), flat("#f3ecd2", 250)]
    for x, width, height, colour in (
        (-60, 150, 190, "#e7b79a"),
        (110, 120, 240, "#d8c7a8"),
        (250, 170, 170, "#c9a7a0"),
        (440, 130, 225, "#e6cfa3"),
        (590, 160, 185, "#b9b8c4"),
        (770, 130, 235, "#dcae93"),
        (920, 160, 180, "#cfc3a5"),
    ):
        strokes += _house(x, width, height, colour)
    hedge = [(x, 338 + 9 * np.sin(x / 31.0) + 5 * np.sin(x / 13.0)) for x in range(-130, 1100, 24)]
    strokes.append(land(hedge, "#7fa56b", count=90))
    strokes += [flat("#cfc6b8", 402), flat("#b9ae9f", 418), flat("#a79c8f", 500)]
    strokes += [
        pen([(x, 420), (x - 34, 498)], "#968b7f", width=0.7, count=6) for x in range(-60, 1100, 140)
    ]
    return strokes


def _house(x: float, width: float, height: float, colour: str) -> list[Stroke]:
    top = 370.0 - height
    wall = closed(
        np.array([[x, 400], [x, top], [x + width, top], [x + width, 400]], float), colour, None
    )
    roof = closed(
        np.array([[x - 8, top], [x + width * 0.5, top - 46], [x + width + 8, top]], float),
        "#a4685c",
        None,
    )
    windows = [
        closed(
            np.array([[a, b], [a + 22, b], [a + 22, b + 30], [a, b + 30]], float),
            "#f8eab8",
            "#8b6f66",
            width=0.45,
        )
        for a in np.arange(x + 20, x + width - 30, 44)
        for b in np.arange(top + 26, 320, 62)
    ]
    return [wall, roof, *windows]


def court() -> list[Stroke]:
    """A plain studio: wall, a round window of light, floor."""
    return [
        flat("#f1e2c6"),
        flat("#e9d5b4", 300),
        ellipse((200, 150), (92, 92), "#fbf3dc", None),
        ellipse((200, 150), (70, 70), "#fffbef", None),
        flat("#c98f6b", 430),
        flat("#b97f5e", 452),
        pen([(-110, 431), (400, 428), (1070, 432)], "#8f5d45", count=30, width=1.1),
        *[
            pen([(x, 456), (x - 50, 545)], "#a56f51", count=6, width=0.8)
            for x in range(-40, 1100, 170)
        ],
    ]


def sky(colours: Sequence[str]) -> list[Stroke]:
    """Bands of sky with soft waves between them."""
    strokes = [flat(colours[0])]
    step = HEIGHT / len(colours)
    for index, colour in enumerate(colours[1:], 1):
        edge = [
            (x, index * step + 9 * np.sin(x / 150.0 + 1.7 * index)) for x in range(-130, 1100, 120)
        ]
        strokes.append(land(edge, colour))
    return strokes


def evening() -> list[Stroke]:
    """Warm evening sky over hills."""
    far = [(-130, 400), (60, 360), (240, 395), (430, 350), (620, 392), (820, 352), (1090, 390)]
    near = [(-130, 452), (120, 430), (380, 455), (640, 428), (900, 450), (1090, 436)]
    return [
        *sky(("#6d7fb3", "#9a93bd", "#cfa6b4", "#efc0a2", "#f8d9a8")),
        ellipse((740, 330), (58, 58), "#fff0c4", None),
        *cloud((190, 120), 1.1, "#f6dfd9", "#d9b9c4"),
        *cloud((600, 90), 0.8, "#f6dfd9", "#d9b9c4"),
        land(far, "#8a86a8"),
        land(near, "#5f6f86"),
    ]


def night() -> list[Stroke]:
    """A night clearing: deep sky, stars, firs, ground."""
    strokes = sky(("#1d2440", "#232c4d", "#2c3759", "#384264"))
    rng = np.random.default_rng(5)
    for _ in range(26):
        x, y = rng.uniform(-60, 1020), rng.uniform(0, 250)
        size = float(rng.uniform(1.2, 2.8))
        strokes.append(ellipse((x, y), (size, size), "#f4efcf", None, count=8))
    for x, height in ((-20, 250), (90, 190), (190, 230), (760, 210), (860, 270), (960, 200)):
        strokes += [_fir(x, 440, height)]
    return [
        *strokes,
        land([(-130, 430), (200, 420), (500, 428), (800, 416), (1090, 430)], "#2b3a3c"),
        land([(-130, 470), (300, 462), (700, 474), (1090, 462)], "#23302f"),
    ]


def _fir(x: float, foot: float, height: float) -> Stroke:
    steps = 4
    right: list[tuple[float, float]] = []
    for index in range(steps):
        y = foot - height + height * (index + 1) / steps
        wide = 0.07 * height * (index + 1.6)
        right += [(x + wide, y - 8), (x + wide * 0.55, y)]
    left = [(2 * x - a, b) for a, b in reversed(right)]
    return closed(np.array([(x, foot - height), *right, *left], float), "#1f2c38", None)
