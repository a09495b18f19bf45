"""The image token resampler (spec 5.8): picture tokens to context tokens for every frame."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from backend.models.layeranimate.attention import attend, join_heads, split_heads
from backend.models.layeranimate.configs import ResamplerConfig


class PerceiverAttention(nn.Module):
    """Learned queries read the picture tokens and themselves."""

    def __init__(self, dim: int, heads: int, head_channels: int) -> None:
        super().__init__()
        inner = heads * head_channels
        self.heads = heads
        self.norm1 = nn.LayerNorm(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.to_q = nn.Linear(dim, inner, bias=False)
        self.to_kv = nn.Linear(dim, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, dim, bias=False)

    def forward(self, tokens: Tensor, queries: Tensor) -> Tensor:
        """Tokens [b, m, dim], queries [b, q, dim] -> [b, q, dim]."""
        queries = self.norm2(queries)
        q = split_heads(self.to_q(queries), self.heads)
        k, v = self.to_kv(torch.cat([self.norm1(tokens), queries], dim=1)).chunk(2, dim=-1)
        return self.to_out(
            join_heads(attend(q, split_heads(k, self.heads), split_heads(v, self.heads)))
        )


class Resampler(nn.Module):
    """Encoder tokens [b, m, e] to frame tokens [b, frames, queries, c]."""

    def __init__(self, config: ResamplerConfig) -> None:
        super().__init__()
        self.config = config
        queries = config.queries_per_frame * config.video_length
        self.latents = nn.Parameter(torch.randn(1, queries, config.dim) / config.dim**0.5)
        self.proj_in = nn.Linear(config.image_dim, config.dim)
        self.proj_out = nn.Linear(config.dim, config.output_dim)
        self.norm_out = nn.LayerNorm(config.output_dim)
        self.layers = nn.ModuleList(nn.ModuleList(_layer(config)) for _ in range(config.depth))

    def forward(self, tokens: Tensor) -> Tensor:
        """[b, m, e] -> [b, frames, queries, c]."""
        tokens = self.proj_in(tokens)
        queries = self.latents.expand(tokens.shape[0], -1, -1)
        for layer in self.layers:
            read, feed_forward = cast("nn.ModuleList", layer)
            queries = queries + read(tokens, queries)
            queries = queries + feed_forward(queries)
        out = self.norm_out(self.proj_out(queries))
        return out.unflatten(1, (self.config.video_length, self.config.queries_per_frame))


def _layer(config: ResamplerConfig) -> list[nn.Module]:
    inner = config.ff_mult * config.dim
    feed_forward = nn.Sequential(
        nn.LayerNorm(config.dim),
        nn.Linear(config.dim, inner, bias=False),
        nn.GELU(),
        nn.Linear(inner, config.dim, bias=False),
    )
    return [PerceiverAttention(config.dim, config.heads, config.head_channels), feed_forward]
