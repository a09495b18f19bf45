"""What the training loop asks of a recipe's task, and nothing more; tasks implement these.

The loop draws no random number that reaches a model: everything random of a sample comes from the
generator it is handed, which depends on the recipe's seed and the sample's number alone. So the
order, resuming and the number of processes cannot change what is learned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from torch import Tensor, nn

Sample = dict[str, Tensor]
"""Named tensors of one sample, on the CPU, without a batch axis; equal shapes within a source."""

Batch = dict[str, Tensor]
"""Samples stacked along a new first axis, on the device."""


class SampleSource(Protocol):
    """Samples by index. Picklable: the loader's processes each hold a copy."""

    @property
    def fingerprint(self) -> str:
        """Hash of the data and of how samples are made of it; written into every checkpoint."""
        ...

    def __len__(self) -> int:
        """Samples in one epoch."""
        ...

    def sample(self, index: int, rng: np.random.Generator) -> Sample:
        """Sample `index`; augmentation, controls, time step and noise are all drawn from `rng`.

        Raises `AcetateError` for damaged data, which the loop counts.
        """
        ...


@dataclass(frozen=True)
class Failure:
    """A sample that could not be made: its number in the run, its index, and why."""

    number: int
    index: int
    reason: str


class TrainingModule(nn.Module):
    """Everything with parameters, frozen ones included; `forward` gives the losses."""

    def forward(self, batch: Batch) -> Tensor:
        """Loss of every sample, float32 [samples]; the loop takes the mean."""
        raise TypeError(f"{type(self).__name__} has no forward")


class Task(Protocol):
    """One thing to train. Made by the recipe's settings in every process, with the same weights."""

    @property
    def module(self) -> TrainingModule:
        """What learns, with everything it needs for its loss."""
        ...

    @property
    def source(self) -> SampleSource:
        """Samples to learn from."""
        ...

    @property
    def validation(self) -> SampleSource | None:
        """Samples kept apart, if there are any."""
        ...

    def trainable(self) -> Sequence[str]:
        """Names in `module.named_parameters()` that learn; the loop freezes all others."""
        ...

    def units(self) -> Sequence[nn.Module]:
        """Blocks that are sharded, recomputed in the backward pass and compiled one by one."""
        ...

    def flops_per_sample(self) -> float:
        """Floating-point operations of forward and backward for one sample; 0.0 if unknown."""
        ...

    def validate(self) -> Mapping[str, float]:
        """Figures beside the validation loss, of the weights that `module` holds now."""
        ...

    def strips(self) -> Mapping[str, np.ndarray]:
        """Pictures to look at, uint8 [h, w, 3], of the weights that `module` holds now."""
        ...

    def failures(self) -> Sequence[Failure]:
        """Samples that `validate` and `strips` had to do without; each is told once."""
        ...

    def export(self, folder: Path) -> None:
        """Write the weights that `module` holds now as the backend loads them."""
        ...
