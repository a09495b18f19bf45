"""Puts a studio scene together from a seed: setting, cast, effects, camera, pace and words."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from training.procedural.studio import beasts, effects, things
from training.procedural.studio.actor import Actor, Cue, eased
from training.procedural.studio.look import make_look
from training.procedural.studio.people import person
from training.procedural.studio.scene import Camera, Scene, StudioLayer
from training.procedural.studio.scenery import (
    NEAR_PARALLAX,
    Backdrop,
    falls_open,
    foreground,
    make_backdrop,
)
from training.procedural.words import counted, listed, sentence

STUDIO_KEY = 0x57D10
_FARTHEST = 0.95
Maker = Callable[[Cue, float, float], Actor]

_SETTINGS = ("meadow", "street", "room", "sea", "depths", "paper")
_SETTING_SHARES = (0.3, 0.18, 0.16, 0.12, 0.1, 0.14)
_TIMING = ((24.0, 1), (24.0, 2), (24.0, 3), (12.0, 1), (12.0, 2), (8.0, 1))
_TIMING_SHARES = (0.16, 0.24, 0.1, 0.2, 0.06, 0.24)

# What may appear where: maker, smallest and largest size, share; on the ground or in the air.
_ON_GROUND: dict[str, tuple[tuple[Maker, float, float, float], ...]] = {
    "meadow": (
        (person, 0.4, 0.62, 4), (beasts.quadruped, 0.22, 0.36, 3), (beasts.slime, 0.16, 0.3, 2),
        (things.ball, 0.12, 0.22, 1), (things.flag, 0.5, 0.7, 0.6), (things.plant, 0.15, 0.3, 0.6),
    ),
    "street": (
        (person, 0.38, 0.58, 4), (things.car, 0.5, 0.8, 3), (beasts.quadruped, 0.16, 0.26, 1.5),
        (beasts.slime, 0.14, 0.24, 0.6),
    ),
    "room": (
        (person, 0.45, 0.66, 5), (beasts.quadruped, 0.16, 0.26, 2), (beasts.slime, 0.14, 0.26, 1.5),
        (things.ball, 0.12, 0.2, 1), (things.plant, 0.2, 0.35, 0.8),
    ),
    "sea": ((things.boat, 0.35, 0.6, 1),),
    "depths": ((things.plant, 0.25, 0.5, 1),),
    "paper": (
        (person, 0.5, 0.72, 4), (beasts.quadruped, 0.28, 0.45, 2), (beasts.slime, 0.25, 0.4, 2),
        (things.ball, 0.16, 0.28, 1.5), (things.car, 0.6, 0.8, 0.6),
    ),
}  # fmt: skip
_IN_AIR: dict[str, tuple[tuple[Maker, float, float, float], ...]] = {
    "meadow": ((beasts.bird, 0.14, 0.26, 3), (beasts.butterfly, 0.1, 0.2, 2),
               (things.balloon, 0.16, 0.26, 1)),
    "street": ((beasts.bird, 0.12, 0.2, 2), (things.balloon, 0.14, 0.22, 1)),
    "room": ((things.balloon, 0.16, 0.24, 1), (beasts.butterfly, 0.1, 0.16, 1)),
    "sea": ((beasts.bird, 0.12, 0.24, 1),),
    "depths": ((beasts.fish, 0.2, 0.42, 1),),
    "paper": ((beasts.bird, 0.2, 0.32, 2), (beasts.butterfly, 0.16, 0.26, 1),
              (beasts.fish, 0.25, 0.4, 1)),
}  # fmt: skip


def make_scene(seed: tuple[int, ...], *, frames: int = 16) -> Scene:
    """The studio scene of a seed; the same seed and number of frames give the same scene.

    Raises ValueError for fewer than two frames.
    """
    if frames < 2:
        raise ValueError("a clip has at least two frames")
    rng = np.random.default_rng([STUDIO_KEY, *seed])
    look = make_look(rng)
    fps, exposure = _TIMING[int(rng.choice(len(_TIMING), p=_TIMING_SHARES))]
    moments = np.arange(frames) / fps
    cue = Cue(np.arange(frames) // exposure * exposure / fps, look, rng)
    setting = _SETTINGS[int(rng.choice(len(_SETTINGS), p=_SETTING_SHARES))]
    if look.style == "line art" and rng.random() < 0.6:
        setting = "paper"
    backdrop = make_backdrop(cue, setting)
    layers = [StudioLayer("background", backdrop.pieces, f"the background shows a {backdrop.name}")]
    parallax = [backdrop.parallax]
    actors = _cast(cue, setting, backdrop)
    layers += [StudioLayer(actor.name, actor.pieces, actor.phrase) for actor in actors]
    parallax += [(1.0,) * len(actor.pieces) for actor in actors]
    if setting in ("meadow", "street") and rng.random() < 0.3:
        pieces, name = foreground(cue, setting)
        layers.append(StudioLayer("foreground", pieces, f"{name} stand in the foreground"))
        parallax.append((NEAR_PARALLAX,) * len(pieces))
    camera, words = _camera(rng, moments, actors)
    caption = _caption(actors, backdrop, words, look.style, exposure)
    named = _told_apart(layers)
    return Scene(seed, frames, fps, exposure, named, tuple(parallax), camera, caption)


def _cast(cue: Cue, setting: str, backdrop: Backdrop) -> list[Actor]:
    """Who is on stage, from the back to the front."""
    rng = cue.rng
    cast: list[tuple[float, Actor]] = []
    grounded = int(rng.choice([1, 2, 3], p=[0.45, 0.42, 0.13]))
    floor = backdrop.horizon
    for _ in range(grounded):
        maker, size = _pick(rng, _ON_GROUND[setting])
        near = float(rng.random())
        depth = 0.03 if setting == "sea" else max(0.96 - floor, 0.0) * 0.9
        ground = floor + near * depth  # boats keep to their water line
        cast.append((ground, maker(cue, ground, size * (0.85 + 0.3 * near))))
    cast.sort(key=lambda item: item[0])
    actors = [actor for _, actor in cast]
    flying = 0.9 if setting == "depths" else 0.35
    for _ in range(2 if setting == "depths" else 1):
        if rng.random() < flying:
            maker, size = _pick(rng, _IN_AIR[setting])
            height = float(rng.uniform(0.15, 0.4 if setting != "depths" else 0.75))
            place = int(rng.integers(0, len(actors) + 1))
            actors.insert(place, maker(cue, height, size))
    return _with_effect(cue, setting, floor, actors)


def _with_effect(cue: Cue, setting: str, floor: float, actors: list[Actor]) -> list[Actor]:
    rng = cue.rng
    if setting == "sea":
        return [*actors, effects.waves(cue, floor - 0.01, 1.0)]
    if rng.random() > 0.4:
        return actors
    makers: list[Maker] = [effects.smoke, effects.sparks]
    if setting in ("meadow", "paper", "street"):
        makers.append(effects.fire)
    if falls_open(setting):
        makers += [effects.rain, effects.petals, effects.petals]
    if setting == "depths":
        makers = [effects.smoke]
    maker = makers[int(rng.integers(len(makers)))]
    ground = floor + float(rng.uniform(0.0, 0.15))
    effect = maker(cue, ground, float(rng.uniform(0.25, 0.4)))
    behind = maker in (effects.smoke, effects.fire) and rng.random() < 0.5
    return [effect, *actors] if behind else [*actors, effect]


def _pick(
    rng: np.random.Generator, choices: tuple[tuple[Maker, float, float, float], ...]
) -> tuple[Maker, float]:
    shares = np.array([share for *_, share in choices])
    maker, low, high, _ = choices[int(rng.choice(len(choices), p=shares / shares.sum()))]
    return maker, float(rng.uniform(low, high))


def _camera(
    rng: np.random.Generator, moments: np.ndarray, actors: list[Actor]
) -> tuple[Camera, str]:
    """A camera that rests, pans, zooms, or follows the first figure; and the words for it."""
    count, seconds = len(moments), float(moments[-1])
    shift, zoom = np.zeros((count, 2)), np.ones(count)
    choice = rng.random()
    if choice < 0.5:
        return Camera(shift, zoom), ""
    way = eased(moments, 0.0, seconds) if rng.random() < 0.6 else moments / seconds
    words: list[str] = []
    if choice < 0.86:
        reach = min(float(rng.uniform(0.12, 0.5)) * max(seconds, 0.8), _FARTHEST)
        angle = float(rng.choice([0.0, math.pi])) + float(rng.normal(0, 0.12))
        step = reach * np.array([math.cos(angle), 0.5 * math.sin(angle)])
        going = [actor.shift for actor in actors if abs(actor.shift) > 0.2]
        if going and rng.random() < 0.7:  # with a figure, which then stays in view
            ahead = going[0] * float(rng.uniform(0.6, 1.0))
            step = np.array([min(max(ahead, -_FARTHEST), _FARTHEST), 0.0])
        shift = (way[:, None] - 0.5) * step
        words.append(f"pans to the {'right' if step[0] > 0 else 'left'}")
    if choice > 0.72:
        closer = float(rng.uniform(1.15, 1.5))
        inward = bool(rng.random() < 0.6)
        zoom = closer ** (way if inward else 1 - way)
        words.append("zooms in" if inward else "zooms out")
    return Camera(shift, zoom), f"the camera {listed(words)}"


def _caption(
    actors: list[Actor], backdrop: Backdrop, camera: str, style: str, exposure: int
) -> str:
    """What is to be seen, in facts."""
    parts = [sentence(listed(list(dict.fromkeys(actor.phrase for actor in actors))))]
    parts.append(sentence(f"the background is a {backdrop.name}"))
    if camera:
        parts.append(sentence(camera))
    pace = f", animated on {counted(exposure, 'frame').split()[0]}s" if exposure > 1 else ""
    parts.append(sentence(f"{style} animation{pace}"))
    return " ".join(parts)


def _told_apart(layers: list[StudioLayer]) -> tuple[StudioLayer, ...]:
    """Layers of one name get numbers."""
    seen: dict[str, int] = {}
    named: list[StudioLayer] = []
    for layer in layers:
        seen[layer.name] = seen.get(layer.name, 0) + 1
        number = seen[layer.name]
        name = layer.name if number == 1 else f"{layer.name} {number}"
        named.append(StudioLayer(name, layer.pieces, layer.phrase))
    return tuple(named)
