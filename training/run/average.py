"""The moving average of the trained weights, sharded as they are; stepper and validation use it.

Polyak and Juditsky 1992, with the usual warm-up of the decay.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from training.run.placement import Placed, local


class Average:
    """Float32 averages of the trained parameters by name; empty with a decay of 0."""

    def __init__(self, placed: Placed, decay: float) -> None:
        self.decay = decay
        self._placed = placed
        self.values: dict[str, Tensor] = {}
        self.begin()

    def begin(self) -> None:
        """Start from the weights of this moment."""
        if self.decay:
            self.values = {
                name: parameter.detach().clone().float()
                for name, parameter in self._placed.trained.items()
            }

    def update(self, step: int) -> None:
        """Take in the weights after `step` finished steps; early steps count more."""
        if not self.decay:
            return
        decay = min(self.decay, (1 + step) / (10 + step))
        mine = [local(value) for value in self.values.values()]
        new = [local(p.detach()).float() for p in self._placed.trained.values()]
        torch._foreach_lerp_(mine, new, 1.0 - decay)  # pyright: ignore[reportPrivateImportUsage]

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside, the module holds the averages; afterwards the trained weights, bit for bit."""
        if not self.decay:
            yield
            return
        trained = self._placed.trained
        with torch.no_grad():
            kept = {name: local(p.detach()).clone() for name, p in trained.items()}
            for name, parameter in trained.items():
                local(parameter.detach()).copy_(local(self.values[name]))
        try:
            yield
        finally:
            with torch.no_grad():
                for name, parameter in trained.items():
                    local(parameter.detach()).copy_(kept[name])
