"""The stages of one clip as units of a run: each keeps what later ones need, and nothing else.

The same functions, one after the other, are `stages.chain.layered_clip`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from curation.backends.build import built
from curation.backends.choose import Choice, choose
from curation.backends.interfaces import Backends
from curation.dataset.clip import Tracks
from curation.media.frames import Crop, read_frames
from curation.run.stage import ClipRef, ClipRefusedError, Product, Stage
from curation.stages.chain import ChainSettings, region_motion
from curation.stages.drawings import drawing_numbers, usual_hold
from curation.stages.filters import FilterSettings, judge, quality_of
from curation.stages.flow import textured_pixels
from curation.stages.layering import (
    Captions,
    Layered,
    describe,
    describe_by,
    find_layers,
    follow_elements,
)
from curation.stages.motion import Motion
from curation.stages.tracks import find_tracks


def clip_frames(clip: ClipRef) -> np.ndarray:
    """The clip's frames, RGB uint8 [frames, h, w, 3]; the last clip's are kept at hand."""
    if clip.view is None:
        raise ClipRefusedError("corrupt", "the clip does not say how it is seen")
    view = clip.view
    size, held_at = (view.width, view.height), view.fps if view.held else None
    return _frames(clip.source, clip.first, clip.last, size, view.crop, held_at)


@lru_cache(maxsize=1)
def _frames(
    path: str,
    first: int,
    last: int,
    size: tuple[int, int],
    crop: Crop,
    held_at: float | None,
) -> np.ndarray:
    frames = read_frames(Path(path), first, last, size, crop, held_at=held_at)
    frames.setflags(write=False)
    return frames


@dataclass(frozen=True)
class ClipStages:
    """All stages' work under one set of settings, done by the chosen backends."""

    settings: ChainSettings
    quality: FilterSettings
    choice: Choice

    @property
    def parts(self) -> Backends:
        """What does the work; nothing is loaded before it is called."""
        return built(self.settings, self.choice)

    def regions(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """`labels` uint16 [frames, h, w], regions of every frame for itself."""
        frames = clip_frames(clip)
        parts = self.parts
        labels = np.stack([parts.segment(frame) for frame in frames])
        hold = usual_hold(drawing_numbers(frames))
        return Product({"labels": labels.astype(np.uint16)}, {"hold": hold})

    def masklets(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """`labels` uint16 [frames, h, w], of `follow_elements`."""
        regions = needed["regions"].arrays["labels"].astype(np.int32)
        parts, chosen = self.parts, self.settings
        found = follow_elements(
            clip_frames(clip),
            regions,
            parts.propagate,
            None if parts.finds_newcomers else chosen.newcomers,
            chosen.masklets,
        )
        return Product({"labels": found.astype(np.uint16)})

    def motion(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """`flow` float16 repaired; the regions' `scores`, `vectors`, `area`."""
        frames = clip_frames(clip)
        regions = needed["regions"].arrays["labels"].astype(np.int32)
        labels = needed["masklets"].arrays["labels"].astype(np.int32)
        settings = self.settings
        flow, _, found = region_motion(
            frames, regions, labels, settings.flow, settings.masklets, self.parts.flow
        )
        return Product({"flow": flow.astype(np.float16), **asdict(found)})

    def layers(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """`labels` uint16 of elements from 1, `layer` of each, their `scores` and `area`."""
        measured = needed["motion"].arrays
        layered = find_layers(
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
        tracker = self.parts.track
        found = find_tracks(clip_frames(clip), labels, self.settings.tracks, tracker)
        asked = self.settings.tracks.grid**2
        return Product(
            {"points": found.points, "visible": found.visible, "elements": found.elements},
            {"survival": round(len(found) / asked, 4)},
        )

    def sketches(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """`sketch` uint8 [frames, h, w]."""
        parts = self.parts
        return Product({"sketch": np.stack([parts.sketch(f) for f in clip_frames(clip)])})

    def captions(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """Facts: those of `Captions`; of a network's words also who said them."""
        layered, captioner = layered_of(needed["layers"]), self.parts.caption
        if captioner is not None:
            words = describe_by(captioner, clip_frames(clip), layered)
            return Product(facts={**asdict(words), **captioner.made_by})
        flow = needed["motion"].arrays["flow"].astype(np.float32)
        return Product(facts=asdict(describe(clip_frames(clip), layered, flow)))

    def judge(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """Facts: `reasons`, codes against the clip; a set is chosen by them later."""
        found = layered_of(needed["layers"])
        visible = needed["tracks"].arrays["visible"]
        quality = quality_of(
            clip_frames(clip), found.labels, found.layer, found.scores, visible, self.quality
        )
        return Product(facts={"reasons": [reason.value for reason in judge(quality, self.quality)]})


def clip_stages(
    settings: ChainSettings, quality: FilterSettings, choice: Choice | None = None
) -> tuple[Stage, ...]:
    """The chain over clips. Each stage's key holds only the settings and weights that it reads.

    `choice`: None takes the backends without weights.
    """
    choice = choice or choose()
    work = ClipStages(settings, quality, choice)
    chosen = (settings.layers, settings.gather, settings.merge)
    moving = (settings.flow, settings.masklets.leaps, settings.masklets.rests)
    followed = (settings.masklets, settings.newcomers)

    def by(slot: str, stage: Stage) -> Stage:
        part = choice[slot]
        return replace(stage, settings=part.keyed(stage.settings), weights_sha256=part.sha256)

    return (
        by("segment", Stage("regions", 2, work.regions, settings.elements)),
        by("propagate", Stage("masklets", 3, work.masklets, followed, ("regions",))),
        by("flow", Stage("motion", 4, work.motion, moving, ("regions", "masklets"))),
        Stage("layers", 4, work.layers, chosen, ("masklets", "motion")),
        by("track", Stage("tracks", 2, work.tracks, settings.tracks, ("layers",))),
        by("sketch", Stage("sketches", 1, work.sketches, settings.sketch)),
        by("caption", Stage("captions", 1, work.captions, (), ("motion", "layers"))),
        Stage("quality", 1, work.judge, quality, ("layers", "tracks")),
    )


def layered_of(product: Product) -> Layered:
    """What the layers stage found."""
    return Layered(**product.arrays, **product.facts)


def captions_of(product: Product) -> Captions:
    """What the captions stage found."""
    return Captions(product.facts["clip"], product.facts["layers"])


def tracks_of(product: Product) -> Tracks:
    """A stage's tracks as the data set has them."""
    arrays = product.arrays
    return Tracks(arrays["points"], arrays["visible"], arrays["elements"])
