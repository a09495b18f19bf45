"""Small clips that the tests of data sets share: a square that moves over a gradient."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from curation.dataset.clip import Element, LayeredClip, LayerFacts, ScoreScale, Tracks
from curation.dataset.provenance import Annotation, Provenance
from curation.dataset.writer import ShardWriter

RIGHTS = Provenance(
    source_id="5" * 64,
    source="studio/episode-1.mov",
    title="Episode 1",
    rights_holder="The Studio",
    licence="CC-BY-4.0",
    licence_evidence="contracts/1.pdf",
    consent_for_training=True,
    consent_by="A. Producer",
    consent_date="2026-03-01",
    attribution="The Studio, 2026",
    acquired="2026-02-01",
    first=10,
    last=21,
    toolkit="acetate 0.1.0",
    parameters_hash="0" * 64,
    annotations=(Annotation("masks", "watershed", "1", "Apache-2.0"),),
)


def small_clip(
    name: str = "clip-0",
    *,
    frames: int = 12,
    size: tuple[int, int] = (48, 32),
    rights: Provenance = RIGHTS,
    with_flow: bool = True,
) -> LayeredClip:
    """A clip of `size` (width, height) with two elements of a layer each, tracks, sketch, flow."""
    width, height = size
    rng = np.random.default_rng(sum(name.encode()))
    across = np.linspace(40, 200, width, dtype=np.uint8)
    pixels = np.broadcast_to(across[None, None, :, None], (frames, height, width, 3)).copy()
    labels = np.ones((frames, height, width), np.uint8)
    sketch = np.full((frames, height, width), 255, np.uint8)
    shade = rng.integers(0, 255, 3)
    for number in range(frames):
        left = 2 + number
        pixels[number, 8:20, left : left + 12] = shade
        labels[number, 8:20, left : left + 12] = 2
        sketch[number, 8, left : left + 12] = 0
    points = rng.uniform(-20, 60, (9, frames, 2)).astype(np.float32)
    flow = np.zeros((frames - 1, height, width, 2), np.float16)
    flow[labels[:-1] == 2, 0] = 1
    return LayeredClip(
        clip_id=name,
        fps=24.0,
        frames=pixels,
        labels=labels,
        elements=(Element("plate", 0.0, 0), Element("box", 1.0, 1)),
        layers=(LayerFacts("plate", 0.0, "a gradient"), LayerFacts("box", 1.0, "a box")),
        score_scale=ScoreScale(width, height),
        tracks=Tracks(points, rng.random((9, frames)) > 0.3, np.arange(9, dtype=np.uint16) % 2),
        caption="a box on a gradient",
        provenance=rights,
        depth_known=True,
        sketch=sketch,
        flow=flow if with_flow else None,
    )


def of_source(source_id: str, **changes: object) -> Provenance:
    """Rights of another source."""
    values = {name: getattr(RIGHTS, name) for name in RIGHTS.__struct_fields__}
    return Provenance(**{**values, "source_id": source_id, **changes})


def write_clips(folder: Path, clips: list[LayeredClip], *, shard_bytes: int = 20_000) -> Path:
    """A data set of these clips, some per shard."""
    with ShardWriter(folder, shard_bytes=shard_bytes) as writer:
        for clip in clips:
            writer.add(clip)
    return folder


def without_extras(clip: LayeredClip) -> LayeredClip:
    """The clip as a source without sketch, flow and tracks would give it."""
    return replace(clip, sketch=None, flow=None, tracks=Tracks.none(len(clip.frames)))
