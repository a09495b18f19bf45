"""Two-legged characters that walk, run, wave, talk and jump; joints under joints."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from training.procedural.figure import Colour
from training.procedural.studio.actor import Actor, Cue, Journey, blinking, journey, standing, told
from training.procedural.studio.look import darker, hsv, skin, vivid
from training.procedural.studio.outline import arc, capsule, cloud, ellipse, ribbon, smooth
from training.procedural.studio.rig import NO_SWAY, Rig, Value
from training.procedural.words import colour_name

_THIGH, _SHIN = 0.4, 0.4
_HIP = _THIGH + _SHIN + 0.06  # units above the ground
_ARM = 0.3


@dataclass(frozen=True)
class Gait:
    """One way to move: angles in radians, `rate` cycles per second."""

    verb: str
    rate: float = 0.0
    stride: float = 0.0
    knee: float = 0.0
    lean: float = 0.0
    arms: float = 0.0
    elbow: float = 0.25
    leap: float = 0.0


WALK = Gait("walks", 1.0, 0.5, 0.85, 0.06, 0.5)
RUN = Gait("runs", 1.7, 0.8, 1.35, 0.26, 0.9, 1.2, 0.1)
WAVE, TALK, JUMP, DANCE = Gait("waves"), Gait("talks"), Gait("jumps", 0.9), Gait("dances", 0.8)
_GAITS = (WALK, RUN, WAVE, TALK, JUMP, DANCE)
_SHARES = (0.42, 0.2, 0.12, 0.1, 0.08, 0.08)


@dataclass(frozen=True)
class Costume:
    """Colours of one character."""

    skin: Colour
    shirt: Colour
    trousers: Colour
    shoes: Colour
    hair: Colour


def person(cue: Cue, ground: float, size: float) -> Actor:
    """A character with its feet at `ground` (world y), `size` frame heights tall."""
    rng = cue.rng
    gait = _GAITS[int(rng.choice(len(_GAITS), p=_SHARES))]
    unit = size / 2.0
    way, drop = _way(cue, gait, unit)
    costume = _costume(rng)
    rig = cue.rig()
    squash = _squash(cue, gait)
    root = rig.joint(
        None, way.x, ground - drop * unit, 0.0, (way.facing * unit / squash, unit * squash)
    )
    hip = rig.joint(root, 0.0, -_HIP + _bob(cue, gait), 0.0)
    chest = rig.joint(hip, 0.0, 0.0, gait.lean + _rock(cue, gait))
    _arm(rig, cue, gait, chest, costume, near=False)
    _leg(rig, cue, gait, hip, costume, near=False)
    _leg(rig, cue, gait, hip, costume, near=True)
    _torso(rig, cue, chest, costume)
    _head(rig, cue, gait, chest, costume)
    _arm(rig, cue, gait, chest, costume, near=True)
    noun = f"person in {colour_name(costume.shirt)}"
    phrase = told(noun, gait.verb, (way.shift, 0.0), cue)
    return Actor("person", tuple(rig.pieces), phrase, way.shift)


def _way(cue: Cue, gait: Gait, unit: float) -> tuple[Journey, Value]:
    """Where the character goes, and how high above the ground it is, in units."""
    if gait.stride:
        legs = 4 * (_THIGH + _SHIN) * math.sin(gait.stride) * gait.rate
        drop = gait.leap * np.abs(np.sin(cue.turns(gait.rate, 0.25)))
        return journey(cue, legs * unit * (1.25 if gait.leap else 1.0), 0.4 * unit), drop
    way = standing(cue, 0.5 * unit)
    if gait is JUMP:
        return way, 0.7 * np.maximum(np.sin(cue.turns(gait.rate)), 0.0)
    return way, 0.0


def _squash(cue: Cue, gait: Gait) -> Value:
    """Height factor: a jumper gathers and stretches."""
    if gait is not JUMP:
        return 1.0
    wave = np.sin(cue.turns(gait.rate))
    return 1.0 + np.where(wave < 0, 0.22 * wave, 0.1 * np.sin(2 * cue.turns(gait.rate)) ** 2)


def _bob(cue: Cue, gait: Gait) -> Value:
    """The hip sinks while the legs are apart, so that feet keep the ground."""
    if not gait.stride:
        return 0.0 if gait is not DANCE else 0.05 * np.sin(2 * cue.turns(gait.rate))
    return (_THIGH + _SHIN) * (1 - np.cos(gait.stride * np.sin(cue.turns(gait.rate))))


def _rock(cue: Cue, gait: Gait) -> Value:
    if gait is DANCE:
        return cue.swing(0.3, gait.rate)
    return cue.swing(0.03, gait.rate or 0.5)


def _costume(rng: np.random.Generator) -> Costume:
    hair = hsv(float(rng.uniform(0.02, 0.13)), float(rng.uniform(0.2, 0.8)), rng.uniform(0.12, 0.9))
    if rng.random() < 0.2:
        hair = vivid(rng)
    trousers = darker(vivid(rng), float(rng.uniform(0.45, 0.9)))
    shoes = hsv(float(rng.random()), 0.5, float(rng.uniform(0.15, 0.5)))
    return Costume(skin(rng), vivid(rng), trousers, shoes, hair)


def _leg(rig: Rig, cue: Cue, gait: Gait, hip: int, costume: Costume, *, near: bool) -> None:
    look, side = cue.look, "near" if near else "far"
    phase = 0.0 if near else 0.5
    theta = cue.turns(gait.rate, phase)
    thigh = -gait.stride * np.sin(theta)
    knee = 0.06 + gait.knee * np.maximum(np.cos(theta), 0.0) ** 1.3
    if gait in (JUMP, DANCE):
        crouch = np.maximum(-np.sin(cue.turns(gait.rate)), 0.0)
        thigh, knee = -0.5 * crouch, 0.06 + 1.0 * crouch
    spread = 0.0 if gait.stride else (0.1 if near else -0.1)
    trousers = costume.trousers if near else darker(costume.trousers, 0.8)
    shoes = costume.shoes if near else darker(costume.shoes, 0.8)
    upper = rig.joint(hip, spread, 0.0, thigh)
    lower = rig.joint(upper, 0.0, _THIGH, knee)
    foot = rig.joint(lower, 0.0, _SHIN, -0.75 * (thigh + knee))
    sole = smooth([(-0.08, -0.05), (0.06, -0.07), (0.22, 0.0), (0.2, 0.06), (-0.08, 0.06)])
    rig.piece(foot, look.shape(sole, shoes), f"{side} shin")
    shin = capsule((0, 0), (0, _SHIN - 0.05), 0.095, 0.07)
    rig.piece(lower, look.shape(shin, trousers), f"{side} shin")
    rig.piece(upper, look.shape(capsule((0, 0), (0, _THIGH), 0.13, 0.1), trousers), f"{side} thigh")


def _arm(rig: Rig, cue: Cue, gait: Gait, chest: int, costume: Costume, *, near: bool) -> None:
    look, side = cue.look, "near" if near else "far"
    theta = cue.turns(gait.rate, 0.0 if near else 0.5)
    upper_angle: Value = gait.arms * np.sin(theta) - gait.lean
    elbow: Value = -gait.elbow - 0.2 * gait.arms * (1 - np.sin(theta))
    if gait is WAVE and near:
        upper_angle, elbow = -1.85, -0.45 + cue.swing(0.5, 1.4)
    elif gait is DANCE:
        upper_angle, elbow = -0.9 + cue.swing(0.7, gait.rate, 0.0 if near else 0.5), -1.2
    elif gait is JUMP:
        upper_angle = -0.3 - 1.9 * np.maximum(np.sin(cue.turns(gait.rate)), 0.0)
    elif gait is TALK and near:
        upper_angle, elbow = -0.3, -1.1 + cue.swing(0.4, 1.1)
    shirt = costume.shirt if near else darker(costume.shirt, 0.8)
    hand_colour = costume.skin if near else darker(costume.skin, 0.85)
    upper = rig.joint(chest, 0.0, -0.5, upper_angle)
    lower = rig.joint(upper, 0.0, _ARM, elbow)
    hand = ellipse((0.0, _ARM + 0.03), (0.075, 0.085))
    rig.piece(lower, look.shape(hand, hand_colour), f"{side} forearm")
    sleeve = capsule((0, 0), (0, _ARM - 0.03), 0.075, 0.06)
    rig.piece(lower, look.shape(sleeve, shirt), f"{side} forearm")
    rig.piece(
        upper, look.shape(capsule((0, 0), (0, _ARM), 0.095, 0.075), shirt), f"{side} upper arm"
    )


def _torso(rig: Rig, cue: Cue, chest: int, costume: Costume) -> None:
    rng = cue.rng
    wide, waist = float(rng.uniform(0.17, 0.24)), float(rng.uniform(0.13, 0.22))
    body = smooth(
        [(-waist, 0.08), (-waist, -0.2), (-wide, -0.5), (0, -0.62), (wide, -0.5), (waist, -0.2),
         (waist, 0.08), (0, 0.12)]
    )  # fmt: skip
    neck = capsule((0.02, -0.55), (0.02, -0.7), 0.07, 0.07)
    rig.piece(chest, cue.look.shape(neck, costume.skin), "torso")
    rig.piece(chest, cue.look.shape(body, costume.shirt), "torso")
    if rng.random() < 0.4:  # a coat or skirt below the waist
        hem = smooth([(-waist, -0.05), (-0.3, 0.3), (0, 0.36), (0.3, 0.3), (waist, -0.05)])
        sway = (0.0, 0.06, 0.0, 3.0, cue.turns(1.2))
        rig.piece(chest, cue.look.shape(hem, costume.shirt), "skirt", sway=sway)


def _head(rig: Rig, cue: Cue, gait: Gait, chest: int, costume: Costume) -> None:
    rng, look = cue.rng, cue.look
    nod: Value = cue.swing(0.05, gait.rate or 0.6, 0.2) - 0.6 * gait.lean
    head = rig.joint(chest, 0.03, -0.68, nod)
    long_hair = rng.random() < 0.45
    if long_hair:
        wind = 0.35 if gait.stride else 0.08
        root = rig.joint(head, -0.2, -0.3, 0.25)
        lock = look.shape(ribbon(float(rng.uniform(0.45, 0.75)), 0.17, 0.05), costume.hair)
        sway = (-wind, 0.16, 0.0, 3.5, cue.turns(gait.rate or 0.7))
        rig.piece(root, lock, "hair", sway=sway if gait.verb != "talks" else NO_SWAY)
    skull = ellipse((0.03, -0.3), (float(rng.uniform(0.28, 0.34)), float(rng.uniform(0.3, 0.36))))
    rig.piece(head, look.shape(skull, costume.skin), "head")
    _face(rig, cue, gait, head, costume)
    cap = smooth(
        [(0.3, -0.5), (0.05, -0.7), (-0.25, -0.62), (-0.36, -0.3), (-0.25, -0.1), (-0.16, -0.3),
         (-0.02, -0.44)]
    )  # fmt: skip
    if rng.random() < 0.25:
        cap = cloud(rng, (-0.06, -0.52), (0.36, 0.24), 8)
    rig.piece(head, look.shape(cap, costume.hair), "head")


def _face(rig: Rig, cue: Cue, gait: Gait, head: int, costume: Costume) -> None:
    look, rng = cue.look, cue.rng
    open_eye = blinking(cue)
    glance = cue.swing(0.025, 0.5, float(rng.random())) if rng.random() < 0.5 else 0.0
    for x in (0.1, 0.24):
        eye = rig.joint(head, x + glance, -0.3, 0.0, (1.0, open_eye))
        if rng.random() < 0.6 or x > 0.2:
            white = ellipse((0, 0), (0.065, 0.085))
            rig.piece(eye, look.shape(white, (250, 250, 250), pen=0.7), "head")
        pupil = look.shape(ellipse((0.015, 0.01), (0.032, 0.05), count=18), look.ink, pen=0.0)
        rig.piece(eye, pupil, "head")
    ear = ellipse((-0.1, -0.26), (0.06, 0.08))
    rig.piece(head, look.shape(ear, costume.skin, pen=0.8), "head")
    if gait is TALK:
        opening = 0.35 + 0.65 * np.abs(np.sin(cue.turns(2.3)))
        mouth = rig.joint(head, 0.16, -0.1, 0.0, (1.0, opening))
        rig.piece(mouth, look.shape(ellipse((0, 0), (0.07, 0.07)), (120, 40, 50)), "mouth")
    else:
        smile = arc((0.16, -0.16), (0.09, 0.07), 0.4, 2.6)
        rig.piece(head, look.shape(smile, None, closed=False, pen=0.8), "head")
