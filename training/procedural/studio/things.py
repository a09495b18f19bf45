"""Things that move: balls, cars, boats, balloons, flags; each as one layer."""

from __future__ import annotations

import math

import numpy as np

from training.procedural.motion import ASPECT
from training.procedural.studio.actor import Actor, Cue, journey, standing, told
from training.procedural.studio.beasts import hop
from training.procedural.studio.look import darker, mixed, vivid
from training.procedural.studio.outline import arc, box, capsule, ellipse, ribbon, smooth, star
from training.procedural.words import colour_name


def ball(cue: Cue, ground: float, size: float) -> Actor:
    """A ball that bounces along the ground and rolls as it goes; `size` across."""
    rng, look = cue.rng, cue.look
    colour = vivid(rng)
    way = journey(cue, float(rng.uniform(0.3, 0.8)), 0.6 * size)
    lift, stretch, _ = hop(cue.times, float(rng.uniform(0.55, 1.0)), float(rng.random()))
    high = float(rng.uniform(0.15, 0.4))
    rig = cue.rig()
    root = rig.joint(None, way.x, ground - high * lift, 0.0, (size / stretch, size * stretch))
    spin = rig.joint(root, 0.0, -0.5, (way.x - way.x[0]) / (0.5 * size))
    rig.piece(spin, look.shape(ellipse((0, 0), (0.5, 0.5)), colour), "")
    pale = mixed(colour, (255, 255, 255), 0.75)
    if rng.random() < 0.5:
        rig.piece(spin, look.shape(star(5, 0.14, 0.34), pale, pen=0.7), "")
    else:
        rig.piece(spin, look.shape(capsule((-0.3, 0), (0.3, 0), 0.13, 0.13), pale, pen=0.7), "")
    phrase = told(f"{colour_name(colour)} ball", "bounces", (way.shift, 0.0), cue)
    return Actor("ball", tuple(rig.pieces), phrase, way.shift)


def car(cue: Cue, ground: float, size: float) -> Actor:
    """A car, `size` long, whose wheels roll as far as it drives."""
    rng, look = cue.rng, cue.look
    colour = vivid(rng)
    way = journey(cue, float(rng.uniform(0.25, 0.9)), 0.6 * size)
    rig = cue.rig()
    shake = cue.swing(0.008, 3.1)
    root = rig.joint(None, way.x, ground, 0.0, (way.facing * size, size))
    body = rig.joint(root, 0.0, -0.14 + shake, cue.swing(0.012, 1.6))
    cabin = smooth([(-0.28, -0.16), (-0.2, -0.38), (0.1, -0.38), (0.24, -0.16)], per=4)
    window = smooth([(-0.2, -0.18), (-0.15, -0.33), (0.08, -0.33), (0.17, -0.18)], per=4)
    hull = smooth(
        [(-0.5, 0.02), (-0.5, -0.14), (-0.3, -0.2), (0.3, -0.19), (0.5, -0.1), (0.52, 0.03)], per=5
    )
    rig.piece(body, look.shape(cabin, darker(colour, 0.85)), "body")
    rig.piece(body, look.shape(window, (190, 222, 235), pen=0.8), "body")
    rig.piece(body, look.shape(hull, colour), "body")
    rig.piece(body, look.shape(ellipse((0.47, -0.06), (0.03, 0.04)), (255, 236, 150)), "body")
    roll = (way.x - way.x[0]) / (0.13 * size) * way.facing
    for x, name in ((-0.29, "rear wheel"), (0.3, "front wheel")):
        wheel = rig.joint(root, x, -0.13, roll)
        rig.piece(wheel, look.shape(ellipse((0, 0), (0.13, 0.13)), (52, 50, 58)), name)
        rig.piece(wheel, look.shape(ellipse((0, 0), (0.07, 0.07)), (205, 205, 210)), name)
        spoke = capsule((-0.06, 0), (0.06, 0), 0.012, 0.012)
        rig.piece(wheel, look.shape(spoke, (90, 90, 96), pen=0.4), name)
    phrase = told(f"{colour_name(colour)} car", "drives", (way.shift, 0.0), cue)
    return Actor("car", tuple(rig.pieces), phrase, way.shift)


def boat(cue: Cue, ground: float, size: float) -> Actor:
    """A sailing boat that rocks on the water line `ground`; `size` long."""
    rng, look = cue.rng, cue.look
    colour, sail = vivid(rng), mixed(vivid(rng), (255, 255, 255), 0.6)
    way = journey(cue, float(rng.uniform(0.05, 0.25)), 0.6 * size)
    rig = cue.rig()
    y = ground + cue.swing(0.015, 0.6)
    root = rig.joint(None, way.x, y, cue.swing(0.09, 0.5, 0.2), (way.facing * size, size))
    rig.piece(root, look.shape(capsule((0, 0), (0, -0.95), 0.02, 0.015), (120, 84, 60)), "mast")
    cloth = np.array([(0.03, -0.92), (0.46, -0.2), (0.03, -0.16)])
    billow = (0.0, 0.06, 0.0, 4.0, cue.turns(0.9))
    rig.piece(root, look.shape(smooth(cloth, per=5), sail), "sail", sway=billow)
    back = smooth([(-0.03, -0.8), (-0.3, -0.2), (-0.03, -0.18)], per=5)
    rig.piece(root, look.shape(back, darker(sail, 0.9)), "sail", sway=billow)
    hull = smooth([(-0.5, -0.12), (0.55, -0.14), (0.36, 0.12), (-0.34, 0.12)], per=5)
    rig.piece(root, look.shape(hull, colour), "hull")
    phrase = told(f"{colour_name(colour)} sailing boat", "drifts", (way.shift, 0.0), cue)
    return Actor("boat", tuple(rig.pieces), phrase, way.shift)


def balloon(cue: Cue, height: float, size: float) -> Actor:
    """A balloon that rises with a swaying string."""
    rng, look = cue.rng, cue.look
    colour = vivid(rng)
    rise = float(rng.uniform(0.1, 0.35)) * cue.seconds
    x = float(rng.uniform(0.2, ASPECT - 0.2)) + cue.swing(0.03, 0.45, float(rng.random()))
    y = height + rise * (0.5 - cue.times / cue.seconds)
    rig = cue.rig()
    root = rig.joint(None, x, y, cue.swing(0.12, 0.45), size)
    line = np.stack([np.zeros(14), np.linspace(0.52, 1.3, 14)], axis=1)
    rig.piece(root, look.shape(line, None, closed=False, pen=0.7), "string",
              sway=(0.0, 0.05, 0.0, 6.0, cue.turns(0.7)))  # fmt: skip
    skin = smooth([(0, 0.52), (-0.36, 0.16), (-0.4, -0.2), (0, -0.5), (0.4, -0.2), (0.36, 0.16)])
    rig.piece(root, look.shape(skin, colour), "balloon")
    glint = ellipse((-0.16, -0.2), (0.06, 0.12), 0.5)
    rig.piece(root, look.shape(glint, mixed(colour, (255, 255, 255), 0.8), pen=0.0), "balloon")
    phrase = told(f"{colour_name(colour)} balloon", "rises", (0.0, -rise), cue)
    return Actor("balloon", tuple(rig.pieces), phrase)


def flag(cue: Cue, ground: float, size: float) -> Actor:
    """A flag on a pole, `size` tall, that waves in the wind."""
    rng, look = cue.rng, cue.look
    colour = vivid(rng)
    way = standing(cue, 0.3 * size)
    rig = cue.rig()
    root = rig.joint(None, way.x, ground, 0.0, (way.facing * size, size))
    rig.piece(root, look.shape(box((-0.015, -1.0), (0.015, 0.0)), (150, 140, 130)), "pole")
    cloth = rig.joint(root, 0.015, -0.82, -math.pi / 2)  # y of the cloth runs away from the pole
    sway = (0.0, 0.14, 0.0, 9.0, cue.turns(float(rng.uniform(0.8, 1.4))))
    rig.piece(cloth, look.shape(ribbon(0.62, 0.16, 0.16, 18), colour), "cloth", sway=sway)
    stripe = ribbon(0.62, 0.05, 0.05, 18)
    pale = mixed(colour, (255, 255, 255), 0.8)
    rig.piece(cloth, look.shape(stripe, pale, pen=0.0), "cloth", sway=sway)
    phrase = f"a {colour_name(colour)} flag waves in the wind"
    return Actor("flag", tuple(rig.pieces), phrase)


def plant(cue: Cue, ground: float, size: float) -> Actor:
    """Leaves or weeds that sway on the spot, `size` tall."""
    rng, look = cue.rng, cue.look
    colour = vivid(rng, 0.33)
    way = standing(cue, 0.15)
    rig = cue.rig()
    root = rig.joint(None, way.x, ground, 0.0, size)
    pace_ = float(rng.uniform(0.3, 0.7))
    for number in range(int(rng.integers(3, 7))):
        x, lean = float(rng.uniform(-0.25, 0.25)), math.pi + float(rng.uniform(-0.5, 0.5))
        blade = rig.joint(root, x, 0.05, lean)
        phase = cue.turns(pace_, 0.1 * number)
        sway = (float(rng.uniform(-0.2, 0.2)), 0.16, 0.0, 2.5, phase)
        tone = darker(colour, float(rng.uniform(0.7, 1.0)))
        length, half = float(rng.uniform(0.6, 1.1)), float(rng.uniform(0.05, 0.1))
        leaf = look.shape(ribbon(length, half, 0.01), tone)
        rig.piece(blade, leaf, "leaves", sway=sway)
        if rng.random() < 0.3:
            vein = np.stack([np.zeros(10), np.linspace(0.1, length * 0.9, 10)], axis=1)
            rig.piece(blade, look.shape(vein, None, closed=False, pen=0.5), "leaves", sway=sway)
    if rng.random() < 0.3:
        rig.piece(root, look.shape(arc((0, 0.02), (0.3, 0.08), 3.2, 6.2), None, closed=False),
                  "leaves")  # fmt: skip
    return Actor("plant", tuple(rig.pieces), f"{colour_name(colour)} leaves sway in the wind")
