"""Batches in the run's order, made in loader processes; failures are counted, never replaced.

Only the loop calls this. What a batch holds depends on its step, part, rank and the number of
processes alone, so that there is no state to save.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from shared.errors import AcetateError
from training.data.order import SampleOrder, share
from training.run.config import RunSettings
from training.run.task import Batch, Failure, Sample, SampleSource


@dataclass(frozen=True)
class Part:
    """What a process computes at once. `batch` is None where every sample failed.

    `numbers`: those of the samples in the batch, in its order.
    """

    batch: Batch | None
    numbers: tuple[int, ...]
    failures: tuple[Failure, ...]


@dataclass(frozen=True)
class Plan:
    """Which sample numbers come when, for one process."""

    source: SampleSource
    order: SampleOrder
    settings: RunSettings
    rank: int
    world: int

    def numbers(self, step: int, part: int) -> Sequence[int]:
        """Sample numbers of a step's part in this process."""
        mine = share(step, self.settings.batch, self.rank, self.world)
        size = len(mine) // self.settings.accumulation
        return mine[part * size : (part + 1) * size]


class Feed:
    """Parts of the steps from `first` to the last, one after the other; close when done."""

    def __init__(self, plan: Plan, first: int) -> None:
        settings = plan.settings
        self.waited_s = 0.0
        loader = DataLoader(
            _Parts(plan),
            batch_size=None,
            sampler=_Turns(first, settings.steps, settings.accumulation),
            num_workers=settings.workers,
            multiprocessing_context=_context() if settings.workers else None,
            prefetch_factor=settings.prefetch if settings.workers else None,
            worker_init_fn=_quiet if settings.workers else None,
        )
        self._parts: Iterator[Part] | None = iter(loader)

    def next(self) -> Part:
        """The next part; the time until it is there is added to `waited_s`.

        Raises `loader_died`.
        """
        if self._parts is None:
            raise AcetateError("bug", detail="the feed is closed")
        begin = time.perf_counter()
        try:
            return next(self._parts)
        except RuntimeError as error:
            raise loader_error(error) from error
        except (ConnectionError, EOFError) as error:  # it ended while handing over a batch
            raise AcetateError("loader_died", detail=str(error)) from error
        finally:
            self.waited_s += time.perf_counter() - begin

    def close(self) -> None:
        """End the loader processes."""
        self._parts = None


def loader_error(error: RuntimeError) -> Exception:
    """`loader_died` for torch's word on an ended loader process, else the error itself."""
    if "DataLoader worker" in str(error):
        return AcetateError("loader_died", detail=str(error).splitlines()[0])
    return error


def make_part(source: SampleSource, order: SampleOrder, numbers: Sequence[int]) -> Part:
    """The samples of some numbers, stacked; those that raise `AcetateError` become failures."""
    samples: list[Sample] = []
    made: list[int] = []
    failures: list[Failure] = []
    for number in numbers:
        index = order.index(number)
        try:
            samples.append(source.sample(index, order.generator(number)))
            made.append(number)
        except AcetateError as error:
            failures.append(Failure(number, index, str(error)))
    return Part(stacked(samples) if samples else None, tuple(made), tuple(failures))


def made_in_order(
    source: SampleSource, indices: Sequence[int], stream: int
) -> tuple[list[int], list[Sample], list[Failure]]:
    """Fixed samples by index: those that could be made, with their indices, and the others."""
    order = SampleOrder(len(source), stream)
    made: list[int] = []
    samples: list[Sample] = []
    failures: list[Failure] = []
    for index in indices:
        try:
            samples.append(source.sample(index, order.generator(index)))
            made.append(index)
        except AcetateError as error:
            failures.append(Failure(index, index, str(error)))
    return made, samples, failures


def any_sample(source: SampleSource, stream: int) -> Sample:
    """The first sample that can be made, for a process that must compute beside the others.

    Raises `too_many_failures` where none can.
    """
    for index in range(len(source)):
        if samples := made_in_order(source, [index], stream)[1]:
            return samples[0]
    count = len(source)
    raise AcetateError("too_many_failures", failed=count, count=count, detail="all samples")


def stacked(samples: Sequence[Sample]) -> Batch:
    """Samples along a new first axis."""
    return {key: torch.stack([sample[key] for sample in samples]) for key in samples[0]}


def on_device(batch: Batch, device: torch.device) -> Batch:
    """A batch on the device that computes."""
    return {key: _moved(value, device) for key, value in batch.items()}


def _moved(value: Tensor, device: torch.device) -> Tensor:
    if device.type == "cuda":
        return value.pin_memory().to(device, non_blocking=True)
    return value.to(device)


class _Parts(Dataset[Part]):
    """Parts by (step, part)."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def __getitem__(self, turn: tuple[int, int]) -> Part:
        plan = self.plan
        return make_part(plan.source, plan.order, plan.numbers(*turn))


class _Turns(Sampler[tuple[int, int]]):
    def __init__(self, first: int, last: int, parts: int) -> None:
        self.first, self.last, self.parts = first, last, parts

    def __iter__(self) -> Iterator[tuple[int, int]]:
        for step in range(self.first, self.last):
            for part in range(self.parts):
                yield step, part


def _context() -> str:
    """Never a plain fork: torch's threads and a GPU's context do not survive one."""
    return "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"


def _quiet(worker: int) -> None:
    """Leave signals to the loop, which ends its loaders itself; one thread for each loader."""
    del worker
    for name in ("SIGINT", "SIGTERM", "SIGUSR1"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    torch.set_num_threads(1)
