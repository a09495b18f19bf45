"""Takes a model into the store, whole or not at all; called by `acetate models import`."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

import msgspec

from backend.data_folder import models_dir
from backend.models.registry import facts
from backend.models.registry.installed import (
    MANIFEST,
    Fact,
    InstalledModel,
    ModelFile,
    ModelManifest,
    checked_name,
    discard,
)
from backend.models.registry.licences import ADAPTER, OPENCLIP, licence_of
from backend.models.registry.sources import Source, recognise
from shared.blobs import write_atomically
from shared.errors import AcetateError

MEGABYTE = 1_000_000
SPARE_BYTES = 256 * 1024 * 1024
"""What must stay free on the disk beside the model."""

_CHUNK_BYTES = 8 * 1024 * 1024
_WORK = ".importing-"
_REVISION = re.compile(r"[0-9a-f]{40}")
Progress = Callable[[str, int, int], None]


class Taking(StrEnum):
    """How files get into the store."""

    COPY = "copy"
    LINK = "link"


@dataclass(frozen=True)
class Prospect:
    """A model that passed every check and can be installed; `size_bytes` counts all its files."""

    source: Source
    name: str
    facts: dict[str, Fact]
    notes: tuple[str, ...]
    size_bytes: int


def examine(path: Path, name: str = "") -> Prospect:
    """Recognise and check a model without touching the store.

    `name` empty: named after its folder. Raises what `recognise` and the strict check raise.
    """
    source = recognise(path)
    found = facts.checked_facts(source)
    chosen = checked_name(name) if name else _name_of(source, path)
    size_bytes = sum(file.stat().st_size for file in source.files)
    return Prospect(source, chosen, found, facts.notes(source, found), size_bytes)


def install(
    prospect: Prospect,
    *,
    taking: Taking = Taking.COPY,
    replace: bool = False,
    store: Path | None = None,
    progress: Progress = lambda stage, step, steps: None,
) -> InstalledModel:
    """Take a model over: all files and their hashes, then one rename.

    Links are hard ones, on another file system symbolic ones. Raises `model_exists` unless
    `replace`, `disk`, and `model_corrupt` where a file changes meanwhile.
    """
    store = store or models_dir()
    target = store / prospect.name
    if target.exists() and not replace:
        raise AcetateError("model_exists", model=prospect.name)
    try:
        store.mkdir(parents=True, exist_ok=True)
        _sweep(store)
        if taking is Taking.COPY:
            _check_room(store, prospect.size_bytes)
        with _workplace(store) as work:
            manifest = _fill(work, prospect, taking, progress)
            data = msgspec.json.format(msgspec.json.encode(manifest)) + b"\n"
            write_atomically(work / MANIFEST, data)
            if target.exists():
                discard(target)
            work.rename(target)
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error
    return InstalledModel(manifest, target)


def _name_of(source: Source, path: Path) -> str:
    """A name made of the folder's, looking past the folders of a hub's cache."""
    if source.kind == OPENCLIP:
        return OPENCLIP
    folder = source.folder
    wanted = folder.name
    if source.kind == ADAPTER and path.is_file():
        wanted = path.stem
    if _REVISION.fullmatch(wanted) and folder.parent.name == "snapshots":
        wanted = folder.parent.parent.name.rpartition("--")[2]
    plain = re.sub(r"[^a-z0-9._-]+", "-", wanted.lower()).strip("-._")[:64]
    return checked_name(plain) if plain else source.kind


@contextmanager
def _workplace(store: Path) -> Iterator[Path]:
    """A folder of the store that vanishes again unless it was renamed."""
    work = Path(tempfile.mkdtemp(dir=store, prefix=f"{_WORK}{os.getpid()}-"))
    work.chmod(0o755)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _sweep(store: Path) -> None:
    """Delete what imports left behind that were killed."""
    for folder in store.glob(f"{_WORK}*"):
        owner = folder.name.removeprefix(_WORK).partition("-")[0]
        if not owner.isdecimal() or not _runs(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)
    for folder in store.glob(".removed-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _runs(pid: int) -> bool:
    if os.name != "posix":
        return True  # signal 0 would end a process there
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _check_room(store: Path, needed_bytes: int) -> None:
    free = shutil.disk_usage(store).free
    if free < needed_bytes + SPARE_BYTES:
        needed = (needed_bytes + SPARE_BYTES) / 1024**3
        detail = f"{needed:.1f} GiB are needed in {store}, {free / 1024**3:.1f} GiB are free"
        raise AcetateError("disk", detail=detail)


def _fill(work: Path, prospect: Prospect, taking: Taking, progress: Progress) -> ModelManifest:
    """Put all files into the workplace and describe them."""
    source = prospect.source
    total, done = max(prospect.size_bytes, 1), 0

    def report(count_bytes: int) -> None:
        nonlocal done
        done += count_bytes
        progress(f"{taking.value} MB", done // MEGABYTE, total // MEGABYTE)

    files = []
    for file in source.files:
        inside = file.relative_to(source.folder)
        target = work / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        take = _link if taking is Taking.LINK else _copy
        size, sha256 = take(file, target, report)
        files.append(ModelFile(path=inside.as_posix(), size_bytes=size, sha256=sha256))
    if sum(file.size_bytes for file in files) != prospect.size_bytes:
        detail = "a file changed while it was imported"
        raise AcetateError("model_corrupt", model=prospect.name, detail=detail)
    return ModelManifest(
        name=prospect.name,
        kind=source.kind,
        facts=prospect.facts,
        files=tuple(files),
        licence=licence_of(source.kind),
        imported=datetime.now(UTC).isoformat(timespec="microseconds"),
        source=source.folder.name[:200],
        linked=taking is Taking.LINK,
    )


def _copy(file: Path, target: Path, report: Callable[[int], None]) -> tuple[int, str]:
    with file.open("rb") as stream, target.open("xb") as copy:
        found = _read_through(stream, report, copy)
        copy.flush()
        os.fsync(copy.fileno())
    return found


def _link(file: Path, target: Path, report: Callable[[int], None]) -> tuple[int, str]:
    real = file.resolve()
    try:
        os.link(real, target)
    except OSError:
        target.symlink_to(real)  # another file system, or one without hard links
    with target.open("rb") as stream:
        return _read_through(stream, report)


def file_hash(path: Path, report: Callable[[int], None] = lambda count: None) -> tuple[int, str]:
    """Size and SHA-256 of a file. Raises `OSError`."""
    with path.open("rb") as stream:
        return _read_through(stream, report)


def _read_through(
    stream: BinaryIO, report: Callable[[int], None], copy: BinaryIO | None = None
) -> tuple[int, str]:
    """Size and SHA-256 of what a stream holds, and the same bytes into `copy`."""
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK_BYTES):
        digest.update(chunk)
        if copy is not None:
            copy.write(chunk)
        size += len(chunk)
        report(len(chunk))
    return size, digest.hexdigest()
