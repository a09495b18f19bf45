"""Where a clip comes from and what may be done with it; every clip of a data set carries one.

Fields after `spec/curation.md` 4.3; the required ones may not be empty.
"""

from __future__ import annotations

import msgspec


class Annotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What made one kind of annotation (masks, tracks, sketch, caption, flow).

    `kind`: which. `licence`: SPDX id, of the weights where there are any.
    """

    kind: str
    name: str
    version: str
    licence: str
    weights_sha256: str = ""


class Provenance(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Source, rights and history of a clip.

    `source_id`: SHA-256 of the source's bytes, or of the generator's name and seed. `licence`: SPDX
    id, or `proprietary:<contract>`. `first`, `last`: frames of the source. `acquired`,
    `consent_date`: ISO dates.
    """

    source_id: str
    source: str
    title: str
    rights_holder: str
    licence: str
    licence_evidence: str
    consent_for_training: bool
    consent_by: str
    consent_date: str
    attribution: str
    acquired: str
    first: int
    last: int
    toolkit: str
    parameters_hash: str
    derived_from: str = ""
    annotations: tuple[Annotation, ...] = ()


def own_work(title: str, frames: int) -> Provenance:
    """Of a clip that this project draws itself, to measure or to test something with."""
    return Provenance(
        source_id="0" * 64,
        source="drawn",
        title=title,
        rights_holder="The Acetate project",
        licence="Apache-2.0",
        licence_evidence="LICENSE",
        consent_for_training=True,
        consent_by="The Acetate project",
        consent_date="2026-01-01",
        attribution="The Acetate project",
        acquired="2026-01-01",
        first=0,
        last=frames - 1,
        toolkit="acetate",
        parameters_hash="0" * 64,
    )
