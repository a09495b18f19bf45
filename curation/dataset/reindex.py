"""Makes a lost table again from the shards, which hold everything that it says."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from curation.dataset.damage import DamageError, told_of
from curation.dataset.documents import (
    CAPTION_SCHEMA,
    CLIP_SCHEMA,
    SCORES_SCHEMA,
    CaptionDocument,
    ClipDocument,
    ScoresDocument,
    decode,
)
from curation.dataset.folder_lock import FolderLock
from curation.dataset.index import (
    INDEX_NAME,
    Index,
    IndexRow,
    ShardFact,
    row_of,
    shard_number,
    write_index,
)
from curation.dataset.pack import MEMBERS, META, PackedClip
from curation.dataset.reader import MAX_MEMBER_BYTES
from curation.dataset.rights import check_rights
from shared.blobs import content_hash
from shared.errors import AcetateError

Told = Callable[[str, int, int], None]


@dataclass
class _Found:
    """A sample while its members come by."""

    clip_id: str
    members: dict[str, bytes]
    places: dict[str, tuple[int, int]]


def reindex(folder: Path, told: Told | None = None) -> Index:
    """Read every shard of a folder without a table, check every member, and write the table.

    A folder that has a table is refused: shards that it leaves out may hold what was forgotten.
    Raises `invalid_request`, `clip_damaged`,
    `member_missing`, `licence_missing`, `clip_exists`, `no_dataset`, `dataset_busy` or `disk`.
    """
    with FolderLock(folder):
        if (folder / INDEX_NAME).exists():
            raise AcetateError("invalid_request", where=f"{folder.name} has its {INDEX_NAME}")
        names = sorted(path.name for path in folder.iterdir() if shard_number(path.name) >= 0)
        if not names:
            raise AcetateError("no_dataset", folder=folder)
        rows: dict[str, IndexRow] = {}
        shards: list[ShardFact] = []
        for done, name in enumerate(names):
            if told:
                told("reading shards", done, len(names))
            before = len(rows)
            for sample in _samples(folder / name):
                if sample.clip_id in rows:
                    raise AcetateError("clip_exists", clip=sample.clip_id)
                rows[sample.clip_id] = row_of(_packed(sample, name), name, sample.places)
            shards.append(_fact(folder / name, len(rows) - before))
        index = Index.of(list(rows.values()), shards)
        write_index(folder, index)
        return index


def _samples(shard: Path) -> Iterator[_Found]:
    """Samples of a shard in order; members of one sample lie side by side."""
    found: _Found | None = None
    try:
        with tarfile.open(shard, "r:") as archive:
            for entry in archive:
                clip_id, _, suffix = entry.name.partition(".")
                with told_of(clip_id, shard.name, suffix):
                    data = _body(archive, entry, suffix)
                if found is None or found.clip_id != clip_id:
                    if found is not None:
                        yield found
                    found = _Found(clip_id, {}, {})
                found.members[suffix] = data
                found.places[suffix] = (entry.offset_data, entry.size)
    except (tarfile.TarError, OSError) as error:
        raise AcetateError(
            "clip_damaged", clip="-", member="the whole", shard=shard.name, detail=str(error)
        ) from error
    if found is not None:
        yield found


def _body(archive: tarfile.TarFile, entry: tarfile.TarInfo, suffix: str) -> bytes:
    if suffix not in MEMBERS or not entry.isfile() or entry.size > MAX_MEMBER_BYTES:
        raise DamageError("not a member of a clip")
    file = archive.extractfile(entry)
    data = file.read() if file else b""
    if len(data) != entry.size:
        raise DamageError("the shard ends too early")
    return data


def _packed(found: _Found, shard: str) -> PackedClip:
    """The sample as it was packed, every checksum compared."""
    members = found.members
    for name in (META, "scores.json", "caption.json"):
        if name not in members:
            raise AcetateError("member_missing", clip=found.clip_id, shard=shard, member=name)
    with told_of(found.clip_id, shard, META):
        document = decode(members[META], ClipDocument, CLIP_SCHEMA)
        if document.clip_id != found.clip_id:
            raise DamageError(f"it is of clip {document.clip_id[:80]}")
    for name, record in document.members.items():
        if name not in members:
            raise AcetateError("member_missing", clip=found.clip_id, shard=shard, member=name)
        with told_of(found.clip_id, shard, name):
            if content_hash(members[name]) != record.sha256:
                raise DamageError("another checksum than its clip says")
    check_rights(found.clip_id, document.provenance)
    with told_of(found.clip_id, shard, "scores.json"):
        scores = decode(members["scores.json"], ScoresDocument, SCORES_SCHEMA)
    with told_of(found.clip_id, shard, "caption.json"):
        caption = decode(members["caption.json"], CaptionDocument, CAPTION_SCHEMA)
    return PackedClip(document, scores, bool(caption.caption), members)


def _fact(shard: Path, clips: int) -> ShardFact:
    digest = hashlib.sha256()
    with shard.open("rb") as file:
        while chunk := file.read(4 * 1024 * 1024):
            digest.update(chunk)
    return ShardFact(shard.name, shard.stat().st_size, digest.hexdigest(), clips)
