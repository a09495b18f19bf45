"""Figures on samples kept apart: fixed samples, fixed noise, whatever the step; the loop calls it.

Equal weights give equal figures at any step, so that curves can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from shared.errors import AcetateError
from training.data.order import SampleOrder
from training.run.config import LoopConfig
from training.run.feed import Failure, on_device, stacked
from training.run.placement import Placed
from training.run.task import Sample, SampleSource, Task

LOSS = "validation_loss"
_STREAM = 0x56A11DA7E
"""Seed of the validation's random streams, the same in every run."""


@dataclass(frozen=True)
class Validation:
    """`figures`: by name, the same in every process. `failures`: of this process."""

    figures: dict[str, float]
    failures: tuple[Failure, ...]


def validate(task: Task, placed: Placed, config: LoopConfig) -> Validation:
    """Loss and the task's own figures of the weights that are in place; all processes call this."""
    placed.module.eval()
    figures: dict[str, float] = {}
    failures: tuple[Failure, ...] = ()
    if task.validation is not None and len(task.validation):
        losses, failures = _losses(task.validation, placed, config)
        if losses:
            figures[LOSS] = losses[0]
    with torch.no_grad(), placed.whole(), _precision(placed):
        figures |= {name: float(value) for name, value in task.validate().items()}
    return Validation(figures, failures)


def strips(task: Task, placed: Placed) -> dict[str, np.ndarray]:
    """The task's pictures, uint8 [h, w, 3], of the weights in place; all processes call this."""
    placed.module.eval()
    with torch.no_grad(), placed.whole(), _precision(placed):
        return dict(task.strips())


def _losses(
    source: SampleSource, placed: Placed, config: LoopConfig
) -> tuple[list[float], tuple[Failure, ...]]:
    """The mean in a list, empty where every sample failed. Sums run in the order of samples."""
    processes, size = placed.processes, config.validation.batch
    count = min(len(source), config.validation.samples or len(source))
    values, weights = [0.0] * count, [0.0] * count
    failures: list[Failure] = []
    rounds = -(-count // (processes.world * size))
    for turn in range(rounds):
        first = (turn * processes.world + processes.rank) * size
        numbers, samples = _samples(source, range(first, min(first + size, count)), failures)
        for number, value in zip(numbers, _computed(placed, samples, source), strict=True):
            values[number], weights[number] = value, 1.0
    values, weights = processes.summed(values), processes.summed(weights)
    total = sum(weights)
    return ([sum(values) / total] if total else []), tuple(failures)


def _samples(
    source: SampleSource, numbers: range, failures: list[Failure]
) -> tuple[list[int], list[Sample]]:
    order = SampleOrder(len(source), _STREAM)
    made: list[int] = []
    samples: list[Sample] = []
    for number in numbers:
        try:
            samples.append(source.sample(number, order.generator(number)))
            made.append(number)
        except AcetateError as error:
            failures.append(Failure(number, number, str(error)))
    return made, samples


def _computed(placed: Placed, samples: list[Sample], source: SampleSource) -> list[float]:
    """Losses of the samples; a sharded module also computes where there are none to compute."""
    stand_in = not samples and placed.sharded
    if stand_in:
        samples = [source.sample(0, SampleOrder(len(source), _STREAM).generator(0))]
    if not samples:
        return []
    with torch.no_grad():
        batch = on_device(stacked(samples), placed.processes.device)
        losses = placed.losses(batch).double().tolist()
    return [] if stand_in else losses


def _precision(placed: Placed) -> torch.autocast:
    kind = placed.processes.device.type
    return torch.autocast(kind, torch.bfloat16, enabled=placed.precision == "bf16")
