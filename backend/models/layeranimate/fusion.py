"""Masked layer fusion (spec 5.6): each latent pixel reads the layers at its place, for the UNet.

One query per pixel and n keys: written as an elementwise sum over the n layers,
because attention kernels are made for long sequences.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from backend.models.layeranimate.attention import Grid


class FusionAttention(nn.Module):
    """Attention from the decoder state to the layer features of the same pixel."""

    def __init__(self, channels: int, layer_channels: int, head_channels: int) -> None:
        super().__init__()
        self.heads = layer_channels // head_channels
        self.to_q = nn.Linear(channels, layer_channels, bias=False)
        self.to_k = nn.Linear(layer_channels, layer_channels, bias=False)
        self.to_v = nn.Linear(layer_channels, layer_channels, bias=False)
        self.to_out = nn.Sequential(nn.Linear(layer_channels, channels), nn.Dropout(0.0))

    def forward(self, state: Tensor, layers: Tensor, valid: Tensor) -> Tensor:
        """State [rows, points, c], layers [rows, n, points, c'], valid [rows, n] -> like the state.

        Rows without any valid layer get the mean over all slots, as the official code does.
        """
        q = self.to_q(state).unsqueeze(1).unflatten(-1, (self.heads, -1))
        k = self.to_k(layers).unflatten(-1, (self.heads, -1))  # [rows, n, points, heads, d]
        v = self.to_v(layers).unflatten(-1, (self.heads, -1))
        scores = (q * k).sum(-1) * k.shape[-1] ** -0.5  # [rows, n, points, heads]
        hidden = ~valid[:, :, None, None]
        weights = scores.masked_fill(hidden, torch.finfo(scores.dtype).min).softmax(dim=1)
        return self.to_out((weights.unsqueeze(-1) * v).sum(1).flatten(-2))


def fused_skip(
    norm: nn.Module,
    attention: nn.Module,
    out: nn.Module,
    state: Tensor,
    layers: Tensor,
    valid: Tensor,
    grid: Grid,
) -> Tensor:
    """What is added to the skip connection.

    state  [images, c, h, w], the decoder before it meets the skip
    layers [rows, n, frames, c', h, w]
    valid  [rows, n]
    Returns [images, skip channels, h, w].
    """
    height, width = state.shape[-2:]
    tokens = norm(state.flatten(2).transpose(1, 2))  # [images, pixels, c]
    points = tokens.reshape(grid.rows, -1, tokens.shape[-1])  # [rows, frames * pixels, c]
    features = layers.flatten(-2).transpose(-1, -2).flatten(2, 3)  # [rows, n, points, c']
    mixed = attention(points, features, valid).reshape(tokens.shape)
    return out(mixed.transpose(1, 2).unflatten(2, (height, width)))
