"""Which files of a feature folder are the store's; torch-free, so `acetate doctor` asks as well."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.blobs import is_content_hash

SUFFIX = ".safetensors"
STALE_S = 3600.0
_PART = re.compile(r"\.[0-9a-f]{64}-(\d{1,10})-[0-9a-f]{16}\.part")


@dataclass(frozen=True)
class StoredFile:
    """A file of the store: `key` is empty while it is being written; `used_s` since 1970."""

    path: Path
    key: str
    size_bytes: int
    used_s: float


def stored_files(folder: Path, *, is_cleaning: bool = False) -> list[StoredFile]:
    """All files of the store, longest unused first; foreign ones are not counted.

    `is_cleaning` removes what nobody finishes any more.
    """
    return sorted(_found(folder, is_cleaning), key=lambda file: file.used_s)


def path_of(folder: Path, key: str) -> Path:
    """Where the entry of a key lies."""
    return folder / key[:2] / f"{key}{SUFFIX}"


def part_of(target: Path) -> Path:
    """A fresh name beside `target` that tells which process writes it."""
    return target.with_name(f".{target.stem}-{os.getpid()}-{secrets.token_hex(8)}.part")


def _found(folder: Path, is_cleaning: bool) -> Iterator[StoredFile]:
    now = time.time()
    for path in folder.glob("[0-9a-f][0-9a-f]/*"):
        is_entry = path.suffix == SUFFIX and is_content_hash(path.stem)
        if not is_entry and _PART.fullmatch(path.name) is None:
            continue
        with contextlib.suppress(OSError):  # gone since it was listed, or not ours to remove
            about = path.lstat()
            if is_cleaning and _is_left_over(path.name, now - about.st_mtime):
                path.unlink()
                continue
            yield StoredFile(path, path.stem if is_entry else "", about.st_size, about.st_mtime)


def _is_left_over(name: str, age_s: float) -> bool:
    """Whether nobody writes it any more: its process is gone, or it is older than an hour.

    Processes are looked up on POSIX systems only; with a folder that several machines share, a
    living writer may be taken for dead. It then loses this one file and goes on.
    """
    match = _PART.fullmatch(name)
    if match is None:
        return False
    return age_s > STALE_S or not _is_running(int(match[1]))


def _is_running(pid: int) -> bool:
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
