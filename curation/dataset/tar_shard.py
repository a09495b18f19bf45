"""Plain tar files whose bytes depend on their members alone; any WebDataset reader takes them.

The writer and `forget` append samples here; readers go by the offsets that come back.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from curation.dataset.index import ShardFact
from shared.blobs import sync_folder
from shared.errors import AcetateError

_BLOCK = tarfile.BLOCKSIZE
PART_PREFIX, PART_SUFFIX = ".", ".part"


class TarShard:
    """A shard under way, invisible until `finish`. Leaving it early removes what was written.

    Raises `disk` where writing fails; nothing half-written stays.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.bytes = 0
        self.clips = 0
        self._folder = folder
        self._part = folder / f"{PART_PREFIX}{name}{PART_SUFFIX}"
        self._digest = hashlib.sha256()
        try:
            self._file = self._part.open("wb")
        except OSError as error:
            raise AcetateError("disk", detail=str(error)) from error

    def __enter__(self) -> TarShard:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()

    def append(self, key: str, members: Iterable[tuple[str, bytes]]) -> dict[str, tuple[int, int]]:
        """Append a sample; returns the offset and length of each member by suffix."""
        places: dict[str, tuple[int, int]] = {}
        for suffix, data in members:
            self._write(_header(f"{key}.{suffix}", len(data)))
            places[suffix] = (self.bytes, len(data))
            self._write(data)
            self._write(bytes(-len(data) % _BLOCK))
        self.clips += 1
        return places

    def finish(self) -> ShardFact:
        """Make the shard visible under its name, whole and on the disk."""
        self._write(bytes(2 * _BLOCK))
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self._part, self._folder / self.name)
            sync_folder(self._folder)
        except OSError as error:
            raise self._failed(error) from error
        return ShardFact(self.name, self.bytes, self._digest.hexdigest(), self.clips)

    def discard(self) -> None:
        """Remove what was written, unless it is finished."""
        with suppress(OSError):  # what a full disk could not take is thrown away here
            self._file.close()
        self._part.unlink(missing_ok=True)

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise self._failed(error) from error
        self._digest.update(data)
        self.bytes += len(data)

    def _failed(self, error: OSError) -> AcetateError:
        self.discard()
        return AcetateError("disk", detail=str(error))


def sample_bytes(members: Iterable[tuple[str, bytes]]) -> int:
    """Length in bytes of a sample inside a shard."""
    return sum(_BLOCK + len(data) + -len(data) % _BLOCK for _, data in members)


def _header(name: str, size: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size = size
    entry.mode = 0o644
    return entry.tobuf(tarfile.USTAR_FORMAT)
