"""The shot of a girl that tilts her head, blinks and smiles, hair following. Called by `shots`."""

from __future__ import annotations

import math

from . import scenery
from .ink import Stroke, ellipse, limb, pen, placed, shape
from .joints import Point, spot_on
from .moves import ease, span, track
from .shot import GalleryLayer, GalleryShot

_SKIN, _BACK_HAIR, _HAIR, _SHINE = "#f2c7a0", "#5b3a55", "#6b4564", "#8d6386"


def tilt_shot() -> GalleryShot:
    """A head tilts to one side, blinks on its way and ends in a smile."""
    keys = (1, 5, 9, 13, 21)
    return GalleryShot(
        "head-tilt",
        "Head tilt, blink and smile",
        "A head leans the other way first, then tilts, overshoots and settles; eyes shut and open "
        "within eight frames, a smile grows, locks swing late. Keys only, the last gap eight long.",
        (
            GalleryLayer("court", lambda _: scenery.court(), (1,), background=True),
            GalleryLayer("back hair", _back_hair, keys),
            GalleryLayer("body", _body, keys),
            GalleryLayer("head", _head, keys, redrawn=True),
            GalleryLayer("front hair", _front_hair, keys, redrawn=True),
        ),
        end=21,
    )


def _tilt(frame: float) -> float:
    return track(frame, (1, 0.0), (3, -0.05), (9, 0.2), (13, 0.27), (17, 0.22), (21, 0.235))


def _head_at(frame: float) -> Point:
    sunk = track(frame, (1, 0), (4, -8), (9, 6), (13, 10), (17, 7), (21, 8))
    return 480 + 60 * math.sin(_tilt(frame)), 230 - sunk


def _back_hair(frame: float) -> list[Stroke]:
    tilt, late = _tilt(frame), _tilt(frame - 2.5)

    def spot(across: float, down: float, loose: float) -> Point:
        turn = tilt * (1 - loose) + 0.6 * late * loose
        return spot_on(_head_at(frame), turn, (across, down))

    edge = [
        spot(-92, -30, 0),
        spot(0, -108, 0),
        spot(92, -30, 0),
        spot(112, 70, 0.4),
        spot(122, 160, 0.9),
        spot(84, 184, 1),
        spot(0, 150, 0.8),
        spot(-84, 184, 1),
        spot(-122, 160, 0.9),
        spot(-112, 70, 0.4),
    ]
    return [shape(edge, _BACK_HAIR, count=72)]


def _body(frame: float) -> list[Stroke]:
    """Shoulders that rise on one side, neck and collar."""
    lift = -6 * ease(span(frame, 5, 12))
    head = _head_at(frame)[0]
    x = 480 - 0.1 * (head - 480)
    shoulders = [
        (x - 150, 600),
        (x - 138, 420 - lift),
        (x - 70, 384 - lift),
        (x, 378),
        (x + 70, 384 + lift),
        (x + 138, 420 + lift),
        (x + 150, 600),
    ]
    collar = [(-52, 386), (0, 402), (52, 386), (34, 420), (0, 434), (-34, 420)]
    return [
        shape(shoulders, "#d9775a", count=64),
        limb([(480, 380), ((480 + head) / 2, 330)], (30, 28), _SKIN, count=12),
        shape([(x + dx, y) for dx, y in collar], "#fbf0dd", count=32, width=0.8),
    ]


def _head(frame: float) -> list[Stroke]:
    smile = track(frame, (6, 0), (13, 1.1), (17, 1), (21, 1))
    skull = [
        (-82, -20),
        (-60, -78),
        (0, -96),
        (60, -78),
        (82, -20),
        (74, 40),
        (38, 84),
        (0, 96),
        (-38, 84),
        (-74, 40),
    ]
    parts = [
        shape(skull, _SKIN, count=64),
        *(stroke for side in (-1, 1) for stroke in _eye(frame, side, 4 * smile)),
        pen([(-2, 8), (8, 24), (-4, 30)], count=10, width=0.9),
        *_mouth(smile),
    ]
    return placed(parts, _head_at(frame), turn=_tilt(frame))


def _eye(frame: float, side: int, gaze: float) -> list[Stroke]:
    """Eyeball, pupil, glint, lid, brow and the cheek below them."""
    lid = track(
        frame, (5, 1.0), (6, 0.85), (9, 0.06), (10, 0.25), (13, 1.05), (16, 0.9), (21, 0.88)
    )
    brow = track(frame, (1, 0), (9, 4), (13, -10), (21, -7))
    shut = 1 - lid
    middle = side * 36
    lashes = [
        (side * 58, -6 + 12 * shut),
        (side * 38, -26 * lid + 12 * shut),
        (side * 16, -8 + 15 * shut),
    ]
    hairs = [(side * 56, -36 + brow), (side * 38, -46 + brow), (side * 18, -40 + brow)]
    return [
        ellipse((middle, -2 + 8 * shut), (19, 22 * lid), "#ffffff", count=28, width=0.8),
        ellipse((middle + gaze, 8 * shut), (9, 14 * lid), "#3b2a3f", None, count=20),
        ellipse((middle + 7, -6 * lid + 8 * shut), (3, 4 * lid), "#ffffff", None, count=10),
        pen(lashes, count=14, width=1.3),
        pen(hairs, _BACK_HAIR, count=12, width=1.4),
        ellipse((side * 54, 32), (14, 8), "#efa38b", None, count=18),
    ]


def _mouth(smile: float) -> list[Stroke]:
    lips = [
        (-16 - 18 * smile, 52 - 8 * smile),
        (0, 52 + 2 * smile),
        (16 + 18 * smile, 52 - 8 * smile),
        (12 + 10 * smile, 55 + 14 * smile),
        (0, 56 + 22 * smile),
        (-12 - 10 * smile, 55 + 14 * smile),
    ]
    teeth = [
        (-10 - 14 * smile, 53.2 - 6 * smile),
        (0, 53.2 + 2 * smile),
        (10 + 14 * smile, 53.2 - 6 * smile),
        (0, 54.5 + 9 * smile),
    ]
    return [
        shape(lips, "#9b3342", count=36, width=0.8),
        shape(teeth, "#ffffff", None, count=24),
    ]


def _front_hair(frame: float) -> list[Stroke]:
    def spot(across: float, down: float, late: float) -> Point:
        turn = _tilt(frame - late) * (1 - 0.12 * late)
        return spot_on(_head_at(frame), turn, (across, down))

    locks = [
        limb(
            [
                spot(side * 76, -50, 0),
                spot(side * 94, 10, 1),
                spot(side * 98, 80, 2),
                spot(side * 88, 150, 3.2),
            ],
            (16, 17, 15, 5),
            _HAIR,
            count=22,
        )
        for side in (-1, 1)
    ]
    fringe = [
        spot(-90, -18, 0.5),
        spot(-84, -70, 0),
        spot(0, -116, 0),
        spot(84, -70, 0),
        spot(90, -18, 0.5),
        spot(60, -44, 0.5),
        spot(44, -28, 1),
        spot(18, -54, 0.5),
        spot(-8, -34, 1.2),
        spot(-30, -56, 0.5),
        spot(-58, -26, 1),
    ]
    shine = [spot(-40, -86, 0), spot(-20, -98, 0), spot(10, -102, 0)]
    clip = ellipse(spot(62, -62, 0), (13, 9), "#f2c94c", turn=_tilt(frame) + 0.6, count=22)
    return [*locks, shape(fringe, _HAIR, count=72), pen(shine, _SHINE, count=12), clip]
