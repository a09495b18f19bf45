"""The members of one sample as a clip again; the reader hands in checked bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from curation.dataset.arrays import decode_flow, decode_labels, decode_tracks
from curation.dataset.clip import Element, LayeredClip, LayerFacts, ScoreScale, Tracks
from curation.dataset.damage import DamageError, told_of
from curation.dataset.documents import (
    CAPTION_SCHEMA,
    MAX_CLIP_PIXELS,
    SCORES_SCHEMA,
    CaptionDocument,
    ClipDocument,
    ScoresDocument,
    decode,
)
from curation.dataset.video import decode_video
from shared.errors import AcetateError


@dataclass(frozen=True)
class StoredSample:
    """A sample in a shard. `fetch` gives a member's bytes by suffix, their checksum compared."""

    document: ClipDocument
    shard: str
    fetch: Callable[[str], bytes]

    def clip(self, frames: Sequence[int] | None = None) -> LayeredClip:
        """The clip, or only its frames `frames` in that order; flow only of whole clips.

        Raises `clip_damaged`, `member_missing`, or `invalid_request` for frames that it has not.
        """
        document = self.document
        wanted = range(document.frames) if frames is None else _inside(frames, document)
        pixels = len(wanted) * document.width * document.height
        if pixels > MAX_CLIP_PIXELS:
            raise AcetateError(
                "invalid_request", where=f"{len(wanted)} frames at once are too many"
            )
        scores = self._scores()
        caption = self._caption(len(scores.layers))
        highest = len(scores.elements)
        return LayeredClip(
            clip_id=document.clip_id,
            fps=document.fps,
            frames=self._video("mp4", wanted, grey=False),
            labels=self._labels(wanted, highest),
            elements=tuple(Element(e.name, e.score, e.layer) for e in scores.elements),
            layers=tuple(
                LayerFacts(layer.name, layer.score, text)
                for layer, text in zip(scores.layers, caption.layers, strict=True)
            ),
            score_scale=ScoreScale(scores.width, scores.height, scores.frame_step),
            tracks=self._tracks(wanted, highest),
            caption=caption.caption,
            provenance=document.provenance,
            depth_known=document.depth_known,
            sketch=self._sketch(wanted),
            flow=self._flow() if frames is None else None,
        )

    @property
    def _size(self) -> tuple[int, int]:
        return self.document.width, self.document.height

    def _scores(self) -> ScoresDocument:
        member = "scores.json"
        data = self.fetch(member)
        with told_of(self.document.clip_id, self.shard, member):
            scores = decode(data, ScoresDocument, SCORES_SCHEMA)
            if any(element.layer >= len(scores.layers) for element in scores.elements):
                raise DamageError("an element of a layer that is not there")
            return scores

    def _caption(self, layers: int) -> CaptionDocument:
        member = "caption.json"
        data = self.fetch(member)
        with told_of(self.document.clip_id, self.shard, member):
            caption = decode(data, CaptionDocument, CAPTION_SCHEMA)
            if len(caption.layers) != layers:
                raise DamageError(f"captions of {len(caption.layers)} layers, there are {layers}")
            return caption

    def _video(self, member: str, wanted: Sequence[int], *, grey: bool) -> np.ndarray:
        data = self.fetch(member)
        with told_of(self.document.clip_id, self.shard, member):
            return decode_video(data, self._size, self.document.frames, wanted, grey=grey)

    def _sketch(self, wanted: Sequence[int]) -> np.ndarray | None:
        if "sketch.mp4" not in self.document.members:
            return None
        return self._video("sketch.mp4", wanted, grey=True)

    def _labels(self, wanted: Sequence[int], highest: int) -> np.ndarray:
        member = "elements.npz"
        data = self.fetch(member)
        with told_of(self.document.clip_id, self.shard, member):
            return decode_labels(data, self._size, self.document.frames, wanted, highest)

    def _tracks(self, wanted: Sequence[int], elements: int) -> Tracks:
        member = "tracks.npz"
        data = self.fetch(member)
        document = self.document
        with told_of(document.clip_id, self.shard, member):
            return decode_tracks(data, document.tracks, document.frames, wanted, elements)

    def _flow(self) -> np.ndarray | None:
        member = "flow.npz"
        if member not in self.document.members:
            return None
        data = self.fetch(member)
        with told_of(self.document.clip_id, self.shard, member):
            return decode_flow(data, self._size, self.document.frames)


def _inside(frames: Sequence[int], document: ClipDocument) -> list[int]:
    wanted = [int(number) for number in frames]
    if not wanted or min(wanted) < 0 or max(wanted) >= document.frames:
        where = f"clip {document.clip_id} has {document.frames} frames"
        raise AcetateError("invalid_request", where=where, detail=f"asked for {wanted[:20]}")
    return wanted
