"""Pictures to features at a quarter and at an eighth of their size; used by `network`.

Parts without weights (activations, norms) are functions here; keys are the official ones.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = 128
_WIDTHS = (64, 96, 128)


class Encoder(nn.Module):
    """RGB [b, 3, h, w], normalised, to [b, c, h / 8, w / 8] and [b, c, h / 4, w / 4]."""

    def __init__(self) -> None:
        super().__init__()
        first, second, third = _WIDTHS
        self.conv1 = nn.Conv2d(3, first, 7, stride=2, padding=3, bias=False)
        self.layer1 = _stage(first, first, 1)
        self.layer2 = _stage(first, second, 2)
        self.layer3 = _stage(second, third, 1)
        self.conv2 = nn.Conv2d(third, CHANNELS, 1)
        self.trident_conv = _SharedKernel()

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Coarse features, then fine ones."""
        features = _normed(self.conv1(pictures))
        features = self.layer3(self.layer2(self.layer1(features)))
        return self.trident_conv(self.conv2(features))


class _SharedKernel(nn.Module):
    """One 3x3 kernel for both scales; the coarse one takes every second place."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(CHANNELS, CHANNELS, 3, 3))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        coarse = functional.conv2d(features, self.weight, stride=2, padding=1)
        return coarse, functional.conv2d(features, self.weight, padding=1)


class _Residual(nn.Module):
    """Two 3x3 convolutions beside a short cut, which has weights only where the shape changes."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1, bias=False)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or inside != outside:
            self.downsample = nn.Sequential(nn.Conv2d(inside, outside, 1, stride))

    def forward(self, features: Tensor) -> Tensor:
        changed = _normed(self.conv2(_normed(self.conv1(features))))
        if self.downsample is not None:
            features = functional.instance_norm(self.downsample(features))
        return functional.relu(features + changed)


def _stage(inside: int, outside: int, stride: int) -> nn.Sequential:
    return nn.Sequential(_Residual(inside, outside, stride), _Residual(outside, outside, 1))


def _normed(features: Tensor) -> Tensor:
    return functional.relu(functional.instance_norm(features))
