"""Shots of beasts on their legs: a dog that gallops, a frog that jumps. Called by `shots`."""

from __future__ import annotations

import math
from functools import partial

from . import scenery
from .ink import INK, Stroke, ellipse, limb, pen, placed, shape
from .joints import Point, spot_on, two_bones
from .moves import arc, ease, mix, track, wave
from .shot import GalleryLayer, GalleryShot

_FUR, _FAR_FUR, _SPOT, _CREAM = "#b9773f", "#8f5a30", "#7d4a28", "#f3e3c8"
_CYCLE = 16.0


def dog_shot() -> GalleryShot:
    """A dog gallops along a street."""
    keys = (1, 5, 9, 13, 17)
    return GalleryShot(
        "dog",
        "Galloping dog",
        "One bound in sixteen frames, a quarter of it between two keys: the back bends and "
        "stretches, each paw strikes at its own moment, ear, tail and tongue drag. It has its "
        "path.",
        (
            GalleryLayer("street", lambda _: scenery.street(), (1,), background=True),
            GalleryLayer("far legs", partial(_dog_legs, near=False), keys, path=_dog_at),
            GalleryLayer("body", _dog_body, keys, path=_dog_at, redrawn=True),
            GalleryLayer("near legs", partial(_dog_legs, near=True), keys, path=_dog_at),
        ),
    )


def _bound(frame: float, late: float = 0.0) -> float:
    """The dog's rise and fall, -1..1, `late` by some frames."""
    return wave(frame - 1 - late, _CYCLE, 0.1)


def _stretch(frame: float) -> float:
    """How far the back is stretched out, -1..1."""
    return wave(frame - 1, _CYCLE, 0.35)


def _dog_at(frame: float) -> Point:
    return 250 + 27 * (frame - 1), 330 - 16 * _bound(frame)


def _paw(frame: float, phase: float, middle: float) -> Point:
    """On the ground, carried back under the body, then through the air to the front."""
    step = ((frame - 1) / _CYCLE + phase) % 1
    if step < 0.42:
        return middle + 62 - 124 * step / 0.42, 434.0
    air = (step - 0.42) / 0.58
    return middle - 62 + 124 * ease(air), 434 - 44 * math.sin(math.pi * air)


def _dog_legs(frame: float, *, near: bool) -> list[Stroke]:
    x, y = _dog_at(frame)
    long = _stretch(frame)
    fore, hind = (x + 72 - 14 * long, y + 14 + 5 * long), (x - 70 + 14 * long, y + 10 - 4 * long)
    fur, toes = (_FUR, _CREAM) if near else (_FAR_FUR, "#cdb998")
    phases = (0.08, 0.54) if near else (0.0, 0.45)
    legs: list[Stroke] = []
    for root, phase, bend in ((fore, phases[0], 1.0), (hind, phases[1], -1.0)):
        paw = _paw(frame, phase, root[0] + 4)
        bones = two_bones(root, (paw[0], paw[1] - 8), 54, 56, bend)
        foot = [(-9, -12), (8, -12), (20, -2), (18, 6), (-10, 6)]
        legs += placed([shape(foot, toes, count=24)], paw)
        legs.append(limb(bones, (22, 14, 9), fur, count=22))
    return legs


def _dog_body(frame: float) -> list[Stroke]:
    long = _stretch(frame)
    sway = [_bound(frame, late) for late in (2, 3.5, 5)]
    tail = [
        (-84 + 12 * long, -16),
        (-118 + 10 * long, -38 + 12 * sway[0]),
        (-148 + 8 * long, -48 + 26 * sway[1]),
        (-172 + 8 * long, -46 + 42 * sway[2]),
    ]
    x, y = 122 - 18 * long, -66 + 12 * _bound(frame, 1)
    head = placed(_dog_head(frame), (x, y), turn=0.1 * wave(frame - 2, _CYCLE, 0.35))
    parts = [
        limb(tail, (11, 9, 8, 5), _FUR, count=22),
        *_trunk(long),
        limb([(84 - 12 * long, -20), (x - 8, y + 14)], (30, 24), _FUR, count=14),
        limb([(x - 34, y + 12), (x - 14, y + 34)], (6, 6), "#3f7fc1", count=10, width=0.8),
        *head,
    ]
    return placed(parts, _dog_at(frame))


def _trunk(long: float) -> list[Stroke]:
    """The body, bent or stretched, with a patch on its back."""
    trunk = [
        (-96 + 14 * long, -4),
        (-78 + 12 * long, -36 + 6 * long),
        (0, -34 - 12 * long),
        (70 - 10 * long, -44),
        (104 - 14 * long, -18),
        (96 - 12 * long, 26),
        (40, 34 - 6 * long),
        (-20, 22 - 14 * long),
        (-74 + 12 * long, 30),
    ]
    patch = [
        (-30, -32 - 8 * long),
        (10, -33 - 11 * long),
        (24, -16 - 6 * long),
        (0, -2),
        (-28, -10 - 2 * long),
    ]
    return [shape(trunk, _FUR, count=64), shape(patch, _SPOT, None, count=28)]


def _dog_head(frame: float) -> list[Stroke]:
    flap, tip = _bound(frame, 2.5), _bound(frame, 4.5)
    tongue = [(40, 16), (30, 28 + 4 * flap), (18, 34 + 10 * tip)]
    ear = [(-12, -20), (-34, -16 + 20 * flap), (-54, -8 + 38 * tip)]
    skull = [
        (-30, 2),
        (-16, -30),
        (16, -30),
        (30, -10),
        (62, -4),
        (66, 8),
        (44, 20),
        (6, 28),
        (-22, 22),
    ]
    muzzle = [(34, -6), (62, -4), (66, 8), (44, 19), (30, 10)]
    return [
        limb(tongue, (5, 7, 6), "#e87a7a", count=14, width=0.8),
        shape(skull, _FUR, count=48),
        shape(muzzle, _CREAM, None, count=28),
        ellipse((63, -3), (8, 6), INK, None, count=18),
        ellipse((14, -9), (4, 6), INK, None, count=14),
        pen([(62, 8), (48, 14), (34, 12)], count=10),
        limb(ear, (9, 14, 9), _SPOT, count=18),
    ]


_SKIN, _NEAR_LEG, _FAR_LEG = "#62b356", "#4f9a45", "#3b7735"
_HIP, _SHOULDER = (-48.0, 16.0), (40.0, 26.0)
Spot = tuple[float, Point]


def frog_shot() -> GalleryShot:
    """A frog crouches, leaps and lands."""
    keys, roughs = (1, 5, 9, 13, 17, 21), (7, 11, 15)
    return GalleryShot(
        "frog",
        "Jumping frog",
        "It crouches, pushes off, stretches in the air and gives way as it lands; long hind legs "
        "unfold and fold again. No path; roughs at frames 7, 11 and 15.",
        (
            GalleryLayer("pond", lambda _: _pond(), (1,), background=True),
            GalleryLayer("far legs", partial(_frog_legs, near=False), keys, rough=roughs),
            GalleryLayer("body", _frog_body, keys, rough=roughs, redrawn=True),
            GalleryLayer("near legs", partial(_frog_legs, near=True), keys, rough=roughs),
        ),
        end=21,
    )


def _pond() -> list[Stroke]:
    return [
        *scenery.sky(("#cfe8dc", "#b5dccb", "#96c9b8", "#7fb8a8")),
        scenery.land([(-130, 450), (300, 444), (700, 452), (1090, 446)], "#8fb35c"),
        scenery.flat("#6f9548", 480),
    ]


def _frog_at(frame: float) -> Point:
    """A crouch, a push that gathers speed, a parabola, and a landing that gives way."""
    if frame <= 5:
        return track(frame, (1, 230), (5, 218)), track(frame, (1, 400), (5, 418))
    if frame <= 7:
        push = (frame - 5) / 2
        return mix(218, 262, push**2), mix(418, 372, push**1.6)
    if frame <= 16:
        return arc((262, 372), (682, 398), (frame - 7) / 9, 190)
    x = track(frame, (16, 682), (17, 700), (18, 708), (21, 702))
    return x, track(frame, (16, 398), (18, 422), (21, 400))


def _frog_turn(frame: float) -> float:
    return track(
        frame,
        (1, -0.35),
        (5, -0.22),
        (8, -0.85),
        (12, 0),
        (15, 0.55),
        (16, 0.45),
        (18, -0.15),
        (21, -0.35),
    )


def _frog_size(frame: float) -> tuple[float, float]:
    long = track(frame, (1, 1), (5, 1.08), (8, 1.25), (12, 1.02), (15, 1.12), (18, 1.12), (21, 1))
    tall = track(frame, (1, 1), (5, 0.86), (8, 0.84), (12, 1.02), (15, 0.94), (18, 0.8), (21, 1))
    return long, tall


def _on_frog(frame: float, spot: Point) -> Point:
    long, tall = _frog_size(frame)
    return spot_on(_frog_at(frame), _frog_turn(frame), (spot[0] * long, spot[1] * tall))


def _flung(frame: float, joint: Point, leave: Spot, flight: tuple[Spot, ...], land: Spot) -> Point:
    """Where a foot is: on the ground, then in the air as seen from its joint, then on the ground.

    `leave` and `land` are moments and places; `flight` holds moments and ways from the joint.
    """
    if frame <= leave[0]:
        return leave[1]
    if frame >= land[0]:
        return land[1]
    seen = [_from(joint, leave), *flight, _from(joint, land)]
    root = _on_frog(frame, joint)
    x = track(frame, *((when, way[0]) for when, way in seen))
    return root[0] + x, root[1] + track(frame, *((when, way[1]) for when, way in seen))


def _from(joint: Point, spot: Spot) -> Spot:
    root = _on_frog(spot[0], joint)
    return spot[0], (spot[1][0] - root[0], spot[1][1] - root[1])


def _frog_legs(frame: float, *, near: bool) -> list[Stroke]:
    ahead, ground, fill = (10, 452.0, _NEAR_LEG) if near else (-6, 442.0, _FAR_LEG)
    tiptoe = ground - track(frame, (6.5, 0), (8, 16))
    foot = _flung(
        frame,
        _HIP,
        (8, (236 + ahead, tiptoe)),
        ((10, (-118, 66)), (12, (-92, 62))),
        (16, (716 + ahead, ground)),
    )
    hand = _flung(
        frame,
        _SHOULDER,
        (6, (290 + ahead, ground)),
        ((9, (-40, 40)), (12, (12, 52))),
        (15.5, (764 + ahead, ground)),
    )
    turn = track(frame, (1, 0), (6, 0.1), (8, 1.0), (10, 1.7), (13, 1.2), (16, -0.1), (17, 0))
    web = [(-6, -7), (18, -6), (46, -2), (44, 6), (18, 7), (-6, 7)]
    leg = two_bones(_on_frog(frame, _HIP), foot, 74, 74, -1.0)
    arm = two_bones(_on_frog(frame, _SHOULDER), hand, 34, 34, 1.0)
    return [
        *placed([shape(web, fill, count=28)], foot, turn=turn),
        limb(leg, (22, 15, 8), fill, count=26),
        ellipse((hand[0] + 6, hand[1]), (14, 7), fill, count=20),
        limb(arm, (12, 9, 7), fill, count=18),
    ]


def _frog_body(frame: float) -> list[Stroke]:
    throat = 18 + 1.5 * wave(frame, 8)
    body = [
        (-72, 8),
        (-56, -22),
        (-10, -40),
        (44, -38),
        (78, -20),
        (86, 2),
        (60, 24),
        (10, 36),
        (-46, 32),
    ]
    belly = [(84, 4), (60, 24), (10, 36), (-36, 32), (0, throat), (40, 12), (70, 6)]
    spots = (((-20, -20), (9, 6)), ((4, -26), (7, 5)), ((-44, -6), (8, 6)))
    parts = [
        shape(body, _SKIN, count=60),
        shape(belly, "#d9e8a8", None, count=40),
        pen([(86, 0), (66, 8), (42, 4)], count=14),
        ellipse((52, -40), (17, 17), _SKIN, count=28),
        ellipse((54, -42), (11, 12), "#fff7d6", count=22, width=0.8),
        ellipse((57, -41), (4.5, 7), INK, None, count=14),
        ellipse((80, -14), (2, 1.6), INK, None, count=8),
        *(ellipse(at, size, "#4b8f42", None, count=16) for at, size in spots),
    ]
    return placed(parts, _frog_at(frame), turn=_frog_turn(frame), size=_frog_size(frame))
