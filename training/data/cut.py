"""Chosen frames of a clip that is in memory as a whole; sources that cannot read parts use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from curation.dataset.clip import LayeredClip, Tracks
from shared.errors import AcetateError


def cut(clip: LayeredClip, frames: Sequence[int]) -> LayeredClip:
    """The clip's frames `frames` in that order, without flow; see `ClipSource.clip`.

    Raises `not_found` for frames that the clip does not have.
    """
    chosen = np.asarray(frames, np.int64)
    if chosen.size and not (chosen.min() >= 0 and chosen.max() < len(clip.frames)):
        raise AcetateError("not_found", what=f"frame {chosen.max()} in clip {clip.clip_id}"[:60])
    whole = np.array_equal(chosen, np.arange(len(clip.frames)))
    tracks = clip.tracks
    return replace(
        clip,
        frames=clip.frames[chosen],
        labels=clip.labels[chosen],
        tracks=Tracks(tracks.points[:, chosen], tracks.visible[:, chosen], tracks.elements),
        sketch=None if clip.sketch is None else clip.sketch[chosen],
        flow=clip.flow if whole else None,
    )
