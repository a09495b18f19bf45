"""Shots where the picture's border matters: a pan, and things that leave and enter."""

from __future__ import annotations

import math

import numpy as np

from . import scenery
from .ink import INK, Stroke, boxy, closed, ellipse, limb, pen, placed, shape
from .moves import ease, mix, wave
from .shot import GalleryLayer, GalleryShot

_KEYS = (1, 9, 17)
_PAN_PX = 430.0
_LOW, _HIGH, _FLOOR = -120.0, 1520.0, 620.0  # of the painted valley


def pan_shot() -> GalleryShot:
    """The camera follows a van past a painted valley."""
    return GalleryShot(
        "pan",
        "Pan over a painted background",
        "The camera starts and stops softly; the painted valley is the artist's own at every "
        "frame. The van hurries ahead, bounces and turns its wheels. It has its path.",
        (
            GalleryLayer("valley", lambda _: _valley(), (1,), background=True),
            GalleryLayer("van", _van, _KEYS, path=_van_at, redrawn=True),
        ),
        step=2,
        camera=_camera,
    )


def _camera(frame: float) -> tuple[float, float]:
    return _PAN_PX * ease((frame - 1) / 16), 0.0


def _valley() -> list[Stroke]:
    strokes = [_band(-70, 620, "#a9d6e5"), _band(150, 620, "#c7e5e2"), _band(240, 620, "#e8f0d8")]
    for x, y, size in ((150, 90, 1.0), (520, 60, 1.4), (930, 110, 1.1), (1300, 70, 1.3)):
        strokes += scenery.cloud((x, y), size, "#ffffff", "#dbeaec")
    strokes += [
        _ground(
            [
                (-120, 300),
                (150, 200),
                (420, 290),
                (700, 190),
                (1000, 280),
                (1260, 200),
                (1520, 270),
            ],
            "#9db7bd",
        ),
        _ground([(-120, 340), (260, 290), (640, 340), (1020, 285), (1520, 330)], "#86ab8c"),
        _ground([(-120, 380), (400, 350), (900, 385), (1520, 350)], "#76a266"),
    ]
    for x, size in (
        (40, 1.0),
        (210, 0.7),
        (470, 1.1),
        (690, 0.8),
        (960, 1.2),
        (1170, 0.8),
        (1390, 1.0),
    ):
        strokes += _tree(x, 392, size)
    strokes += _road()
    return strokes


def _ground(dots: list[tuple[float, float]], fill: str) -> Stroke:
    x = np.linspace(_LOW, _HIGH, 70)
    flat = np.array(dots)
    waves = 9 * np.sin(x / 83.0) + 6 * np.sin(x / 37.0 + len(dots))
    y = np.interp(x, flat[:, 0], flat[:, 1]) + waves
    edge = np.stack([x, y], axis=1)
    return closed(np.concatenate([edge, [[_HIGH, _FLOOR], [_LOW, _FLOOR]]]), fill, None)


def _band(top: float, bottom: float, fill: str) -> Stroke:
    return closed(
        np.array([[_LOW, top], [_HIGH, top], [_HIGH, bottom], [_LOW, bottom]]), fill, None
    )


def _road() -> list[Stroke]:
    strokes = [
        _band(416, 500, "#8c8690"),
        _band(416, 422, "#efe8d8"),
        _band(494, 500, "#efe8d8"),
        _band(500, 620, "#6d9a55"),
    ]
    strokes += [_band(455, 461, "#8c8690")]
    strokes += [
        closed(np.array([[x, 455], [x + 60, 455], [x + 60, 461], [x, 461]], float), "#efe8d8", None)
        for x in range(-100, 1500, 120)
    ]
    strokes += [
        pen([(x, 520), (x + 6, 506), (x + 16, 500)], "#4d7a3e", count=8)
        for x in range(-90, 1500, 74)
    ]
    return strokes


def _tree(x: float, foot: float, size: float) -> list[Stroke]:
    crown = [(-42, -70), (-36, -120), (0, -150), (38, -122), (44, -72), (0, -52)]
    return [
        limb(
            [(x, foot), (x + 2, foot - 60 * size)],
            (8 * size, 6 * size),
            "#7a5443",
            count=8,
            width=0.7,
        ),
        shape(
            [(x + a * size, foot + b * size) for a, b in crown], "#5b9358", INK, count=36, width=0.7
        ),
        ellipse(
            (x - 12 * size, foot - 112 * size), (15 * size, 18 * size), "#79ad6c", None, count=20
        ),
    ]


def _van_at(frame: float) -> tuple[float, float]:
    u = (frame - 1) / 16
    return 230 + 760 * ease(u) + 90 * u, 404 - 5 * abs(wave(frame - 1, 7))


def _van(frame: float) -> list[Stroke]:
    x, y = _van_at(frame)
    speed = (_van_at(frame + 0.5)[0] - _van_at(frame - 0.5)[0]) / 55
    body = shape(
        [
            (-134, 40),
            (-136, -40),
            (-124, -78),
            (-60, -86),
            (40, -86),
            (82, -74),
            (112, -22),
            (138, -8),
            (140, 40),
        ],
        "#e58a4d",
        count=72,
    )
    band = limb([(-130, 6), (0, 8), (136, 8)], (11, 11, 11), "#fbf0da", None)
    panes = [
        shape(
            [(-112, -30), (-112, -66), (-58, -70), (-56, -30)], "#bfe0ea", INK, count=30, width=0.8
        ),
        shape([(-42, -30), (-42, -70), (14, -70), (14, -30)], "#bfe0ea", INK, count=30, width=0.8),
        shape([(30, -26), (30, -70), (70, -62), (98, -22)], "#bfe0ea", INK, count=30, width=0.8),
    ]
    driver = [
        ellipse((58, -36), (13, 15), "#f3c9a5", INK, count=20, width=0.7),
        shape([(44, -38), (50, -56), (70, -54), (72, -42)], "#4a7fa8", INK, count=20, width=0.7),
    ]
    lamp = ellipse((132, 14), (8, 10), "#fff2b8", INK, count=18, width=0.8)
    bags = [
        boxy([(-96, -88), (-40, -88), (-40, -112), (-96, -112)], "#8a5f45", INK),
        limb([(-30, -98), (22, -98)], (12, 12), "#67a06c", count=10),
    ]
    top = placed([*bags, body, band, *panes, *driver, lamp], (x, y - 4), turn=-0.05 * speed)
    turned = (x - 230) / 260
    return [*top, *_wheel((x - 76, 450), turned), *_wheel((x + 82, 450), turned)]


def _wheel(at: tuple[float, float], turn: float) -> list[Stroke]:
    spokes = [
        limb([(0, 0), (20 * math.cos(a), 20 * math.sin(a))], (4, 3), "#efe8d8", None, count=8)
        for a in (0, 2.09, 4.19)
    ]
    return placed(
        [
            ellipse((0, 0), (34, 34), "#3a3540", INK, count=36),
            ellipse((0, 0), (20, 20), "#9c97a3", INK, count=28),
            *spokes,
        ],
        at,
        turn=turn,
    )


def border_shot() -> GalleryShot:
    """A paper plane leaves on the right while a balloon comes in on the left."""
    return GalleryShot(
        "border",
        "Leaving and entering",
        "The plane's last key and the balloon's first lie outside the picture. Both have paths.",
        (
            GalleryLayer("sky", lambda _: scenery.evening(), (1,), background=True),
            GalleryLayer("balloon", _balloon, _KEYS, path=_balloon_at, redrawn=True),
            GalleryLayer("plane", _plane, _KEYS, path=_plane_at),
        ),
        step=2,
    )


def _balloon_at(frame: float) -> tuple[float, float]:
    u = (frame - 1) / 16
    return mix(-130, 290, ease(0.5 + 0.5 * u) * 2 - 1), 250 - 70 * u + 10 * wave(frame, 12)


def _balloon(frame: float) -> list[Stroke]:
    swing = 0.1 * wave(frame, 14)
    canopy = ellipse((0, -60), (92, 100), "#d9573f", count=56)
    gores = [
        shape([(a, -156), (b, -60), (c, 34), (d, -60)], colour, None, count=40)
        for a, b, c, d, colour in ((-6, -56, -10, -22, "#f4c95d"), (6, 22, 10, 56, "#f4c95d"))
    ]
    rim = ellipse((0, -60), (92, 100), None, INK, count=56)
    ropes = [pen([(s * 44, 26), (s * 26 + 60 * swing, 96)], count=10, width=0.9) for s in (-1, 1)]
    basket = placed(
        [
            boxy([(-28, 0), (28, 0), (22, 40), (-22, 40)], "#a9744f"),
            pen([(-26, 14), (26, 14)], "#7b5138", count=8),
        ],
        (60 * swing, 94),
        turn=swing,
    )
    rider = placed(
        [
            ellipse((0, -14), (13, 14), "#f4c7a1", count=22),
            shape([(-14, -16), (0, -32), (14, -16)], "#4a7fa8", count=20),
        ],
        (60 * swing, 96),
    )
    return placed(
        [*ropes, *rider, *basket, canopy, *gores, rim], _balloon_at(frame), turn=0.5 * swing
    )


def _plane_at(frame: float) -> tuple[float, float]:
    u = (frame - 1) / 16
    return 470 + 180 * u + 480 * u * u, 330 - 210 * math.sin(1.7 * u) + 40 * u


def _plane(frame: float) -> list[Stroke]:
    one, other = _plane_at(frame - 0.5), _plane_at(frame + 0.5)
    heading = math.atan2(other[1] - one[1], other[0] - one[0])
    roll = wave(frame, 20)
    far = boxy([(92, 0), (-84, -52 - 12 * roll), (-58, -8)], "#dfe3ee", INK, width=1.0)
    keel = boxy([(92, 0), (-58, -8), (-70, 26), (-44, 4)], "#b9bfd3", INK, width=1.0)
    near = boxy([(92, 0), (-44, 4), (-104, 34 - 10 * roll)], "#fdfdf8", INK, width=1.0)
    trail = pen([(-120, 8), (-170, 16 + 8 * roll), (-220, 10)], "#ffffffb0", count=16, width=1.4)
    return placed([trail, far, keel, near], _plane_at(frame), turn=heading)
