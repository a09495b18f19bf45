"""Counts how much each part of a model was given to compute; called by benchmarks and tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any

from torch import nn
from torch.utils.hooks import RemovableHandle

from backend.models.layeranimate.blocks import Downsample
from backend.models.layeranimate.bundle import LayerAnimateModel
from backend.models.layeranimate.trunk import Trunk

Amount = Callable[[tuple[Any, ...]], int]
"""How much one call was, from its positional arguments."""


def first_axis(inputs: tuple[Any, ...]) -> int:
    """Length of the first argument's first axis: a batch of pictures."""
    return int(inputs[0].shape[0])


class Calls:
    """Sums by name what hooked modules were called with, while it is entered."""

    def __init__(self) -> None:
        self.amounts: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self._watched: list[tuple[str, nn.Module, Amount]] = []
        self._hooks: list[RemovableHandle] = []

    def watch(self, name: str, module: nn.Module, amount: Amount = first_axis) -> Calls:
        """Adds a module under a name; several may share one. Returns itself."""
        self._watched.append((name, module, amount))
        return self

    def __enter__(self) -> Calls:
        for name, module, amount in self._watched:
            self._hooks.append(module.register_forward_pre_hook(self._counted(name, amount)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._hooks:
            self._hooks.pop().remove()

    def _counted(self, name: str, amount: Amount) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def hook(module: nn.Module, inputs: tuple[Any, ...]) -> None:
            del module
            self.calls[name] += 1
            self.amounts[name] += amount(inputs)

        return hook


def layeranimate_calls(model: LayerAnimateModel) -> Calls:
    """Counters of one model, to be entered.

    encoded_pictures  pictures through the encoder of either autoencoder
    decoded_frames    frames through the decoder of either autoencoder
    control_clips     clips through the control branch: one per slot, guidance half and time step
    unet_clips        clips through the UNet: one per seed, guidance half and time step
    """
    calls = Calls().watch("encoded_pictures", model.autoencoder.encoder)
    calls.watch("decoded_frames", model.autoencoder.decoder.conv_in)
    if model.dual is not None:
        calls.watch("encoded_pictures", model.dual.encoder)
        calls.watch("decoded_frames", model.dual.decoder.conv_in)

    def clips(inputs: tuple[Any, ...]) -> int:
        return first_axis(inputs) // model.clip_frames

    # behind the first halving no two guidance halves share a state any more
    calls.watch("control_clips", first_halving(model.control), clips)
    return calls.watch("unet_clips", first_halving(model.unet), clips)


def first_halving(trunk: Trunk) -> nn.Module:
    """The first strided convolution of a trunk; it gets pictures [images, c, h, w]."""
    return next(m.op for m in trunk.modules() if isinstance(m, Downsample))
