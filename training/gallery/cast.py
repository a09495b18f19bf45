"""Shots with a cast: a caped hero on a roof, a crowd of six. Called by `shots`."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from . import faces, scenery
from .ink import INK, Stroke, boxy, closed, curve, ellipse, limb, pen, placed, shape
from .moves import mix, wave
from .shot import GalleryLayer, GalleryShot

_KEYS, _ROUGHS = (1, 5, 9, 13, 17), (3, 7, 11, 15)


def cape_shot() -> GalleryShot:
    """A caped hero on a roof; a wave runs down the cloth."""
    return GalleryShot(
        "cape",
        "Cape in the wind",
        "A wave travels from the shoulders to the hem, a sixth of its period between two keys; "
        "folds ride on it. Roughs in the middle of each gap.",
        (
            GalleryLayer("roofs", lambda _: [*scenery.evening(), *_roof()], (1,), background=True),
            GalleryLayer("cape", _cape, _KEYS, rough=_ROUGHS, redrawn=True),
            GalleryLayer("hero", _hero, _KEYS),
        ),
    )


def _roof() -> list[Stroke]:
    tiles = [
        pen(
            [(x, 478 + 10 * (i % 2)), (x + 22, 490 + 10 * (i % 2)), (x + 44, 478 + 10 * (i % 2))],
            "#5d3a44",
            count=10,
            width=0.8,
        )
        for i, x in enumerate(range(330, 900, 44))
    ]
    return [boxy([(300, 462), (1080, 462), (1080, 620), (240, 620)], "#8a5158", INK), *tiles]


def _cloth(frame: float, along: float, across: float) -> tuple[float, float]:
    """A place on the cape: `along` 0 shoulders to 1 hem, `across` 0 upper to 1 lower edge."""
    sway = along**1.2 * 46 * wave(-frame, 24, 0.8 * along + 0.1 * across)
    drop = 0.32 + 0.06 * wave(frame, 48)
    spread = mix(36, 190, along**0.8) * (across - 0.4)
    return 590 - 390 * along, 232 + 390 * drop * along * along + sway + spread


def _cape(frame: float) -> list[Stroke]:
    s = np.linspace(0, 1, 9)
    upper = [_cloth(frame, a, 0.0) for a in s]
    hem = [_cloth(frame, 1.0 + 0.03 * math.sin(9 * v), v) for v in (0.2, 0.4, 0.6, 0.8)]
    lower = [_cloth(frame, a, 1.0) for a in s[::-1]]
    edge = np.concatenate(
        [curve(upper, 34), curve([upper[-1], *hem, lower[0]], 18)[1:-1], curve(lower, 34)]
    )
    folds = [
        pen(
            [_cloth(frame, a, v) for a in np.linspace(0.12, 0.93, 7)],
            "#8e2436",
            count=28,
            width=1.5,
        )
        for v in (0.24, 0.5, 0.77)
    ]
    return [closed(edge, "#cf3d4c"), *folds]


def _hero(frame: float) -> list[Stroke]:
    breath = 3 * wave(frame, 16)
    chest = shape(
        [
            (556, 226 - breath),
            (606, 212 - breath),
            (658, 226 - breath),
            (650, 290),
            (636, 366),
            (568, 366),
            (560, 290),
        ],
        "#3f66ad",
    )
    badge = boxy(
        [(606, 240 - breath), (636, 250 - breath), (606, 286 - breath), (578, 250 - breath)],
        "#f5cf55",
        INK,
    )
    belt = limb([(568, 354), (602, 360), (638, 354)], (9, 9, 9), "#f5cf55")
    arms = [
        limb([(562, 238 - breath), (524, 294), (570, 346)], (19, 17, 14), "#3f66ad"),
        limb([(652, 238 - breath), (692, 294), (642, 346)], (19, 17, 14), "#3f66ad"),
    ]
    return [*_hero_legs(), chest, badge, belt, *arms, *_hero_face(breath)]


def _hero_legs() -> list[Stroke]:
    legs: list[Stroke] = []
    for side in (-1, 1):
        foot = 602 + 32 * side
        legs.append(
            limb(
                [(602 + 16 * side, 350), (602 + 26 * side, 410), (foot, 452)],
                (27, 24, 19),
                "#34518c",
            )
        )
        boot = [
            (-24, 424),
            (24, 424),
            (24, 458),
            (24 + 12 * side, 472),
            (-24 + 12 * side, 472),
            (-24, 458),
        ]
        legs.append(shape([(foot + x, y) for x, y in boot], "#cf3d4c", count=36))
    return legs


def _hero_face(breath: float) -> list[Stroke]:
    return [
        ellipse((610, 160 - breath), (50, 54), faces.SKIN),
        shape(
            [
                (560, 158),
                (562, 112),
                (612, 92),
                (660, 116),
                (662, 150),
                (636, 128),
                (600, 138),
                (576, 132),
            ],
            "#3a2b3a",
        ),
        limb(
            [(572, 158 - breath), (612, 164 - breath), (658, 156 - breath)], (13, 13, 13), "#34518c"
        ),
        ellipse((598, 160 - breath), (7, 8), "#ffffff", None, count=16),
        ellipse((632, 159 - breath), (7, 8), "#ffffff", None, count=16),
        pen([(600, 190 - breath), (616, 196 - breath), (632, 188 - breath)], count=12),
    ]


def crowd_shot() -> GalleryShot:
    """Six people jump and cheer, each in a rhythm of its own."""
    people = tuple(
        GalleryLayer(
            f"fan {n + 1}",
            partial(_fan, number=n),
            _KEYS,
            path=partial(_fan_at, number=n),
            redrawn=n % 2 == 1,
        )
        for n in range(6)
    )
    return GalleryShot(
        "crowd",
        "Crowd of six layers",
        "Six layers that overlap, each jumping at its own moment; every second one was redrawn at "
        "each key. Every layer has its path.",
        (GalleryLayer("stand", lambda _: _stand(), (1,), background=True), *people),
    )


def _stand() -> list[Stroke]:
    rows = [
        scenery.flat(colour, top)
        for colour, top in (("#30406b", -70), ("#3b4f80", 150), ("#465e94", 280))
    ]
    rng = np.random.default_rng(3)
    heads = []
    for row, y in enumerate((130, 262)):
        for x in range(-60, 1040, 62):
            tone = ("#5a6ea3", "#6a7db0", "#526699")[int(rng.integers(3))]
            heads += [
                ellipse(
                    (x + 30 * row, y + float(rng.uniform(-8, 8))), (20, 24), tone, None, count=18
                ),
                ellipse((x + 30 * row, y + 46), (30, 30), tone, None, count=18),
            ]
    flags = [
        boxy([(x, 40), (x + 70, 52), (x, 74)], colour, None)
        for x, colour in ((90, "#e5b64d"), (430, "#cf5b4e"), (770, "#67a06c"))
    ]
    poles = [pen([(x, 30), (x, 140)], "#222c4c", count=8, width=1.4) for x in (90, 430, 770)]
    return [*rows, *heads, *flags, *poles, scenery.flat("#56719f", 470)]


_SHIRTS = ("#cf5b4e", "#e5b64d", "#67a06c", "#4a7fa8", "#a76aa3", "#e58a4d")
_TONES = ("#f4c7a1", "#c98d63", "#e9b68c", "#8d5b3f", "#f4c7a1", "#b97a54")


def _fan_at(frame: float, number: int) -> tuple[float, float]:
    jump = max(0.0, wave(frame - 1, 16, 0.17 * number + 0.12))
    depth = 26 if number % 2 else 0
    return 130 + 140 * number, 356 + depth - 84 * jump


def _fan(frame: float, number: int) -> list[Stroke]:
    up = 0.5 + 0.5 * wave(frame - 2, 16, 0.17 * number + 0.12)
    out = math.sin(math.pi * up)  # hands swing outward on their way
    shirt, tone = _SHIRTS[number], _TONES[number]
    legs = [
        limb([(d, 84), (1.3 * d, 134), (1.5 * d - 12 * up, 180 + 12 * up)], (20, 18, 15), "#3a4056")
        for d in (-20, 20)
    ]
    arms = [
        limb(
            [
                (s * 44, -6),
                (s * (mix(80, 72, up) + 10 * out), mix(40, -48, up)),
                (s * (mix(56, 62 + 8 * number, up) + 66 * out), mix(98, -118, up)),
            ],
            (16, 14, 13),
            tone,
        )
        for s in (-1, 1)
    ]
    body = shape(
        [(-46, -24), (0, -34), (46, -24), (42, 50), (36, 104), (-36, 104), (-42, 50)], shirt
    )
    number_stripe = limb([(-40, 34), (0, 40), (40, 34)], (9, 9, 9), "#fdf6e3", None)
    face = [
        ellipse((0, -80), (42, 44), tone),
        shape(
            [(-44, -78), (-36, -118), (0, -132), (38, -116), (44, -78), (24, -104), (-20, -100)],
            ("#3a2b3a", "#6b3f2a", "#d9a441")[number % 3],
        ),
        ellipse((-15, -80), (4.5, 7), INK, None, count=14),
        ellipse((15, -80), (4.5, 7), INK, None, count=14),
        ellipse((0, -58), (mix(8, 14, up), mix(3, 13, up)), "#7d2c3a", count=24),
    ]
    return placed(
        [*legs, *arms, body, number_stripe, *face],
        _fan_at(frame, number),
        turn=0.05 * wave(frame, 16, 0.3 * number),
    )
