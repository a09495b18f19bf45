"""Reads data sets: clips by number, straight from their place in a shard; training reads here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from curation.dataset.clip import LayeredClip
from curation.dataset.damage import DamageError, told_of
from curation.dataset.documents import CLIP_SCHEMA, MAX_DOCUMENT_BYTES, ClipDocument, decode
from curation.dataset.index import Index, IndexRow, read_index
from curation.dataset.pack import MEMBERS, META, OPTIONAL
from curation.dataset.unpack import StoredSample
from shared.blobs import content_hash
from shared.errors import AcetateError

MAX_MEMBER_BYTES = 1024 * 1024 * 1024


@dataclass(frozen=True, eq=False)
class DataSet:
    """A data set as it was when it was opened. Picklable: another process opens it anew.

    Holds no file open, so that processes may fork or spawn at any time.
    """

    folder: Path
    index: Index

    @classmethod
    def open(cls, folder: Path) -> DataSet:
        """Raises `no_dataset`, `dataset_schema` or `clip_damaged`."""
        return cls(folder, read_index(folder))

    def __reduce__(self) -> tuple[object, tuple[Path, str]]:
        return _reopen, (self.folder, self.fingerprint)

    def __len__(self) -> int:
        return len(self.index)

    @property
    def fingerprint(self) -> str:
        """SHA-256 that stands for every byte of every clip."""
        return self.index.fingerprint

    def rows(self) -> Iterator[IndexRow]:
        """All rows of the index in order."""
        return (self.index.row(number) for number in range(len(self)))

    def row(self, number: int) -> IndexRow:
        """Row `number`. Raises `not_found` outside 0 .. len - 1."""
        if not 0 <= number < len(self):
            raise AcetateError("not_found", what=f"clip {number} of {len(self)}")
        return self.index.row(number)

    def find(self, clip_id: str) -> int:
        """The number of a clip. Raises `not_found`."""
        where = self.index.table.column("clip_id").index(clip_id).as_py()
        if where < 0:
            raise AcetateError("not_found", what=f"clip {clip_id[:60]}")
        return where

    def clip(self, number: int, frames: Sequence[int] | None = None) -> LayeredClip:
        """Clip `number`, or only its frames `frames` in that order (then without flow).

        Raises `clip_damaged` or `member_missing` with clip, shard and member, `not_found`, or
        `invalid_request` for frames that the clip has not.
        """
        return self.sample(self.row(number)).clip(frames)

    def sample(self, row: IndexRow) -> StoredSample:
        """A sample whose members are read when they are asked for, each against its checksum."""
        document = self._document(row)
        return StoredSample(document, row.shard, partial(self._member, row, document))

    def stored_members(self, row: IndexRow) -> list[tuple[str, bytes]]:
        """Suffix and bytes of every member as stored, sorted, each against its checksum."""
        document = self._document(row)
        members = {META: self._bytes(row, META, MAX_DOCUMENT_BYTES)}
        members |= {name: self._member(row, document, name) for name in document.members}
        return sorted(members.items())

    def _document(self, row: IndexRow) -> ClipDocument:
        """The clip's own document; the index vouches for it, and it for the other members."""
        data = self._bytes(row, META, MAX_DOCUMENT_BYTES)
        with told_of(row.clip_id, row.shard, META):
            if content_hash(data) != row.meta_sha256:
                raise DamageError("another checksum than the index says")
            document = decode(data, ClipDocument, CLIP_SCHEMA)
            if document.clip_id != row.clip_id:
                raise DamageError(f"it is of clip {document.clip_id}")
        for member in (document.members.keys() | _REQUIRED) - {META}:
            if member not in row.places or member not in document.members:
                raise _missing(row, member)
        return document

    def _member(self, row: IndexRow, document: ClipDocument, member: str) -> bytes:
        record = document.members[member]
        data = self._bytes(row, member, MAX_MEMBER_BYTES)
        with told_of(row.clip_id, row.shard, member):
            if len(data) != record.bytes or content_hash(data) != record.sha256:
                raise DamageError("another checksum than its clip says")
        return data

    def _bytes(self, row: IndexRow, member: str, limit: int) -> bytes:
        if member not in row.places:
            raise _missing(row, member)
        offset, length = row.places[member]
        with told_of(row.clip_id, row.shard, member):
            if not 0 <= length <= limit or offset < 0:
                raise DamageError(f"{length} bytes at {offset}, at most {limit} are read")
            try:
                with (self.folder / row.shard).open("rb") as file:
                    file.seek(offset)
                    data = file.read(length)
            except OSError as error:
                raise DamageError(str(error)) from error
            if len(data) != length:
                raise DamageError(f"the shard ends {length - len(data)} bytes too early")
        return data


_REQUIRED = frozenset(MEMBERS) - OPTIONAL


def _missing(row: IndexRow, member: str) -> AcetateError:
    return AcetateError("member_missing", clip=row.clip_id, shard=row.shard, member=member)


def _reopen(folder: Path, fingerprint: str) -> DataSet:
    """Open again in another process. Raises `dataset_schema` where the data set has changed."""
    found = DataSet.open(folder)
    if found.fingerprint != fingerprint:
        raise AcetateError("dataset_schema", what=folder.name, detail="it has changed meanwhile")
    return found
