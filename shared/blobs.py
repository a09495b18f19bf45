"""Content-addressed bytes: pictures and arrays are named by the SHA-256 of their file form."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from .errors import AcetateError

_HASH = re.compile(r"[0-9a-f]{64}")


def content_hash(data: bytes | memoryview) -> str:
    """Lower-case hexadecimal SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def is_content_hash(text: str) -> bool:
    """True for 64 lower-case hexadecimal digits."""
    return _HASH.fullmatch(text) is not None


class Blobs(Protocol):
    """Where blobs come from and go to. `get` raises `not_found` for an unknown hash."""

    def get(self, sha256: str) -> bytes:
        """The bytes with that hash."""
        ...

    def put(self, data: bytes) -> str:
        """Keep `data`; returns its hash. Putting the same bytes twice is free."""
        ...

    def has(self, sha256: str) -> bool:
        """Whether the bytes with that hash are here."""
        ...


class MemoryBlobs:
    """Blobs in a dictionary: for tests, exports and single runs in one process."""

    def __init__(self) -> None:
        self._data: dict[str, bytes] = {}

    def get(self, sha256: str) -> bytes:
        """The bytes with that hash."""
        if sha256 not in self._data:
            raise AcetateError("not_found", what=f"blob {sha256[:12]}")
        return self._data[sha256]

    def put(self, data: bytes) -> str:
        """Keep `data`; returns its hash."""
        sha256 = content_hash(data)
        self._data.setdefault(sha256, bytes(data))
        return sha256

    def has(self, sha256: str) -> bool:
        """Whether the bytes with that hash are here."""
        return sha256 in self._data

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)


class FolderBlobs:
    """Blobs as files `ab/cdef...` below one folder; writes are atomic: a crash leaves no half.

    They are their owner's alone: a queue holds drawings that nobody has shown yet.
    With `durable=False`, for copies that can be had again, writing does not wait for the disk;
    what a power failure may have spoilt does not count as here.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder
        self._durable = durable

    def path(self, sha256: str) -> Path:
        """Where the blob lives (it may not exist). Raises `not_found` for a malformed hash."""
        if not is_content_hash(sha256):
            raise AcetateError("not_found", what="blob with a malformed hash")
        return self.folder / sha256[:2] / sha256[2:]

    def get(self, sha256: str) -> bytes:
        """The bytes with that hash. Raises `disk` where they are there but cannot be read."""
        try:
            return self.path(sha256).read_bytes()
        except FileNotFoundError as error:
            raise AcetateError("not_found", what=f"blob {sha256[:12]}") from error
        except OSError as error:
            raise AcetateError("disk", detail=str(error)) from error

    def put(self, data: bytes) -> str:
        """Keep `data`; returns its hash. Raises `disk` when the disk is full."""
        sha256 = content_hash(data)
        target = self.path(sha256)
        if not self.has(sha256):
            write_atomically(target, data, durable=self._durable, private=True)
        return sha256

    def has(self, sha256: str) -> bool:
        """Whether the bytes with that hash are here."""
        if not is_content_hash(sha256) or not self.path(sha256).exists():
            return False
        return self._durable or content_hash(self.get(sha256)) == sha256


def write_atomically(
    target: Path, data: bytes, *, durable: bool = True, private: bool = False
) -> None:
    """Write a file whole or not at all (temporary file, fsync, rename). Raises `disk`.

    Without `durable` there is no fsync: after a power failure the file may be empty. Who may read
    it is said by the umask, as for any file that a program writes; a `private` one its owner only.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = _open_beside(target, 0o600 if private else 0o666)
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise AcetateError("disk", detail=str(error)) from error


def _open_beside(target: Path, mode: int) -> tuple[int, Path]:
    """A new file in the target's folder. `tempfile` would keep it from everybody but its owner."""
    temporary = target.with_name(f".part-{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.open(temporary, flags, mode), temporary


def sync_folder(folder: Path) -> None:
    """Make renames in a folder survive a power failure, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
