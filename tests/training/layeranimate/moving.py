"""A small exact clip and a small model for the tests of LayerAnimate's training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from backend.models.layeranimate.bundle import build
from curation.dataset.clip import Element, LayeredClip, LayerFacts, ScoreScale, Tracks
from curation.dataset.provenance import own_work
from training.layeranimate.objective import LayerAnimateModule
from training.layeranimate.sample_settings import SampleRules
from training.layeranimate.samples import LayerAnimateSamples
from training.layeranimate.sizes import NetworkSizes
from training.layeranimate.task import tiny_network
from training.run.task import Sample, SampleSource

FRAMES = 4
SIDE = 32
RULES = SampleRules(height=SIDE, width=SIDE, layers=3, track_places=4, sample_posterior=False)
"""Rules for the clips here."""


def tiny_module(seed: int = 0) -> LayerAnimateModule:
    """A tiny module with random weights, none of them zero."""
    return LayerAnimateModule(build(tiny_network(FRAMES), seed))


def samples_of(count: int = 2, rules: SampleRules = RULES) -> LayerAnimateSamples:
    """Samples of moving clips for the tiny module."""
    return LayerAnimateSamples(MovingClips(count), rules, NetworkSizes.of(tiny_network(FRAMES)))


def drawn(source: SampleSource, index: int, seed: int) -> Sample:
    """A sample with arbitrary tokens, so that no weight is idle for want of a prompt."""
    sample = source.sample(index, np.random.default_rng(seed))
    generator = torch.Generator().manual_seed(seed)
    for name in ("text", "image"):
        sample[name] = torch.randn(sample[name].shape, generator=generator)
    return sample


def moving_clip(
    number: int = 0, frames: int = 8, side: int = SIDE, step_px: int = 1
) -> LayeredClip:
    """Ground that rests, a block that moves right and one that moves down, each with a track."""
    rng = np.random.default_rng(number)
    colours = rng.integers(30, 225, (3, 3), dtype=np.uint8)
    labels = np.ones((frames, side, side), np.uint8)
    points = np.zeros((3, frames, 2), np.float32)
    points[0] = side - 4
    for f in range(frames):
        move, size = step_px * f, side // 4
        labels[f, side // 8 : side // 8 + size, 4 + move : 4 + move + size] = 2
        labels[f, 6 + move : 6 + move + size, side // 2 : side // 2 + size] = 3
        points[1, f] = (4 + move + size / 2, side / 8 + size / 2)
        points[2, f] = (side / 2 + size / 2, 6 + move + size / 2)
    video = colours[labels - 1]
    edges = (labels != np.roll(labels, 1, 1)) | (labels != np.roll(labels, 1, 2))
    return LayeredClip(
        clip_id=f"moving-{number}",
        fps=24.0,
        frames=video,
        labels=labels,
        elements=tuple(Element(f"e{i}", s, i) for i, s in enumerate((0.0, step_px, step_px))),
        layers=tuple(LayerFacts(f"l{i}", s) for i, s in enumerate((0.0, step_px, step_px))),
        score_scale=ScoreScale(side, side),
        tracks=Tracks(points, np.ones((3, frames), np.bool_), np.arange(3, dtype=np.uint16)),
        caption="blocks move",
        provenance=own_work("moving blocks", frames),
        depth_known=True,
        sketch=np.where(edges, 0, 255).astype(np.uint8),
    )


@dataclass(frozen=True)
class MovingClips:
    """A `ClipSource` of so many moving clips."""

    count: int = 2
    frames: int = 8

    @property
    def fingerprint(self) -> str:
        """Depends on the settings alone."""
        return f"moving {self.count} {self.frames}"

    def __len__(self) -> int:
        return self.count

    def frame_count(self, index: int) -> int:
        """The same for all."""
        del index
        return self.frames

    def clip(self, index: int, frames: Sequence[int] | None = None) -> LayeredClip:
        """Clip `index`, cut to the frames that are asked for."""
        return cut_to(moving_clip(index, self.frames), frames)


def cut_to(clip: LayeredClip, frames: Sequence[int] | None) -> LayeredClip:
    """Only these frames."""
    if frames is None:
        return clip
    at = list(frames)
    tracks = replace(
        clip.tracks, points=clip.tracks.points[:, at], visible=clip.tracks.visible[:, at]
    )
    sketch = None if clip.sketch is None else clip.sketch[at]
    return replace(
        clip, frames=clip.frames[at], labels=clip.labels[at], tracks=tracks, sketch=sketch
    )
