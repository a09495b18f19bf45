"""Shots of bodies that travel: a walk cycle, a bouncing ball, a bird on twos. Called by `shots`."""

from __future__ import annotations

import math
from itertools import chain

import numpy as np

from . import scenery
from .ink import INK, Stroke, boxy, ellipse, limb, pen, placed, shape
from .joints import two_bones
from .moves import ease, mix, wave
from .shot import GalleryLayer, GalleryShot

_COAT, _DARK_COAT, _SKIN, _HAIR, _BOOT = "#d9573f", "#b8432f", "#f3c9a5", "#6b3f2a", "#4a4152"
_STEP_PX, _CYCLE = 132.0, 24.0


def walk_shot() -> GalleryShot:
    """A child walks two steps; keys at contact, down, passing and up."""
    keys = tuple(range(1, 26, 3))
    return GalleryShot(
        "walk",
        "Walk cycle",
        "Two steps of twelve frames: contact, down, passing and up are keys. Legs and arms are "
        "limbs with knees and elbows, the hip rises and falls, the scarf drags.",
        (
            GalleryLayer("street", lambda _: scenery.street(), (1,), background=True),
            GalleryLayer("far limbs", lambda t: _walk_limbs(t, near=False), keys, path=_hip),
            GalleryLayer("body", _walk_body, keys, path=_hip, redrawn=True),
            GalleryLayer("near limbs", lambda t: _walk_limbs(t, near=True), keys, path=_hip),
        ),
        end=25,
    )


def _hip(frame: float) -> tuple[float, float]:
    x = 300.0 + 2 * _STEP_PX * (frame - 1) / _CYCLE
    return x, 326.0 - 9 * math.sin(2 * math.pi * (frame - 1) / (_CYCLE / 2) - math.pi / 2)


def _foot(frame: float, *, near: bool) -> tuple[float, float, float]:
    """Where an ankle is and how its foot is turned."""
    phase = ((frame - 1) / _CYCLE + (0.0 if near else 0.5)) % 1.0
    hip = _hip(frame)[0]
    if phase < 0.5:  # on the ground, carried back under the body
        u = phase / 0.5
        heel = -0.5 * max(0.0, 1 - u / 0.25) + 0.55 * max(0.0, (u - 0.7) / 0.3)
        return hip + _STEP_PX * (0.5 - u), 448.0 - 14 * max(0.0, (u - 0.7) / 0.3), heel
    u = (phase - 0.5) / 0.5
    lift = 34 * math.sin(math.pi * u) + 14 * (1 - u)
    return hip + _STEP_PX * (ease(u) - 0.5), 448.0 - lift, mix(0.55, -0.5, ease(u))


def _walk_limbs(frame: float, *, near: bool) -> list[Stroke]:
    hip = _hip(frame)
    ankle = _foot(frame, near=near)
    trousers, sleeve = ("#4f6d9c", _COAT) if near else ("#3c5580", _DARK_COAT)
    leg = limb(two_bones(hip, ankle[:2], 66, 66, -1.0), (17, 15, 12), trousers)
    boot = placed(
        [shape([(-13, -10), (10, -10), (16, 0), (32, 6), (33, 15), (-13, 15)], _BOOT, count=32)],
        ankle[:2],
        turn=ankle[2],
    )
    swing = wave(frame - 1, _CYCLE, 0.75 if near else 0.25)
    shoulder = hip[0] + 4, hip[1] - 92
    hand = shoulder[0] + 62 * swing + 8, shoulder[1] + 84 - 16 * abs(swing)
    arm = limb(two_bones(shoulder, hand, 48, 46, 1.0), (14, 12, 11), sleeve)
    mitten = ellipse(hand, (12, 11), "#f2d16b" if near else "#d9b856")
    return [*boot, leg, mitten, arm] if near else [mitten, arm, *boot, leg]


def _walk_body(frame: float) -> list[Stroke]:
    x, y = _hip(frame)
    drag = wave(frame - 2, _CYCLE / 2)
    nod = 0.04 * wave(frame - 2, _CYCLE / 2)
    coat = shape(
        [
            (-26, -100),
            (2, -108),
            (26, -98),
            (32, -50),
            (40, 14 - 3 * drag),
            (0, 22),
            (-40, 14 + 3 * drag),
            (-32, -48),
        ],
        _COAT,
    )
    pocket = pen([(0, -22), (12, -19), (24, -22)], _DARK_COAT, count=10)
    scarf_end = limb(
        [(-20, -100), (-52, -96 - 7 * drag), (-80, -84 - 14 * drag), (-104, -80 + 16 * drag)],
        (8, 9, 10, 11),
        "#f2d16b",
    )
    head = placed(_walk_head(), (8, -146), turn=nod)
    scarf = limb([(-22, -104), (4, -98), (28, -106)], (10, 11, 10), "#f2d16b")
    return placed([scarf_end, coat, pocket, *head, scarf], (x, y))


def _walk_head() -> list[Stroke]:
    return [
        ellipse((0, 0), (46, 43), _SKIN),
        shape(
            [
                (-46, 8),
                (-48, -20),
                (-20, -44),
                (20, -44),
                (44, -20),
                (20, -18),
                (-10, -14),
                (-22, 10),
                (-30, 26),
            ],
            _HAIR,
        ),
        shape([(-50, -14), (-40, -48), (0, -62), (40, -48), (50, -16), (0, -24)], "#3f8f86"),
        ellipse((-6, -66), (13, 12), "#f7efe0", count=20),
        limb([(-50, -14), (0, -25), (50, -16)], (8, 8, 8), "#57aaa0"),
        ellipse((20, 2), (4.5, 7.5), INK, None, count=16),
        ellipse((40, 2), (3.2, 7), INK, None, count=16),
        ellipse((22, -1), (1.4, 2), "#ffffff", None, count=10),
        ellipse((12, 16), (8, 5), "#ee9f86", None, count=16),
        pen([(22, 20), (30, 24), (38, 20)], count=10),
        shape([(42, 4), (52, 10), (43, 14)], _SKIN, count=14, width=0.8),
    ]


def ball_shot() -> GalleryShot:
    """A ball falls, squashes on the floor and leaves stretched."""
    keys = (1, 6, 7, 8, 13)
    return GalleryShot(
        "ball",
        "Squash and stretch",
        "Keys: top, stretch, squash on the floor, stretch, top. Between them it falls faster and "
        "faster; only its path and the roughs at frames 4 and 10 can tell.",
        (
            GalleryLayer("court", lambda _: scenery.court(), (1,), background=True),
            GalleryLayer("shadow", _ball_shadow, keys),
            GalleryLayer("ball", _ball, keys, rough=(4, 10), path=_ball_place, redrawn=True),
        ),
        end=13,
    )


_RADIUS, _FLOOR = 62.0, 452.0


def _stretch(frame: float) -> float:
    return float(np.interp(abs(frame - 7), [0, 1, 2, 4, 6], [0.62, 1.24, 1.14, 1.03, 1.0]))


def _ball_place(frame: float) -> tuple[float, float]:
    away = abs(frame - 7) / 6
    high = 285.0 * (1 - (1 - away) ** 2)
    return 290 + 380 * (frame - 1) / 12, _FLOOR - _RADIUS * _stretch(frame) - high


def _ball(frame: float) -> list[Stroke]:
    long = _stretch(frame)
    lean = (
        0.0 if abs(frame - 7) < 0.5 else math.copysign(0.42, 7 - frame) * min(1, (long - 1) / 0.12)
    )
    turn = 0.16 * (frame - 1)
    r = _RADIUS
    band = [
        (-r * 0.99, 4),
        (-30, -20),
        (30, -20),
        (r * 0.99, 4),
        (r * 0.94, 22),
        (30, 6),
        (-30, 6),
        (-r * 0.94, 22),
    ]
    parts = [
        ellipse((0, 0), (r, r), "#4f9bd0", count=44),
        *placed([shape(band, "#fdf3dc", None), _star()], (0, 0), turn=turn),
        ellipse((0, 0), (r, r), None, INK, count=44),
        ellipse((-22, -30), (15, 9), "#ffffffb0", None, turn=-0.6, count=18),
    ]
    wide = 1 / math.sqrt(long)
    return placed(parts, _ball_place(frame), turn=-lean, size=(wide, long))


def _star() -> Stroke:
    angle = np.arange(10) * math.pi / 5 - math.pi / 2
    far = np.where(np.arange(10) % 2, 8.0, 19.0)
    ring = np.stack([far * np.cos(angle), far * np.sin(angle) - 40], axis=1)
    return boxy(ring, "#f4c84a", INK, width=0.6)


def _ball_shadow(frame: float) -> list[Stroke]:
    x, y = _ball_place(frame)
    near = 1 - (_FLOOR - y) / 460
    return [ellipse((x, _FLOOR + 8), (40 + 36 * near, 6 + 7 * near), "#5b352880", None, count=32)]


def bird_shot() -> GalleryShot:
    """A crane's wing beat on twos, roughed out by the animator."""
    return GalleryShot(
        "crane",
        "On twos with rough sketches",
        "One downstroke in seventeen frames on twos; the tips lag behind the wrists. Pencil roughs "
        "with gaps and wobble at frames 5 and 13.",
        (
            GalleryLayer("sky", lambda _: scenery.evening(), (1,), background=True),
            GalleryLayer("far wing", lambda t: _wing(t, near=False), (1, 9, 17), rough=(5, 13)),
            GalleryLayer("crane", _crane, (1, 9, 17), rough=(5, 13)),
            GalleryLayer(
                "near wing", lambda t: _wing(t, near=True), (1, 9, 17), rough=(5, 13), redrawn=True
            ),
        ),
        exposure=2,
        step=2,
    )


def _crane_at(frame: float) -> tuple[float, float]:
    u = (frame - 1) / 16
    return 440 + 60 * u, 300 - 46 * ease(u)


def _beat(frame: float) -> float:
    """The wing's angle in radians, -1 up to 0.5 down."""
    return mix(-1.0, 0.5, ease((frame - 1) / 16))


def _wing(frame: float, *, near: bool) -> list[Stroke]:
    root = np.asarray(_crane_at(frame)) + np.array([0, -14] if near else [16, -20])
    one, two = _beat(frame), _beat(frame - 3.5)
    side = 1.0 if near else 0.82
    wrist = root + side * np.array([-105 * math.cos(one), 120 * math.sin(one)])
    tip = wrist + side * np.array([-150 * math.cos(two), 165 * math.sin(two)])
    ahead, behind = np.array([34.0, 0.0]), np.array([-6.0, 44.0])
    edge = [root + ahead, wrist + np.array([12, -12]), tip]
    back = [
        mix_at(tip, wrist, 0.35) + behind * 0.9,
        mix_at(wrist, root, 0.1) + behind * 1.3,
        root + np.array([-40, 26]),
    ]
    fill, dark = ("#fbf7ef", "#39405a") if near else ("#dcd9df", "#2d3348")
    feathers = [
        limb(
            [mix_at(wrist, tip, s), mix_at(wrist, tip, s + 0.28) + behind * (0.95 - 0.5 * s)],
            (9, 5),
            dark,
            width=0.7,
            count=10,
        )
        for s in (0.2, 0.4, 0.6, 0.8)
    ]
    ribs = [
        pen(
            [mix_at(root, wrist, s), mix_at(root, wrist, s - 0.1) + behind * 0.8],
            "#a9a3b4",
            count=8,
            width=0.8,
        )
        for s in (0.4, 0.65, 0.9)
    ]
    return [*feathers, shape(np.array(edge + back), fill), *ribs]


def mix_at(one: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    """A place on the line between two."""
    return one + (other - one) * share


def _crane(frame: float) -> list[Stroke]:
    lag = ease((frame - 3) / 16)
    neck = [(44, -12), (96, -20 + 16 * lag), (140, -44 + 22 * lag), (190, -34 + 12 * lag)]
    head = 198, -34 + 12 * lag
    legs = [
        pen(
            [(-60, 10), (-120, 22 - 10 * lag + d), (-188, 14 + 12 * lag + d)],
            "#4a4152",
            width=1.7,
            count=16,
        )
        for d in (0, 9)
    ]
    body = shape(
        [(-86, 0), (-40, -30), (20, -32), (58, -14), (40, 12), (-10, 28), (-60, 20)], "#fbf7ef"
    )
    tail = limb([(-70, 2), (-112, 8 - 8 * lag)], (16, 6), "#39405a", count=10)
    return placed(
        list(
            chain(
                legs,
                [tail],
                [limb(neck, (17, 11, 9, 9), "#fbf7ef"), body],
                [
                    limb([(head[0] - 22, head[1]), head], (10, 13), "#39405a", count=12),
                    shape(
                        [
                            (head[0] + 9, head[1] - 6),
                            (head[0] + 60, head[1] + 5),
                            (head[0] + 9, head[1] + 7),
                        ],
                        "#e7b04a",
                        count=20,
                        width=0.8,
                    ),
                    shape(
                        [
                            (head[0] - 14, head[1] - 9),
                            (head[0], head[1] - 15),
                            (head[0] + 9, head[1] - 9),
                            (head[0] - 2, head[1] - 5),
                        ],
                        "#d9433f",
                        None,
                        count=18,
                    ),
                    ellipse((head[0] + 3, head[1] - 1), (2.6, 2.8), "#ffffff", None, count=10),
                ],
            )
        ),
        _crane_at(frame),
        turn=-0.08,
    )
