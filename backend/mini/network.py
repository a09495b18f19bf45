"""The sketch expert's network: one U-Net of plain convolutions, shared by all layers and frames.

A torch module without any rule about where it may be used; the rules are in expert.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

IN_CHANNELS = 10  # moved art RGBA, painted sketch RGBA, sketch, last-key flag
STRIDE = 8  # height and width must be multiples of this


@dataclass(frozen=True)
class NetworkConfig:
    """Widths of the three levels (at half, quarter and eighth size) and blocks on each."""

    widths: tuple[int, int, int] = (32, 64, 96)
    blocks: tuple[int, int, int] = (2, 2, 3)


class Block(nn.Module):
    """Two 3x3 convolutions around a residual path; an identity before training."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Conv2d(width, width, 3, padding=1)
        self.outer = nn.Conv2d(width, width, 3, padding=1)
        for parameter in self.outer.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """[n, width, h, w] -> the same shape."""
        return x + self.outer(functional.relu(self.inner(functional.relu(x))))


class SketchExpertNet(nn.Module):
    """Corrects moved art where a sketch says what it should be.

    Before training it returns its base unchanged (zero-initialised head).
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        top, middle, low = config.widths
        self.stem = nn.Conv2d(IN_CHANNELS * 4, top, 3, padding=1)
        self.enter_top = _stack(top, config.blocks[0])
        self.down_middle = nn.Conv2d(top, middle, 2, stride=2)
        self.enter_middle = _stack(middle, config.blocks[1])
        self.down_low = nn.Conv2d(middle, low, 2, stride=2)
        self.depths = _stack(low, config.blocks[2])
        self.up_middle = nn.Conv2d(low + middle, middle, 1)
        self.leave_middle = _stack(middle, config.blocks[1])
        self.up_top = nn.Conv2d(middle + top, top, 1)
        self.leave_top = _stack(top, config.blocks[0])
        self.head = nn.Conv2d(top, 5 * 4, 3, padding=1)
        for parameter in self.head.parameters():
            nn.init.zeros_(parameter)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs [n, 10, h, w] -> trust in the painted sketch [n, 1, h, w], residual [n, 4, h, w].

        The correction is `trust * (painted - art) + residual`, premultiplied RGBA.
        """
        top = self.enter_top(self.stem(functional.pixel_unshuffle(inputs, 2)))
        middle = self.enter_middle(self.down_middle(top))
        low = self.depths(self.down_low(middle))
        middle = self.leave_middle(self.up_middle(torch.cat([_doubled(low), middle], 1)))
        top = self.leave_top(self.up_top(torch.cat([_doubled(middle), top], 1)))
        out = functional.pixel_shuffle(self.head(functional.relu(top)), 2)
        return out[:, :1], out[:, 1:]


def _stack(width: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(*(Block(width) for _ in range(blocks)))


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="nearest")


def corrected(inputs: Tensor, trust: Tensor, residual: Tensor, allowed: Tensor) -> Tensor:
    """The refined art [n, 4, h, w]: corrected where `allowed` [n, 1, h, w] is 1, legal colours."""
    art, painted = inputs[:, :4], inputs[:, 4:8]
    refined = art + allowed * (trust * (painted - art) + residual)
    alpha = refined[:, 3:].clamp(0, 1)
    colour = torch.minimum(refined[:, :3].clamp(min=0), alpha)
    return torch.cat([colour, alpha], 1)
