"""The licence gate: what a clip must say about its rights, and which licences forbid commerce.

The packer calls this before anything is written (`spec/curation.md` 4.3).
"""

from __future__ import annotations

import re
from datetime import date

from curation.dataset.provenance import Provenance
from shared.errors import AcetateError

_REQUIRED = (
    "source_id",
    "source",
    "title",
    "rights_holder",
    "licence",
    "licence_evidence",
    "consent_by",
    "consent_date",
    "attribution",
    "acquired",
    "toolkit",
    "parameters_hash",
)
_DATES = ("consent_date", "acquired")
_NON_COMMERCIAL = re.compile(r"(?:^|[^a-z])nc(?:[^a-z]|$)|non-?commercial", re.IGNORECASE)


def check_rights(clip_id: str, provenance: Provenance) -> None:
    """Raise `licence_missing` for an empty required field, `clip_invalid` for a wrong one."""
    for field in _REQUIRED:
        if not getattr(provenance, field).strip():
            raise AcetateError("licence_missing", clip=clip_id, field=field)
    for annotation in provenance.annotations:
        if not (annotation.kind and annotation.name and annotation.licence):
            raise AcetateError("licence_missing", clip=clip_id, field="an annotation's licence")
    for field in _DATES:
        text = getattr(provenance, field)
        try:
            date.fromisoformat(text)
        except ValueError as error:
            where = f"{field} is not a date"
            raise AcetateError("clip_invalid", clip=clip_id, where=where, detail=text) from error
    if not 0 <= provenance.first <= provenance.last:
        raise AcetateError("clip_invalid", clip=clip_id, where="first and last frame of the source")


def is_nc_tainted(provenance: Provenance) -> bool:
    """Whether the source's or any annotation's licence forbids commercial use."""
    licences = (provenance.licence, *(item.licence for item in provenance.annotations))
    return any(forbids_commerce(licence) for licence in licences)


def forbids_commerce(licence: str) -> bool:
    """Whether the name of a licence says that commercial use is not allowed."""
    return _NON_COMMERCIAL.search(licence) is not None
