"""Checkpoints: written whole or not at all, sharded, and read without running anything in them.

Tensors go through `torch.distributed.checkpoint` in its safetensors storage, because the metadata
file of its usual storage is a pickle. A folder `step-N` appears under its name only after all its
files and their hashes are on the disk; the loop writes and reads these.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
from safetensors import SafetensorError
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.hf_storage import (
    HuggingFaceStorageReader,
    HuggingFaceStorageWriter,
)
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from shared.blobs import sync_folder
from shared.errors import AcetateError
from training.run.identity import Identity
from training.run.processes import Processes

MANIFEST = "manifest.json"
STATE = "state.json"
_NAME = re.compile(r"step-(\d{8,})")
_UNFINISHED = ".part-"
_MAX_JSON_BYTES = 64 * 1024 * 1024
_Document = TypeVar("_Document", bound=msgspec.Struct)


class Progress(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of a checkpoint but its tensors.

    `step`, `seen`, `failed`: finished steps, samples asked for, samples that failed; with the seed
    they are the position in the data and of every random stream. `optimised`: how many updates
    each parameter has had, for those with moments. `weights`: names of the trained parameters.
    `figures`: of the validation at this step, if there was one. `world`: number of processes.
    """

    schema: str = "acetate.checkpoint/1"
    step: int
    seen: int
    failed: int
    world: int
    optimised: dict[str, int]
    weights: list[str]
    averaged: bool
    figures: dict[str, float]
    identity: Identity


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bytes: int
    sha256: str


class _Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    files: dict[str, _File]


def folder_name(step: int) -> str:
    """Name of the checkpoint after `step` steps."""
    return f"step-{step:08d}"


def finished(folder: Path) -> dict[int, Path]:
    """The finished checkpoints in a folder by step, the first one first."""
    found = {
        int(match[1]): path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if (match := _NAME.fullmatch(path.name)) and path.is_dir()
    }
    return dict(sorted(found.items()))


def write(
    folder: Path, progress: Progress, tensors: dict[str, Tensor], processes: Processes
) -> Path:
    """Write a checkpoint; all processes call this together. One of this step that exists stays.

    Raises `disk` in every process where one of them could not write; nothing is left then.
    """
    final = folder / folder_name(progress.step)
    part = folder / f"{_UNFINISHED}{final.name}"
    if final.exists():
        return final
    with _cleaned(part, processes):
        _together(processes, lambda: _fresh(part))
        _save_tensors(part, tensors, processes)
        _together(processes, lambda: _seal(part, final, progress))
    return final


def read_progress(path: Path) -> Progress:
    """Check every file of a checkpoint against its manifest; its progress. Raises `bad_checkpoint`.

    Everything else about the checkpoint is read only after this.
    """
    manifest = _decoded(path, MANIFEST, _Manifest)
    for name, expected in manifest.files.items():
        file = path / name
        if Path(name).name != name or not file.is_file():
            raise _damaged(path, f"{name[:60]} is missing")
        if file.stat().st_size != expected.bytes or _sha256(file) != expected.sha256:
            raise _damaged(path, f"{name[:60]} was changed")
    surplus = {file.name for file in path.glob("*.safetensors")} - manifest.files.keys()
    if surplus:
        raise _damaged(path, f"{min(surplus)[:60]} does not belong to it")
    return _decoded(path, STATE, Progress)


def read_tensors(path: Path, tensors: dict[str, Tensor], processes: Processes) -> None:
    """Fill tensors in place, sharded or not, whatever the number of processes that wrote them.

    Raises `bad_checkpoint` where names or shapes do not fit.
    """
    try:
        with _alone_is_meant():
            load(
                _with_an_axis(tensors),
                storage_reader=HuggingFaceStorageReader(str(path)),
                no_dist=not processes.grouped,
            )
    except (CheckpointException, SafetensorError, RuntimeError, OSError, ValueError) as error:
        raise _damaged(path, _reason(error)) from error


def _save_tensors(part: Path, tensors: dict[str, Tensor], processes: Processes) -> None:
    try:
        with _alone_is_meant():
            save(
                _with_an_axis(tensors),
                storage_writer=HuggingFaceStorageWriter(str(part), save_distributed=True),
                no_dist=not processes.grouped,
            )
    except (CheckpointException, OSError) as error:
        raise AcetateError("disk", detail=_reason(error)) from error


@contextmanager
def _alone_is_meant() -> Iterator[None]:
    """Without the warning that one process saves by itself, as it was told to."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")
        yield


def _with_an_axis(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Single numbers as views of one element: the storage reads slices."""
    return {name: t.reshape(1) if t.dim() == 0 else t for name, t in tensors.items()}


def _reason(error: BaseException) -> str:
    if isinstance(error, CheckpointException):
        return "; ".join(str(failure[0]) for failure in error.failures.values())[:300]
    return str(error)[:300]


@contextmanager
def _cleaned(part: Path, processes: Processes) -> Iterator[None]:
    """Remove a half-written folder when writing it fails."""
    try:
        yield
    except AcetateError:
        if processes.first:
            shutil.rmtree(part, ignore_errors=True)
        raise


def _together(processes: Processes, work: Callable[[], None]) -> None:
    """Work of the first process alone; all go on when it is done, or raise where it failed."""
    error: AcetateError | None = None
    if processes.first:
        try:
            work()
        except OSError as reason:
            error = AcetateError("disk", detail=str(reason))
    processes.agree(error, "writing a checkpoint")


def _fresh(part: Path) -> None:
    """An empty folder; what a killed run left half-written is removed."""
    part.parent.mkdir(parents=True, exist_ok=True)
    for left in part.parent.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left)
    part.mkdir()


def _seal(part: Path, final: Path, progress: Progress) -> None:
    """Hash and flush every file, then give the folder its name."""
    _written(part / STATE, progress)
    files = {
        file.name: _File(file.stat().st_size, _sha256(file)) for file in sorted(part.iterdir())
    }
    _written(part / MANIFEST, _Manifest(files))
    sync_folder(part)
    part.replace(final)
    sync_folder(final.parent)


def _written(path: Path, document: msgspec.Struct) -> None:
    with path.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(document)) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _decoded(path: Path, name: str, kind: type[_Document]) -> _Document:
    file = path / name
    try:
        if file.stat().st_size > _MAX_JSON_BYTES:
            raise _damaged(path, f"{name} is too large")
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise _damaged(path, f"{name}: {error}") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damaged(path: Path, detail: str) -> AcetateError:
    return AcetateError("bad_checkpoint", checkpoint=path.name, detail=detail)
