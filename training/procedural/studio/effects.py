"""Effects animation: smoke, sparks, fire, water, rain, falling leaves; each as one layer."""

from __future__ import annotations

import math

import numpy as np

from training.procedural.motion import ASPECT
from training.procedural.studio.actor import Actor, Cue
from training.procedural.studio.look import hsv, mixed, vivid
from training.procedural.studio.outline import capsule, cloud, ellipse, smooth
from training.procedural.words import colour_name


def smoke(cue: Cue, ground: float, size: float) -> Actor:
    """Puffs that rise from a place, swell, drift and shrink away."""
    rng, look = cue.rng, cue.look
    x = float(rng.uniform(0.25, ASPECT - 0.25))
    drift, tone = float(rng.uniform(-0.25, 0.25)), float(rng.uniform(0.45, 0.97))
    colour = hsv(float(rng.random()), float(rng.uniform(0.0, 0.12)), tone)
    life = float(rng.uniform(0.9, 1.6))
    rig = cue.rig()
    count = max(5, round((cue.seconds + life) / 0.22))
    for number in range(count):
        age = (cue.times + life - number * 0.22) / life
        shown = (age > 0) & (age < 1)
        if not shown.any():
            continue
        u = np.clip(age, 0.0, 1.0)
        grown = size * (0.25 + 0.75 * np.sqrt(u)) * np.clip((1 - u) / 0.25, 0.0, 1.0) ** 0.5
        wander = float(rng.uniform(-0.07, 0.07))
        joint = rig.joint(
            None, x + (drift + wander) * u, ground - 0.75 * u, float(rng.uniform(-0.4, 0.4)) * u,
            0.55 * np.maximum(grown, 1e-4),
        )  # fmt: skip
        puff = cloud(rng, (0, 0), (0.5, 0.5), int(rng.integers(5, 8)))
        rig.piece(joint, look.shape(puff, colour, pen=0.8), f"puff {number + 1}", shown=shown)
    side = "to the right" if drift > 0 else "to the left"
    phrase = f"{colour_name(colour)} smoke rises and drifts {side}"
    return Actor("smoke", tuple(rig.pieces), phrase)


def sparks(cue: Cue, ground: float, size: float) -> Actor:
    """Glowing streaks that burst from a place and fall."""
    rng, look = cue.rng, cue.look
    x = float(rng.uniform(0.3, ASPECT - 0.3))
    colour = hsv(float(rng.uniform(0.08, 0.16)), 0.7, 1.0)
    rig = cue.rig()
    for number in range(int(rng.integers(14, 26))):
        birth = float(rng.uniform(-0.4, 0.85)) * cue.seconds
        life = float(rng.uniform(0.45, 0.9))
        age = cue.times - birth
        shown = (age > 0) & (age < life)
        if not shown.any():
            continue
        heading = -math.pi / 2 + float(rng.normal(0, 0.7))
        speed = float(rng.uniform(0.5, 1.1))
        vx, vy = speed * math.cos(heading), speed * math.sin(heading) + 1.1 * age
        fade = np.clip((life - age) / life, 0.05, 1.0)
        y = ground + speed * math.sin(heading) * age + 0.55 * age * age
        turn = np.arctan2(vy, vx)
        joint = rig.joint(None, x + vx * age, y, turn, size * 0.32 * fade)
        streak = capsule((-0.45, 0.0), (0.3, 0.0), 0.04, 0.16)
        rig.piece(joint, look.shape(streak, colour, pen=0.4), f"spark {number + 1}", shown=shown)
    return Actor("sparks", tuple(rig.pieces), "yellow sparks burst out and fall")


def fire(cue: Cue, ground: float, size: float) -> Actor:
    """Flames in three colours that lick upwards; `size` tall."""
    rng, look = cue.rng, cue.look
    x = float(rng.uniform(0.3, ASPECT - 0.3))
    hue = float(rng.uniform(0.03, 0.07)) if rng.random() < 0.85 else 0.58
    rig = cue.rig()
    root = rig.joint(None, x, ground, 0.0, size)
    tongue = smooth([(0, -0.02), (-0.34, 0.12), (-0.26, 0.42), (-0.06, 0.72), (0.02, 1.0),
                     (0.12, 0.66), (0.3, 0.4), (0.33, 0.12)])  # fmt: skip
    for depth, (scale, value, saturation) in enumerate(
        ((1.0, 0.92, 0.92), (0.7, 1.0, 0.8), (0.4, 1.0, 0.35))
    ):
        tones = hsv(hue + 0.045 * depth, saturation, value)
        for place in (-0.24, 0.24, 0.0):
            rate = float(rng.uniform(1.3, 2.0))
            flicker = 1 + 0.16 * np.sin(cue.turns(rate, float(rng.random())))
            tall = scale * (0.7 if place else 1.0)
            joint = rig.joint(root, place * scale, 0.0, math.pi, (tall, tall * flicker))
            sway = (0.0, 0.24, 0.0, 4.5, cue.turns(rate, float(rng.random())))
            pen = 1.0 if depth == 0 else 0.0
            element = ("outer flame", "inner flame", "core")[depth]
            rig.piece(joint, look.shape(tongue, tones, pen=pen), element, sway=sway)
    for tilt in (-0.16, 0.16):
        log = rig.joint(root, 0.0, 0.02, tilt)
        wood = capsule((-0.4, 0), (0.4, 0), 0.06, 0.06)
        rig.piece(log, look.shape(wood, (112, 78, 54)), "wood")
    name = "orange" if hue < 0.5 else "blue"
    return Actor("fire", tuple(rig.pieces), f"{with_colour(name)} fire flickers")


def with_colour(name: str) -> str:
    """The colour with its indefinite article."""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def waves(cue: Cue, level: float, size: float) -> Actor:
    """Bands of water from `level` down to the lower border, rolling sideways."""
    rng, look = cue.rng, cue.look
    hue, way = float(rng.uniform(0.5, 0.6)), (1.0 if rng.random() < 0.5 else -1.0)
    rig = cue.rig()
    bands = int(rng.integers(2, 4))
    left, right = -1.8, ASPECT + 1.8
    for number in range(bands):
        depth = number / bands
        colour = hsv(hue, 0.5 + 0.3 * depth, 0.9 - 0.2 * depth)
        y = level + (1.05 - level) * depth
        joint = rig.joint(None, 0.0, y, -math.pi / 2)  # y of the band runs to the right
        # A band is drawn with x upwards: its crest at 0, its body far below.
        along = np.linspace(left, right, 110)
        crest = np.stack([np.zeros_like(along), along], axis=1)
        points = np.concatenate([crest, [(-2.2, right), (-2.2, left)]])
        height = size * float(rng.uniform(0.03, 0.06)) * (1 + 0.5 * depth)
        number_of = float(rng.uniform(9, 15)) * (1 - 0.25 * depth)
        phase = way * cue.turns(float(rng.uniform(0.35, 0.7)), float(rng.random()))
        sway = (0.0, 0.0, height, number_of, phase)
        rig.piece(joint, look.shape(points, colour), f"wave {number + 1}", sway=sway)
        foam = crest[4:-4] - np.array([0.035 * size, 0.0])
        pale = mixed(colour, (255, 255, 255), 0.6)
        for start in range(int(rng.integers(0, 9)), len(foam) - 12, int(rng.integers(16, 30))):
            line = foam[start : start + int(rng.integers(6, 11))]
            shape = look.shape(line, None, closed=False, pen=0.9)
            shape = type(shape)(line, None, pale, shape.line_width, closed=False)
            rig.piece(joint, shape, f"wave {number + 1}", sway=sway)
    side = "to the right" if way > 0 else "to the left"
    return Actor(
        "water", tuple(rig.pieces), f"waves of {colour_name(hsv(hue, 0.6, 0.8))} water roll {side}"
    )


def rain(cue: Cue, _: float, size: float) -> Actor:
    """Slanting drops, each of which falls once."""
    rng = cue.rng
    slant = float(rng.uniform(-0.3, 0.3))
    speed = float(rng.uniform(1.1, 1.8))
    rig = cue.rig()
    falls = 1.5 / speed
    for number in range(int(26 * (1 + cue.seconds / falls))):
        birth = float(rng.uniform(-falls, cue.seconds))
        age = cue.times - birth
        shown = (age > 0) & (age < falls)
        if not shown.any():
            continue
        x = float(rng.uniform(-0.3, ASPECT + 0.3))
        near = float(rng.uniform(0.6, 1.2))
        joint = rig.joint(
            None, x + slant * speed * age, -0.2 + speed * age, math.atan2(1.0, slant) - math.pi / 2,
            size * near,
        )  # fmt: skip
        drop = capsule((0, -0.5), (0, 0.1), 0.01, 0.025)
        tone = (205, 222, 240) if cue.look.style != "line art" else cue.look.ink
        shape = cue.look.shape(drop * 0.35, tone, pen=0.0)
        rig.piece(joint, shape, f"drop {number % 24 + 1}", shown=shown)
    return Actor("rain", tuple(rig.pieces), "rain falls")


def petals(cue: Cue, _: float, size: float) -> Actor:
    """Leaves, petals or snow that tumble down slowly."""
    rng, look = cue.rng, cue.look
    snow = bool(rng.random() < 0.35)
    colour = (252, 252, 255) if snow else vivid(rng, float(rng.choice([0.03, 0.1, 0.3, 0.93])))
    rig = cue.rig()
    wind = float(rng.uniform(-0.25, 0.25))
    for number in range(int(rng.integers(10, 22))):
        x, y = float(rng.uniform(-0.2, ASPECT + 0.2)), float(rng.uniform(-0.5, 0.95))
        fall, near = float(rng.uniform(0.18, 0.4)), float(rng.uniform(0.6, 1.2))
        phase = float(rng.random())
        flutter = 0.65 + 0.35 * np.cos(cue.turns(0.8, phase))
        joint = rig.joint(
            None,
            x + wind * cue.times + cue.swing(0.05, 0.6, phase),
            y + fall * cue.times,
            0.0 if snow else cue.swing(1.0, 0.6, phase + 0.25) + 6.3 * phase,
            (size * near, size * near * (1.0 if snow else flutter)),
        )  # fmt: skip
        leaf = smooth([(-0.14, 0), (-0.03, -0.065), (0.14, 0.0), (-0.02, 0.065)])
        outline = ellipse((0, 0), (0.05, 0.05), count=16) if snow else leaf
        pen = 0.5 if not snow else (0.6 if look.style == "line art" else 0.0)
        rig.piece(joint, look.shape(outline, colour, pen=pen), f"flake {number + 1}")
    what = "snow falls" if snow else f"{colour_name(colour)} leaves tumble down"
    return Actor("snow" if snow else "leaves", tuple(rig.pieces), what)
