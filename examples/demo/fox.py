"""The demo's character: a fox who jumps for a ball, drawn from a pose so that keys correspond.

Called by `scene` and by tests. Every pose gives the same strokes with the same number of points
in the same order; that is what lets the engine follow stroke by stroke.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .ink import (
    CAP_POINTS,
    Dots,
    Stroke,
    curve,
    outline,
    path,
    pen,
    rotated,
    shape,
    tube,
    tube_outline,
)

INK = "#3a2230"
FUR = "#e8843c"
FUR_FAR = "#c9682f"
CREAM = "#fbeed6"
DARK = "#55303a"
DARK_FAR = "#432530"
SCARF = "#2f9c95"
SCARF_DARK = "#23787a"
BLUSH = "#ee5f4a66"
SHADOW = "#2e4a4a55"

Dot = tuple[float, float]


@dataclass(frozen=True)
class Pose:
    """Where the fox's parts are, in pixels of the 512x320 frame; angles in radians."""

    neck: Dot
    hip: Dot
    head: Dot
    tilt: float
    plump: float
    far_hand: tuple[Dot, Dot]
    near_hand: tuple[Dot, Dot]
    far_foot: tuple[Dot, Dot, Dot]
    near_foot: tuple[Dot, Dot, Dot]
    scarf: tuple[Dot, Dot, Dot]
    ears: float
    mouth: float
    gaze: Dot
    shadow: tuple[float, float]


CROUCH = Pose(
    neck=(222, 196),
    hip=(203, 238),
    head=(231, 170),
    tilt=-0.20,
    plump=1.12,
    far_hand=((246, 226), (262, 214)),
    near_hand=((196, 226), (176, 216)),
    far_foot=((228, 246), (224, 264), (240, 267)),
    near_foot=((212, 256), (192, 264), (209, 268)),
    scarf=((196, 197), (178, 199), (160, 210)),
    ears=-0.28,
    mouth=0.35,
    gaze=(1.8, -1.6),
    shadow=(214, 46),
)
LEAP = Pose(
    neck=(243, 133),
    hip=(222, 182),
    head=(256, 105),
    tilt=-0.34,
    plump=0.92,
    far_hand=((287, 108), (293, 78)),
    near_hand=((214, 128), (198, 101)),
    far_foot=((240, 204), (226, 224), (238, 232)),
    near_foot=((212, 212), (192, 232), (199, 244)),
    scarf=((216, 148), (198, 164), (184, 186)),
    ears=0.30,
    mouth=1.0,
    gaze=(1.6, -2.0),
    shadow=(222, 26),
)


@dataclass(frozen=True)
class TailPose:
    """The tail's spine, from the hip to the tip."""

    spine: tuple[Dot, Dot, Dot, Dot, Dot]


TAIL_KEYS = {
    1: TailPose(((196, 240), (172, 251), (148, 242), (138, 216), (148, 190))),
    5: TailPose(((201, 227), (176, 241), (148, 240), (124, 224), (114, 198))),
    9: TailPose(((207, 212), (183, 227), (156, 235), (127, 231), (102, 214))),
    13: TailPose(((212, 198), (190, 215), (166, 230), (138, 240), (108, 240))),
    17: TailPose(((218, 184), (198, 202), (178, 222), (156, 244), (130, 259))),
}


def fox(pose: Pose) -> list[Stroke]:
    """All strokes of the fox without its tail, in painting order."""
    return [
        _shadow(pose),
        *_leg(pose, pose.far_foot, far=True),
        *_arm(pose, pose.far_hand, far=True),
        *_scarf_end(pose),
        *_body(pose),
        *_leg(pose, pose.near_foot, far=False),
        *_head(pose),
        *_scarf_band(pose),
        *_arm(pose, pose.near_hand, far=False),
    ]


def _shadow(pose: Pose) -> Stroke:
    x, half = pose.shadow
    angle = np.linspace(0.0, 2 * np.pi, 32, endpoint=False)
    points = np.stack([x + half * np.cos(angle), 268 + half * 0.13 * np.sin(angle)], axis=1)
    return outline(points, SHADOW, None)


def _axis(pose: Pose) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    neck, hip = np.asarray(pose.neck, float), np.asarray(pose.hip, float)
    down = hip - neck
    length = float(np.linalg.norm(down))
    down = down / length
    return neck, down * length, np.array([-down[1], down[0]]) * -1.0


def _along(pose: Pose, table: Dots) -> Dots:
    """Body coordinates (0 neck .. 1 hip; pixels to the front) as picture points."""
    neck, down, front = _axis(pose)
    points = [neck + down * v + front * side * pose.plump for v, side in table]
    return [(float(x), float(y)) for x, y in points]


def _body(pose: Pose) -> list[Stroke]:
    back = path("-0.1,-8 0.25,-14 0.65,-20 1,-20 1.3,-11")
    front = path("1.36,2 1.22,15 0.92,21 0.55,18 0.2,13 -0.1,8")
    belly = path("0.12,0 0.45,-2 0.85,0 1.14,7 1.16,13 0.92,19 0.55,16 0.2,11")
    return [
        shape(_along(pose, back + front), FUR, INK, count=72),
        shape(_along(pose, belly), CREAM, None, count=48),
    ]


def _leg(pose: Pose, foot: tuple[Dot, Dot, Dot], *, far: bool) -> list[Stroke]:
    hip = _along(pose, [(1.02, 7.0 if far else -6.0)])[0]
    knee, heel, toe = foot
    spine = [hip, knee, heel]
    fur, dark = (FUR_FAR, DARK_FAR) if far else (FUR, DARK)
    sole = tube(
        [heel, ((heel[0] + toe[0]) / 2, (heel[1] + toe[1]) / 2), toe], [6.5, 7.2, 6.2], dark, INK
    )
    return [
        tube(spine, [13, 10, 7], fur, INK),
        tube(spine, [13, 10, 7], dark, None, part=(0.72, 1.0), grow=-0.6),
        sole,
    ]


def _arm(pose: Pose, hand: tuple[Dot, Dot], *, far: bool) -> list[Stroke]:
    shoulder = _along(pose, [(0.16, 8.0 if far else -7.0)])[0]
    spine = [shoulder, *hand]
    widths = [6.2, 6.0, 7.4]
    fur, dark = (FUR_FAR, DARK_FAR) if far else (FUR, DARK)
    return [
        # The sleeve ends inside the paw, so that no rim shows where the two turn differently.
        tube(spine, widths, fur, INK, part=(0.0, 0.82)),
        tube(spine, widths, dark, INK, part=(0.70, 1.0), grow=0.2),
    ]


def _head_points(pose: Pose, dots: Dots) -> Dots:
    turned = rotated(np.asarray(dots, float), pose.tilt) + np.asarray(pose.head, float)
    return [(float(x), float(y)) for x, y in turned]


_SKULL = path(
    "-2,-27 14,-25 27,-14 33,1 42,15 28,19 16,26 3,28 -12,26 -25,19 -40,15 -32,1 -28,-13 -17,-24"
)
_MASK = path(
    "-39,14.5 -26,6 -13,6 -4,11 2,4 8,0 15,3 21,9 30,5 41,14.5 27.5,18 16,25 3,27 -12,25 -25,18"
)


def _head(pose: Pose) -> list[Stroke]:
    return [
        *_ear(pose, left=True),
        *_ear(pose, left=False),
        shape(_head_points(pose, _SKULL), FUR, INK, count=140),
        shape(_head_points(pose, _MASK), CREAM, None, count=140),
        *_face(pose),
    ]


def _ear(pose: Pose, *, left: bool) -> list[Stroke]:
    root = np.array([-18.0, -19.0] if left else [18.0, -19.0])
    lean = (-0.26 if left else 0.26) + pose.ears * (-1.0 if left else 0.55)

    def placed(dots: Dots) -> Dots:
        return _head_points(pose, [tuple(p) for p in rotated(np.asarray(dots, float), lean) + root])

    whole = path("-12,4 -10,-14 -1,-34 1,-34 10,-15 12,4 0,8")
    inner = path("-6,2 -5,-10 0,-23 5.5,-11 7,2")
    tip = path("-6.6,-20 -1,-33.5 1,-33.5 6.8,-20 3,-23 0,-19 -3,-23")
    return [
        shape(placed(whole), FUR, INK, count=96),
        shape(placed(inner), "#f4b896", None, count=64),
        shape(placed(tip), DARK, None, count=64),
    ]


def _round(pose: Pose, centre: Dot, size: Dot, fill: str, line: str | None = None) -> Stroke:
    angle = np.linspace(0.0, 2 * np.pi, 24, endpoint=False)
    ring = [(centre[0] + size[0] * np.cos(a), centre[1] + size[1] * np.sin(a)) for a in angle]
    return outline(np.asarray(_head_points(pose, ring)), fill, line, width=0.7)


def _face(pose: Pose) -> list[Stroke]:
    gx, gy = pose.gaze
    strokes = [_round(pose, (-24, 10), (6.5, 4), BLUSH), _round(pose, (30, 10), (5.5, 4), BLUSH)]
    for x, half in ((-10.0, 5.4), (21.0, 4.9)):
        strokes += [
            _round(pose, (x, -3), (half, 8.2), INK),
            _round(pose, (x + gx, -3 + 2.0 * gy), (2.1, 2.6), "#ffffff"),
            _round(pose, (x - 1.2, 1.6), (1.2, 1.4), "#ffffffb0"),
        ]
    brow_lift = -1.5 - 2.0 * pose.mouth
    brows = [
        [(-18, -13 + brow_lift), (-12, -17 + brow_lift), (-5, -15 + brow_lift)],
        [(17, -15 + brow_lift), (23, -16.5 + brow_lift), (28, -12 + brow_lift)],
    ]
    strokes += [pen(_head_points(pose, brow), INK, count=14, width=1.25) for brow in brows]
    return [*strokes, *_muzzle(pose)]


def _muzzle(pose: Pose) -> list[Stroke]:
    drop = 5.0 + 8.0 * pose.mouth
    mouth = [
        (-3, 14),
        (3, 16),
        (8, 14.5),
        (13, 16),
        (19, 13.5),
        (16, 14 + 0.75 * drop),
        (8, 14 + drop),
        (0, 14.5 + 0.7 * drop),
    ]
    tongue = [
        (2, 14 + 0.72 * drop),
        (8, 14 + 0.5 * drop),
        (13.5, 14 + 0.72 * drop),
        (12, 14 + 0.9 * drop),
        (8, 13.6 + drop),
        (3.4, 14 + 0.9 * drop),
    ]
    return [
        shape(_head_points(pose, mouth), "#8a2f3c", INK, count=40, width=0.8),
        shape(_head_points(pose, tongue), "#ef7f7a", None, count=24),
        shape(
            _head_points(pose, path("2,5 8,2.6 14,5 11,9.4 8,10.4 5,9.4")),
            INK,
            None,
            count=24,
        ),
        pen(
            _head_points(pose, [(4.4, 5), (6.6, 4.2), (8.6, 4.3)]), "#ffffffc0", count=8, width=0.7
        ),
    ]


def _scarf_band(pose: Pose) -> list[Stroke]:
    left = _along(pose, [(-0.02, -12.5)])[0]
    low = _along(pose, [(0.20, 1.0)])[0]
    right = _along(pose, [(-0.02, 13.5)])[0]
    spine = [left, low, right]
    fold = curve(spine, 20) + np.array([0.0, 1.0])
    return [
        tube(spine, [6.0, 7.2, 6.0], SCARF, INK),
        pen([tuple(p) for p in fold[3:15]], SCARF_DARK, count=16, width=1.1),
    ]


def _scarf_end(pose: Pose) -> list[Stroke]:
    start = _along(pose, [(0.02, -10.0)])[0]
    spine = [start, *pose.scarf]
    widths = [5.0, 6.5, 8.0, 9.0]
    return [
        tube(spine, widths, SCARF, INK),
        outline(_stripe(spine, widths, 0.66), CREAM, None),
        outline(_stripe(spine, widths, 0.82), CREAM, None),
    ]


def _stripe(spine: Dots, widths: Sequence[float], at: float) -> np.ndarray:
    part = (at, at + 0.07)
    return tube_outline(spine, widths, part=part, grow=-0.9, count=6, round_ends=False)


_TIP_SIDE = 24  # points along each side of the cream tip
_TIP_POINTS = 2 * _TIP_SIDE + CAP_POINTS  # up to where the jagged edge begins
_TAIL_WIDTHS = (6.0, 12.5, 18.0, 15.5, 2.0)


def tail(pose: TailPose) -> list[Stroke]:
    """The painted tail: fur, a cream tip with a jagged edge."""
    whole = tube_outline(pose.spine, _TAIL_WIDTHS, count=40)
    return [outline(whole, FUR, INK), _tail_tip(pose), outline(whole, "#00000000", INK)]


def _tail_tip(pose: TailPose) -> Stroke:
    tip = tube_outline(pose.spine, _TAIL_WIDTHS, part=(0.66, 1.0), grow=-0.3, count=_TIP_SIDE)
    spine = curve(pose.spine, 200)
    at, ahead = spine[132], spine[140] - spine[132]
    ahead = ahead / np.linalg.norm(ahead)
    side = np.array([ahead[1], -ahead[0]])
    jag = [at + side * (-12 + 6 * i) + ahead * (9.0 if i % 2 else -1.0) for i in range(5)]
    return outline(np.concatenate([tip[:_TIP_POINTS], np.asarray(jag)]), CREAM, None)


def tail_rough(pose: TailPose, colour: str) -> list[Stroke]:
    """The animator's pencil for one in-between: the tail's contour and the edge of its tip."""
    whole = tube_outline(pose.spine, _TAIL_WIDTHS, count=40)
    closed = np.concatenate([whole, whole[:1]])
    tip = _tail_tip(pose).points
    edge = tip[_TIP_POINTS - 1 :]
    thin = Stroke(closed, np.full(len(closed), 0.8), colour, None, cyclic=False)
    return [thin, Stroke(edge, np.full(len(edge), 0.6), colour, None, cyclic=False)]
