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
