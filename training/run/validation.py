"""Figures on samples kept apart: fixed samples, fixed noise, whatever the step; the loop calls it.

Equal weights give equal figures at any step, so that curves can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from training.run.config import LoopConfig
from training.run.feed import any_sample, made_in_order, on_device, stacked
from training.run.placement import Placed
from training.run.task import Failure, Sample, SampleSource, Task

LOSS = "validation_loss"
_STREAM = 0x56A11DA7E
"""Seed of the validation's random streams, the same in every run."""


@dataclass(frozen=True)
class Validation:
    """`figures`: by name, the same in every process. `failures`: of this process.

    `asked`: samples that all processes together were to make.
    """

    figures: dict[str, float]
    failures: tuple[Failure, ...]
    asked: int


def validate(task: Task, placed: Placed, config: LoopConfig) -> Validation:
    """Loss and the task's own figures of the weights that are in place; all processes call this."""
    placed.module.eval()
    figures: dict[str, float] = {}
    failures: tuple[Failure, ...] = ()
    count = 0 if task.validation is None else len(task.validation)
    count = min(count, config.validation.samples or count)
    if task.validation is not None and count:
        losses, failures = _losses(task.validation, count, placed, config)
        if losses:
            figures[LOSS] = losses[0]
    with torch.no_grad(), placed.whole(), _precision(placed):
        figures |= {name: float(value) for name, value in task.validate().items()}
    return Validation(figures, failures, count)


def strips(task: Task, placed: Placed) -> dict[str, np.ndarray]:
    """The task's pictures, uint8 [h, w, 3], of the weights in place; all processes call this."""
    placed.module.eval()
    with torch.no_grad(), placed.whole(), _precision(placed):
        return dict(task.strips())


def _losses(
    source: SampleSource, count: int, placed: Placed, config: LoopConfig
) -> tuple[list[float], tuple[Failure, ...]]:
    """The mean in a list, empty where every sample failed. Sums run in the order of samples."""
    processes, size = placed.processes, config.validation.batch
    values, weights = [0.0] * count, [0.0] * count
    failures: list[Failure] = []
    rounds = -(-count // (processes.world * size))
    for turn in range(rounds):
        first = (turn * processes.world + processes.rank) * size
        mine = range(first, min(first + size, count))
        numbers, samples, failed = made_in_order(source, mine, _STREAM)
        failures += failed
        for number, value in zip(numbers, _computed(placed, samples, source), strict=True):
            values[number], weights[number] = value, 1.0
    values, weights = processes.summed(values), processes.summed(weights)
    total = sum(weights)
    return ([sum(values) / total] if total else []), tuple(failures)


def _computed(placed: Placed, samples: list[Sample], source: SampleSource) -> list[float]:
    """Losses of the samples; a sharded module also computes where there are none to compute."""
    stand_in = not samples and placed.sharded
    if stand_in:
        samples = [any_sample(source, _STREAM)]
    if not samples:
        return []
    with torch.no_grad():
        batch = on_device(stacked(samples), placed.processes.device)
        losses = placed.losses(batch).double().tolist()
    return [] if stand_in else losses


def _precision(placed: Placed) -> torch.autocast:
    kind = placed.processes.device.type
    return torch.autocast(kind, torch.bfloat16, enabled=placed.precision == "bf16")
