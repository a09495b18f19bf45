"""Shots of what has no bones: smoke, fire, water. Called by `shots`."""

from __future__ import annotations

import math

import numpy as np

from . import scenery
from .ink import INK, Stroke, boxy, closed, curve, ellipse, limb, pen, placed, shape
from .moves import mix, wave
from .shot import GalleryLayer, GalleryShot

_KEYS, _ROUGHS = (1, 5, 9, 13, 17), (3, 7, 11, 15)


def smoke_shot() -> GalleryShot:
    """Puffs rise from a chimney, grow and go."""
    return GalleryShot(
        "smoke",
        "Smoke",
        "A puff is born every five frames; it rises, grows and thins out until it is gone. Keys do "
        "not hold the same puffs, so no stroke has a sure partner. Roughs in each gap.",
        (
            GalleryLayer(
                "cottage", lambda _: [*scenery.night(), *_cottage()], (1,), background=True
            ),
            GalleryLayer("smoke", _smoke, _KEYS, rough=_ROUGHS),
        ),
        corresponds=False,
    )


def _cottage() -> list[Stroke]:
    windows = [
        boxy([(x, 366), (x + 44, 366), (x + 44, 410), (x, 410)], "#ffd987", "#2a1e26")
        for x in (356, 470)
    ]
    bars = [pen([(x + 22, 367), (x + 22, 409)], "#2a1e26", count=6, width=0.7) for x in (356, 470)]
    return [
        boxy([(494, 236), (536, 236), (536, 330), (494, 330)], "#7b4a4c"),
        boxy([(488, 224), (542, 224), (542, 242), (488, 242)], "#8d5a58"),
        boxy([(330, 330), (550, 330), (550, 456), (330, 456)], "#5b4a5c"),
        boxy([(300, 338), (360, 262), (520, 262), (580, 338)], "#8f4f4a"),
        shape(
            [(362, 264), (440, 252), (518, 264), (500, 276), (440, 270), (380, 277)],
            "#dfe6f2",
            None,
        ),
        *windows,
        *bars,
        boxy([(410, 380), (448, 380), (448, 456), (410, 456)], "#3d2f3c"),
    ]


_LIFE, _EVERY = 26.0, 5.0


def _smoke(frame: float) -> list[Stroke]:
    strokes: list[Stroke] = []
    oldest = math.ceil((frame - _LIFE) / _EVERY)
    for born in range(oldest, math.floor(frame / _EVERY) + 1):
        age = (frame - _EVERY * born) / _LIFE
        if 0 < age < 1:
            strokes += _puff(born, age)
    return strokes


def _puff(number: int, age: float) -> list[Stroke]:
    rng = np.random.default_rng(100 + number)
    lean, turn = float(rng.uniform(0.8, 1.2)), float(rng.uniform(-1, 1))
    lumps = rng.uniform(0.82, 1.18, 8)
    at = 515 + 190 * lean * age**1.4, 214 - 190 * age**0.8
    size = 15 + 62 * age**0.7
    angle = np.arange(8) * math.pi / 4 + turn * age
    ring = np.stack([size * lumps * np.cos(angle), 0.86 * size * lumps * np.sin(angle)], axis=1)
    fade = min(1.0, 3.2 * (1 - age))
    alpha = f"{int(40 + 190 * fade):02x}"
    shade = ring * 0.62 + (0.16 * size, 0.2 * size)
    return placed(
        [
            shape(ring, f"#aab3c8{alpha}", f"#39405f{alpha}", count=40, width=0.9),
            shape(shade, f"#8b95b0{alpha}", None, count=28),
        ],
        at,
    )


def fire_shot() -> GalleryShot:
    """A camp fire drawn on fours."""
    keys = (1, 5, 9, 13, 17)
    return GalleryShot(
        "fire",
        "Fire",
        "Tongues lick up at their own speeds, sparks are born and die; keys on fours, drawn anew "
        "each time. Roughs in the middle of each gap.",
        (
            GalleryLayer("clearing", lambda _: [*scenery.night(), *_logs()], (1,), background=True),
            GalleryLayer("glow", _glow, keys),
            GalleryLayer("fire", _fire, keys, rough=(3, 7, 11, 15), redrawn=True),
        ),
        corresponds=False,
    )


def _logs() -> list[Stroke]:
    logs = [
        limb([(380, 474), (560, 446)], (19, 17), "#6d4636"),
        limb([(584, 476), (404, 442)], (18, 18), "#7d5340"),
    ]
    rings = [ellipse(at, (15, 17), "#c79a6b", INK, count=20) for at in ((382, 473), (582, 475))]
    stones = [
        ellipse((x, 486 + 5 * math.sin(x)), (25, 16), "#59606f", INK, count=24)
        for x in (352, 402, 456, 512, 566, 616)
    ]
    return [*logs, *rings, *stones]


def _glow(frame: float) -> list[Stroke]:
    size = 1 + 0.05 * wave(frame, 7) + 0.03 * wave(frame, 4.3)
    return [
        ellipse((482, 400), (r * size, 0.86 * r * size), colour, None, count=48)
        for r, colour in ((250, "#f3a04b16"), (180, "#f3a04b20"), (118, "#f7bc5b2a"))
    ]


def _fire(frame: float) -> list[Stroke]:
    strokes = [
        _flame(frame, 1.0, "#e2502f", "#7d1f22"),
        _flame(frame + 1.5, 0.7, "#f5932f", None),
        _flame(frame + 3.1, 0.42, "#ffe07a", None),
    ]
    for number in range(-4, 9):
        age = (frame - 3.1 * number) / 11
        if 0 < age < 1:
            x = 482 + 90 * math.sin(2.4 * number) + 26 * math.sin(5 * age + number)
            size = 5.2 * (1 - age) + 1
            strokes.append(
                ellipse(
                    (x, 330 - 230 * age),
                    (size, size * 1.3),
                    "#ffcf62",
                    "#e2502f",
                    count=14,
                    width=0.5,
                )
            )
    return strokes


def _flame(frame: float, size: float, fill: str, line: str | None) -> Stroke:
    tongues = 5
    dots: list[tuple[float, float]] = [(-106, 0)]
    for number in range(tongues):
        beat = wave(frame, 9.0 + 1.3 * number, 0.37 * number)
        x = -84 + 42 * number
        middle = 1 - abs(number - 2) / 3.4
        tip = 120 + 170 * middle + 44 * beat
        dots += [(x + 10 * beat + 14 * wave(frame, 13, 0.2 * number), -tip)]
        if number < tongues - 1:
            dots += [(x + 21, -0.46 * tip - 16 * wave(frame, 8, 0.31 * number))]
    dots += [(106, 0), (60, 34), (0, 44), (-60, 34)]
    ring = [(482 + size * x, 446 + size * y) for x, y in dots]
    return shape(ring, fill, line, count=96, width=1.0)


def water_shot() -> GalleryShot:
    """A boat on a swell that runs through the picture."""
    return GalleryShot(
        "water",
        "Water and a boat",
        "Three rows of waves run at their own speeds, an eighth of a period between keys; the boat "
        "rides on them with its own path. Roughs on both near waves in each gap.",
        (
            GalleryLayer("sky", lambda _: _seascape(), (1,), background=True),
            GalleryLayer("far wave", lambda t: _swell(t, 0), _KEYS),
            GalleryLayer("boat", _boat, _KEYS, path=_boat_at, redrawn=True),
            GalleryLayer("near wave", lambda t: _swell(t, 1), _KEYS, rough=_ROUGHS),
            GalleryLayer("front wave", lambda t: _swell(t, 2), _KEYS, rough=_ROUGHS),
        ),
    )


def _seascape() -> list[Stroke]:
    return [
        *scenery.sky(("#8ec5dc", "#aed8e0", "#cfe8e0", "#f2efd8")),
        ellipse((180, 110), (48, 48), "#fff6d2", None),
        *scenery.cloud((420, 96), 1.0, "#ffffff", "#d7e6ea"),
        *scenery.cloud((780, 150), 1.3, "#ffffff", "#d7e6ea"),
        shape(
            [
                (600, 300),
                (680, 250),
                (760, 268),
                (840, 226),
                (940, 262),
                (1060, 240),
                (1090, 310),
                (600, 310),
            ],
            "#8fb3a8",
            None,
        ),
        scenery.flat("#5fa3b5", 292),
    ]


_ROWS = (
    (318.0, 15.0, 330.0, 40.0, "#4b93ab"),
    (372.0, 20.0, 400.0, 34.0, "#3a7f9c"),
    (444.0, 26.0, 480.0, 32.0, "#2c6787"),
)


def _surface(frame: float, row: int, x: float) -> float:
    """Height of a row's water at a place: a long wave with sharper crests."""
    y, high, length, period, _ = _ROWS[row]
    turn = 2 * math.pi * (x / length - (frame - 1) / period)
    return y - high * (math.sin(turn) + 0.28 * math.sin(2 * turn + 1.2))


def _swell(frame: float, row: int) -> list[Stroke]:
    colour = _ROWS[row][4]
    x = np.linspace(scenery.LEFT, scenery.RIGHT, 60)
    top = np.stack([x, [_surface(frame, row, float(at)) for at in x]], axis=1)
    corners = np.array([[scenery.RIGHT, scenery.BOTTOM], [scenery.LEFT, scenery.BOTTOM]])
    water = closed(np.concatenate([top, corners]), colour, "#1d4a63", width=0.8)
    period, length = _ROWS[row][3], _ROWS[row][2]
    foam = []
    for number in range(-1, 4):
        crest = length * (number + 0.25 + (frame - 1) / period)
        line = [
            (crest + d, _surface(frame, row, crest + d) + 9 + 0.0016 * d * d)
            for d in (-70, -30, 10, 50)
        ]
        foam.append(pen(line, "#e8f6f5", count=20, width=1.6))
        low = [
            (crest + 60 + d, _surface(frame, row, crest + 60 + d) + 34 + 0.001 * d * d)
            for d in (-36, 0, 36)
        ]
        foam.append(pen(low, "#7fbccb", count=16, width=1.2))
    return [water, *foam]


def _boat_at(frame: float) -> tuple[float, float]:
    x = 380 + 90 * (frame - 1) / 16
    return x, mix(_surface(frame, 0, x), _surface(frame, 1, x), 0.6) + 4


def _boat(frame: float) -> list[Stroke]:
    x, _ = _boat_at(frame)
    slope = (_surface(frame, 1, x + 60) - _surface(frame, 1, x - 60)) / 120
    belly = 16 + 7 * wave(frame, 32)
    hull = shape(
        [(-96, -24), (-40, -18), (40, -18), (104, -30), (84, 12), (40, 32), (-44, 32), (-78, 10)],
        "#c65b45",
        count=60,
    )
    stripe = limb([(-86, -12), (0, -5), (92, -16)], (5, 5, 5), "#f7ead0", None)
    mast = limb([(6, -18), (6, -196)], (4.5, 3.5), "#8a5f45", count=10)
    sail = closed(
        np.concatenate(
            [
                curve([(12, -190), (50 + 2.6 * belly, -110), (86 + belly, -44)], 22),
                curve([(86 + belly, -44), (48, -34), (12, -34)], 16)[1:],
            ]
        ),
        "#fbf4e2",
    )
    jib = closed(
        np.concatenate(
            [
                curve([(0, -180), (-40 - belly, -100), (-74, -40)], 18),
                curve([(-74, -40), (-30, -36), (0, -40)], 12)[1:],
            ]
        ),
        "#f3d9a8",
    )
    flag = limb(
        [(6, -200), (-18, -206 + 6 * wave(frame, 12)), (-40, -200 - 7 * wave(frame - 2, 12))],
        (7, 6, 3),
        "#e2b35c",
        count=14,
    )
    seams = [
        pen(
            [(14, -150 + 38 * i), (34 + 14 * i + belly, -148 + 36 * i)],
            "#d9cdb2",
            count=10,
            width=0.8,
        )
        for i in range(3)
    ]
    return placed(
        [mast, jib, sail, *seams, flag, hull, stripe], _boat_at(frame), turn=math.atan(slope)
    )
