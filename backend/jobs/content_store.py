"""The server's blobs on disk: uploads in pieces, results staged per attempt, both made durable.

Bytes gather under another name, reach the disk, and only then get the name of their hash. So a
blob that is found under its hash is whole, also after a power failure. Used by server and worker.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from shared.blobs import FolderBlobs, content_hash, is_content_hash
from shared.errors import AcetateError

MAX_BLOB_BYTES = 256 * 1024 * 1024
RESERVE_BYTES = 32 * 1024 * 1024
_SYNC_THREADS = 8


@dataclass
class _Upload:
    received: int = 0
    hasher: hashlib._Hash = field(default_factory=hashlib.sha256)


class ContentStore:
    """Blobs below one folder: `blobs/` whole and durable, `incoming/` still arriving.

    Belongs to the server process; workers read `blobs/` through `VerifiedBlobs`.
    """

    def __init__(self, folder: Path, reserve_bytes: int = RESERVE_BYTES) -> None:
        self.blobs = FolderBlobs(folder / "blobs")
        self._incoming = folder / "incoming"
        self._reserve_bytes = reserve_bytes
        self._uploads: dict[str, _Upload] = {}
        self._complete: set[str] = set()
        _make_folder(self.blobs.folder)
        _make_folder(self._incoming)

    def has(self, sha256: str) -> bool:
        """Whether the whole blob is here (durable or not yet)."""
        return sha256 in self._complete or self.blobs.has(sha256)

    def received(self, sha256: str) -> int:
        """Bytes of an incomplete blob that are here."""
        return self._upload(sha256).received

    def append(self, sha256: str, size: int, offset: int, data: memoryview) -> tuple[int, bool]:
        """Take in the piece at `offset`; returns (bytes here, complete).

        A piece that does not start where the last one ended is ignored: the returned count tells
        the sender where to go on. A complete blob with another hash than announced is dropped.
        Raises `too_large_upload`, `invalid_request` or `disk`.
        """
        if self.has(sha256):
            return size, True
        self._check_size(size, offset, data.nbytes)
        upload = self._upload(sha256)
        if offset == upload.received:
            self._write(sha256, upload, data)
        if upload.received < size:
            return upload.received, False
        if upload.received > size or upload.hasher.hexdigest() != sha256:
            self._forget(sha256)
            raise AcetateError("invalid_request", where=f"blob {sha256[:12]} has another hash")
        self._complete.add(sha256)
        del self._uploads[sha256]
        return size, True

    def settle(self, hashes: Iterable[str]) -> None:
        """Make these complete blobs durable. Raises `disk`; nothing half-written stays."""
        ready = [sha256 for sha256 in hashes if sha256 in self._complete]
        # Some may have been moved already by an attempt that a full disk interrupted.
        left = [sha256 for sha256 in ready if not self.blobs.has(sha256)]
        move_durably([(self._part(sha256), self.blobs.path(sha256)) for sha256 in left])
        self._complete.difference_update(ready)

    def piece(self, sha256: str, offset: int, count: int) -> tuple[bytes, int]:
        """At most `count` bytes from `offset`, and the blob's size. Raises `not_found`."""
        try:
            with self.blobs.path(sha256).open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                file.seek(min(offset, size))
                return file.read(count), size
        except FileNotFoundError as error:
            raise AcetateError("not_found", what=f"blob {sha256[:12]}") from error

    def total_bytes(self, hashes: Iterable[str]) -> int:
        """Sum of the sizes of durable blobs. Raises `not_found` where one is gone."""
        try:
            return sum(self.blobs.path(sha256).stat().st_size for sha256 in hashes)
        except FileNotFoundError as error:
            raise AcetateError("not_found", what="part of the result") from error

    def drop_uploads(self, before: float) -> None:
        """Remove unfinished uploads last written before `before` (seconds since 1970)."""
        for part in self._incoming.iterdir():
            if part.stat().st_mtime < before:
                self._forget(part.name)

    def keep_only(self, wanted: set[str], before: float) -> int:
        """Remove blobs that are not wanted and older than `before`; returns how many."""
        removed = 0
        for file in self.blobs.folder.glob("??/*"):
            if file.parent.name + file.name not in wanted and file.stat().st_mtime < before:
                file.unlink(missing_ok=True)
                removed += 1
        return removed

    def free_bytes(self) -> int:
        """Free room on the disk."""
        return shutil.disk_usage(self.blobs.folder).free

    def check_room(self, count: int = 0) -> None:
        """Raise `disk` unless `count` bytes and the reserve fit."""
        if self.free_bytes() < count + self._reserve_bytes:
            raise AcetateError("disk", detail="the server's data folder is full")

    def _check_size(self, size: int, offset: int, count: int) -> None:
        if size > MAX_BLOB_BYTES:
            raise AcetateError(
                "too_large_upload", size_mb=size >> 20, limit_mb=MAX_BLOB_BYTES >> 20
            )
        if offset + count > size:
            raise AcetateError("invalid_request", where="a piece reaches beyond its blob")
        if offset == 0:
            self.check_room(size)

    def _part(self, sha256: str) -> Path:
        return self._incoming / sha256

    def _upload(self, sha256: str) -> _Upload:
        """The state of an upload; after a restart it is rebuilt from the bytes on disk."""
        if not is_content_hash(sha256):
            raise AcetateError("invalid_request", where="a malformed hash")
        if sha256 not in self._uploads:
            upload = _Upload()
            part = self._part(sha256)
            if part.exists():
                data = part.read_bytes()
                upload.received = len(data)
                upload.hasher.update(data)
            self._uploads[sha256] = upload
        return self._uploads[sha256]

    def _write(self, sha256: str, upload: _Upload, data: memoryview) -> None:
        try:
            with self._part(sha256).open("ab") as file:
                file.write(data)
        except OSError as error:
            self._forget(sha256)
            raise AcetateError("disk", detail=str(error)) from error
        upload.received += data.nbytes
        upload.hasher.update(data)

    def _forget(self, sha256: str) -> None:
        self._uploads.pop(sha256, None)
        self._part(sha256).unlink(missing_ok=True)


class VerifiedBlobs:
    """A worker's inputs: every blob is checked against its hash when it is read."""

    def __init__(self, folder: Path) -> None:
        self._blobs = FolderBlobs(folder / "blobs")

    def get(self, sha256: str) -> bytes:
        """The bytes with that hash. Raises `not_found`, or `bad_package` where they changed."""
        data = self._blobs.get(sha256)
        if content_hash(data) != sha256:
            raise AcetateError("bad_package", where=f"blob {sha256[:12]} does not match its hash")
        return data

    def put(self, data: bytes) -> str:
        """Keep `data`; returns its hash."""
        return self._blobs.put(data)

    def has(self, sha256: str) -> bool:
        """Whether the bytes with that hash are here."""
        return self._blobs.has(sha256)


class StagedBlobs:
    """A worker's outputs: in a folder of one attempt until `settle` makes all of them durable."""

    def __init__(self, folder: Path, attempt: str) -> None:
        self._blobs = FolderBlobs(folder / "blobs")
        self._staging = folder / "attempts" / attempt
        self._staged: set[str] = set()
        _make_folder(self._staging)

    def get(self, sha256: str) -> bytes:
        """The bytes with that hash."""
        if sha256 in self._staged:
            return (self._staging / sha256).read_bytes()
        return self._blobs.get(sha256)

    def put(self, data: bytes) -> str:
        """Keep `data`; returns its hash. Raises `disk` when the disk is full."""
        sha256 = content_hash(data)
        if sha256 not in self._staged and not self._blobs.has(sha256):
            try:
                (self._staging / sha256).write_bytes(data)
            except OSError as error:
                raise AcetateError("disk", detail=str(error)) from error
            self._staged.add(sha256)
        return sha256

    def has(self, sha256: str) -> bool:
        """Whether the bytes with that hash are here."""
        return sha256 in self._staged or self._blobs.has(sha256)

    def size(self, sha256: str) -> int:
        """Bytes of a blob that is here."""
        staged = sha256 in self._staged
        path = self._staging / sha256 if staged else self._blobs.path(sha256)
        return path.stat().st_size

    def settle(self) -> None:
        """Make everything put so far durable. Raises `disk`."""
        moves = [(self._staging / sha256, self._blobs.path(sha256)) for sha256 in self._staged]
        move_durably(moves)
        self._staged.clear()

    def drop(self) -> None:
        """Remove what was not settled."""
        shutil.rmtree(self._staging, ignore_errors=True)
        self._staged.clear()


def move_durably(moves: list[tuple[Path, Path]]) -> None:
    """Bring files to the disk, then give them their final names. Raises `disk`.

    Synchronised side by side: one journal commit then serves many files.
    """
    if not moves:
        return
    try:
        for parent in {target.parent for _, target in moves}:
            parent.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(_SYNC_THREADS) as pool:
            list(pool.map(_sync, [source for source, _ in moves]))
            for source, target in moves:
                os.replace(source, target)
            if os.name == "posix":
                list(pool.map(_sync, {target.parent for _, target in moves}))
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error
