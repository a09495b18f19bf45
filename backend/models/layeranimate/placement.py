"""Where the parts of a model rest and where they run; used by the model and by memory plans.

A part that rests on the host keeps its weights there for good: bringing it to the device copies
them, sending it back only drops the copy. So a part goes back in no time, and bit by bit the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor, nn


class HostCopy:
    """The weights of one part in host memory (pinned for CUDA), and whether they are lent out."""

    def __init__(self, module: nn.Module, device: torch.device) -> None:
        self._device = device
        self.is_away = False
        """True while the part is on the device."""
        self._pairs: list[tuple[Tensor, Tensor]] = []
        with torch.inference_mode(mode=False):
            for tensor in chain(module.parameters(), module.buffers()):
                host = tensor.detach().to("cpu")
                host = host.pin_memory() if device.type == "cuda" else host
                tensor.data = host
                self._pairs.append((tensor, host))

    def bring(self) -> None:
        """Copies the weights to the device."""
        with torch.inference_mode(mode=False):
            for tensor, host in self._pairs:
                tensor.data = host.to(self._device, non_blocking=True)
        self.is_away = True

    def send_back(self) -> None:
        """Frees the device's copy."""
        with torch.inference_mode(mode=False):
            for tensor, host in self._pairs:
                tensor.data = host
        self.is_away = False


class Placement:
    """Belongs to one model; without `settle` every part runs where its weights are."""

    def __init__(self) -> None:
        self.device: torch.device | None = None
        """Where the model runs, or None: where its weights are."""
        self._resting: dict[str, HostCopy] = {}

    @property
    def resting(self) -> frozenset[str]:
        """The parts that are on the host at this moment."""
        return frozenset(name for name, copy in self._resting.items() if not copy.is_away)

    def settle(
        self, parts: Mapping[str, nn.Module], device: torch.device, resting: Collection[str]
    ) -> None:
        """Moves parts to the device, except those that will rest on the host.

        On the CPU nothing rests. Names in `resting` that the model does not have are ignored.
        """
        self.forget()
        self.device = device
        for name, module in parts.items():
            if name in resting and device.type != "cpu":
                self._resting[name] = HostCopy(module, device)
            else:
                module.to(device)

    def forget(self) -> None:
        """Back to the state before `settle`; the weights stay where they are."""
        self.device = None
        self._resting = {}

    @contextmanager
    def using(self, *names: str) -> Iterator[None]:
        """Has these parts on the device inside the block; what was brought for it goes back."""
        brought = [
            copy for name, copy in self._resting.items() if name in names and not copy.is_away
        ]
        try:
            for copy in brought:
                copy.bring()
            yield
        finally:
            for copy in brought:
                copy.send_back()
