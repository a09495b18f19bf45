"""The U-Net of Anime2Sketch, from its architecture (spec 1.10); made by `anime2sketch.load`.

Keys of the state dict are those of the official files: a level's parts are numbered by their place
in a list that also counts activations and norms, which have no weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

DEPTH = 8
"""Halvings: the side of a picture must be a multiple of 2 ** DEPTH."""

_WIDEST = 8
_SLOPE = 0.2


class SketchNetwork(nn.Module):
    """RGB [b, 3, h, w] in -1..1 to lines [b, 1, h, w], -1 on a line .. 1 paper.

    `width`: channels of the first level, 64 in the official files. `smooth`: six of the eight
    levels grow by smoothed bilinear steps, as in the file called improved.
    """

    def __init__(self, width: int = 64, *, smooth: bool = False) -> None:
        super().__init__()
        widths = [width * min(2**k, _WIDEST) for k in range(DEPTH)]
        level: nn.Module = _Innermost(widths[-2], widths[-1])
        for outer, inner in zip(widths[-3::-1], widths[-2:0:-1], strict=True):
            level = _Level(outer, inner, level, smooth=smooth)
        self.model = _Outermost(widths[0], level)

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        return self.model(pictures)


class _Outermost(nn.Module):
    """Pictures in, lines out."""

    def __init__(self, width: int, below: nn.Module) -> None:
        super().__init__()
        self.model = nn.ModuleDict({"0": _halving(3, width), "1": below, "3": _doubling(width, 1)})

    def forward(self, pictures: Tensor) -> Tensor:
        deep = self.model["1"](self.model["0"](pictures))
        return torch.tanh(self.model["3"](functional.relu(deep)))


class _Level(nn.Module):
    """Halves, asks the level below, doubles again, and hands on what it got beside what it made."""

    def __init__(self, outer: int, inner: int, below: nn.Module, *, smooth: bool) -> None:
        super().__init__()
        rise = _SmoothDoubling(2 * inner, outer) if smooth else _doubling(inner, outer)
        self.model = nn.ModuleDict({"1": _halving(outer, inner), "3": below, "5": rise})

    def forward(self, features: Tensor) -> Tensor:
        down = self.model["1"](functional.leaky_relu(features, _SLOPE))
        deep = self.model["3"](functional.instance_norm(down))
        return torch.cat(
            [features, functional.instance_norm(self.model["5"](functional.relu(deep)))], 1
        )


class _Innermost(nn.Module):
    """The lowest level: its features are too small to be normalised on the way down."""

    def __init__(self, outer: int, inner: int) -> None:
        super().__init__()
        rise = nn.ConvTranspose2d(inner, outer, 4, 2, 1)
        self.model = nn.ModuleDict({"1": _halving(outer, inner), "3": rise})

    def forward(self, features: Tensor) -> Tensor:
        down = self.model["1"](functional.leaky_relu(features, _SLOPE))
        return torch.cat(
            [features, functional.instance_norm(self.model["3"](functional.relu(down)))], 1
        )


class _SmoothDoubling(nn.Module):
    """Bilinear growth, a 3x3 blur kept with the weights, and a convolution with a residual mix."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.smooth = _Blur()
        self.conv = nn.Conv2d(inside, outside, 3, padding=1)
        self.mlp = nn.ModuleDict(
            {"0": nn.Conv2d(outside, 4 * outside, 1), "2": nn.Conv2d(4 * outside, outside, 1)}
        )

    def forward(self, features: Tensor) -> Tensor:
        grown = functional.interpolate(
            features, scale_factor=2, mode="bilinear", align_corners=False
        )
        mixed = self.conv(self.smooth(grown))
        return mixed + self.mlp["2"](functional.gelu(self.mlp["0"](mixed)))


class _Blur(nn.Module):
    """Each channel for itself with one kernel, the edge repeated."""

    def __init__(self) -> None:
        super().__init__()
        line = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("kernel", torch.outer(line, line)[None, None])

    def forward(self, features: Tensor) -> Tensor:
        alone = functional.pad(features.flatten(0, 1)[:, None], (1, 1, 1, 1), mode="replicate")
        kernel = self.get_buffer("kernel")
        return functional.conv2d(alone, kernel).view_as(features)


def _halving(inside: int, outside: int) -> nn.Conv2d:
    return nn.Conv2d(inside, outside, 4, 2, 1)


def _doubling(inner: int, outer: int) -> nn.ConvTranspose2d:
    """From a level's own features and those of the level below."""
    return nn.ConvTranspose2d(2 * inner, outer, 4, 2, 1)
