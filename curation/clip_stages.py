"""The stages of one clip as units of a run: each keeps what later ones need, and nothing else.

The same functions, one after the other, are `stages.chain.layered_clip`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from curation.dataset.clip import Tracks
from curation.media.frames import Crop, read_frames
from curation.quality import QualitySettings, reasons_against
from curation.run.stage import ClipRef, ClipRefusedError, Product, Stage
from curation.stages.captions import clip_caption, layer_caption
from curation.stages.chain import (
    ChainSettings,
    group,
    layer_scores,
    region_motion,
    textured_pixels,
)
from curation.stages.drawings import drawing_numbers, usual_hold
from curation.stages.elements import region_labels
from curation.stages.masklets import propagate
from curation.stages.motion import Motion, measure_motion
from curation.stages.regions import touching
from curation.stages.sketches import sketch
from curation.stages.tracks import find_tracks


def clip_frames(clip: ClipRef) -> np.ndarray:
    """The clip's frames, RGB uint8 [frames, h, w, 3]; the last clip's are kept at hand."""
    if clip.view is None:
        raise ClipRefusedError("corrupt", "the clip does not say how it is seen")
    view = clip.view
    return _frames(clip.source, clip.first, clip.last, (view.width, view.height), view.crop)


@lru_cache(maxsize=1)
def _frames(path: str, first: int, last: int, size: tuple[int, int], crop: Crop) -> np.ndarray:
    frames = read_frames(Path(path), first, last, size, crop)
    frames.setflags(write=False)
    return frames


@dataclass(frozen=True)
class ClipStages:
    """All stages' work under one set of settings."""

    settings: ChainSettings
    quality: QualitySettings

    def regions(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """`labels` uint16 [frames, h, w], regions of every frame for itself."""
        frames = clip_frames(clip)
        labels = [region_labels(frame, self.settings.elements) for frame in frames]
        numbers = drawing_numbers(frames)
        facts = {"hold": usual_hold(numbers), "drawings": int(numbers[-1]) + 1}
        return Product({"labels": np.stack(labels).astype(np.uint16)}, facts)

    def masklets(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """`labels` uint16 [frames, h, w], the first frame's regions followed through the clip."""
        regions = needed["regions"].arrays["labels"].astype(np.int32)
        found = propagate(clip_frames(clip), regions[0], self.settings.masklets, regions=regions)
        return Product({"labels": found.labels.astype(np.uint16)})

    def motion(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """`flow` float16 repaired; the regions' `scores`, `vectors`, `area`."""
        frames = clip_frames(clip)
        regions = needed["regions"].arrays["labels"].astype(np.int32)
        labels = needed["masklets"].arrays["labels"].astype(np.int32)
        flow, _, found = region_motion(frames, regions, labels, self.settings.flow)
        return Product({"flow": flow.astype(np.float16), **asdict(found)})

    def layers(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """`labels` uint16 of elements from 1, `layer` of each, their `scores` and `area`."""
        measured = needed["motion"].arrays
        regions = needed["regions"].arrays["labels"][0].astype(np.int32)
        motion = Motion(measured["scores"], measured["vectors"], measured["area"])
        pairs = touching(regions)[0]
        element, layer = group(motion, pairs=pairs, settings=self.settings)
        labels = element[needed["masklets"].arrays["labels"]].astype(np.int32)
        textured = textured_pixels(clip_frames(clip), self.settings.flow)
        flow = measured["flow"].astype(np.float32)
        moving = measure_motion(flow, labels, textured, len(layer))
        return Product(
            {
                "labels": (labels + 1).astype(np.uint16),
                "layer": layer.astype(np.int64),
                "scores": moving.scores,
                "area": moving.area,
            },
            {"layer_scores": layer_scores(layer, moving)},
        )

    def tracks(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """`points`, `visible`, `elements` as in `Tracks`."""
        labels = needed["layers"].arrays["labels"]
        found = find_tracks(clip_frames(clip), labels, self.settings.tracks)
        asked = self.settings.tracks.grid**2
        return Product(
            {"points": found.points, "visible": found.visible, "elements": found.elements},
            {"survival": round(len(found) / asked, 4)},
        )

    def sketches(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """`sketch` uint8 [frames, h, w]."""
        drawn = [sketch(frame, self.settings.sketch) for frame in clip_frames(clip)]
        return Product({"sketch": np.stack(drawn)})

    def captions(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """Facts: `caption` of the clip, `layers` of each layer."""
        frames = clip_frames(clip)
        scores = needed["layers"].facts["layer_scores"]
        shown = needed["layers"].arrays["layer"][needed["layers"].arrays["labels"][0] - 1]
        masks = [shown == index for index in range(len(scores))]
        back = masks[int(np.argmax([mask.sum() for mask in masks]))]
        flow = needed["motion"].arrays["flow"].astype(np.float32)
        camera = np.array([np.median(step[back], axis=0) for step in flow]).reshape(-1, 2)
        named = [layer_caption(frames[0], m, s) for m, s in zip(masks, scores, strict=True)]
        return Product(facts={"caption": clip_caption(camera, scores, frames), "layers": named})

    def judge(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """Facts: `reasons`, codes against the clip; a set is chosen by them later."""
        found = reasons_against(clip_frames(clip), needed, self.quality)
        return Product(facts={"reasons": found})


def clip_stages(settings: ChainSettings, quality: QualitySettings) -> tuple[Stage, ...]:
    """The chain over clips. Each stage's key holds only the settings that it reads."""
    work = ClipStages(settings, quality)
    chosen = (settings.layers, settings.gather, settings.merge)
    return (
        Stage("regions", 1, work.regions, settings.elements),
        Stage("masklets", 1, work.masklets, settings.masklets, ("regions",)),
        Stage("motion", 2, work.motion, settings.flow, ("regions", "masklets")),
        Stage("layers", 1, work.layers, chosen, ("regions", "masklets", "motion")),
        Stage("tracks", 1, work.tracks, settings.tracks, ("layers",)),
        Stage("sketches", 1, work.sketches, settings.sketch),
        Stage("captions", 1, work.captions, (), ("motion", "layers")),
        Stage("quality", 1, work.judge, quality, ("regions", "motion", "layers", "tracks")),
    )


def tracks_of(product: Product) -> Tracks:
    """A stage's tracks as the data set has them."""
    arrays = product.arrays
    return Tracks(arrays["points"], arrays["visible"], arrays["elements"])
