"""Puts a set's chosen clips into its data set: one writer at a time, whole or not at all."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from curation.dataset.clip import LayeredClip
from curation.dataset.folder_lock import FolderLock
from curation.dataset.index import read_index
from curation.dataset.writer import ShardWriter
from shared.blobs import write_atomically
from shared.errors import AcetateError

DATASET = "dataset"
_LOCK = ".writing"
_CHOICE = "chosen.sha256"
_POLL_S = 1.0


def write_chosen(
    out: Path,
    choice: str,
    chosen: Sequence[str],
    clip: Callable[[str], LayeredClip],
    *,
    wait: bool,
) -> str:
    """Make `out/dataset` that of this choice, unless it is there; its fingerprint.

    `choice`: 64 digits for everything that decides the content. `wait`: for another machine that
    writes just now, which may well write the same. Raises `dataset_busy` without, and `disk`.
    """
    with only_writer(out, wait=wait):
        return _present(out / DATASET, choice) or _rewritten(out, choice, chosen, clip)


def _rewritten(
    out: Path, choice: str, chosen: Sequence[str], clip: Callable[[str], LayeredClip]
) -> str:
    """Written beside the old one, which leaves only when the new one is whole."""
    target, part = out / DATASET, out / f".part-{DATASET}-{choice[:16]}"
    drop_leftovers(out, but=part)
    with ShardWriter(part) as writer:
        for name in chosen:
            if name not in writer:
                writer.add(clip(name))
    fingerprint = writer.fingerprint
    write_atomically(part / _CHOICE, f"{choice} {fingerprint}\n".encode())
    aside = out / f".old-{DATASET}-{uuid.uuid4().hex[:8]}"
    if target.exists():
        target.replace(aside)
    part.replace(target)
    shutil.rmtree(aside, ignore_errors=True)
    return fingerprint


def drop_leftovers(out: Path, but: Path | None = None) -> None:
    """Remove data sets that were written half, or put aside, when a run was killed."""
    for old in out.glob(f".*-{DATASET}-*"):
        if old != but:
            shutil.rmtree(old)


@contextmanager
def only_writer(out: Path, *, wait: bool) -> Iterator[None]:
    """Alone with the set's data set. Raises `dataset_busy` without `wait`."""
    while True:
        lock = FolderLock(out / _LOCK)
        try:
            lock.__enter__()
        except AcetateError as error:
            if not wait or error.name != "dataset_busy":
                raise
            time.sleep(_POLL_S)
            continue
        try:
            yield
        finally:
            lock.__exit__(None, None, None)
        return


def _present(target: Path, choice: str) -> str | None:
    """The fingerprint of a data set that is there, whole, and of this choice; else None."""
    try:
        chosen, fingerprint = (target / _CHOICE).read_text().split()
        index = read_index(target)
    except (OSError, ValueError, AcetateError):
        return None
    shards = ((target / shard.name, shard.bytes) for shard in index.shards)
    whole = all(path.is_file() and path.stat().st_size == size for path, size in shards)
    return fingerprint if whole and (chosen, fingerprint) == (choice, index.fingerprint) else None
