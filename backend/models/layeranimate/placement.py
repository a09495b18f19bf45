"""Where the parts of a model rest and where they run; used by the model and by memory plans.

A part that rests on the host keeps its weights there for good: bringing it to the device copies
them, sending it back only drops the copy. So a part goes back in no time, and bit by bit the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor, nn

_Place = tuple[dict[str, Tensor | None], str]
"""A module's table of parameters or buffers, and the key of one of them."""


class HostCopy:
    """The weights of one part in host memory (pinned for CUDA), and whether they are lent out."""

    def __init__(self, module: nn.Module, device: torch.device) -> None:
        self._device = device
        self.is_away = False
        """True while the part is on the device."""
        with torch.inference_mode(mode=False):
            self._hosts = [
                (place, _like(tensor, _on_host(tensor.detach(), device)))
                for place, tensor in _places(module)
            ]
        self.send_back()

    def bring(self) -> None:
        """Copies the weights to the device."""
        with torch.inference_mode(mode=False):
            for (table, key), host in self._hosts:
                table[key] = _like(host, host.detach().to(self._device, non_blocking=True))
        self.is_away = True

    def send_back(self) -> None:
        """Frees the device's copy."""
        for (table, key), host in self._hosts:
            table[key] = host
        self.is_away = False


def _places(module: nn.Module) -> Iterator[tuple[_Place, Tensor]]:
    for part in module.modules():
        # not `tensor.data = ...`, which refuses other kinds of device
        for table in (part._parameters, part._buffers):
            for key, tensor in table.items():
                if tensor is not None:
                    yield (cast("dict[str, Tensor | None]", table), key), tensor


def _on_host(tensor: Tensor, device: torch.device) -> Tensor:
    host = tensor.to("cpu")
    if device.type != "cuda":
        return host
    with torch.cuda.device(device):  # pinning wakes a device: this one, not the first of several
        return host.pin_memory()


def _like(old: Tensor, values: Tensor) -> Tensor:
    """A parameter where the old one was a parameter."""
    is_parameter = isinstance(old, nn.Parameter)
    return nn.Parameter(values, old.requires_grad) if is_parameter else values


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

        Names in `resting` that the model does not have are ignored.
        """
        self.forget()
        self.device = device
        for name, module in parts.items():
            if name in resting:
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
