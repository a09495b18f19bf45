"""Tells keys that have nothing in common, and dissolves one into the other; for the engine.

A registration of such keys would stretch one towards the other's shape for no reason.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from . import affine, notes
from .plan import Plan, Scene, is_plate, pace, two_key_steps
from .registration import Registration
from .warp import Art

_TONES = 5  # per channel
# Procedural clips 41000-41035 and the gallery: keys of one drawing share 0.75 of their colours or
# more (a blink, of which nothing remains but a line, 0.15); those of different ones 0.08, mostly.
_SHARED_COLOUR = 0.25
_SAME_SHAPE = 0.85
_GLANCE_PX = 256


def are_unlike(scene: Scene) -> bool:
    """Whether both keys show art, in other colours and in another shape.

    A drawing that only changes its colours keeps its shape. Plates have no shape of their own.
    """
    if scene.last is None or not all(scene.visible):
        return False
    shared = np.minimum(_colours(scene.first), _colours(scene.last)).sum()
    if float(shared) >= _SHARED_COLOUR:
        return False
    return _is_plate(scene) or _overlap(scene.first, scene.last) < _SAME_SHAPE


def plan_dissolve(scene: Scene) -> Plan:
    """One key's art gives way to the other's while both go from place to place, unbent."""
    assert scene.last is not None  # noqa: S101 - the engine asks only for unlike keys
    shift = affine.IDENTITY
    if not _is_plate(scene):
        shift = affine.translation(*(scene.last.centroid - scene.first.centroid))
    way = pace(scene)
    poses = [affine.interpolate(shift, way[m], scene.first.centroid) for m in scene.wanted]
    steps = two_key_steps(scene, poses, Registration(shift, 1.0), way)
    steps = tuple(replace(step, is_alike=False) for step in steps)
    return Plan("crossfade", steps, (notes.UNLIKE,))


def _colours(art: Art) -> np.ndarray:
    """How much of the art has which colour: [tones ** 3], sum 1."""
    every = max(1, max(art.box.width, art.box.height) // _GLANCE_PX)
    pixels = art.pixels[::every, ::every]
    alpha = pixels[..., 3:]
    tones = (pixels[..., :3] / np.maximum(alpha, np.float32(1e-3)) * _TONES).astype(int)
    red, green, blue = np.moveaxis(np.clip(tones, 0, _TONES - 1), 2, 0)
    number = (red * _TONES + green) * _TONES + blue
    shares = np.bincount(number.ravel(), weights=alpha.ravel(), minlength=_TONES**3)
    return shares / max(float(shares.sum()), 1e-6)


def _is_plate(scene: Scene) -> bool:
    """Whether a key fills the camera's frame, so that its outline tells nothing."""
    arts = [art for art in (scene.first, scene.last) if art is not None]
    return any(is_plate(art, scene.task) for art in arts)


def _overlap(first: Art, last: Art) -> float:
    """Alpha that both show, of all that either shows, with the centres laid upon each other."""
    shift = np.rint(last.centroid - first.centroid).astype(int)
    box = first.box
    across, down = last.box.left - box.left - shift[0], last.box.top - box.top - shift[1]
    left, top = max(across, 0), max(down, 0)
    right = min(box.width, across + last.box.width)
    bottom = min(box.height, down + last.box.height)
    if left >= right or top >= bottom:
        return 0.0
    one = first.pixels[top:bottom, left:right, 3]
    other = last.pixels[top - down : bottom - down, left - across : right - across, 3]
    both = float(np.minimum(one, other).sum())
    total = float(first.pixels[..., 3].sum() + last.pixels[..., 3].sum())
    return both / max(total - both, 1e-6)
