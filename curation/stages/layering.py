"""Regions to elements and layers, and these to a clip; the chain and the run both use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from curation.backends.interfaces import Captioner, Propagator
from curation.dataset.clip import Element, LayeredClip, LayerFacts, ScoreScale, Tracks
from curation.dataset.provenance import Provenance
from curation.stages.captions import clip_caption, layer_caption
from curation.stages.gathering import GatherSettings
from curation.stages.joining import gather_all
from curation.stages.masklets import MaskletSettings
from curation.stages.merging import MergeSettings, merge_by_score, pre_merge
from curation.stages.motion import Motion, measure_motion, on_pixels
from curation.stages.refinement import RefineSettings, first_shown, neighbours, refine


class LayerSettings(Protocol):
    """What decides the layers; see `ChainSettings`."""

    @property
    def layers(self) -> str:
        """By `motion` or by `score`."""
        ...

    @property
    def gather(self) -> GatherSettings:
        """Of layers by motion."""
        ...

    @property
    def merge(self) -> MergeSettings:
        """Of layers by score, and of elements."""
        ...


@dataclass(frozen=True, eq=False)
class Layered:
    """A clip's elements and layers.

    labels        uint16 [frames, h, w], k > 0 is element k - 1
    layer         int64 [elements], the layer of each
    scores, area  float64 [elements], pixels per frame and mean pixels
    layer_scores  of each layer, its elements weighted by area
    """

    labels: np.ndarray
    layer: np.ndarray
    scores: np.ndarray
    area: np.ndarray
    layer_scores: list[float]


def follow_elements(
    frames: np.ndarray,
    regions: np.ndarray,
    propagate: Propagator,
    newcomers: RefineSettings | None,
    masklets: MaskletSettings,
) -> np.ndarray:
    """The first frame's regions followed, and what enters later; int32 [frames, h, w] from 0.

    frames: RGB uint8 [frames, h, w, 3]; regions: int [frames, h, w], of every frame for itself.
    `newcomers`: None where `propagate` finds them itself.
    """
    labels = propagate(frames, regions[0], regions)
    if newcomers is None:
        return labels
    return refine(frames, labels, regions, newcomers, masklets)


def find_layers(
    labels: np.ndarray,
    motion: Motion,
    flow: np.ndarray,
    textured: np.ndarray,
    settings: LayerSettings,
) -> Layered:
    """The layers of a clip.

    labels: int [frames, h, w], of `follow_elements`; motion: of these; flow: repaired, float32
    [frames - 1, h, w, 2]; textured: bool [frames, h, w]. Raises `ValueError` for an unknown way to
    make layers.
    """
    element, layer = _group(motion, neighbours(labels), int(labels[0].max()) + 1, settings)
    hidden = None if motion.hidden is None else on_pixels(motion.hidden, labels)
    labels = element[labels].astype(np.int32)
    moving = measure_motion(flow, labels, textured, len(layer), hidden)
    weight = np.bincount(layer, moving.area)
    total = np.bincount(layer, moving.area * moving.scores)
    return Layered(
        labels=(labels + 1).astype(np.uint16),
        layer=layer.astype(np.int64),
        scores=moving.scores,
        area=moving.area,
        layer_scores=(total / np.maximum(weight, 1e-9)).tolist(),
    )


def _group(
    motion: Motion, pairs: np.ndarray, there: int, settings: LayerSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Element of every region, int64 [regions], and layer of every element, int64 [elements].

    pairs: int [borders, 2], touching regions; there: how many the first frame has.
    """
    near = settings.merge.near_px
    if settings.layers == "motion":
        layer = gather_all(motion.vectors, motion.area, pairs, there, settings.gather, motion.rests)
        own = pairs[layer[pairs[:, 0]] == layer[pairs[:, 1]]]
        element = pre_merge(motion.vectors, motion.area, own, near)
        first = np.unique(element, return_index=True)[1]
        return element, layer[first]
    if settings.layers != "score":
        raise ValueError(f"layers are made by motion or score, not {settings.layers}")
    element = pre_merge(motion.vectors, motion.area, pairs, near)
    weight = np.bincount(element, motion.area)
    score = np.bincount(element, motion.area * motion.scores) / np.maximum(weight, 1e-9)
    by_area = weight if settings.merge.by_area else None
    return element, merge_by_score(score, settings.merge, by_area)


@dataclass(frozen=True)
class Captions:
    """A clip in words, and each of its layers."""

    clip: str
    layers: list[str]


def describe(frames: np.ndarray, layered: Layered, flow: np.ndarray) -> Captions:
    """Template captions of the measured facts. The largest layer moves as the camera does."""
    shown = layered.layer[layered.labels - 1]  # [frames, h, w]
    masks = [shown[0] == index for index in range(len(layered.layer_scores))]
    back = masks[int(np.argmax([mask.sum() for mask in masks]))]
    camera = np.array([np.median(step[back], axis=0) for step in flow]).reshape(-1, 2)
    fullest = first_shown(shown)
    seen = [0 if mask.any() else int(fullest[index]) for index, mask in enumerate(masks)]
    return Captions(
        clip_caption(camera, layered.layer_scores, frames),
        [
            layer_caption(frames[frame], shown[frame] == index, layered.layer_scores[index])
            for index, frame in enumerate(seen)
        ],
    )


def describe_by(captioner: Captioner, frames: np.ndarray, layered: Layered) -> Captions:
    """Captions by a network: of the clip, and of every layer with all else painted white."""
    shown = layered.layer[layered.labels.astype(np.int64) - 1]  # [frames, h, w]
    words: list[str] = []
    for index in range(len(layered.layer_scores)):
        mask = shown == index
        alone = np.where(mask[..., None], frames, np.uint8(255))
        words.append(captioner(alone, layer=True) if mask.any() else "")
    return Captions(captioner(frames), words)


def as_clip(
    clip_id: str,
    fps: float,
    frames: np.ndarray,
    layered: Layered,
    captions: Captions,
    tracks: Tracks,
    sketch: np.ndarray,
    provenance: Provenance,
) -> LayeredClip:
    """All that was found, as the data set keeps it; flow is left out."""
    elements = zip(layered.scores, layered.layer, strict=True)
    layers = zip(layered.layer_scores, captions.layers, strict=True)
    return LayeredClip(
        clip_id=clip_id,
        fps=fps,
        frames=frames,
        labels=layered.labels,
        elements=tuple(
            Element(f"element_{k}", float(score), int(layer))
            for k, (score, layer) in enumerate(elements)
        ),
        layers=tuple(LayerFacts(f"layer_{k}", s, text) for k, (s, text) in enumerate(layers)),
        score_scale=ScoreScale(frames.shape[2], frames.shape[1]),
        tracks=tracks,
        caption=captions.clip,
        provenance=provenance,
        sketch=sketch,
    )
