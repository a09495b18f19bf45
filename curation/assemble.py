"""Finished units of a clip to what a data set and the review hold of it."""

from __future__ import annotations

from collections.abc import Mapping

from curation.clip_stages import captions_of, clip_frames, layered_of, tracks_of
from curation.dataset.clip import LayeredClip
from curation.dataset.provenance import Annotation
from curation.media.licence import LicenceRecord, provenance_of
from curation.review.cards import ReviewCard, ReviewElement
from curation.run.stage import ClipRef, Product
from curation.stages.layering import as_clip
from shared.errors import AcetateError


def assembled(
    clip: ClipRef,
    products: Mapping[str, Product],
    record: LicenceRecord,
    *,
    name: str,
    toolkit: str,
    parameters_hash: str,
    annotations: tuple[Annotation, ...],
) -> LayeredClip:
    """The clip as the data set keeps it.

    `name`: of the footage's file; `annotations`: what made masks, tracks and the rest.
    """
    if clip.view is None:
        raise AcetateError("bug", detail=f"clip {clip.clip_id} has no view")
    return as_clip(
        clip.clip_id,
        clip.view.fps,
        clip_frames(clip),
        layered_of(products["layers"]),
        captions_of(products["captions"]),
        tracks_of(products["tracks"]),
        products["sketches"].arrays["sketch"],
        provenance_of(
            record,
            source_id=clip.source_id,
            source=name,
            frames=(clip.first, clip.last),
            toolkit=toolkit,
            parameters_hash=parameters_hash,
            annotations=annotations,
        ),
    )


def card_of(
    clip: LayeredClip, products: Mapping[str, Product], reasons: list[str], *, selected: bool
) -> ReviewCard:
    """What the review page shows of a clip; its pictures lie in `sheets/`."""
    area = products["layers"].arrays["area"] / (clip.frames.shape[1] * clip.frames.shape[2])
    return ReviewCard(
        clip_id=clip.clip_id,
        title=clip.provenance.title,
        source=clip.provenance.source,
        licence=clip.provenance.licence,
        state="selected" if selected else "refused",
        reasons=reasons,
        fps=clip.fps,
        frames=len(clip.frames),
        hold=float(products["regions"].facts["hold"]),
        survival=products["tracks"].facts["survival"],
        caption=clip.caption,
        elements=[
            ReviewElement(element.name, round(element.score, 3), round(float(share), 4))
            for element, share in zip(clip.elements, area, strict=True)
        ],
        layers=[round(layer.score, 3) for layer in clip.layers],
        sheet=f"sheets/{clip.clip_id}.webp",
        loop=f"sheets/{clip.clip_id}.loop.webp",
    )


def failed_card(clip_id: str, source: str, state: str, reason: str, detail: str) -> ReviewCard:
    """What the page shows of a clip or footage that came no further."""
    return ReviewCard(
        clip_id=clip_id,
        title=source,
        source=source,
        licence="",
        state=state,
        reasons=[reason],
        detail=detail[:400],
    )
