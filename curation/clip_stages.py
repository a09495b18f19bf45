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
from curation.run.stage import ClipRef, ClipRefusedError, Product, Stage
from curation.stages.chain import ChainSettings, no_weights, region_motion
from curation.stages.drawings import drawing_numbers, usual_hold
from curation.stages.filters import FilterSettings, judge, quality_of
from curation.stages.flow import textured_pixels
from curation.stages.layering import Captions, Layered, describe, find_layers
from curation.stages.motion import Motion
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
    quality: FilterSettings

    def regions(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """`labels` uint16 [frames, h, w], regions of every frame for itself."""
        frames = clip_frames(clip)
        parts = no_weights(self.settings)
        labels = np.stack([parts.segment(frame) for frame in frames])
        hold = usual_hold(drawing_numbers(frames))
        return Product({"labels": labels.astype(np.uint16)}, {"hold": hold})

    def masklets(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """`labels` uint16 [frames, h, w], the first frame's regions followed through the clip."""
        regions = needed["regions"].arrays["labels"].astype(np.int32)
        found = no_weights(self.settings).propagate(clip_frames(clip), regions[0], regions)
        return Product({"labels": found.astype(np.uint16)})

    def motion(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """`flow` float16 repaired; the regions' `scores`, `vectors`, `area`."""
        frames = clip_frames(clip)
        regions = needed["regions"].arrays["labels"].astype(np.int32)
        labels = needed["masklets"].arrays["labels"].astype(np.int32)
        flow, _, found = region_motion(
            frames, regions, labels, self.settings.flow, self.settings.masklets.rests
        )
        return Product({"flow": flow.astype(np.float16), **asdict(found)})

    def layers(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """`labels` uint16 of elements from 1, `layer` of each, their `scores` and `area`."""
        measured = needed["motion"].arrays
        layered = find_layers(
            needed["regions"].arrays["labels"][0].astype(np.int32),
            needed["masklets"].arrays["labels"].astype(np.int32),
            Motion(*(measured[name] for name in ("scores", "vectors", "area", "rests"))),
            measured["flow"].astype(np.float32),
            textured_pixels(clip_frames(clip), self.settings.flow),
            self.settings,
        )
        arrays = asdict(layered)
        return Product(arrays, {"layer_scores": arrays.pop("layer_scores")})

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
        parts = no_weights(self.settings)
        return Product({"sketch": np.stack([parts.sketch(f) for f in clip_frames(clip)])})

    def captions(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """Facts: those of `Captions`."""
        flow = needed["motion"].arrays["flow"].astype(np.float32)
        found = describe(clip_frames(clip), layered_of(needed["layers"]), flow)
        return Product(facts=asdict(found))

    def judge(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """Facts: `reasons`, codes against the clip; a set is chosen by them later."""
        found = layered_of(needed["layers"])
        visible = needed["tracks"].arrays["visible"]
        quality = quality_of(
            clip_frames(clip), found.labels, found.layer, found.scores, visible, self.quality
        )
        return Product(facts={"reasons": [reason.value for reason in judge(quality, self.quality)]})


def clip_stages(settings: ChainSettings, quality: FilterSettings) -> tuple[Stage, ...]:
    """The chain over clips. Each stage's key holds only the settings that it reads."""
    work = ClipStages(settings, quality)
    chosen = (settings.layers, settings.gather, settings.merge)
    moving = (settings.flow, settings.masklets.rests)
    return (
        Stage("regions", 2, work.regions, settings.elements),
        Stage("masklets", 2, work.masklets, settings.masklets, ("regions",)),
        Stage("motion", 3, work.motion, moving, ("regions", "masklets")),
        Stage("layers", 2, work.layers, chosen, ("regions", "masklets", "motion")),
        Stage("tracks", 1, work.tracks, settings.tracks, ("layers",)),
        Stage("sketches", 1, work.sketches, settings.sketch),
        Stage("captions", 1, work.captions, (), ("motion", "layers")),
        Stage("quality", 1, work.judge, quality, ("layers", "tracks")),
    )


def layered_of(product: Product) -> Layered:
    """What the layers stage found."""
    return Layered(**product.arrays, **product.facts)


def captions_of(product: Product) -> Captions:
    """What the captions stage found."""
    return Captions(**product.facts)


def tracks_of(product: Product) -> Tracks:
    """A stage's tracks as the data set has them."""
    arrays = product.arrays
    return Tracks(arrays["points"], arrays["visible"], arrays["elements"])
