"""The three image networks whose activations LPIPS compares; built from tensors, used by lpips.py.

AlexNet (Krizhevsky 2014), VGG-16 (Simonyan 2015) and SqueezeNet 1.1 (Iandola 2016), convolutional
parts only, with torchvision's numbering of their layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Conv:
    """A convolution and its ReLU; `name` is its key without `.weight`."""

    name: str
    inputs: int
    outputs: int
    side: int
    stride: int = 1
    padding: int = 0


@dataclass(frozen=True)
class Fire:
    """SqueezeNet's block: 1x1 down to `squeezed`, then 1x1 and 3x3 side by side."""

    name: str
    inputs: int
    squeezed: int
    expanded: int

    def parts(self) -> tuple[Conv, Conv, Conv]:
        """Its three convolutions: squeeze, expand 1x1, expand 3x3."""
        return (
            Conv(f"{self.name}.squeeze", self.inputs, self.squeezed, 1),
            Conv(f"{self.name}.expand1x1", self.squeezed, self.expanded, 1),
            Conv(f"{self.name}.expand3x3", self.squeezed, self.expanded, 3, padding=1),
        )


@dataclass(frozen=True)
class Pool:
    """Maximum over windows; `ceil` keeps a window that reaches beyond the border."""

    side: int
    stride: int
    ceil: bool = False


Step = Conv | Fire | Pool | Literal["tap"]
"""`tap`: what passes here is compared."""

ALEX: tuple[Step, ...] = (
    Conv("0", 3, 64, 11, 4, 2),
    "tap",
    Pool(3, 2),
    Conv("3", 64, 192, 5, padding=2),
    "tap",
    Pool(3, 2),
    Conv("6", 192, 384, 3, padding=1),
    "tap",
    Conv("8", 384, 256, 3, padding=1),
    "tap",
    Conv("10", 256, 256, 3, padding=1),
    "tap",
)


def _vgg() -> tuple[Step, ...]:
    steps: list[Step] = []
    number, inputs = 0, 3
    for outputs, repeats in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        if steps:
            steps.append(Pool(2, 2))
            number += 1
        for _ in range(repeats):
            steps.append(Conv(str(number), inputs, outputs, 3, padding=1))
            number, inputs = number + 2, outputs
        steps.append("tap")
    return tuple(steps)


VGG = _vgg()
SQUEEZE: tuple[Step, ...] = (
    Conv("0", 3, 64, 3, 2),
    "tap",
    Pool(3, 2, ceil=True),
    Fire("3", 64, 16, 64),
    Fire("4", 128, 16, 64),
    "tap",
    Pool(3, 2, ceil=True),
    Fire("6", 128, 32, 128),
    Fire("7", 256, 32, 128),
    "tap",
    Pool(3, 2, ceil=True),
    Fire("9", 256, 48, 192),
    "tap",
    Fire("10", 384, 48, 192),
    "tap",
    Fire("11", 384, 64, 256),
    "tap",
    Fire("12", 512, 64, 256),
    "tap",
)
BACKBONES: dict[str, tuple[Step, ...]] = {"alex": ALEX, "vgg": VGG, "squeeze": SQUEEZE}


def convolutions(steps: tuple[Step, ...]) -> list[Conv]:
    """All convolutions in order, those inside blocks included."""
    found: list[Conv] = []
    for step in steps:
        if isinstance(step, Conv):
            found.append(step)
        elif isinstance(step, Fire):
            found.extend(step.parts())
    return found


def widths(steps: tuple[Step, ...]) -> list[int]:
    """Channels at every tap."""
    found: list[int] = []
    width = 3
    for step in steps:
        if isinstance(step, Conv):
            width = step.outputs
        elif isinstance(step, Fire):
            width = 2 * step.expanded
        elif step == "tap":
            found.append(width)
    return found


def table(steps: tuple[Step, ...]) -> dict[str, Shape]:
    """Key -> shape of all weights and biases."""
    found: dict[str, Shape] = {}
    for conv in convolutions(steps):
        found[f"{conv.name}.weight"] = (conv.outputs, conv.inputs, conv.side, conv.side)
        found[f"{conv.name}.bias"] = (conv.outputs,)
    return found


def activations(steps: tuple[Step, ...], tensors: Mapping[str, Tensor], x: Tensor) -> list[Tensor]:
    """What passes the taps: one [n, c, h', w'] each, for pictures [n, 3, h, w]."""
    taps: list[Tensor] = []
    for step in steps:
        if step == "tap":
            taps.append(x)
        elif isinstance(step, Pool):
            x = F.max_pool2d(x, step.side, step.stride, ceil_mode=step.ceil)
        elif isinstance(step, Conv):
            x = _convolved(step, tensors, x)
        else:
            squeeze, one, three = step.parts()
            x = _convolved(squeeze, tensors, x)
            x = torch.cat([_convolved(one, tensors, x), _convolved(three, tensors, x)], dim=1)
    return taps


def _convolved(conv: Conv, tensors: Mapping[str, Tensor], x: Tensor) -> Tensor:
    weight, bias = tensors[f"{conv.name}.weight"], tensors[f"{conv.name}.bias"]
    return torch.relu(F.conv2d(x, weight, bias, conv.stride, conv.padding))
