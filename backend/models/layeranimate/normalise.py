"""Group normalisation that keeps channels-last memory on every device; used by all blocks.

PyTorch 2.13's own kernel does so on the CPU only: elsewhere it copies its input to channels-first
and answers so, and every convolution behind it copies back.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.library import Library

_CHUNK_PIXELS = 16
"""Least pixels that one partial statistic covers."""

_operators = Library("acetate", "DEF")
_operators.define(
    "group_norm(Tensor x, int groups, Tensor weight, Tensor bias, float eps) -> Tensor"
)


class GroupNorm(nn.GroupNorm):
    """`nn.GroupNorm` whose result lies in memory as its input does, where no gradient is wanted."""

    def forward(self, input: Tensor) -> Tensor:
        """[b, c, ...] -> the same shape and memory format."""
        if torch.compiler.is_compiling():
            return _spelled_out(input, self.num_groups, self.weight, self.bias, self.eps)
        plain = input.device.type not in ("cuda", "meta") or torch.is_grad_enabled()
        if plain or not _is_channels_last(input):
            return super().forward(input)
        return torch.ops.acetate.group_norm(
            input, self.num_groups, self.weight, self.bias, self.eps
        )


def _spelled_out(x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Group normalisation in elementary operations, which a compiler fuses with its neighbours."""
    grouped = x.float().unflatten(1, (groups, -1))
    axes = tuple(range(2, grouped.dim()))
    variance, mean = torch.var_mean(grouped, axes, correction=0, keepdim=True)
    normal = ((grouped - mean) * torch.rsqrt(variance + eps)).flatten(1, 2)
    channels = (-1, *([1] * (x.dim() - 2)))
    return (normal * weight.view(channels) + bias.view(channels)).to(x.dtype)


def channels_last_group_norm(
    x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float
) -> Tensor:
    """Group normalisation of [b, c, h, w] with the channels innermost in memory.

    Statistics are in float32 whatever `x` is: partial ones over a few pixels each, whose rounding
    to the format of `x` averages out, joined by the law of total variance.
    """
    grouped = x.permute(0, 2, 3, 1).flatten(1, 2).unflatten(-1, (groups, -1))  # [b, p, g, c / g]
    mean, variance = _statistics(grouped)  # [b, 1, g, 1]
    scale = weight.float().view(groups, -1) * torch.rsqrt(variance + eps)
    shift = bias.float().view(groups, -1) - mean * scale
    out = torch.empty_like(x)
    place = out.permute(0, 2, 3, 1).flatten(1, 2).unflatten(-1, (groups, -1))
    torch.addcmul(shift, grouped, scale, out=place)
    return out


def _statistics(grouped: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance over pixels and channels of each group, float32 [b, 1, g, 1]."""
    pixels = grouped.shape[1]
    chunks = next(n for n in range(max(pixels // _CHUNK_PIXELS, 1), 0, -1) if pixels % n == 0)
    parts = grouped.unflatten(1, (chunks, -1))
    variance, mean = torch.var_mean(parts, dim=(2, 4), correction=0)  # [b, chunks, g]
    variance, mean = variance.float(), mean.float()
    total = variance.mean(1) + mean.var(1, correction=0)
    return mean.mean(1)[:, None, :, None], total[:, None, :, None]


def _like_input(x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    del groups, weight, bias, eps
    return torch.empty_like(x)


_operators.impl("group_norm", channels_last_group_norm, "CUDA")
_operators.impl("group_norm", _like_input, "Meta")


def _is_channels_last(x: Tensor) -> bool:
    return x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last)
