"""Both pictures' features made comparable: attention within each and across; used by `network`."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from curation.backends.unimatch_network.windows import (
    from_windows,
    shift_of,
    shifted_mask,
    to_windows,
)

_LAYERS = 6
_EXPANSION = 4


class Transformer(nn.Module):
    """Two feature maps [b, c, h, w], each told by the other, in windows."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Layer(channels) for _ in range(_LAYERS))

    def forward(self, first: Tensor, second: Tensor, splits: int) -> tuple[Tensor, Tensor]:
        """Same shapes. `splits`: windows per side; every second layer moves them by half of one."""
        own = torch.cat([first, second]).permute(0, 2, 3, 1)  # [2 b, h, w, c]
        mask = shifted_mask(own.shape[1], own.shape[2], splits, own.device)
        for index, layer in enumerate(self.layers):
            other = torch.cat(own.chunk(2)[::-1])
            own = layer(own, other, splits, mask if index % 2 else None)
        first, second = own.permute(0, 3, 1, 2).chunk(2)
        return first.contiguous(), second.contiguous()


class _Layer(nn.Module):
    """Looks around in its own picture, then into the other one."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.self_attn = _Attention(channels)
        self.cross_attn_ffn = _CrossAttention(channels)

    def forward(self, own: Tensor, other: Tensor, splits: int, mask: Tensor | None) -> Tensor:
        own = own + self.self_attn(own, own, splits, mask)
        return own + self.cross_attn_ffn(own, other, splits, mask)


class _Attention(nn.Module):
    """What one head gathers, merged and normalised: [b, h, w, c] twice to the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.q_proj = nn.Linear(channels, channels, bias=False)
        self.k_proj = nn.Linear(channels, channels, bias=False)
        self.v_proj = nn.Linear(channels, channels, bias=False)
        self.merge = nn.Linear(channels, channels, bias=False)
        self.norm1 = nn.LayerNorm(channels)

    def forward(self, asking: Tensor, asked: Tensor, splits: int, mask: Tensor | None) -> Tensor:
        parts = (self.q_proj(asking), self.k_proj(asked), self.v_proj(asked))
        return self.norm1(self.merge(_windowed(*parts, splits, mask)))


class _CrossAttention(_Attention):
    """The same, thought over beside what asked."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        inner = 2 * channels * _EXPANSION
        self.mlp = nn.Sequential(
            nn.Linear(2 * channels, inner, bias=False),
            nn.GELU(),
            nn.Linear(inner, channels, bias=False),
        )
        self.norm2 = nn.LayerNorm(channels)

    def forward(self, asking: Tensor, asked: Tensor, splits: int, mask: Tensor | None) -> Tensor:
        found = super().forward(asking, asked, splits, mask)
        return self.norm2(self.mlp(torch.cat([asking, found], -1)))


def _windowed(
    query: Tensor, key: Tensor, value: Tensor, splits: int, mask: Tensor | None
) -> Tensor:
    """Attention of [b, h, w, c] within windows; with a mask these are moved first, and back."""
    batch, height, width, _ = query.shape
    down, right = shift_of(height, width, splits) if mask is not None else (0, 0)
    parts = [
        to_windows(torch.roll(part, (-down, -right), (1, 2)), splits)
        for part in (query, key, value)
    ]
    allowed = None if mask is None else mask.repeat(batch, 1, 1)
    found = functional.scaled_dot_product_attention(*parts, attn_mask=allowed)
    return torch.roll(from_windows(found, splits, height, width), (down, right), (1, 2))
