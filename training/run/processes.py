"""The processes of one training run and what they tell each other; the loop's parts use this.

Started by torchrun (its environment variables) or alone. Sums go as plain tensors: no object is
ever sent from process to process here.
"""

from __future__ import annotations

import gc
import os
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist

from backend.torch_device import checked_device
from shared.errors import AcetateError
from training.run.config import RunSettings

_PATIENCE = timedelta(hours=4)
"""How long processes wait for one that prepares data or writes; torch itself waits minutes."""


@dataclass(frozen=True)
class Processes:
    """This process among all: `rank` of `world`, `local` on its machine; `device` is its own.

    `grouped`: a process group exists; it does for one process under `fsdp2`, too.
    """

    rank: int
    world: int
    local: int
    device: torch.device
    grouped: bool

    @property
    def first(self) -> bool:
        """Whether this process writes files and talks."""
        return self.rank == 0

    def summed(self, values: Sequence[float]) -> list[float]:
        """Each value summed over all processes, in double precision; all get the same."""
        if self.world == 1:
            return [float(value) for value in values]
        return self._reduced(values, dist.ReduceOp.SUM)

    def largest(self, value: float) -> float:
        """The largest over all processes."""
        return value if self.world == 1 else self._reduced([value], dist.ReduceOp.MAX)[0]

    def wait(self) -> None:
        """Until all processes are here."""
        if self.world > 1:
            dist.barrier()

    def agree(self, error: AcetateError | None, what: str) -> None:
        """Raise in all processes where one has an error: its own one there, else `what`."""
        failed = self.largest(0.0 if error is None else 1.0)
        if error is not None:
            raise error
        if failed:
            raise AcetateError("job_failed", detail=f"{what} failed in another process")

    def _reduced(self, values: Sequence[float], how: dist.ReduceOp.RedOpType) -> list[float]:
        kind = torch.float32 if self.device.type == "mps" else torch.float64
        tensor = torch.tensor(values, dtype=kind, device=self.device)
        dist.all_reduce(tensor, how)
        return tensor.tolist()


@contextmanager
def joined(settings: RunSettings) -> Iterator[Processes]:
    """Join the run's processes, and leave them in the end.

    Raises `world_size` where the settings do not suit their number, `device_unusable`.
    """
    rank, world, local = (_number(name) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    world = max(1, world)
    check_shares(settings, world)
    device = _device(settings.device, local)
    torch.set_num_threads(settings.threads)
    if settings.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it at its start
    torch.use_deterministic_algorithms(settings.deterministic)
    grouped = world > 1 or settings.layout == "fsdp2"
    if grouped:
        _start(world, device)
    try:
        yield Processes(rank, world, local, device, grouped)
    except BaseException as error:
        _let_go(error)
        raise
    finally:
        torch.use_deterministic_algorithms(False)
        if grouped:
            gc.collect()
            dist.destroy_process_group()


def _let_go(error: BaseException) -> None:
    """Empty the frames that an error passed through: they hold the module, and it the group.

    A group that a module outlives is taken down while Python's lock is held, which its own threads
    may be waiting for: the process would hang instead of telling the error.
    """
    seen: BaseException | None = error
    while seen is not None:
        traceback.clear_frames(seen.__traceback__)
        seen = seen.__context__


def check_shares(settings: RunSettings, world: int) -> None:
    """Raise `world_size` where a step's samples cannot be divided evenly."""
    parts = world * settings.accumulation
    alone = settings.layout == "none" and world > 1
    if settings.batch % parts or alone:
        raise AcetateError(
            "world_size",
            world=world,
            batch=settings.batch,
            parts=settings.accumulation,
            detail='layout "none" is for one process' if alone else "",
        )


def _start(world: int, device: torch.device) -> None:
    backend = "nccl" if device.type == "cuda" else "gloo"
    if world > 1:
        dist.init_process_group(backend, timeout=_PATIENCE)
    else:
        store = dist.HashStore()  # pyright: ignore[reportPrivateImportUsage]
        dist.init_process_group(backend, store=store, rank=0, world_size=1)


def _device(name: str, local: int) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
        name = "mps" if torch.backends.mps.is_available() else name
    chosen = checked_device(f"cuda:{local}" if name == "cuda" else name)
    device = torch.device(chosen)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


def _number(name: str) -> int:
    text = os.environ.get(name, "0")
    if not text.isdigit():
        raise AcetateError("usage", where=f"{name} must be a number, not {text[:20]}")
    return int(text)
