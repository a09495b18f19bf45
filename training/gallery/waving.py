"""The shot of a child that waves: an arm with two joints and five fingers. Called by `shots`."""

from __future__ import annotations

import math

from . import scenery
from .ink import INK, Stroke, ellipse, limb, pen, placed, shape
from .joints import Point, along
from .moves import ease, span, track
from .shot import GalleryLayer, GalleryShot

_SKIN, _HAIR, _JUMPER = "#f2c7a0", "#c46a2e", "#3f9a8c"


def wave_shot() -> GalleryShot:
    """A child raises an arm and waves."""
    keys = (1, 5, 9, 15, 21)
    return GalleryShot(
        "wave",
        "Waving",
        "An arm swings up in eight frames, then the forearm waves over and back; the hand is "
        "dragged by its wrist, the fingers spread. Keys only, the arm drawn anew at each.",
        (
            GalleryLayer("court", lambda _: scenery.court(), (1,), background=True),
            GalleryLayer("body", _body, keys),
            GalleryLayer("arm", _arm, keys, redrawn=True),
        ),
        end=21,
    )


def _upper_arm(frame: float) -> float:
    return math.radians(track(frame, (1, 78), (9, -22), (15, -30), (21, -22)))


def _forearm(frame: float) -> float:
    return math.radians(track(frame, (1, 70), (2, 72), (9, -52), (15, -122), (21, -52)))


def _sway(frame: float) -> float:
    return track(frame, (1, 0), (9, 7), (15, -5), (21, 7))


def _arm(frame: float) -> list[Stroke]:
    sway, turn = _sway(frame), _forearm(frame)
    shoulder = 478 + sway, 268 - 0.3 * sway - 6 * ease(span(frame, 2, 9))
    elbow = along(shoulder, 74, _upper_arm(frame))
    wrist = along(elbow, 70, turn)
    dragged = 0.35 * turn + 0.65 * _forearm(frame - 1.6)
    cuff = [along(elbow, 60, turn), wrist]
    return [
        limb([shoulder, elbow], (19, 16), _JUMPER, count=14),
        *placed(_hand(frame), along(wrist, 8, dragged), turn=dragged),
        limb([elbow, wrist], (16, 13), _JUMPER, count=14),
        limb(cuff, (15, 15), "#f1efe2", count=8, width=0.8),
    ]


def _hand(frame: float) -> list[Stroke]:
    """An open hand that points along x, its wrist at the origin."""
    spread = track(
        frame, (1, 0.05), (5, 0.1), (9, 0.26), (12, 0.2), (15, 0.27), (18, 0.2), (21, 0.26)
    )
    fingers: list[Stroke] = []
    for number, (down, length) in enumerate(((-13, 30), (-4, 36), (5, 35), (14, 28))):
        root, turn = (20.0, down), (number - 1.5) * spread
        spine = [root, along(root, 0.55 * length, turn), along(root, length, 1.25 * turn)]
        fingers.append(limb(spine, (6.5, 6, 5.5), _SKIN, count=12, width=0.8))
    ball, turn = (2, -14), -1.1 + 0.2 * spread
    spine = [(2, -12), along(ball, 16, turn), along(ball, 28, turn + 0.25)]
    thumb = limb(spine, (7, 7, 5.5), _SKIN, count=12, width=0.8)
    edge = [(-8, -12), (10, -18), (24, -17), (27, 0), (24, 18), (8, 17), (-8, 11)]
    return [*fingers, thumb, shape(edge, _SKIN, count=32, width=0.9)]


def _body(frame: float) -> list[Stroke]:
    sway = _sway(frame)
    hip = 440 + 0.4 * sway, 372.0
    shoulder = 404 + sway, 270 + 0.3 * sway
    hand = 404 + 0.5 * sway, 358.0
    idle = [shoulder, (366 + 0.7 * sway, 318), (402 + 0.5 * sway, 356)]
    neck = [(440 + sway, 262), (440 + 1.1 * sway, 236)]
    smile = track(frame, (1, 0.2), (9, 1), (21, 1))
    return [
        *_legs(hip, sway),
        *placed(_torso(), hip, turn=0.006 * sway),
        ellipse(hand, (13, 11), _SKIN, turn=0.4),
        limb(idle, (17, 15, 12), _JUMPER),
        limb(neck, (13, 12), _SKIN, count=10),
        *placed(_head(smile), (440 + 1.2 * sway, 196), turn=0.012 * _sway(frame - 2)),
    ]


def _legs(hip: Point, sway: float) -> list[Stroke]:
    legs: list[Stroke] = []
    for side in (-1, 1):
        foot = 440 + side * 26, 472
        knee = 440 + side * 24 + 0.3 * sway, 420
        legs.append(ellipse((foot[0] + 8, foot[1] + 4), (24, 10), "#5a3f38"))
        legs.append(limb([(hip[0] + side * 17, hip[1]), knee, foot], (17, 15, 13), "#43507a"))
    return legs


def _torso() -> list[Stroke]:
    edge = [(-38, -110), (0, -120), (38, -110), (36, -50)]
    hem = [(38, 8), (0, 16), (-38, 8), (-36, -50)]
    return [shape([*edge, *hem], _JUMPER), pen([(-14, -112), (0, -98), (14, -112)], count=10)]


def _head(smile: float) -> list[Stroke]:
    low = 20 + 14 * smile
    mouth = [(-20, 16), (0, 20), (20, 16), (13, low), (0, 22 + 18 * smile), (-13, low)]
    hair = [
        (-50, -6),
        (-44, -44),
        (0, -62),
        (46, -42),
        (50, -6),
        (30, -22),
        (8, -30),
        (-20, -24),
        (-38, -10),
    ]
    return [
        *(ellipse((side * 48, 4), (9, 12), _SKIN) for side in (-1, 1)),
        ellipse((0, 0), (48, 46), _SKIN, count=40),
        shape(hair, _HAIR),
        *(ellipse((side * 17, 0), (5, 8), INK, None, count=16) for side in (-1, 1)),
        pen([(-26, -17), (-17, -21), (-9, -17)], count=10),
        pen([(9, -17), (17, -21), (26, -17)], count=10),
        pen([(-3, 4), (3, 9), (-2, 12)], count=8, width=0.7),
        shape(mouth, "#8e2f3b", count=28, width=0.7),
    ]
