"""Shots of things that rock and swing: a car that brakes, a lantern in the wind. For `shots`."""

from __future__ import annotations

import math

import numpy as np

from . import scenery
from .ink import INK, Stroke, boxy, ellipse, limb, pen, placed, shape
from .joints import Point, along, spot_on
from .moves import track, wave
from .shot import GalleryLayer, GalleryShot

_PAINT, _CHROME, _RIM = "#e0574a", "#cfd4da", "#d9dde3"


def car_shot() -> GalleryShot:
    """A car drives in and brakes."""
    keys = (1, 6, 11, 15, 21)
    return GalleryShot(
        "car",
        "Braking car",
        "It drives in, dips its nose and rocks back; driver and aerial follow late. Between the "
        "first keys its wheels roll by a whole turn, between the last by less than a spoke. Car "
        "and wheels have their path.",
        (
            GalleryLayer("street", lambda _: scenery.street(), (1,), background=True),
            GalleryLayer("shadow", _shadow, keys),
            GalleryLayer("car", _car, keys, path=_car_at, redrawn=True),
            GalleryLayer("wheels", _wheels, keys, path=_car_at),
        ),
        end=21,
    )


def _car_at(frame: float) -> Point:
    return track(frame, (-4, -260), (1, 10), (6, 260), (11, 462), (15, 548), (21, 562)), 440.0


def _shadow(frame: float) -> list[Stroke]:
    return [ellipse((_car_at(frame)[0], 478), (150, 13), "#7d7468", None, count=36)]


def _wheels(frame: float) -> list[Stroke]:
    x, y = _car_at(frame)
    flat = track(frame, (1, 1), (8, 1), (13, 1.03), (17, 1), (21, 1))
    wheel = placed(_wheel(), (0, 0), turn=x / 38)
    wheels: list[Stroke] = []
    for axle in (-82, 84):
        wheels += placed(wheel, (x + axle, y + 2 * (1 - 1 / flat)), size=(flat, 1 / flat))
    return wheels


def _wheel() -> list[Stroke]:
    spokes = [
        [along((0, 0), length, 2 * math.pi * number / 5) for length in (6, 14, 22)]
        for number in range(5)
    ]
    return [
        ellipse((0, 0), (38, 38), "#3a3540", count=36),
        ellipse((0, 0), (24, 24), _RIM, count=28, width=0.8),
        *(pen(spoke, count=8, width=1.1) for spoke in spokes),
        ellipse((0, 0), (7, 7), "#c94c3f", count=16, width=0.8),
        ellipse((0, -31), (4, 2.5), "#8f8a96", None, count=10),
    ]


def _car(frame: float) -> list[Stroke]:
    x, y = _car_at(frame)
    dip = track(frame, (1, -0.015), (7, 0), (13, 0.075), (17, -0.035), (21, 0.0))
    tall = track(frame, (1, 1), (7, 1), (13, 0.955), (17, 1.03), (21, 1))
    lean = track(frame - 0.8, (1, -0.04), (7, 0), (13, 0.2), (17, -0.07), (21, 0))
    parts = [
        _aerial(frame),
        *_hull(),
        *placed(_driver(), (4, -74), turn=lean),
        *_fittings(),
    ]
    return placed(parts, (x, y + 2), turn=dip, size=(1, tall))


def _aerial(frame: float) -> Stroke:
    whip = track(frame - 1.5, (1, 0.25), (7, 0.2), (13, -0.35), (17, 0.2), (21, -0.03))
    whip += 0.06 * wave(frame, 6)
    root, up = (-112, -68), -math.pi / 2
    spine = [root, along(root, 26, up - 0.4 * whip), along(root, 52, up - whip)]
    return limb(spine, (2.4, 2, 1.6), "#4a4550", count=12, width=0.6)


def _hull() -> list[Stroke]:
    hull = [
        (-152, -10),
        (-150, -52),
        (-120, -66),
        (-78, -72),
        (-48, -122),
        (34, -124),
        (74, -74),
        (128, -62),
        (152, -44),
        (156, -8),
        (120, 6),
        (0, 8),
        (-120, 6),
    ]
    window = [(-52, -74), (-34, -110), (26, -112), (54, -74), (0, -70)]
    return [shape(hull, _PAINT, count=90), shape(window, "#cfe9ee", count=40, width=0.8)]


def _driver() -> list[Stroke]:
    cap = [(-18, -10), (-16, -30), (4, -36), (24, -26), (34, -20), (10, -20)]
    return [
        limb([(0, 34), (0, 8)], (20, 10), "#5a7fb5", count=12),
        ellipse((2, -12), (19, 20), "#f2c7a0", count=28),
        shape(cap, "#3f6b4f", count=30),
        ellipse((12, -12), (2.6, 4.5), INK, None, count=12),
        pen([(8, -2), (14, 0), (18, -3)], count=8),
    ]


def _fittings() -> list[Stroke]:
    """Door lines, handle, lamps and bumpers."""
    return [
        pen([(-2, -112), (0, -90), (0, -70)], count=10),
        pen([(-58, -70), (-58, -30), (-40, -6)], count=14),
        pen([(56, -72), (58, -34), (44, -6)], count=14),
        limb([(-20, -52), (-4, -52)], (3.5, 3.5), "#f3e6d0", count=8, width=0.7),
        ellipse((140, -40), (10, 13), "#fff2b8", count=22, width=0.8),
        limb([(-158, -14), (-140, -12)], (8, 8), _CHROME, count=10, width=0.8),
        limb([(140, -12), (162, -14)], (8, 8), _CHROME, count=10, width=0.8),
        boxy([(-148, -46), (-136, -46), (-136, -30), (-148, -30)], "#f2a33c"),
    ]


_WOOD, _GOLD, _FLAG, _LINEN = "#6b4a35", "#e9c25a", "#3f6fb5", "#f3e6d0"
_ALONG = (0, 0.12, 0.25, 0.4, 0.55, 0.7, 0.85, 1)


def lantern_shot() -> GalleryShot:
    """A lantern swings on its rope beside a pennant in the wind."""
    keys = (1, 7, 13, 19, 25)
    return GalleryShot(
        "lantern",
        "Lantern and pennant",
        "A lantern swings over and back in twenty-four frames, rope, body and tassels each later "
        "than what they hang from; a wave runs down a pennant, a third of its period between two "
        "keys. Keys on sixes and nothing else.",
        (
            GalleryLayer("night", lambda _: _gallows(), (1,), background=True),
            GalleryLayer("pennant", _pennant, keys),
            GalleryLayer("lantern", _lantern, keys, redrawn=True),
        ),
        end=25,
    )


def _gallows() -> list[Stroke]:
    return [
        *scenery.night(),
        limb([(700, 560), (700, 90)], (9, 8), _WOOD, count=16),
        limb([(700, 110), (280, 84)], (8, 6), _WOOD, count=16),
    ]


def _swing(frame: float) -> float:
    """The rope's angle in radians; 0 hangs straight down."""
    return 0.62 * math.cos(2 * math.pi * (frame - 1) / 24)


def _hung(start: Point, length: float, swing: float) -> Point:
    return along(start, length, math.pi / 2 - swing)


def _lantern(frame: float) -> list[Stroke]:
    hook, swing = (320, 90), _swing(frame - 1.6)
    middle = _hung(hook, 80, _swing(frame))
    end = _hung(middle, 70, _swing(frame - 0.8))
    body = _hung(end, 58, swing)
    base = _hung(body, 54, swing)
    tassels = ((-10, _GOLD), (0, "#f6e3a0"), (10, _GOLD))
    return [
        limb([hook, middle, end], (4, 3.5, 3.5), "#c9a671", count=22, width=0.7),
        *(_tassel(frame, spot_on(base, -swing, (side, 0)), fill) for side, fill in tassels),
        *placed(_paper(), body, turn=-swing),
    ]


def _tassel(frame: float, root: Point, fill: str) -> Stroke:
    middle = _hung(root, 28, _swing(frame - 3.2))
    spine = [root, middle, _hung(middle, 30, 1.2 * _swing(frame - 5))]
    return limb(spine, (5, 5, 3), fill, count=14, width=0.8)


def _paper() -> list[Stroke]:
    edge = [(-44, 0), (-34, -38), (0, -46), (34, -38), (44, 0), (34, 38), (0, 46), (-34, 38)]
    return [
        shape(edge, "#e8583f", count=56),
        pen([(-14, -44), (-20, 0), (-14, 44)], "#a33527", count=14),
        pen([(14, -44), (20, 0), (14, 44)], "#a33527", count=14),
        ellipse((0, 4), (14, 22), "#ffd977", None, count=24),
        limb([(-18, -47), (18, -47)], (7, 7), _GOLD, count=10),
        limb([(-16, 47), (16, 47)], (6, 6), _GOLD, count=10),
    ]


def _on_pennant(frame: float, share: float, across: float) -> Point:
    """A place on the cloth: `share` 0 pole to 1 tip, `across` -1 upper to 1 lower edge."""
    sway = 26 * share**0.8 * wave(frame - 1, 18, -0.9 * share)
    y = 120 + 34 * share + 46 * across * (1 - 0.75 * share) + sway
    return 706 + 210 * share + 5 * wave(frame - 1, 18, 0.25 - 0.9 * share) * share, y


def _strip(frame: float, shares: tuple[float, ...], half: float) -> list[Point]:
    """The outline of a strip down the pennant's middle, `half` as wide as the cloth."""
    upper = [_on_pennant(frame, share, -half) for share in shares]
    return upper + [_on_pennant(frame, share, half) for share in reversed(shares)]


def _pennant(frame: float) -> list[Stroke]:
    turns = np.linspace(0, 2 * math.pi, 9)[:-1]
    star = [_on_pennant(frame, 0.2 + 0.06 * math.cos(a), 0.8 * math.sin(a)) for a in turns]
    fold = [_on_pennant(frame, *spot) for spot in ((0.5, -0.8), (0.56, 0), (0.52, 0.8))]
    return [
        shape(_strip(frame, _ALONG, 1), _FLAG, count=84),
        shape(_strip(frame, _ALONG[:-1], 0.3), _LINEN, None, count=56),
        shape(star, _GOLD, count=28, width=0.8),
        pen(fold, "#2c4f86", count=12, width=0.9),
    ]
