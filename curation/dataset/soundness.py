"""Checks that a clip holds together before it is packed: shapes, types, references, limits."""

from __future__ import annotations

import math
import re

import numpy as np

from curation.dataset.clip import LayeredClip
from curation.dataset.documents import (
    MAX_CLIP_PIXELS,
    MAX_ELEMENTS,
    MAX_FRAMES,
    MAX_LAYERS,
    MAX_SIDE_PX,
)
from shared.errors import AcetateError

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_MAX_TRACK_PX = 1e6
_MAX_TRACKS = 65_536


def check_clip(clip: LayeredClip) -> None:
    """Raise `clip_invalid` with the place where the clip contradicts itself or the format.

    Ids have letters, digits, `_` and `-` only: readers of tar shards cut names at the first dot.
    """
    if not _ID.fullmatch(clip.clip_id):
        _refuse(clip, "its id", clip.clip_id[:100])
    if not (math.isfinite(clip.fps) and 0 < clip.fps <= 1000):
        _refuse(clip, "frames per second", str(clip.fps))
    _check_pictures(clip)
    _check_elements(clip)
    _check_tracks(clip)


def _check_pictures(clip: LayeredClip) -> None:
    frames = clip.frames
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3:
        _refuse(clip, "frames", f"{frames.dtype} {frames.shape}")
    count, height, width, _ = frames.shape
    if not (1 <= count <= MAX_FRAMES and 1 <= height <= MAX_SIDE_PX and 1 <= width <= MAX_SIDE_PX):
        _refuse(clip, "number or size of frames", str(frames.shape))
    if count * height * width > MAX_CLIP_PIXELS:
        _refuse(clip, "more pixels than can be read at once", str(frames.shape))
    if clip.labels.dtype not in (np.uint8, np.uint16) or clip.labels.shape != frames.shape[:3]:
        _refuse(clip, "labels", f"{clip.labels.dtype} {clip.labels.shape}")
    sketch, flow = clip.sketch, clip.flow
    if sketch is not None and (sketch.dtype != np.uint8 or sketch.shape != frames.shape[:3]):
        _refuse(clip, "sketch", f"{sketch.dtype} {sketch.shape}")
    expected = (count - 1, height, width, 2)
    if flow is not None and (flow.dtype != np.float16 or flow.shape != expected):
        _refuse(clip, "flow", f"{flow.dtype} {flow.shape}")


def _check_elements(clip: LayeredClip) -> None:
    if len(clip.elements) > MAX_ELEMENTS or len(clip.layers) > MAX_LAYERS:
        _refuse(clip, "too many elements or layers", f"{len(clip.elements)}, {len(clip.layers)}")
    if any(not 0 <= element.layer < len(clip.layers) for element in clip.elements):
        _refuse(clip, "an element of a layer that is not there")
    if any(not math.isfinite(item.score) for item in (*clip.elements, *clip.layers)):
        _refuse(clip, "a score that is no number")
    if int(clip.labels.max()) > len(clip.elements):
        _refuse(clip, "a label of no element", f"{clip.labels.max()} of {len(clip.elements)}")
    scale = clip.score_scale
    if min(scale.width, scale.height, scale.frame_step) < 1:
        _refuse(clip, "the scale of its scores", str(scale))


def _check_tracks(clip: LayeredClip) -> None:
    tracks = clip.tracks
    shape = (len(tracks.points), len(clip.frames))
    if tracks.points.dtype != np.float32 or tracks.points.shape != (*shape, 2):
        _refuse(clip, "tracks", f"{tracks.points.dtype} {tracks.points.shape}")
    if tracks.visible.dtype != np.bool_ or tracks.visible.shape != shape:
        _refuse(clip, "visibility of tracks", f"{tracks.visible.dtype} {tracks.visible.shape}")
    if tracks.elements.dtype != np.uint16 or tracks.elements.shape != shape[:1]:
        _refuse(clip, "elements of tracks", f"{tracks.elements.dtype} {tracks.elements.shape}")
    if not len(tracks):
        return
    if len(tracks) > _MAX_TRACKS:
        _refuse(clip, "too many tracks", str(len(tracks)))
    if int(tracks.elements.max()) >= len(clip.elements):
        _refuse(clip, "a track of no element")
    if not np.isfinite(tracks.points).all() or np.abs(tracks.points).max() > _MAX_TRACK_PX:
        _refuse(clip, "a track that is nowhere")


def _refuse(clip: LayeredClip, where: str, detail: str = "") -> None:
    raise AcetateError("clip_invalid", clip=clip.clip_id[:80], where=where, detail=detail)
