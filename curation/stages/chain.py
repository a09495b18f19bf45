"""Frames to one layered clip, without weights: the stages of this folder one after the other."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np

from curation.backends.interfaces import Backends, FlowEstimator
from curation.dataset.clip import LayeredClip
from curation.dataset.provenance import Annotation, Provenance
from curation.stages.elements import ElementSettings, region_labels
from curation.stages.far_flow import FarSettings, far_ways, with_leaps
from curation.stages.flow import FlowSettings, dis_flow, flows, textured_pixels
from curation.stages.gathering import GatherSettings
from curation.stages.layering import (
    as_clip,
    describe,
    describe_by,
    find_layers,
    follow_elements,
)
from curation.stages.masklets import MaskletSettings, propagate
from curation.stages.merging import MergeSettings
from curation.stages.motion import Motion, left_out, measure_motion, on_pixels, steadied
from curation.stages.plain import plain_backdrop
from curation.stages.presence import like_themselves
from curation.stages.refinement import RefineSettings
from curation.stages.rests import RestSettings, camera_path, region_rests, resting
from curation.stages.sketches import SketchSettings, sketch
from curation.stages.strokes import cut_strokes
from curation.stages.tracks import TrackSettings, find_tracks, follow


@dataclass(frozen=True)
class ChainSettings:
    """All stages' settings. `layers`: "motion" gathers by motion, place and size; "score" merges
    by score as the papers do, after the pre-merge that `merge.near_px` asks for. `keep_flow`:
    dense flow is large and can be measured again.
    """

    elements: ElementSettings = field(default_factory=ElementSettings)
    flow: FlowSettings = field(default_factory=FlowSettings)
    far: FarSettings = field(default_factory=FarSettings)
    masklets: MaskletSettings = field(default_factory=MaskletSettings)
    newcomers: RefineSettings = field(default_factory=RefineSettings)
    gather: GatherSettings = field(default_factory=GatherSettings)
    merge: MergeSettings = field(default_factory=MergeSettings)
    tracks: TrackSettings = field(default_factory=TrackSettings)
    sketch: SketchSettings = field(default_factory=SketchSettings)
    layers: str = "motion"
    keep_flow: bool = False

    def fingerprint(self) -> str:
        """SHA-256 of all settings; tells which clips must be made again."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()


TOOL_VERSION = "1"
NO_WEIGHTS = tuple(
    Annotation(kind, name, TOOL_VERSION, "Apache-2.0")
    for kind, name in (
        ("masks", "acetate watershed and DIS propagation"),
        ("flow", "OpenCV DIS with region repair"),
        ("tracks", "OpenCV Lucas-Kanade"),
        ("sketch", "acetate luminance lines"),
        ("caption", "acetate template"),
    )
)


def no_weights(settings: ChainSettings) -> Backends:
    """The parts that are always there."""
    return Backends(
        segment=lambda picture: cut_strokes(
            region_labels(picture, settings.elements), most=settings.elements.most_regions
        ),
        flow=lambda first, second: dis_flow(first, second, settings.flow.preset),
        propagate=lambda frames, first, regions: (
            propagate(frames, first, settings.masklets, regions=regions).labels
        ),
        track=lambda frames, points: follow(frames, points, settings.tracks),
        sketch=lambda picture: sketch(picture, settings.sketch),
        annotations=NO_WEIGHTS,
    )


def layered_clip(
    frames: np.ndarray,
    fps: float,
    settings: ChainSettings,
    provenance: Provenance,
    backends: Backends | None = None,
) -> LayeredClip:
    """Elements, layers, scores, tracks, sketch and caption of one shot.

    frames: RGB uint8 [frames, h, w, 3], without a cut. `provenance` comes back with what made the
    annotations and with the settings' fingerprint. Layers are in order of rising speed.
    `backends`: None takes those without weights.
    """
    parts = backends or no_weights(settings)
    regions = np.stack([parts.segment(frame) for frame in frames])
    newcomers = None if parts.finds_newcomers else settings.newcomers
    labels = follow_elements(frames, regions, parts.propagate, newcomers, settings.masklets)
    flow, textured, motion = region_motion(
        frames, regions, labels, settings.flow, settings.masklets, settings.far, parts.flow
    )
    layered = find_layers(labels, motion, flow, textured, settings)
    made = msgspec.structs.replace(
        provenance,
        parameters_hash=settings.fingerprint(),
        annotations=(*provenance.annotations, *parts.annotations),
    )
    clip = as_clip(
        _clip_id(provenance),
        fps,
        frames,
        layered,
        describe(frames, layered, flow)
        if parts.caption is None
        else describe_by(parts.caption, frames, layered),
        find_tracks(frames, layered.labels, settings.tracks, parts.track),
        np.stack([parts.sketch(frame) for frame in frames]),
        made,
    )
    return replace(clip, flow=flow.astype(np.float16)) if settings.keep_flow else clip


def region_motion(
    frames: np.ndarray,
    regions: np.ndarray,
    labels: np.ndarray,
    settings: FlowSettings,
    masklets: MaskletSettings,
    far: FarSettings,
    estimate: FlowEstimator | None = None,
) -> tuple[np.ndarray, np.ndarray, Motion]:
    """Repaired flow float32 [frames - 1, h, w, 2], textured pixels bool [frames, h, w], and how
    the labels move.

    regions: int [frames, h, w], of every frame for itself; labels: int [frames, h, w], of
    `layering.follow_elements`. `masklets`: its leaps and rests are read.
    """
    raw, flow = flows(frames, regions, settings, estimate)
    textured = textured_pixels(frames, settings)
    path = camera_path(raw, textured)
    leaps = far_ways(frames, labels, raw, textured, masklets.leaps, far)
    raw, flow = (with_leaps(each, labels, leaps) for each in (raw, flow))
    count = int(labels.max()) + 1
    strayed = _strayed(frames, labels, leaps)
    hidden = left_out(strayed)
    unseen = on_pixels(hidden, labels)
    loose, repaired = (
        measure_motion(each, labels, textured, count, unseen) for each in (raw, flow)
    )
    share = _rest_share(frames, labels, path, strayed, masklets.rests)
    plain = plain_backdrop(frames[0], labels[0], share > masklets.rests.still, masklets.rests.plain)
    vectors = steadied(loose, repaired, np.diff(path, axis=0), plain)
    share = np.where(plain, 1.0, share)
    return flow, textured, Motion(repaired.scores, vectors, loose.area, share, hidden)


def _strayed(frames: np.ndarray, labels: np.ndarray, leaps: np.ndarray) -> np.ndarray:
    """Where what leaps has left its label to something else, bool [frames, elements]."""
    far = np.asarray(np.isfinite(leaps[..., 0]).any(axis=0))
    if not far.any():
        return np.zeros((len(frames), len(far)), bool)
    return far & ~like_themselves(frames, labels)


def _rest_share(
    frames: np.ndarray,
    labels: np.ndarray,
    path: np.ndarray,
    strayed: np.ndarray,
    settings: RestSettings,
) -> np.ndarray:
    """Share of every element that goes with the camera, float64 [elements]."""
    count = strayed.shape[1]
    rest = resting(frames, path, settings)
    own = np.where(np.take_along_axis(strayed, labels.reshape(len(frames), -1), 1), np.nan, 0)
    share = region_rests(rest + own.reshape(labels.shape), labels, count)
    # What is hidden later is best told by the first frame, what moves little by all of them.
    first = region_rests(rest[0], labels[0], count)
    return np.where(strayed.any(axis=0), share, np.fmax(share, first))


def _clip_id(provenance: Provenance) -> str:
    """The same frames of the same source always have the same name."""
    told = f"{provenance.source_id}:{provenance.first}:{provenance.last}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]
