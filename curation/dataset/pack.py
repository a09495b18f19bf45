"""A clip as the members of one sample; pure, so that processes may pack side by side.

The writer stores what `pack` gives; `unpack.py` is the way back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from curation.dataset.arrays import encode_flow, encode_labels, encode_tracks
from curation.dataset.clip import LayeredClip
from curation.dataset.documents import (
    CAPTION_SCHEMA,
    CLIP_SCHEMA,
    SCORES_SCHEMA,
    CaptionDocument,
    ClipDocument,
    ElementRecord,
    LayerRecord,
    MemberRecord,
    ScoresDocument,
    encode,
)
from curation.dataset.rights import check_rights, is_nc_tainted
from curation.dataset.soundness import check_clip
from curation.dataset.video import encode_video
from shared.blobs import content_hash

META = "meta.json"
MEMBERS = (
    "caption.json",
    "elements.npz",
    "flow.npz",
    META,
    "mp4",
    "scores.json",
    "sketch.mp4",
    "tracks.npz",
)
"""Every suffix a sample may have, sorted; `flow.npz` and `sketch.mp4` are optional."""

OPTIONAL = frozenset({"flow.npz", "sketch.mp4"})


@dataclass(frozen=True)
class PackedClip:
    """One sample as it is stored: bytes by suffix, and what the index needs to know of it."""

    document: ClipDocument
    scores: ScoresDocument
    has_caption: bool
    members: Mapping[str, bytes]


def pack(clip: LayeredClip) -> PackedClip:
    """Encode a clip. Raises `licence_missing` or `clip_invalid` before any work is done."""
    check_clip(clip)
    check_rights(clip.clip_id, clip.provenance)
    scores = _scores(clip)
    texts = [layer.caption for layer in clip.layers]
    members = {
        "caption.json": encode(CaptionDocument(CAPTION_SCHEMA, clip.caption, texts)),
        "elements.npz": encode_labels(clip.labels),
        "mp4": encode_video(clip.frames, clip.fps),
        "scores.json": encode(scores),
        "tracks.npz": encode_tracks(clip.tracks),
    }
    if clip.flow is not None:
        members["flow.npz"] = encode_flow(clip.flow)
    if clip.sketch is not None:
        members["sketch.mp4"] = encode_video(clip.sketch, clip.fps)
    document = _document(clip, members)
    members[META] = encode(document)
    ordered = {suffix: members[suffix] for suffix in sorted(members)}
    return PackedClip(document, scores, bool(clip.caption), ordered)


def _document(clip: LayeredClip, members: Mapping[str, bytes]) -> ClipDocument:
    count, height, width, _ = clip.frames.shape
    return ClipDocument(
        schema=CLIP_SCHEMA,
        clip_id=clip.clip_id,
        fps=float(clip.fps),
        frames=count,
        width=width,
        height=height,
        depth_known=clip.depth_known,
        tracks=len(clip.tracks),
        nc_tainted=is_nc_tainted(clip.provenance),
        provenance=clip.provenance,
        members={
            suffix: MemberRecord(content_hash(data), len(data)) for suffix, data in members.items()
        },
    )


def _scores(clip: LayeredClip) -> ScoresDocument:
    scale = clip.score_scale
    return ScoresDocument(
        schema=SCORES_SCHEMA,
        unit=f"px/{scale.frame_step} frames@{scale.width}x{scale.height}",
        width=scale.width,
        height=scale.height,
        frame_step=scale.frame_step,
        elements=[ElementRecord(e.name, float(e.score), e.layer) for e in clip.elements],
        layers=[LayerRecord(layer.name, float(layer.score)) for layer in clip.layers],
    )
