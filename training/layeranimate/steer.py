"""Which layers of a clip fill the slots and what steers each of them; called by the sample source.

Everything random comes from the handed generator, in a fixed order of draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backend.models.layeranimate.clip import NO_SCORE
from curation.dataset.clip import LayeredClip, Tracks
from shared.errors import AcetateError
from training.layeranimate.fit import Fitted
from training.layeranimate.sample_settings import SampleRules

LEAST_VISIBLE = 0.1
"""Tracks that are visible in a smaller share of the frames steer nothing (spec curation 1.8)."""

MOTION_FLOOR = 1e-3
"""Added to the weights of tracks, in pixels a frame: an element at rest has tracks to draw too."""


@dataclass(frozen=True)
class Slots:
    """The n slots of a sample; valid ones come first.

    layers    index into the clip's layers of each valid slot
    static    bool [n]
    scores    float32 [n], see `Steering`
    tracks    float32 [n, P, T, 2] and tracked bool [n, P]
    regions   bool [n, n + 1], see `Pictures.sketch_regions`
    """

    layers: tuple[int, ...]
    static: np.ndarray
    scores: np.ndarray
    tracks: np.ndarray
    tracked: np.ndarray
    regions: np.ndarray


def fill_slots(
    clip: LayeredClip, fitted: Fitted, stride: float, rules: SampleRules, rng: np.random.Generator
) -> Slots:
    """Keeps layers, drops some, and draws what steers the rest. Raises `clip_without_layers`."""
    kept = _kept(clip, fitted, rules, rng)
    count, places, frames = rules.layers, rules.track_places, len(fitted.video)
    slots = Slots(
        layers=kept,
        static=np.zeros(count, np.bool_),
        scores=np.full(count, NO_SCORE, np.float32),
        tracks=np.zeros((count, places, frames, 2), np.float32),
        tracked=np.zeros((count, places), np.bool_),
        regions=np.zeros((count, count + 1), np.bool_),
    )
    for slot, layer in enumerate(kept):
        pixels = _motion_px(clip, layer, fitted.scale, stride)
        slots.static[slot] = pixels < rules.static_below
        _steer(slots, slot, clip, fitted, pixels, rules, rng)
    return slots


def _kept(
    clip: LayeredClip, fitted: Fitted, rules: SampleRules, rng: np.random.Generator
) -> tuple[int, ...]:
    """Layers that show in the picked frames: the largest, less those dropped, as ordered."""
    areas = np.bincount(fitted.labels.ravel(), minlength=len(clip.layers) + 1)[1:]
    largest = np.argsort(-areas, kind="stable")[: rules.layers]
    shown = sorted(int(i) for i in largest if areas[i] > 0)
    if not shown:
        raise AcetateError("clip_without_layers", clip=clip.clip_id)
    chances = rng.random(len(shown))
    kept = [
        layer for layer, chance in zip(shown, chances, strict=True) if chance >= rules.mask_dropout
    ]
    return tuple(kept or [shown[int(np.argmax(chances))]])


def _motion_px(clip: LayeredClip, layer: int, scale: float, stride: float) -> float:
    """A layer's score in training pixels from one picked frame to the next.

    A score counts pixels of its own picture size over its own frame step; here it has to describe
    the motion that the model is shown.
    """
    own = clip.score_scale
    to_clip = clip.frames.shape[2] / own.width
    return clip.layers[layer].score * to_clip * scale * stride / own.frame_step


def _steer(
    slots: Slots,
    slot: int,
    clip: LayeredClip,
    fitted: Fitted,
    pixels: float,
    rules: SampleRules,
    rng: np.random.Generator,
) -> None:
    """Draws one slot's control and fills it in. A static layer says so by its score in any case."""
    layer = slots.layers[slot]
    candidates = _candidates(clip, fitted.tracks, layer)
    chosen = _draw_control(rules, rng)
    is_tracked = chosen == "trajectory" and bool(candidates)
    is_sketched = chosen == "sketch" and fitted.sketch is not None
    if is_tracked:
        picked = _draw_tracks(fitted.tracks, candidates, rules, rng)
        slots.tracks[slot, : len(picked)] = fitted.tracks.points[picked]
        slots.tracked[slot, : len(picked)] = True
    if is_sketched:
        slots.regions[slot] = rng.random(rules.layers + 1) < rules.sketch_context
        slots.regions[slot, slot + 1] = True
    if slots.static[slot]:
        slots.scores[slot] = 0.0
    elif not (is_tracked or is_sketched):
        slots.scores[slot] = min(max(pixels, 0.0), rules.full_score) / rules.full_score


def _draw_control(rules: SampleRules, rng: np.random.Generator) -> str:
    mix = rules.mix
    names = ("score", "trajectory", "sketch")
    weights = np.array([mix.score, mix.trajectory, mix.sketch], np.float64)
    if weights.sum() == 0:
        return "score"
    return names[int(rng.choice(len(names), p=weights / weights.sum()))]


def _candidates(clip: LayeredClip, tracks: Tracks, layer: int) -> list[np.ndarray]:
    """Indices of the usable tracks of each element of a layer, elements without any left out."""
    usable = tracks.visible.mean(axis=1) > LEAST_VISIBLE if len(tracks) else np.zeros(0, np.bool_)
    own = [index for index, element in enumerate(clip.elements) if element.layer == layer]
    found = [np.flatnonzero(usable & (tracks.elements == index)) for index in own]
    return [indices for indices in found if len(indices)]


def _draw_tracks(
    tracks: Tracks, candidates: list[np.ndarray], rules: SampleRules, rng: np.random.Generator
) -> np.ndarray:
    """One to a few tracks of each element, moving ones more likely; indices into `tracks`."""
    picked: list[int] = []
    for indices in candidates:
        wanted = min(int(rng.integers(1, rules.tracks_per_element + 1)), len(indices))
        steps = np.diff(tracks.points[indices].astype(np.float64), axis=1)
        weights = np.hypot(steps[..., 0], steps[..., 1]).mean(axis=1) + MOTION_FLOOR
        picked += rng.choice(indices, wanted, replace=False, p=weights / weights.sum()).tolist()
    if len(picked) > rules.track_places:
        picked = rng.choice(picked, rules.track_places, replace=False).tolist()
    return np.array(picked, np.int64)
