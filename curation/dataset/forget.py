"""Takes every clip of one source out of a data set for good, as when rights are withdrawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from curation.dataset.folder_lock import FolderLock
from curation.dataset.index import Index, IndexRow, ShardFact, shard_name, write_index
from curation.dataset.pack import MEMBERS
from curation.dataset.reader import DataSet
from curation.dataset.tar_shard import TarShard
from curation.dataset.writer import leftovers, next_number, open_to_write
from shared.errors import AcetateError

Told = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class Forgotten:
    """What was removed: clips, and how many shards were written anew or deleted for it."""

    clips: tuple[str, ...]
    rewritten: int
    deleted: int
    fingerprint: str


def forget(folder: Path, source_id: str, told: Told | None = None) -> Forgotten:
    """Remove the clips of `source_id` from index and disk.

    Shards that hold such clips are copied without them under new names, then the index is
    replaced, then the old shards are deleted: a kill leaves the data set as before or as after,
    and the next writer or `forget` deletes what is left over. Other clips keep their bytes.
    Raises `not_found` where no clip is of that source, `clip_damaged`, `disk`, `dataset_busy`.
    """
    with FolderLock(folder):
        index = open_to_write(folder)
        gone = np.asarray(index.column("source_id"), object) == source_id
        if not gone.any():
            raise AcetateError("not_found", what=f"clip of source {source_id[:64]}")
        names = np.asarray(index.column("shard"), object)
        affected = list(dict.fromkeys(names[gone]))
        data = DataSet(folder, index)
        kept: dict[str, ShardFact | None] = {}
        places: dict[str, tuple[str, dict[str, tuple[int, int]]]] = {}
        shards = list(index.shards)
        for done, name in enumerate(affected):
            if told:
                told("rewriting shards", done, len(affected))
            rows = [index.row(int(n)) for n in np.flatnonzero((names == name) & ~gone)]
            fact = _copied(data, rows, shard_name(next_number(shards)), places) if rows else None
            kept[name] = fact
            shards += [fact] if fact else []
        after = _without(index, gone, kept, places)
        write_index(folder, after)
        for path in leftovers(folder, after):
            path.unlink()
    clips = tuple(np.asarray(index.column("clip_id"), object)[gone])
    rewritten = sum(fact is not None for fact in kept.values())
    return Forgotten(clips, rewritten, len(affected) - rewritten, after.fingerprint)


def _copied(
    data: DataSet,
    rows: list[IndexRow],
    name: str,
    places: dict[str, tuple[str, dict[str, tuple[int, int]]]],
) -> ShardFact:
    """Copy checked members of these clips into a new shard; notes where they lie now."""
    with TarShard(data.folder, name) as shard:
        for row in rows:
            members = data.stored_members(row)
            places[row.clip_id] = (name, shard.append(row.clip_id, members))
        return shard.finish()


def _without(
    index: Index,
    gone: np.ndarray,
    kept: dict[str, ShardFact | None],
    places: dict[str, tuple[str, dict[str, tuple[int, int]]]],
) -> Index:
    table = index.table.filter(pa.array(~gone))
    ids = table.column("clip_id").to_pylist()
    names = table.column("shard").to_pylist()
    names = [places[clip_id][0] if clip_id in places else names[n] for n, clip_id in enumerate(ids)]
    table = _replaced(table, "shard", names)
    for member in MEMBERS:
        offsets = table.column(f"{member}:offset").to_pylist()
        for number, clip_id in enumerate(ids):
            if clip_id in places and member in places[clip_id][1]:
                offsets[number] = places[clip_id][1][member][0]
        table = _replaced(table, f"{member}:offset", offsets)
    shards = [shard for shard in index.shards if shard.name not in kept]
    shards += [fact for fact in kept.values() if fact is not None]
    return Index.of_table(table, shards)


def _replaced(table: pa.Table, name: str, values: Sequence[object]) -> pa.Table:
    at = table.column_names.index(name)
    return table.set_column(
        at, table.schema.field(at), pa.array(values, table.schema.field(at).type)
    )
