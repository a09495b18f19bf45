"""Residual, temporal and resizing blocks (spec 5.2); used by the trunk and the UNet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from backend.models.layeranimate.attention import (
    Context,
    Grid,
    KeyValues,
    Rows,
    SpatialTransformer,
    TemporalTransformer,
    as_picture,
    as_tokens,
    clips_first,
    images_first,
)
from backend.models.layeranimate.configs import TrunkConfig
from backend.models.layeranimate.normalise import GroupNorm
from backend.models.layeranimate.overwriting import may_overwrite


class FrameConvolution(nn.Conv3d):
    """Convolution over three neighbouring frames, weight [out, in, 3, 1, 1].

    Runs as a 2-D convolution over (frames, pixels): the same sums, and the kernel that every
    backend has tuned.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(channels_in, channels_out, (3, 1, 1), padding=(1, 0, 0))

    def forward(self, input: Tensor) -> Tensor:
        """[clips, c, frames, pixels] -> [clips, c_out, frames, pixels]."""
        return F.conv2d(input, self.weight.squeeze(-1), self.bias, padding=(1, 0))


class TemporalConvolutions(nn.Module):
    """Four convolutions over the frames with a residual around them."""

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            GroupNorm(32, channels), nn.SiLU(), FrameConvolution(channels, channels)
        )
        self.conv2 = _late_convolution(channels, dropout)
        self.conv3 = _late_convolution(channels, dropout)
        self.conv4 = _late_convolution(channels, dropout)

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        """[images, c, h, w] -> the same shape."""
        change = self.conv4(self.conv3(self.conv2(self.conv1(clips_first(x, grid)))))
        return x + images_first(change, *x.shape[-2:])


def _late_convolution(channels: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        GroupNorm(32, channels),
        nn.SiLU(),
        nn.Dropout(dropout),
        FrameConvolution(channels, channels),
    )


class ResBlock(nn.Module):
    """Two convolutions with the time embedding between them, then the temporal convolutions."""

    def __init__(
        self, channels_in: int, channels_out: int, embedding_channels: int, dropout: float
    ) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(
            GroupNorm(32, channels_in),
            nn.SiLU(),
            nn.Conv2d(channels_in, channels_out, 3, padding=1),
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedding_channels, channels_out))
        self.out_layers = nn.Sequential(
            GroupNorm(32, channels_out),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Conv2d(channels_out, channels_out, 3, padding=1),
        )
        same = channels_in == channels_out
        self.skip_connection = nn.Identity() if same else nn.Conv2d(channels_in, channels_out, 1)
        # the misspelling is the official key
        self.temopral_conv = TemporalConvolutions(channels_out, dropout)

    def forward(self, x: Tensor, embedding: Tensor, grid: Grid) -> Tensor:
        """[images, c_in, h, w] with embedding [1 or rows, e] -> [images, c_out, h, w]."""
        h = self._entered(x, self.emb_layers(embedding), grid)
        return self.temopral_conv(self._left(x, h), grid)

    def _left(self, x: Tensor, h: Tensor) -> Tensor:
        """The second convolution on top of the block's input, whose projection adds in place."""
        norm, activation, dropout, convolution = self.out_layers
        h, convolution = dropout(activation(norm(h))), cast("nn.Conv2d", convolution)
        skip = self.skip_connection
        if not isinstance(skip, nn.Conv2d) or not may_overwrite(x):
            return skip(x) + convolution(h)
        bias = cast("Tensor", convolution.bias) + cast("Tensor", skip.bias)
        out = as_tokens(F.conv2d(h, convolution.weight, bias, padding=1)).flatten(0, 1)
        weight = skip.weight.flatten(1).t()
        torch.addmm(out, as_tokens(x).flatten(0, 1), weight, out=out)
        return as_picture(out.unflatten(0, (len(h), -1)), h)

    def _entered(self, x: Tensor, shift: Tensor, grid: Grid) -> Tensor:
        """The first convolution with the time embedding's shift [1 or rows, c_out] added."""
        norm, activation, convolution = self.in_layers
        x, convolution = activation(norm(x)), cast("nn.Conv2d", convolution)
        if shift.shape[0] == 1 and convolution.bias is not None:
            return F.conv2d(x, convolution.weight, convolution.bias + shift[0], padding=1)
        return convolution(x) + shift.repeat_interleave(grid.images, dim=0)[:, :, None, None]


class Downsample(nn.Module):
    """Halves the resolution by a strided convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.op = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """[images, c, h, w] -> [images, c, h / 2, w / 2]."""
        return self.op(x)


class Upsample(nn.Module):
    """Doubles the resolution: nearest neighbour, then a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """[images, c, h, w] -> [images, c, 2 h, 2 w]."""
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


StageKeys = tuple[tuple[KeyValues, ...], ...]
"""Projected context of one stage: one entry per spatial transformer in it."""


def select_rows(stages: Sequence[StageKeys], rows: Rows) -> tuple[StageKeys, ...]:
    """The keys and values of several stages for some context rows only, as views."""
    return tuple(
        tuple(tuple(keys.select(rows) for keys in blocks) for blocks in stage) for stage in stages
    )


class Stage(nn.ModuleList):
    """Modules that run one after the other, each fed what it needs; keys are 0, 1, 2, ..."""

    def project(self, context: Context) -> StageKeys:
        """The context for every spatial transformer of this stage."""
        return tuple(m.project(context) for m in self if isinstance(m, SpatialTransformer))

    def forward(
        self, x: Tensor, embedding: Tensor, keys: StageKeys | Context, grid: Grid
    ) -> Tensor:
        """[images, c, h, w] -> [images, c', h', w']. A `Context` is projected here, by itself.

        Training needs that: a stage whose weights are sharded has them only in its forward.
        """
        remaining = iter(self.project(keys) if isinstance(keys, Context) else keys)
        for module in self:
            if isinstance(module, ResBlock):
                x = module(x, embedding, grid)
            elif isinstance(module, SpatialTransformer):
                x = module(x, next(remaining), grid)
            elif isinstance(module, TemporalTransformer):
                x = module(x, grid)
            else:
                x = module(x)
        return x


def transformers(config: TrunkConfig, channels: int) -> list[nn.Module]:
    """The spatial and the temporal transformer of one block."""
    heads = channels // config.head_channels
    depth, dropout = config.transformer_depth, config.dropout
    return [
        SpatialTransformer(
            channels, config.context_dim, heads, depth, dropout, config.learned_image_scale
        ),
        TemporalTransformer(channels, heads, config.head_channels, depth, dropout),
    ]


def residual_stage(
    config: TrunkConfig, channels_in: int, channels_out: int, attends: bool
) -> list[nn.Module]:
    """A residual block and, where the level attends, its transformers."""
    block = ResBlock(channels_in, channels_out, config.embedding_channels, config.dropout)
    return [block, *(transformers(config, channels_out) if attends else [])]
