"""The licence record that stands beside footage; nothing without one ever enters a set.

`FILE.licence.toml` beside a file or picture folder, or `licence.toml` in a folder above it.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from curation.dataset.provenance import Annotation, Provenance
from curation.run.stage import ClipRefusedError

RECORD_NAME = "licence.toml"


class LicenceRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose footage it is and what may be done with it; see `Provenance` for the fields."""

    title: str
    rights_holder: str
    licence: str
    licence_evidence: str
    consent_for_training: bool
    consent_by: str
    consent_date: str
    attribution: str
    acquired: str


def find_licence(path: Path, root: Path) -> LicenceRecord:
    """The record nearest to the footage, no further up than `root`.

    Raises `ClipRefusedError`: `no_licence`, `bad_licence` for a record that is incomplete, and
    `no_consent` for one that does not allow training.
    """
    beside = path.with_name(f"{path.name}.licence.toml")
    above = [folder / RECORD_NAME for folder in [path, *path.parents] if _within(folder, root)]
    record_path = next((record for record in [beside, *above] if record.is_file()), None)
    if record_path is None:
        raise ClipRefusedError("no_licence", f"no {beside.name} and no {RECORD_NAME} above it")
    try:
        record = msgspec.toml.decode(record_path.read_bytes(), type=LicenceRecord)
    except (msgspec.DecodeError, OSError) as error:
        raise ClipRefusedError("bad_licence", f"{record_path.name}: {error}") from error
    empty = [name for name in record.__struct_fields__ if getattr(record, name) == ""]
    if empty:
        raise ClipRefusedError("bad_licence", f"{record_path.name}: empty {', '.join(empty)}")
    if not record.consent_for_training:
        raise ClipRefusedError("no_consent", record_path.name)
    return record


def _within(folder: Path, root: Path) -> bool:
    return folder == root or root in folder.parents


def provenance_of(
    record: LicenceRecord,
    *,
    source_id: str,
    source: str,
    frames: tuple[int, int],
    toolkit: str,
    parameters_hash: str,
    annotations: tuple[Annotation, ...],
) -> Provenance:
    """A clip's provenance: the record, the clip's place in its source, and what annotated it.

    `source`: the file's name, never a path of the machine. `frames`: first and last + 1.
    """
    fields = {name: getattr(record, name) for name in record.__struct_fields__}
    return Provenance(
        source_id=source_id,
        source=source,
        first=frames[0],
        last=frames[1] - 1,
        toolkit=toolkit,
        parameters_hash=parameters_hash,
        annotations=annotations,
        **fields,
    )
