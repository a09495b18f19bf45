"""Shots of fins and wings: a fish that swims, a butterfly that flies. Called by `shots`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from . import scenery
from .ink import INK, Stroke, ellipse, limb, pen, placed, shape
from .joints import Point, spot_on
from .moves import wave
from .shot import GalleryLayer, GalleryShot

_KEYS = (1, 5, 9, 13, 17)
_ORANGE, _FIN, _PALE = "#f08a3c", "#d9542b", "#f9c37c"
_ALONG = (0.0, 0.04, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def fish_shot() -> GalleryShot:
    """A fish swims through clear water."""
    return GalleryShot(
        "fish",
        "Swimming fish",
        "A wave runs from the nose to the tail, a third of its period between two keys; stripes, "
        "gill and fins ride on it. All on one layer, which has its path.",
        (
            GalleryLayer("sea", lambda _: _sea(), (1,), background=True),
            GalleryLayer("fish", _fish, _KEYS, path=_fish_at),
        ),
    )


def _sea() -> list[Stroke]:
    sand = [(-130, 480), (200, 460), (520, 486), (800, 462), (1090, 480)]
    return [
        *scenery.sky(("#7fd0d8", "#5dbccb", "#46a5bd", "#3a8caa")),
        scenery.land(sand, "#d9c48f"),
    ]


def _fish_at(frame: float) -> Point:
    return 400 + 20 * (frame - 1), 260 - 20 * math.sin((frame - 1) / 16 * math.pi)


def _spine(frame: float, share: float) -> Point:
    """The fish's middle line: `share` 0 nose to 1 root of the tail."""
    return 150 - 300 * share, (5 + 30 * share**2) * wave(frame - 1, 12, -0.75 * share)


def _heading(frame: float, share: float) -> float:
    one, other = _spine(frame, share - 0.01), _spine(frame, share + 0.01)
    return math.atan2(other[1] - one[1], other[0] - one[0]) - math.pi


def _beside(frame: float, share: float, down: float) -> Point:
    """A place `down` pixels below the middle line, square to it."""
    return spot_on(_spine(frame, share), _heading(frame, share), (0, down))


def _half_height(share: float) -> float:
    shares = (0, 0.06, 0.2, 0.4, 0.6, 0.8, 0.92, 1)
    return float(np.interp(share, shares, (4, 26, 54, 64, 52, 30, 17, 14)))


def _fish(frame: float) -> list[Stroke]:
    beside = partial(_beside, frame)
    body = [beside(share, -_half_height(share)) for share in _ALONG]
    body += [beside(share, _half_height(share)) for share in reversed(_ALONG)]
    under = (0.08, 0.2, 0.35, 0.5, 0.65)
    belly = [beside(share, 0.92 * _half_height(share)) for share in under]
    belly += [beside(share, 0.35 * _half_height(share)) for share in reversed(under)]
    gill = [beside(0.18, -28), beside(0.2, 0), beside(0.175, 24)]
    parts = [
        _tail(frame),
        _dorsal(frame),
        shape(body, _ORANGE, count=80),
        shape(belly, _PALE, None, count=40),
        *(_stripe(frame, share) for share in (0.24, 0.56)),
        pen(gill, "#b9582a", count=12),
        ellipse(beside(0.1, -12), (12, 12), "#ffffff", count=22),
        ellipse(beside(0.09, -12), (5.5, 6.5), INK, None, count=14),
        pen([beside(0.005, 8), beside(0.03, 12), beside(0.06, 10)], count=10),
        _side_fin(frame),
    ]
    return placed(parts, _fish_at(frame))


def _tail(frame: float) -> Stroke:
    beat = wave(frame - 1, 12, -0.95)
    edge = [
        (14, -12),
        (-40, -40 + 10 * beat),
        (-78, -62 + 24 * beat),
        (-66, -20 + 26 * beat),
        (-52, 24 * beat),
        (-66, 22 + 26 * beat),
        (-78, 60 + 24 * beat),
        (-40, 40 + 10 * beat),
        (14, 12),
    ]
    root, turn = _spine(frame, 1), _heading(frame, 0.98)
    return shape([spot_on(root, turn, offset) for offset in edge], _FIN, count=56)


def _dorsal(frame: float) -> Stroke:
    beat = wave(frame - 2, 12, -0.4)
    edge: list[Point] = []
    for share, high, back, drag in (
        (0.26, -6, 0, 0),
        (0.34, 34, 6, 0),
        (0.5, 42, 8, 7),
        (0.68, 22, 6, 9),
        (0.66, -6, 0, 0),
    ):
        x, y = _beside(frame, share, -_half_height(share) - high)
        edge.append((x - back, y + drag * beat))
    return shape(edge, _FIN, count=44)


def _side_fin(frame: float) -> Stroke:
    beat = wave(frame - 1, 8, 0.1)
    x, y = _beside(frame, 0.34, 18)
    spine = [(x, y), (x - 26, y + 16 + 10 * beat), (x - 52, y + 22 + 26 * beat)]
    return limb(spine, (9, 16, 8), _FIN, count=18)


def _stripe(frame: float, share: float) -> Stroke:
    high = _half_height(share)
    edge = (
        (-0.025, -0.93),
        (0, -0.3),
        (-0.02, 0.9),
        (0.045, 0.88),
        (0.06, -0.2),
        (0.04, -0.9),
    )
    return shape(
        [_beside(frame, share + back, down * high) for back, down in edge],
        "#ffffff",
        count=32,
        width=0.8,
    )


def butterfly_shot() -> GalleryShot:
    """A butterfly flies over evening hills."""
    return GalleryShot(
        "butterfly",
        "Butterfly",
        "Two beats of eight frames, so that every other key is alike: wings fold up until little "
        "more than a line is seen of them, and open again, hind wings late. All have the path.",
        (
            GalleryLayer("evening", lambda _: scenery.evening(), (1,), background=True),
            GalleryLayer("far wings", partial(_wings, near=False), _KEYS, path=_butterfly_at),
            GalleryLayer("body", _butterfly, _KEYS, path=_butterfly_at),
            GalleryLayer(
                "near wings", partial(_wings, near=True), _KEYS, path=_butterfly_at, redrawn=True
            ),
        ),
    )


def _butterfly_at(frame: float) -> Point:
    bob = 12 * math.cos(2 * math.pi * (frame - 2) / 8)
    return 300 + 21 * (frame - 1), 290 - 70 * math.sin((frame - 1) / 16 * math.pi) + bob


def _butterfly_turn(frame: float) -> float:
    return 0.3 + 0.1 * wave(frame - 1, 8, 0.1)


def _seen(frame: float, side: int, dots: Sequence[Point]) -> list[Point]:
    """Places on a flat wing as they are seen while it beats."""
    lift = math.radians(28 - 54 * math.cos(2 * math.pi * (frame - 1) / 8))
    return [(side * x * math.cos(lift), y - 0.34 * x * math.sin(lift)) for x, y in dots]


def _wings(frame: float, *, near: bool) -> list[Stroke]:
    side = 1 if near else -1
    parts = [*_hind_wing(frame - 0.8, side), *_fore_wing(frame, side)]
    return placed(parts, _butterfly_at(frame), turn=_butterfly_turn(frame))


def _hind_wing(frame: float, side: int) -> list[Stroke]:
    edge = [(4, 8), (60, 14), (96, 40), (92, 84), (58, 100), (24, 66)]
    spot = [(54, 48), (72, 50), (74, 68), (56, 70)]
    fill = "#f2b84b" if side > 0 else "#d29a38"
    return [
        shape(_seen(frame, side, edge), fill, count=48),
        shape(_seen(frame, side, spot), "#4a6fb5", count=20, width=0.7),
    ]


def _fore_wing(frame: float, side: int) -> list[Stroke]:
    edge = [(4, -16), (46, -74), (110, -104), (138, -78), (118, -24), (66, 10), (6, 10)]
    band = [(112, -98), (135, -78), (117, -28), (104, -34), (114, -72)]
    veins = ([(8, -10), (50, -42), (96, -70)], [(8, -4), (50, -16), (94, -36)])
    spots = [
        [(x - r, y), (x, y - r), (x + r, y), (x, y + r)]
        for x, y, r in ((119, -74, 6), (115, -54, 5), (62, -50, 9))
    ]
    fill = "#e8833a" if side > 0 else "#c46a2a"
    return [
        shape(_seen(frame, side, edge), fill, count=56),
        shape(_seen(frame, side, band), "#4a2c2a", None, count=32),
        *(pen(_seen(frame, side, vein), "#7d3f22", count=12, width=0.8) for vein in veins),
        *(shape(_seen(frame, side, spot), "#fff3d6", None, count=14) for spot in spots),
    ]


def _butterfly(frame: float) -> list[Stroke]:
    drag = wave(frame - 2.5, 8, 0.1)
    parts = [
        pen([(-3, -44), (-12, -70), (-30 - 4 * drag, -88 + 5 * drag)], count=14),
        pen([(3, -44), (12, -70), (30 - 4 * drag, -88 - 5 * drag)], count=14),
        limb([(0, -22), (2 * drag, 22), (6 * drag, 66)], (11, 10, 5), "#4a2c2a", count=20),
        pen([(-8, 10), (0, 13), (9, 10)], "#c99a5c", count=8),
        pen([(-7, 26), (2 * drag, 29), (9, 26)], "#c99a5c", count=8),
        ellipse((0, -36), (13, 12), "#4a2c2a"),
        ellipse((-5, -40), (3.5, 4), "#ffffff", None, count=12),
        ellipse((6, -40), (3.5, 4), "#ffffff", None, count=12),
    ]
    return placed(parts, _butterfly_at(frame), turn=_butterfly_turn(frame))
