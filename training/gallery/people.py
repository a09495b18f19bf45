"""Shots of one child: a head turn, blink and mouth, long hair. Called by `shots`."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np

from . import faces, scenery
from .faces import Look
from .ink import INK, Stroke, boxy, closed, ellipse, limb, pen, placed, shape
from .moves import ease, mix
from .shot import GalleryLayer, GalleryShot

_KEYS, _ROUGHS = (1, 5, 9, 13, 17), (3, 7, 11, 15)


def room() -> list[Stroke]:
    """A papered wall with a shelf and a picture."""
    strokes = [scenery.flat("#dfe6d5")]
    strokes += [
        closed(np.array([[x, -80], [x + 44, -80], [x + 44, 620], [x, 620]], float), "#d3ddc8", None)
        for x in range(-100, 1080, 96)
    ]
    strokes += [
        boxy([(70, 70), (270, 70), (270, 210), (70, 210)], "#a9744f", INK),
        boxy([(86, 86), (254, 86), (254, 194), (86, 194)], "#cfe6ee", INK, width=0.6),
        shape([(90, 190), (130, 140), (165, 165), (210, 120), (250, 190)], "#79a06b", None),
        boxy([(690, 250), (930, 250), (930, 266), (690, 266)], "#a9744f", INK),
    ]
    for x, width, height, colour in (
        (710, 26, 92, "#c4574a"),
        (738, 20, 76, "#e2b35c"),
        (760, 30, 100, "#5c7fa3"),
        (792, 22, 84, "#7d9a6b"),
    ):
        strokes.append(
            boxy(
                [(x, 250 - height), (x + width, 250 - height), (x + width, 250), (x, 250)],
                colour,
                INK,
                width=0.7,
            )
        )
    strokes += [shape([(850, 250), (842, 214), (890, 214), (882, 250)], "#d98c5f"), *_leaves()]
    return strokes


def _leaves() -> list[Stroke]:
    tips = ((832, 150), (858, 128), (884, 140), (906, 168))
    return [
        limb([(866, 214), ((866 + x) / 2, y + 26), (x, y)], (3, 9, 2), "#5f8f5a", width=0.7)
        for x, y in tips
    ]


def turn_shot() -> GalleryShot:
    """A head turns from one side to the other and dips on its way."""
    return GalleryShot(
        "head-turn",
        "Head turn",
        "A three-quarter head turns to the other side on an arc; features slide over a ball, eyes "
        "close halfway, the ponytail follows late. Roughs in each gap.",
        (
            GalleryLayer("room", lambda _: room(), (1,), background=True),
            GalleryLayer("ponytail", _ponytail, _KEYS, rough=_ROUGHS),
            GalleryLayer(
                "shoulders",
                lambda t: placed(faces.bust(20 * math.sin(_turn(t).yaw)), (480, 250)),
                _KEYS,
            ),
            GalleryLayer("head", _turning_head, _KEYS, rough=_ROUGHS, redrawn=True),
        ),
    )


def _turn(frame: float) -> Look:
    u = (frame - 1) / 16
    return Look(
        yaw=mix(-0.54, 0.54, ease(u)),
        pitch=-0.26 * math.sin(math.pi * u),
        lids=0.72 * math.sin(math.pi * u) ** 3,
        mouth_open=0.08,
        mouth_wide=0.5 + 0.2 * u,
        brows=0.5 * u,
    )


def _turning_head(frame: float) -> list[Stroke]:
    look = _turn(frame)
    at = 480 + 26 * math.sin(look.yaw), 250 - 60 * look.pitch
    parts = [*faces.head(look), *faces.eyes(look), *faces.mouth(look), *faces.fringe(look)]
    return placed(parts, at, turn=0.08 * math.sin(look.yaw))


def _ponytail(frame: float) -> list[Stroke]:
    late, later = _turn(frame - 2).yaw, _turn(frame - 4.5).yaw
    root = 480 - 96 * math.sin(late), 176 - 40 * _turn(frame).pitch
    middle = root[0] - 140 * math.sin(late), root[1] + 64
    tip = middle[0] - 80 * math.sin(later), middle[1] + 120 - 30 * abs(later)
    tail = limb([root, middle, tip], (34, 44, 8), faces.HAIR, count=26)
    strand = pen(
        [(root[0] + 8, root[1] + 20), (middle[0] + 12, middle[1] + 6), (tip[0] + 6, tip[1] - 26)],
        faces.HAIR_DARK,
    )
    return [tail, strand, ellipse(root, (26, 22), "#4a7fa8")]


def talk_shot() -> GalleryShot:
    """Eyes blink and the mouth says three vowels on a head that holds still."""
    keys = (1, 5, 9, 13, 17)
    return GalleryShot(
        "talk",
        "Blink and mouth",
        "Only eyes and mouth move: open, shut, open; smile, ah, oh, eh. Keys on fours, no control "
        "at all, so both takes of the engine are the same.",
        (
            GalleryLayer("room", lambda _: [*room(), *_still_head()], (1,), background=True),
            GalleryLayer("mouth", lambda t: _facing(faces.mouth(_talk(t))), keys, redrawn=True),
            GalleryLayer("eyes", lambda t: _facing(faces.eyes(_talk(t))), keys, redrawn=True),
        ),
    )


def _facing(strokes: list[Stroke]) -> list[Stroke]:
    return placed(strokes, (480, 250))


def _still_head() -> list[Stroke]:
    look = Look(yaw=0.14)
    braid = [
        ellipse((side * 138, 60 + 46 * i), (26 - 3 * i, 28), faces.HAIR, turn=side * 0.3)
        for side in (-1, 1)
        for i in range(4)
    ]
    return _facing([*braid, *faces.bust(), *faces.head(look), *faces.fringe(look)])


def _talk(frame: float) -> Look:
    at = (1, 5, 9, 13, 17)
    index = min(int((frame - 1) // 4), 3)
    share = ease((frame - at[index]) / 4)
    poses = (
        Look(mouth_open=0.02, mouth_wide=0.8),
        Look(lids=0.97, mouth_open=0.95, mouth_wide=0.45, brows=-0.2),
        Look(mouth_open=0.55, mouth_wide=0.0, brows=0.9),
        Look(lids=0.2, mouth_open=0.3, mouth_wide=1.0, brows=0.3),
        Look(mouth_open=0.02, mouth_wide=0.8),
    )
    one, other = poses[index], poses[index + 1]
    parts = ("lids", "mouth_open", "mouth_wide", "brows")
    mixed = {name: mix(getattr(one, name), getattr(other, name), share) for name in parts}
    return replace(Look(yaw=0.14), **mixed)


def hair_shot() -> GalleryShot:
    """A head sways and long hair follows late, lock after lock."""
    locks = tuple(
        GalleryLayer(f"hair {name}", partial(_lock, side=side), _KEYS, rough=_ROUGHS)
        for name, side in (("left", -1), ("right", 1))
    )
    return GalleryShot(
        "hair",
        "Long hair",
        "The head sways across; each lock is dragged, swings through and settles later the farther "
        "from the root. Path on the head, roughs on the locks.",
        (
            GalleryLayer("room", lambda _: room(), (1,), background=True),
            *locks,
            GalleryLayer(
                "shoulders",
                lambda t: placed(faces.bust(0.4 * (_sway(t)[0] - 480)), (480, 262)),
                _KEYS,
            ),
            GalleryLayer("head", _swaying_head, _KEYS, path=_sway, redrawn=True),
        ),
    )


def _sway(frame: float) -> tuple[float, float]:
    u = ease((frame - 1) / 16)
    return 480 + mix(-74, 74, u), 242 + 30 * math.sin(math.pi * u)


def _swaying_head(frame: float) -> list[Stroke]:
    u = ease((frame - 1) / 16)
    look = Look(yaw=mix(-0.3, 0.3, u), lids=0.9 * math.sin(math.pi * u) ** 4, mouth_wide=0.7)
    parts = [*faces.head(look), *faces.eyes(look), *faces.mouth(look), *faces.fringe(look)]
    return placed(parts, _sway(frame), turn=mix(-0.2, 0.2, u))


def _lock(frame: float, side: int) -> list[Stroke]:
    strokes: list[Stroke] = []
    for number in range(3):
        spine: list[tuple[float, float]] = []
        for step in range(5):
            x, y = _sway(frame - 1.4 * step - 0.5 * number)
            spine.append(
                (x + side * (104 + 12 * number - 6 * step), y - 40 + (72 + 9 * number) * step)
            )
        fill = faces.HAIR if number != 1 else "#c4653a"
        strokes.append(limb(spine, (30, 34, 30, 20, 4), fill, count=26))
    return strokes
