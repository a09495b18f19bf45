"""Shots where lines come and go: a fist opens, a door lets somebody out. Called by `shots`."""

from __future__ import annotations

import math

from . import scenery
from .ink import INK, Stroke, boxy, ellipse, limb, pen, placed, shape
from .joints import Point, along, two_bones
from .moves import ease, mix, span, track
from .shot import GalleryLayer, GalleryShot

_SKIN, _CREASE = "#f2c7a0", "#a8714f"


def hand_shot() -> GalleryShot:
    """A fist opens finger by finger."""
    keys = (1, 5, 9, 13, 17)
    return GalleryShot(
        "hand",
        "A fist opens",
        "Fingers unfold one after another, the thumb goes aside, the palm's creases appear at "
        "frame 8: strokes of a key that the one before does not have. Roughs at frames 7 and 11.",
        (
            GalleryLayer("sky", lambda _: scenery.evening(), (1,), background=True),
            GalleryLayer("hand", _hand, keys, rough=(7, 11)),
        ),
        corresponds=False,
    )


def _hand(frame: float) -> list[Stroke]:
    at = 480, 330 + track(frame, (1, 0), (3, 8), (11, -14), (17, -8))
    tilt = track(frame, (1, 0), (3, 0.04), (11, -0.06), (17, -0.03))
    arm = [
        limb([(0, 160), (0, 60)], (46, 42), _SKIN, count=14),
        limb([(0, 260), (0, 130)], (62, 58), "#6d5fa8", count=14),
    ]
    fingers = [_finger(frame, number) for number in range(4)]
    lower, upper = zip(*fingers, strict=True)
    parts = [*lower, _palm(), *_creases(frame), *upper, _thumb(frame)]
    return [*placed(arm, at), *placed(parts, at, turn=tilt)]


def _palm() -> Stroke:
    edge = [
        (-62, -58),
        (-30, -68),
        (30, -68),
        (62, -58),
        (70, 0),
        (52, 62),
        (0, 74),
        (-50, 62),
        (-70, 0),
    ]
    return shape(edge, _SKIN, count=48)


def _finger(frame: float, number: int) -> tuple[Stroke, Stroke]:
    """A finger's lowest bone, and the two above it that a fist folds in front of the palm."""
    length = (118, 136, 130, 104)[number]
    late = 0.9 * (3 - number)
    fold = 1 - ease(span(frame, 3 + late, 11 + late)) + (0.04 if frame < 3 else 0)
    opened = track(frame, (1, 0.0), (5, 0.1), (13, 1.15), (17, 1.0))
    fan = math.radians((-20, -6, 7, 21)[number]) * opened
    joints = [(-49 + 32.5 * number, -56.0 - (4, 10, 8, 0)[number])]
    for share, bend in ((0.42, 95), (0.33, 185), (0.25, 262)):
        seen = share * length * math.cos(math.radians(bend * fold))
        x, y = joints[-1]
        joints.append((x + seen * math.sin(fan), y - seen * math.cos(fan)))
    root, knuckle, middle, tip = joints
    # A bone that points at the viewer has no length; what is seen of it is its round end.
    folded = [knuckle, (tip[0], tip[1] + 6)]
    spine = [knuckle, middle, tip] if abs(tip[1] - knuckle[1]) > 6 else folded
    return (
        limb([(root[0], root[1] + 8), knuckle], (16.5, 16), _SKIN, count=12),
        limb(spine, (16, 15, 13.5), _SKIN, count=14),
    )


def _thumb(frame: float) -> Stroke:
    turn = math.radians(
        track(frame, (1, -8), (3, -4), (6, -60), (11, -142), (13, -150), (17, -144))
    )
    length = track(frame, (1, 92), (6, 84), (11, 104), (17, 100))
    root = -46, 26
    spine = [root, along(root, 0.5 * length, turn - 0.25), along(root, length, turn + 0.15)]
    return limb(spine, (22, 18, 14), _SKIN, count=20)


def _creases(frame: float) -> list[Stroke]:
    if frame < 8:
        return []
    opened = ease(span(frame, 7, 13))
    heart = [(-40, -20), (-35 + 40 * opened, -34), (-35 + 85 * opened, -26)]
    life = [(-20, 50), (-13, 50 - 40 * opened), (-40, 40 - 60 * opened)]
    return [pen(line, _CREASE, count=12, width=0.8) for line in (heart, life)]


def door_shot() -> GalleryShot:
    """A door opens towards the viewer and somebody steps out."""
    keys = (1, 6, 11, 16, 21)
    return GalleryShot(
        "door",
        "A door opens",
        "The door swings until it is seen almost from its edge; fingers hold on to that for seven "
        "frames, so that one key alone has them. Somebody walks out from behind it. Keys only.",
        (
            GalleryLayer("wall", lambda _: _wall(), (1,), background=True),
            GalleryLayer("figure", _figure, keys),
            GalleryLayer("door", _door, keys),
        ),
        end=21,
        corresponds=False,
    )


def _wall() -> list[Stroke]:
    return [
        *scenery.court(),
        boxy([(384, 112), (576, 112), (576, 448), (384, 448)], "#8a5a3c"),
        boxy([(400, 128), (560, 128), (560, 448), (400, 448)], "#2f2740"),
    ]


def _door(frame: float) -> list[Stroke]:
    angle = math.radians(track(frame, (1, 0), (4, 4), (11, 58), (16, 80), (21, 76)))

    def panel(inset: float, top: float, bottom: float, fill: str) -> Stroke:
        ends = ((inset, top), (1 - inset, top), (1 - inset, bottom), (inset, bottom))
        return boxy([_on_door(angle, *end) for end in ends], fill)

    knob = 7 * max(math.cos(angle), 0.45), 8.0
    return [
        panel(0, 0, 1, "#c8553d"),
        panel(0.16, 0.08, 0.46, "#a9432f"),
        panel(0.16, 0.54, 0.92, "#a9432f"),
        ellipse(_on_door(angle, 0.91, 0.52), knob, "#f2c94c", count=20),
        *_fingers(frame, angle),
    ]


def _on_door(angle: float, across: float, down: float) -> Point:
    """A place on the open door: `across` 0 hinge to 1 edge, `down` 0 top to 1 floor."""
    near = across * math.sin(angle)
    x = 400 + 160 * across * math.cos(angle) - 26 * near
    return x, 288 + (down - 0.5) * 320 * (1 + 0.26 * near) + 6 * near


def _fingers(frame: float, angle: float) -> list[Stroke]:
    if not 7 <= frame <= 13:
        return []
    grip = 18 * min(ease(span(frame, 6, 9)), 1 - ease(span(frame, 11, 14)))
    fingers: list[Stroke] = []
    for number in range(3):
        x, y = _on_door(angle, 1, 0.34 + 0.035 * number)
        spine = [(x + 6, y), (x + 6 - grip, y + 2)]
        fingers.append(limb(spine, (5.5, 5), _SKIN, count=10, width=0.8))
    return fingers


def _figure(frame: float) -> list[Stroke]:
    """Somebody in a yellow coat, two steps; drawn around a spot on the floor, then made to size."""
    x = track(frame, (1, 478), (5, 480), (11, 520), (16, 604), (21, 640))
    size = track(frame, (1, 0.86), (5, 0.87), (16, 1.06), (21, 1.1))
    ground = mix(446, 486, span(size, 0.86, 1.1))
    steps = tuple(math.sin(math.pi * ease(span(frame, *step))) for step in ((6, 12), (12, 19)))
    hip = -118 + 5 * steps[0] + 5 * steps[1]
    lean = 80 * track(frame, (1, 0), (8, 0.1), (15, 0.07), (21, 0))
    swing = track(frame, (1, 0), (6, -6), (11, 34), (16, -28), (21, 0))
    nod = track(frame - 1, (1, 0), (9, -0.12), (14, 0.1), (21, 0))
    shoulder = lean, hip - 74
    far_hand, far_arm = _sleeve(shoulder, -0.9 * swing, "#c99a2e")
    near_hand, near_arm = _sleeve(shoulder, 0.9 * swing, "#e6b740")
    parts = [
        far_hand,
        far_arm,
        *_leg((-swing - 12, -8 - 16 * steps[1]), hip, "#38507e"),
        *_leg((swing + 12, -8 - 16 * steps[0]), hip, "#4a679e"),
        _coat(lean, hip),
        *placed(_face(), (1.5 * lean + 4, hip - 118), turn=nod),
        near_hand,
        near_arm,
    ]
    return placed(parts, (x, ground), size=(size, size))


def _sleeve(shoulder: Point, swing: float, fill: str) -> tuple[Stroke, Stroke]:
    """A hand and the arm that ends in it."""
    x, y = shoulder[0] + swing, shoulder[1]
    arm = two_bones(shoulder, (x, y + 72), 40, 40, 1.0)
    return ellipse((x, y + 74), (9, 9), _SKIN), limb(arm, (11, 10, 9), fill)


def _leg(foot: Point, hip: float, fill: str) -> list[Stroke]:
    x, y = foot
    shoe = [(x - 12, y - 8), (x + 10, y - 8), (x + 28, y + 6), (x - 13, y + 7)]
    bones = two_bones((0, hip), (x, y - 4), 54.5, 54.5, -1.0)
    return [shape(shoe, "#3d3145", count=24), limb(bones, (15, 13, 11), fill)]


def _coat(lean: float, hip: float) -> Stroke:
    edge = [
        (lean - 24, hip - 86),
        (lean + 22, hip - 86),
        (28, hip - 30),
        (32, hip + 16),
        (0, hip + 20),
        (-32, hip + 16),
        (-28, hip - 30),
    ]
    return shape(edge, "#e6b740")


def _face() -> list[Stroke]:
    hair = [
        (-32, -2),
        (-30, -30),
        (0, -42),
        (28, -30),
        (32, -8),
        (10, -18),
        (-14, -14),
        (-24, 6),
    ]
    return [
        ellipse((0, 0), (30, 31), _SKIN, count=32),
        shape(hair, "#4a3328", count=36),
        ellipse((9, 2), (3.5, 6), INK, None, count=14),
        ellipse((22, 2), (3, 6), INK, None, count=14),
        pen([(8, 15), (15, 18), (22, 14)], count=10),
        shape([(27, 2), (38, 8), (28, 11)], _SKIN, count=14, width=0.8),
    ]
