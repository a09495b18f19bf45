"""The transformer block that both OpenCLIP towers are stacks of; used by the towers only."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

WIDENING = 4
"""The feed-forward part is this many times as wide as the tower."""


class JoinedAttention(nn.Module):
    """Self attention whose queries, keys and values come from one joined projection."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width).normal_(std=width**-0.5))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor, *, causal: bool) -> Tensor:
        """[b, tokens, width] -> the same shape; `causal`: no token sees a later one."""
        joined = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        # [3, b, heads, tokens, width / heads]
        q, k, v = joined.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return self.out_proj(mixed.transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    """Two linear layers around an exact GELU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.c_fc = nn.Linear(width, WIDENING * width)
        self.c_proj = nn.Linear(WIDENING * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[..., width] -> the same shape."""
        return self.c_proj(F.gelu(self.c_fc(x)))


class TowerBlock(nn.Module):
    """Attention and feed-forward, each with a norm before it and a residual around it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = JoinedAttention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = FeedForward(width)

    def forward(self, x: Tensor, *, causal: bool) -> Tensor:
        """[b, tokens, width] -> the same shape."""
        x = x + self.attn(self.ln_1(x), causal=causal)
        return x + self.mlp(self.ln_2(x))


class BlockStack(nn.Module):
    """Blocks one after the other."""

    def __init__(self, width: int, heads: int, count: int) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(TowerBlock(width, heads) for _ in range(count))

    def forward(self, x: Tensor, *, causal: bool) -> Tensor:
        """[b, tokens, width] -> the same shape."""
        for block in self.resblocks:
            x = cast("TowerBlock", block)(x, causal=causal)
        return x
