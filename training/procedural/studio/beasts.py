"""Animals: on four legs, on wings, in the water, and soft ones that hop."""

from __future__ import annotations

import math

import numpy as np

from training.procedural.figure import Colour
from training.procedural.motion import ASPECT
from training.procedural.studio.actor import Actor, Cue, blinking, journey, told
from training.procedural.studio.look import darker, hsv, mixed, vivid
from training.procedural.studio.outline import arc, capsule, ellipse, ribbon, smooth
from training.procedural.studio.rig import Rig, Value
from training.procedural.words import colour_name


def quadruped(cue: Cue, ground: float, size: float) -> Actor:
    """A dog, cat or horse of sorts, `size` tall at the shoulder, feet at world height `ground`."""
    rng, look = cue.rng, cue.look
    runs = bool(rng.random() < 0.35)
    rate, stride = (1.9, 0.75) if runs else (1.1, 0.45)
    leg = float(rng.uniform(0.42, 0.7))
    unit = size / (leg + 0.35)
    way = journey(cue, 4 * leg * math.sin(stride) * rate * unit * 0.9, 0.9 * unit)
    coat = hsv(float(rng.uniform(0.02, 0.14)), float(rng.uniform(0.1, 0.75)), rng.uniform(0.3, 1))
    if rng.random() < 0.25:
        coat = vivid(rng)
    rig = cue.rig()
    root = rig.joint(None, way.x, ground, 0.0, (way.facing * unit, unit))
    bob = 0.05 * np.sin(2 * cue.turns(rate)) * (2.0 if runs else 1.0)
    body = rig.joint(root, 0.0, -leg - 0.12 + bob, cue.swing(0.06 if runs else 0.02, rate, 0.1))
    half = float(rng.uniform(0.45, 0.65))
    for x, phase in ((half - 0.12, 0.55), (-half + 0.12, 0.05)):
        _paw(rig, cue, body, x, leg, rate, stride, phase, darker(coat, 0.75), "far")
    tail = rig.joint(body, -half - 0.05, -0.08, float(rng.uniform(1.3, 2.3)))
    tail_shape = look.shape(ribbon(float(rng.uniform(0.4, 0.7)), 0.075, 0.035), coat)
    sway = (0.3, 0.3, 0.0, 3.0, cue.turns(1.5))
    rig.piece(tail, tail_shape, "tail", sway=sway)
    trunk = smooth(
        [(-half - 0.12, -0.05), (-half + 0.1, -0.27), (half - 0.1, -0.27), (half + 0.16, -0.12),
         (half + 0.05, 0.16), (0, 0.12), (-half, 0.17)]
    )  # fmt: skip
    rig.piece(body, look.shape(trunk, coat), "body")
    if rng.random() < 0.5:
        spot = mixed(coat, (250, 245, 235), 0.7)
        for _ in range(int(rng.integers(1, 4))):
            place = (float(rng.uniform(-half + 0.1, half - 0.15)), float(rng.uniform(-0.16, 0.04)))
            radii = (float(rng.uniform(0.06, 0.14)), float(rng.uniform(0.05, 0.1)))
            rig.piece(body, look.shape(ellipse(place, radii), spot, pen=0.0), "body")
    for x, phase in ((half - 0.08, 0.05), (-half + 0.05, 0.55)):
        _paw(rig, cue, body, x, leg, rate, stride, phase, coat, "near")
    _muzzle(rig, cue, body, half, rate, coat)
    noun = f"{colour_name(coat)} {'dog' if leg < 0.55 else 'horse'}"
    phrase = told(noun, "runs" if runs else "walks", (way.shift, 0.0), cue)
    return Actor("animal", tuple(rig.pieces), phrase, way.shift)


def _paw(
    rig: Rig, cue: Cue, body: int, x: float, leg: float, rate: float, stride: float, phase: float,
    coat: Colour, side: str,
) -> None:  # fmt: skip
    """One leg of two bones."""
    theta = cue.turns(rate, phase)
    thigh = -stride * np.sin(theta)
    knee = 0.1 + 1.1 * stride * np.maximum(np.cos(theta), 0.0)
    element = f"{side} {'fore' if x > 0 else 'hind'} leg"
    upper = rig.joint(body, x, 0.05, thigh)
    lower = rig.joint(upper, 0.0, leg * 0.5, knee)
    shin = capsule((0, 0), (0, leg * 0.5), 0.075, 0.06)
    rig.piece(lower, cue.look.shape(shin, coat), element)
    paw = ellipse((0.05, leg * 0.5 + 0.01), (0.1, 0.06))
    rig.piece(lower, cue.look.shape(paw, coat), element)
    upper_leg = capsule((0, -0.02), (0, leg * 0.5), 0.13, 0.08)
    rig.piece(upper, cue.look.shape(upper_leg, coat), element)


def _muzzle(rig: Rig, cue: Cue, body: int, half: float, rate: float, coat: Colour) -> None:
    """Neck and head with ears and a face."""
    look = cue.look
    neck = rig.joint(body, half, -0.15, cue.swing(0.1, rate, 0.3) + float(cue.rng.uniform(0, 0.5)))
    rig.piece(neck, look.shape(capsule((0, 0), (0.12, -0.36), 0.17, 0.13), coat), "head")
    head = rig.joint(neck, 0.16, -0.42, cue.swing(0.06, rate, 0.6))
    skull = smooth(
        [(-0.18, -0.06), (-0.04, -0.2), (0.16, -0.14), (0.36, 0.0), (0.36, 0.1), (0.1, 0.14),
         (-0.14, 0.12)]
    )  # fmt: skip
    flop = rig.joint(head, -0.08, -0.16, float(cue.rng.uniform(-2.9, 0.6)))
    ear = look.shape(ribbon(0.26, 0.08, 0.02), darker(coat, 0.7))
    rig.piece(head, look.shape(skull, coat), "head")
    rig.piece(flop, ear, "ear", sway=(0.2, 0.3, 0.0, 3.0, cue.turns(rate * 2)))
    eye = rig.joint(head, 0.07, -0.06, 0.0, (1.0, blinking(cue)))
    rig.piece(eye, look.shape(ellipse((0, 0), (0.045, 0.05)), look.ink, pen=0.0), "head")
    nose = ellipse((0.36, 0.02), (0.06, 0.05))
    rig.piece(head, look.shape(nose, (40, 34, 38), pen=0.0), "head")
    rig.piece(head, look.shape(arc((0.24, 0.04), (0.1, 0.06), 0.4, 2.2), None, closed=False,
                               pen=0.8), "head")  # fmt: skip


def bird(cue: Cue, height: float, size: float) -> Actor:
    """A bird that flaps across the sky at world height `height`, wings about `size` wide."""
    rng, look = cue.rng, cue.look
    way = journey(cue, float(rng.uniform(0.35, 0.9)), 0.7 * size)
    coat = vivid(rng) if rng.random() < 0.7 else hsv(0.6, 0.1, float(rng.uniform(0.3, 1.0)))
    rate = float(rng.uniform(1.8, 3.2))
    flap = np.sin(cue.turns(rate))
    climb = float(rng.uniform(-0.25, 0.25))
    wave = 0.25 * size * np.cos(cue.turns(rate)) * 0.3
    y = height + climb * (cue.times / cue.seconds - 0.5) + wave
    rig = cue.rig()
    tilt = math.atan2(climb, abs(way.shift)) * 0.6
    root = rig.joint(None, way.x, y, way.facing * tilt, (way.facing * size, size))
    wing = smooth([(0.16, 0.0), (0.14, -0.35), (-0.1, -0.62), (-0.34, -0.5), (-0.18, 0.02)])
    far = rig.joint(root, 0.05, -0.05, 0.25, (1.0, 0.15 + 0.85 * flap))
    rig.piece(far, look.shape(wing, darker(coat, 0.7)), "far wing")
    tail = smooth([(-0.3, 0.0), (-0.62, -0.12), (-0.68, 0.02), (-0.6, 0.12), (-0.3, 0.08)])
    rig.piece(root, look.shape(tail, darker(coat, 0.85)), "body")
    beak = smooth([(0.5, -0.16), (0.72, -0.08), (0.5, -0.02)])
    rig.piece(root, look.shape(beak, hsv(0.11, 0.85, 0.98)), "body")
    body = smooth(
        [(-0.4, 0.03), (0.0, -0.16), (0.3, -0.26), (0.54, -0.16), (0.45, 0.05), (0, 0.18)]
    )
    rig.piece(root, look.shape(body, coat), "body")
    eye = rig.joint(root, 0.4, -0.13, 0.0, (1.0, blinking(cue)))
    rig.piece(eye, look.shape(ellipse((0, 0), (0.045, 0.05)), look.ink, pen=0.0), "body")
    near = rig.joint(root, 0.05, -0.02, 0.0, (1.0, 0.1 + 0.9 * flap))
    rig.piece(near, look.shape(wing, mixed(coat, (255, 255, 255), 0.15)), "near wing")
    phrase = told(f"{colour_name(coat)} bird", "flies", (way.shift, climb), cue)
    return Actor("bird", tuple(rig.pieces), phrase, way.shift)


def butterfly(cue: Cue, height: float, size: float) -> Actor:
    """A butterfly that flutters about on a wavering path."""
    rng, look = cue.rng, cue.look
    coat = vivid(rng)
    way = journey(cue, float(rng.uniform(0.1, 0.35)), size)
    rig = cue.rig()
    y = height + cue.swing(0.05, 0.9) + cue.swing(0.03, 1.7, 0.3)
    root = rig.joint(None, way.x, y, way.facing * 0.3 + cue.swing(0.15, 0.8), size)
    opening = 0.3 + 0.7 * np.abs(np.sin(cue.turns(float(rng.uniform(1.5, 2.6)))))
    for side, name in ((-1.0, "left wing"), (1.0, "right wing")):
        wing = rig.joint(root, 0.0, 0.0, 0.0, (side * opening, 1.0))
        lower = smooth([(0.02, 0.05), (0.35, 0.1), (0.42, 0.38), (0.2, 0.45)])
        upper = smooth([(0.02, 0.05), (0.15, -0.4), (0.55, -0.52), (0.6, -0.15), (0.35, 0.1)])
        rig.piece(wing, look.shape(lower, darker(coat, 0.8)), name)
        rig.piece(wing, look.shape(upper, coat), name)
        spot = ellipse((0.4, -0.28), (0.1, 0.1))
        rig.piece(wing, look.shape(spot, mixed(coat, (255, 255, 255), 0.7), pen=0.6), name)
    rig.piece(root, look.shape(capsule((0, -0.25), (0, 0.3), 0.06, 0.04), (60, 45, 50)), "body")
    phrase = told(f"{colour_name(coat)} butterfly", "flutters", (way.shift, 0.0), cue)
    return Actor("butterfly", tuple(rig.pieces), phrase, way.shift)


def fish(cue: Cue, height: float, size: float) -> Actor:
    """A fish whose body waves as it swims; its pieces are drawn along y and turned."""
    rng, look = cue.rng, cue.look
    coat = vivid(rng)
    way = journey(cue, float(rng.uniform(0.2, 0.6)), 0.7 * size)
    rig = cue.rig()
    y = height + cue.swing(0.03, 0.4, float(rng.random()))
    root = rig.joint(None, way.x + 0.4 * size * way.facing, y, 0.0, (way.facing * size, size))
    body = rig.joint(root, 0.0, 0.0, math.pi / 2)  # y of the pieces runs towards the tail
    sway = (0.0, 0.13, 0.0, 4.0, cue.turns(float(rng.uniform(1.2, 2.2))))
    tall = float(rng.uniform(0.17, 0.32))
    tail = smooth([(-0.06, 0.72), (-0.26, 1.08), (0.0, 0.98), (0.26, 1.08), (0.06, 0.72)])
    fin = smooth([(-tall * 0.6, 0.3), (-tall - 0.2, 0.5), (-tall * 0.5, 0.66)])
    trunk = smooth([(0, 0), (-tall, 0.3), (-tall * 0.6, 0.62), (0, 0.85), (tall * 0.6, 0.62),
                    (tall, 0.3)])  # fmt: skip
    rig.piece(body, look.shape(fin, darker(coat, 0.8)), "body", sway=sway)
    rig.piece(body, look.shape(tail, darker(coat, 0.85)), "tail", sway=sway)
    rig.piece(body, look.shape(trunk, coat), "body", sway=sway)
    for y_stripe in np.arange(0.38, 0.68, 0.14) if rng.random() < 0.6 else ():
        reach = tall * (0.85 - 1.2 * (y_stripe - 0.38))
        stripe = capsule((-reach, y_stripe), (reach, y_stripe), 0.03, 0.03)
        pale = mixed(coat, (255, 255, 255), 0.75)
        rig.piece(body, look.shape(stripe, pale, pen=0.0), "body", sway=sway)
    gill = arc((0.0, 0.2), (tall * 0.5, 0.1), 0.4, 2.7)
    rig.piece(body, look.shape(gill, None, closed=False, pen=0.7), "body", sway=sway)
    rig.piece(body, look.shape(ellipse((-tall * 0.3, 0.13), (0.05, 0.05)), (250, 250, 250),
                               pen=0.6), "body", sway=sway)  # fmt: skip
    rig.piece(body, look.shape(ellipse((-tall * 0.3, 0.12), (0.028, 0.028), count=14), look.ink,
                               pen=0.0), "body", sway=sway)  # fmt: skip
    phrase = told(f"{colour_name(coat)} fish", "swims", (way.shift, 0.0), cue)
    return Actor("fish", tuple(rig.pieces), phrase, way.shift)


def slime(cue: Cue, ground: float, size: float) -> Actor:
    """A soft creature that hops with squash and stretch, `size` tall."""
    rng, look = cue.rng, cue.look
    coat = vivid(rng)
    period = float(rng.uniform(0.65, 1.1))
    moves = bool(rng.random() < 0.65)
    lift, stretch, share = hop(cue.times, period, float(rng.random()))
    way = journey(cue, float(rng.uniform(0.25, 0.6)) if moves else 0.0, 0.6 * size)
    x: Value = way.x
    if moves:  # it travels in the air only
        whole = np.floor(share) + np.clip((share % 1.0 - 0.3) / 0.7, 0.0, 1.0)
        whole = (whole - whole[0]) / max(share[-1] - share[0], 1e-6)
        x = way.x[0] + way.shift * whole
    elif not 0.6 * size < way.x[0] < ASPECT - 0.6 * size:
        x = float(rng.uniform(0.6 * size, ASPECT - 0.6 * size))
    rig = cue.rig()
    up = ground - lift * size * float(rng.uniform(0.5, 1.1))
    root = rig.joint(None, x, up, 0.0, (way.facing * size / stretch, size * stretch))
    body = smooth([(-0.5, -0.02), (-0.46, -0.5), (-0.2, -0.93), (0.2, -0.93), (0.46, -0.5),
                   (0.5, -0.02), (0, 0.04)])  # fmt: skip
    if rng.random() < 0.5:
        for side in (-0.22, 0.22):
            ear = ellipse((side, -1.0), (0.1, 0.2), side)
            rig.piece(root, look.shape(ear, darker(coat, 0.9)), "ears")
    rig.piece(root, look.shape(body, coat), "body")
    belly = ellipse((0.06, -0.25), (0.26, 0.2))
    rig.piece(root, look.shape(belly, mixed(coat, (255, 255, 255), 0.5), pen=0.0), "body")
    opening = blinking(cue)
    for side in (-0.1, 0.24):
        eye = rig.joint(root, side, -0.6, 0.0, (1.0, opening))
        rig.piece(eye, look.shape(ellipse((0, 0), (0.11, 0.13)), (252, 252, 252), pen=0.8), "body")
        rig.piece(eye, look.shape(ellipse((0.03, 0.02), (0.05, 0.07)), look.ink, pen=0), "body")
    smile = arc((0.08, -0.42), (0.14, 0.1), 0.3, 2.84)
    rig.piece(root, look.shape(smile, None, closed=False, pen=0.9), "body")
    phrase = told(f"{colour_name(coat)} slime", "hops", (float(np.ptp(x)) * way.facing, 0.0), cue)
    return Actor("creature", tuple(rig.pieces), phrase, way.shift)


def hop(
    times: np.ndarray, period: float, phase: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Height 0..1, height factor and progress in hops of something that bounces, each [frames].

    A third of a period it lies squashed on the ground, then it flies on a parabola.
    """
    share = times / period + phase
    u = share % 1.0
    air = np.clip((u - 0.3) / 0.7, 0.0, 1.0)
    lift = 4 * air * (1 - air)
    stretch = np.where(
        u < 0.3, 1 - 0.32 * np.sin(math.pi * u / 0.3), 1 + 0.2 * np.sin(2 * math.pi * air) ** 2
    )
    return lift, stretch, share
