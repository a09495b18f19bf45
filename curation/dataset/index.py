"""The table over all shards, `index.parquet`: what is where, and all that clips are chosen by.

Writer, reader and `forget` share it. The table is the data set's only truth about which shards
count; it is replaced whole, after the shards that it names are on the disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from curation.dataset.pack import MEMBERS, META, PackedClip
from shared.blobs import content_hash, sync_folder, write_atomically
from shared.errors import AcetateError

INDEX_NAME = "index.parquet"
SCHEMA = "acetate.dataset/1"
MAX_CLIPS = 20_000_000
_MAX_TABLE_BYTES = 16 * 1024**3
_MARK = b"acetate"


class ShardFact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One shard: its file name, length, SHA-256 and number of clips."""

    name: str
    bytes: int
    sha256: str
    clips: int


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: str
    fingerprint: str
    shards: list[ShardFact]


@dataclass(frozen=True)
class IndexRow:
    """One clip. `places`: offset and length in bytes of each member in its shard, by suffix."""

    clip_id: str
    shard: str
    meta_sha256: str
    places: Mapping[str, tuple[int, int]]
    scalars: Mapping[str, Any]


_SCALARS: dict[str, Any] = {
    "source_id": pa.string(),
    "source": pa.string(),
    "title": pa.string(),
    "rights_holder": pa.string(),
    "licence": pa.string(),
    "licence_evidence": pa.string(),
    "consent_for_training": pa.bool_(),
    "consent_by": pa.string(),
    "consent_date": pa.string(),
    "attribution": pa.string(),
    "acquired": pa.string(),
    "first": pa.int64(),
    "last": pa.int64(),
    "derived_from": pa.string(),
    "toolkit": pa.string(),
    "parameters_hash": pa.string(),
    "nc_tainted": pa.bool_(),
    "fps": pa.float64(),
    "frames": pa.int32(),
    "width": pa.int32(),
    "height": pa.int32(),
    "depth_known": pa.bool_(),
    "elements": pa.int32(),
    "layers": pa.int32(),
    "tracks": pa.int32(),
    "has_sketch": pa.bool_(),
    "has_flow": pa.bool_(),
    "has_caption": pa.bool_(),
    "score_width": pa.int32(),
    "score_height": pa.int32(),
    "score_frame_step": pa.int32(),
    "score_min": pa.float64(),
    "score_max": pa.float64(),
}
_COLUMNS = pa.schema(
    [("clip_id", pa.string()), ("shard", pa.string()), ("meta_sha256", pa.string())]
    + list(_SCALARS.items())
    + [(f"{m}:{part}", pa.int64()) for m in MEMBERS for part in ("offset", "bytes")]
)


def row_of(packed: PackedClip, shard: str, places: Mapping[str, tuple[int, int]]) -> IndexRow:
    """The row of a packed clip that lies at `places` of `shard`."""
    document, scores = packed.document, packed.scores
    rights = asdict_of(document.provenance)
    values = [layer.score for layer in scores.layers]
    facts = {name: rights[name] for name in _SCALARS if name in rights} | {
        "nc_tainted": document.nc_tainted,
        "fps": document.fps,
        "frames": document.frames,
        "width": document.width,
        "height": document.height,
        "depth_known": document.depth_known,
        "elements": len(scores.elements),
        "layers": len(scores.layers),
        "tracks": document.tracks,
        "has_sketch": "sketch.mp4" in document.members,
        "has_flow": "flow.npz" in document.members,
        "has_caption": packed.has_caption,
        "score_width": scores.width,
        "score_height": scores.height,
        "score_frame_step": scores.frame_step,
        "score_min": min(values, default=None),
        "score_max": max(values, default=None),
    }
    return IndexRow(document.clip_id, shard, content_hash(packed.members[META]), places, facts)


def asdict_of(record: msgspec.Struct) -> dict[str, Any]:
    """A Struct's own fields by name."""
    return {name: getattr(record, name) for name in record.__struct_fields__}


@dataclass(frozen=True, eq=False)
class Index:
    """The whole table. `fingerprint` stands for every byte of every clip, however sharded."""

    table: pa.Table
    shards: tuple[ShardFact, ...]
    fingerprint: str

    @classmethod
    def of(cls, rows: Sequence[IndexRow], shards: Sequence[ShardFact]) -> Index:
        """Build the table, in the order of `rows`."""
        return cls.of_table(_table(rows), shards)

    @classmethod
    def of_table(cls, table: pa.Table, shards: Sequence[ShardFact]) -> Index:
        """An index over a table of these columns."""
        return cls(table, tuple(shards), _fingerprint(table))

    def extended(self, rows: Sequence[IndexRow], shards: Sequence[ShardFact]) -> Index:
        """With `rows` after the present ones, and `shards` as all shards."""
        return Index.of_table(pa.concat_tables([self.table, _table(rows)]), shards)

    def __len__(self) -> int:
        return self.table.num_rows

    def row(self, number: int) -> IndexRow:
        """Row `number`, 0-based."""
        return _row(self.table.slice(number, 1).to_pylist()[0])

    def column(self, name: str) -> list[Any]:
        """All values of one column."""
        return self.table.column(name).to_pylist()


def write_index(folder: Path, index: Index) -> None:
    """Replace the table of a folder at once. Raises `disk`."""
    head = _Head(SCHEMA, index.fingerprint, list(index.shards))
    table = index.table.replace_schema_metadata({_MARK: msgspec.json.encode(head)})
    sink = pa.BufferOutputStream()
    pq.write_table(table.combine_chunks(), sink, compression="zstd")
    write_atomically(folder / INDEX_NAME, sink.getvalue().to_pybytes())
    sync_folder(folder)


def read_index(folder: Path) -> Index:
    """Read and check the table. Raises `no_dataset`, `dataset_schema` or `clip_damaged`."""
    path = folder / INDEX_NAME
    if not path.is_file():
        raise AcetateError("no_dataset", folder=folder, detail=f"{path} is missing")
    try:
        table = _read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(folder, str(error)) from error
    head = _head(table, folder)
    table = table.replace_schema_metadata(None)
    if not table.schema.equals(_COLUMNS):
        raise AcetateError("dataset_schema", what=folder.name, detail="other columns")
    if _fingerprint(table) != head.fingerprint:
        raise _damaged(folder, "its fingerprint is another")
    known = {shard.name for shard in head.shards}
    if not set(table.column("shard").unique().to_pylist()) <= known:
        raise _damaged(folder, "a clip in a shard that it does not list")
    if any(not is_shard_name(name) for name in known):
        raise _damaged(folder, "a shard outside the folder")
    return Index(table, tuple(head.shards), head.fingerprint)


def shard_name(number: int) -> str:
    """File name of shard `number`."""
    return f"shard-{number:06d}.tar"


def shard_number(name: str) -> int:
    """The number in a shard's file name, -1 for other names."""
    digits = name.removeprefix("shard-").removesuffix(".tar")
    ours = digits.isascii() and digits.isdigit() and name == f"shard-{digits}.tar"
    return int(digits) if ours and len(digits) >= 6 else -1


def is_shard_name(name: str) -> bool:
    """Whether the name is one that the writer gives."""
    return shard_number(name) >= 0


def _read_table(path: Path) -> pa.Table:
    facts = pq.read_metadata(path)
    unpacked = sum(
        facts.row_group(number).total_byte_size for number in range(facts.num_row_groups)
    )
    if facts.num_rows > MAX_CLIPS or unpacked > _MAX_TABLE_BYTES:
        raise pa.ArrowInvalid(f"{facts.num_rows} rows, {unpacked} bytes are more than are read")
    return pq.read_table(path, memory_map=False)


def _head(table: pa.Table, folder: Path) -> _Head:
    raw = (table.schema.metadata or {}).get(_MARK)
    try:
        head = msgspec.json.decode(raw or b"null", type=_Head)
    except msgspec.DecodeError as error:
        raise AcetateError("dataset_schema", what=folder.name, detail=str(error)) from error
    if head.schema != SCHEMA:
        raise AcetateError("dataset_schema", what=folder.name, detail=head.schema[:80])
    return head


def _damaged(folder: Path, why: str) -> AcetateError:
    return AcetateError("clip_damaged", clip="-", member=INDEX_NAME, shard=folder.name, detail=why)


def _table(rows: Sequence[IndexRow]) -> pa.Table:
    return pa.Table.from_pylist([_flat(row) for row in rows], schema=_COLUMNS)


def _flat(row: IndexRow) -> dict[str, Any]:
    flat: dict[str, Any] = {
        "clip_id": row.clip_id,
        "shard": row.shard,
        "meta_sha256": row.meta_sha256,
    }
    flat |= row.scalars
    for member, (offset, length) in row.places.items():
        flat[f"{member}:offset"], flat[f"{member}:bytes"] = offset, length
    return flat


def _row(flat: dict[str, Any]) -> IndexRow:
    places = {
        member: (flat[f"{member}:offset"], flat[f"{member}:bytes"])
        for member in MEMBERS
        if flat[f"{member}:offset"] is not None
    }
    scalars = {name: flat[name] for name in _SCALARS}
    return IndexRow(flat["clip_id"], flat["shard"], flat["meta_sha256"], places, scalars)


def _fingerprint(table: pa.Table) -> str:
    """SHA-256 over every clip's id and the hash of its document, which hashes the rest."""
    ids, hashes = table.column("clip_id").to_pylist(), table.column("meta_sha256").to_pylist()
    digest = hashlib.sha256(SCHEMA.encode())
    for clip_id, meta in sorted(zip(ids, hashes, strict=True)):
        digest.update(f"\n{clip_id} {meta}".encode())
    return digest.hexdigest()
