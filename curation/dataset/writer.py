"""Writes data sets: clips into shards, shards into the index; every source of clips ends here."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from curation.dataset.clip import LayeredClip
from curation.dataset.folder_lock import FolderLock
from curation.dataset.index import (
    INDEX_NAME,
    Index,
    IndexRow,
    ShardFact,
    read_index,
    row_of,
    shard_name,
    shard_number,
    write_index,
)
from curation.dataset.pack import PackedClip, pack
from curation.dataset.tar_shard import PART_PREFIX, PART_SUFFIX, TarShard, sample_bytes
from shared.errors import AcetateError

SHARD_BYTES = 256 * 1024 * 1024
_INDEX_PART_PREFIX = ".part-"  # as `write_atomically` calls a file that is not whole yet


class ShardWriter:
    """Adds clips to the data set in `folder`, which need not exist yet; use it with `with`.

    A shard becomes visible when it is whole, and counts once the index names it. After a kill the
    clips of closed shards are there and all others are not: add the same clips again, leaving out
    those that are `in` the writer, and every byte is as if nothing had happened. An exception
    inside `with` leaves the shard under way unwritten, like a kill.
    """

    def __init__(self, folder: Path, *, shard_bytes: int = SHARD_BYTES) -> None:
        self._folder = folder
        self._shard_bytes = shard_bytes
        self._lock = FolderLock(folder)
        self._index = Index.of([], [])
        self._rows: list[IndexRow] = []
        self._shards: list[ShardFact] = []
        self._known: set[str] = set()
        self._open: TarShard | None = None

    def __enter__(self) -> ShardWriter:
        """Raises `dataset_busy`, and `no_dataset` for shards without an index."""
        self._lock.__enter__()
        try:
            self._index = open_to_write(self._folder)
        except BaseException:
            self._lock.__exit__(None, None, None)
            raise
        self._shards = list(self._index.shards)
        self._known = set(self._index.column("clip_id"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._close_shard()
            elif self._open is not None:
                self._open.discard()
        finally:
            self._lock.__exit__(kind, error, trace)

    def __contains__(self, clip_id: object) -> bool:
        return clip_id in self._known

    def __len__(self) -> int:
        return len(self._known)

    @property
    def fingerprint(self) -> str:
        """Of what is in closed shards."""
        return self._index.fingerprint

    def add(self, clip: LayeredClip) -> None:
        """Pack and append one clip.

        Raises `licence_missing`, `clip_invalid`, `clip_exists` (nothing written), or `disk`.
        """
        self._refuse_known(clip.clip_id)
        self.add_packed(pack(clip))

    def add_packed(self, packed: PackedClip) -> None:
        """Append a clip that was packed elsewhere, in another process for instance."""
        clip_id = packed.document.clip_id
        self._refuse_known(clip_id)
        members = sorted(packed.members.items())
        if self._open and self._open.bytes + sample_bytes(members) > self._shard_bytes:
            self._close_shard()
        if self._open is None:
            self._open = TarShard(self._folder, shard_name(next_number(self._shards)))
        places = self._open.append(clip_id, members)
        self._rows.append(row_of(packed, self._open.name, places))
        self._known.add(clip_id)

    def _refuse_known(self, clip_id: str) -> None:
        if clip_id in self._known:
            raise AcetateError("clip_exists", clip=clip_id)

    def _close_shard(self) -> None:
        if self._open is None:
            return
        self._shards.append(self._open.finish())
        self._open = None
        self._index = self._index.extended(self._rows, self._shards)
        self._rows = []
        write_index(self._folder, self._index)


def next_number(shards: list[ShardFact]) -> int:
    """The number of the next shard, above all that are listed."""
    return max((shard_number(shard.name) for shard in shards), default=-1) + 1


def open_to_write(folder: Path) -> Index:
    """The index of a folder that is locked; a new folder gets an empty one.

    Removes what killed writers left: unfinished shards, and shards that the index does not name.
    """
    if not (folder / INDEX_NAME).exists():
        if any(shard_number(path.name) >= 0 for path in folder.iterdir()):
            raise AcetateError("no_dataset", folder=folder, detail="shards without their index")
        write_index(folder, Index.of([], []))
    index = read_index(folder)
    for path in leftovers(folder, index):
        path.unlink(missing_ok=True)
    return index


def leftovers(folder: Path, index: Index) -> list[Path]:
    """Files that look like ours and that the index does not know."""
    named = {shard.name for shard in index.shards}
    return [path for path in sorted(folder.iterdir()) if _is_ours(path.name, named)]


def _is_ours(name: str, named: set[str]) -> bool:
    if name.startswith(_INDEX_PART_PREFIX):
        return True
    if name.startswith(PART_PREFIX) and name.endswith(PART_SUFFIX):
        return shard_number(name.removeprefix(PART_PREFIX).removesuffix(PART_SUFFIX)) >= 0
    return shard_number(name) >= 0 and name not in named
