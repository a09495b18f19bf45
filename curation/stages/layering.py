"""Regions to elements and layers, and these to a clip; the chain and the run both use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from curation.dataset.clip import Element, LayeredClip, LayerFacts, ScoreScale, Tracks
from curation.dataset.provenance import Provenance
from curation.stages.captions import clip_caption, layer_caption
from curation.stages.gathering import GatherSettings, gather
from curation.stages.merging import MergeSettings, merge_by_score, pre_merge
from curation.stages.motion import Motion, measure_motion
from curation.stages.regions import touching


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


def find_layers(
    regions: np.ndarray,
    labels: np.ndarray,
    motion: Motion,
    flow: np.ndarray,
    textured: np.ndarray,
    settings: LayerSettings,
) -> Layered:
    """The layers of a clip.

    regions: int [h, w] of the first frame; labels: int [frames, h, w], these followed; motion: of
    these; flow: repaired, float32 [frames - 1, h, w, 2]; textured: bool [frames, h, w]. Raises
    `ValueError` for an unknown way to make layers.
    """
    element, layer = _group(motion, touching(regions)[0], settings)
    labels = element[labels].astype(np.int32)
    moving = measure_motion(flow, labels, textured, len(layer))
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
    motion: Motion, pairs: np.ndarray, settings: LayerSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Element of every region, int64 [regions], and layer of every element, int64 [elements].

    pairs: int [borders, 2], touching regions.
    """
    near = settings.merge.near_px
    if settings.layers == "motion":
        layer = gather(motion.vectors, motion.area, pairs, settings.gather, motion.rests)
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
    shown = layered.layer[layered.labels[0] - 1]
    masks = [shown == index for index in range(len(layered.layer_scores))]
    back = masks[int(np.argmax([mask.sum() for mask in masks]))]
    camera = np.array([np.median(step[back], axis=0) for step in flow]).reshape(-1, 2)
    named = zip(masks, layered.layer_scores, strict=True)
    return Captions(
        clip_caption(camera, layered.layer_scores, frames),
        [layer_caption(frames[0], mask, score) for mask, score in named],
    )


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
