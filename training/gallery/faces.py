"""A child's head that turns, nods, blinks and talks: features ride on a ball. For `people`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .ink import INK, Stroke, closed, curve, ellipse, limb, pen, shape

SKIN, HAIR, HAIR_DARK, BLUSH = "#f4c7a1", "#b5562f", "#8f3f24", "#ee967c"
ACROSS, DOWN = 128.0, 136.0


@dataclass(frozen=True)
class Look:
    """How a face is held. Angles in radians; `lids` 0 open, 1 shut; mouth 0..1 open and wide."""

    yaw: float = 0.0
    pitch: float = 0.0
    lids: float = 0.0
    mouth_open: float = 0.0
    mouth_wide: float = 0.5
    brows: float = 0.0


def spot(look: Look, longitude: float, latitude: float) -> tuple[float, float, float]:
    """Where a place on the head is seen, and how narrow things look there."""
    around = float(np.clip(longitude + look.yaw, -1.5, 1.5))
    up = latitude + look.pitch
    return (
        ACROSS * math.sin(around) * math.cos(latitude),
        -DOWN * math.sin(up),
        max(0.12, math.cos(around)),
    )


def head(look: Look) -> list[Stroke]:
    """Ears, skull, cheeks and nose around the origin; no hair, eyes or mouth."""
    shift = 16 * math.sin(look.yaw)
    ears = [
        ellipse(
            (side * 126 - shift, 12 + 20 * look.pitch),
            (22 + side * -9 * math.sin(look.yaw), 30),
            SKIN,
            turn=side * 0.15,
        )
        for side in (-1, 1)
    ]
    skull = shape(
        [
            (-124, -30),
            (-60, -124),
            (60, -124),
            (124, -30),
            (112, 54),
            (56 + shift, 122),
            (shift, 136),
            (-56 + shift, 122),
            (-112, 54),
        ],
        SKIN,
        count=64,
    )
    cheeks = [_patch(look, side * 0.52, -0.36, (24, 14), BLUSH) for side in (-1, 1)]
    x, y, _ = spot(look, 0.0, -0.12)
    lean = 9 * math.sin(look.yaw)
    nose = pen([(x - 8, y - 2), (x + lean * 1.4, y + 9), (x + 9, y)], count=12)
    return [*ears, skull, *cheeks, nose]


def _patch(
    look: Look, longitude: float, latitude: float, size: tuple[float, float], fill: str
) -> Stroke:
    x, y, narrow = spot(look, longitude, latitude)
    return ellipse((x, y), (size[0] * narrow, size[1]), fill, None)


def eyes(look: Look) -> list[Stroke]:
    """Both eyes with lids and brows."""
    strokes: list[Stroke] = []
    for side in (-1, 1):
        x, y, narrow = spot(look, side * 0.36, 0.06)
        open_px = 23 * (1 - look.lids) + 1.2
        wide = 20 * narrow
        gaze = 6 * math.sin(look.yaw)
        sunk = y + 20 * look.lids
        strokes += [
            ellipse((x, sunk), (wide, open_px), "#fffdf6", INK, width=0.8),
            ellipse((x + gaze, sunk), (14 * narrow, min(17, open_px)), "#3f7d62", None),
            ellipse((x + gaze, sunk), (8.5 * narrow, min(11, open_px)), INK, None),
            ellipse(
                (x + gaze - 3, sunk - 0.3 * open_px),
                (3 * narrow, 0.13 * open_px),
                "#ffffff",
                None,
                count=12,
            ),
            pen(
                [
                    (x - wide - 3, sunk - 0.15 * open_px),
                    (x, sunk - open_px - 1),
                    (x + wide + 4, sunk - 0.2 * open_px),
                ],
                count=20,
                width=1.7,
            ),
        ]
        bx, by, _ = spot(look, side * 0.38, 0.40)
        lift = -10 * look.brows
        strokes.append(
            pen(
                [
                    (bx - 24 * narrow, by + lift + 5),
                    (bx, by + lift - 5),
                    (bx + 24 * narrow, by + lift + 5),
                ],
                HAIR_DARK,
                width=2.2,
                count=16,
            )
        )
    return strokes


def mouth(look: Look) -> list[Stroke]:
    """Lips as one closed shape with tongue and teeth; nearly a line where it is shut."""
    x, y, narrow = spot(look, 0.0, -0.48)
    wide = (20 + 26 * look.mouth_wide) * narrow
    drop = 2.5 + 46 * look.mouth_open
    smile = 9 * look.mouth_wide
    lips = [
        (x - wide, y - smile),
        (x - 0.5 * wide, y - 0.08 * drop),
        (x, y),
        (x + 0.5 * wide, y - 0.08 * drop),
        (x + wide, y - smile),
        (x + 0.62 * wide, y + 0.75 * drop),
        (x, y + drop),
        (x - 0.62 * wide, y + 0.75 * drop),
    ]
    low = y + 0.78 * drop
    return [
        shape(lips, "#7d2c3a", INK, count=48),
        ellipse((x, low), (0.42 * wide, max(0.8, 0.16 * drop)), "#e8746f", None),
        ellipse((x, y + 0.12 * drop), (0.46 * wide, max(0.6, 0.07 * drop)), "#fffaf0", None),
    ]


def fringe(look: Look) -> list[Stroke]:
    """Hair on top of the head, parted, with three strands."""
    edge = [
        (-1.5, 0.0),
        (-1.02, 0.42),
        (-0.66, 0.30),
        (-0.30, 0.62),
        (0.06, 0.46),
        (0.5, 0.72),
        (0.86, 0.44),
        (1.16, 0.40),
        (1.5, 0.0),
    ]
    low = [spot(look, lon, lat)[:2] for lon, lat in edge]
    angle = np.linspace(0.05, np.pi - 0.05, 22)
    top = np.stack([140 * np.cos(angle), -146 * np.sin(angle) - 2], axis=1)
    ring = np.concatenate([curve(low, 42), top])
    cap = closed(ring, HAIR)
    strands = [
        pen(
            [
                spot(look, lon, 1.25)[:2],
                spot(look, lon * 1.5, 0.98)[:2],
                spot(look, lon * 1.7, 0.78)[:2],
            ],
            HAIR_DARK,
            count=14,
        )
        for lon in (-0.5, 0.0, 0.5)
    ]
    return [cap, *strands]


def bust(lean: float = 0.0) -> list[Stroke]:
    """Neck and shoulders in a striped jumper below a head at the origin."""
    jumper = shape(
        [
            (-46, 142),
            (-110, 168),
            (-170, 230),
            (-190, 420),
            (190, 420),
            (170, 230),
            (110, 168),
            (46, 142),
            (0, 160),
        ],
        "#4a7fa8",
        count=70,
    )
    stripes = [
        pen(
            [(-168 + 8 * i, 236 + 62 * i), (0, 262 + 62 * i), (168 - 8 * i, 236 + 62 * i)],
            "#f1e6cf",
            width=5.0,
            count=24,
        )
        for i in (0, 1)
    ]
    neck = limb([(lean, 96), (0, 158)], (38, 40), SKIN, count=12)
    collar = limb([(-50, 146), (0, 168), (50, 146)], (12, 13, 12), "#f1e6cf")
    return [neck, jumper, *stripes, collar]
