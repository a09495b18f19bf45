"""Masked layer fusion (spec 5.6): each latent pixel reads the layers at its place, for the UNet.

One query per pixel and n keys: written as an elementwise sum over the n layers,
because attention kernels are made for long sequences.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from backend.models.layeranimate.attention import Grid, PackedProjections, as_picture, as_tokens


class FusionAttention(nn.Module):
    """Attention from the decoder state to the layer features of the same pixel."""

    def __init__(self, channels: int, layer_channels: int, head_channels: int) -> None:
        super().__init__()
        self.heads = layer_channels // head_channels
        self.to_q = nn.Linear(channels, layer_channels, bias=False)
        self.to_k = nn.Linear(layer_channels, layer_channels, bias=False)
        self.to_v = nn.Linear(layer_channels, layer_channels, bias=False)
        self.to_out = nn.Sequential(nn.Linear(layer_channels, channels), nn.Dropout(0.0))
        self.packed = PackedProjections(self.to_k, self.to_v)

    def forward(self, state: Tensor, layers: Tensor, valid: Tensor | None) -> Tensor:
        """What each point reads from the layers.

        state  [rows, videos, points, c]
        layers [rows, n, points, c'], shared by the videos
        valid  [rows, n] bool, None = all; rows without any get the mean over all slots, as the
               official code does
        Returns the shape of `state`.
        """
        q = self.to_q(state).unflatten(-1, (self.heads, -1))  # [rows, videos, points, heads, d]
        k, v = (part.unflatten(-1, (self.heads, -1)) for part in self.packed(layers))
        slots = range(layers.shape[1])
        scores = (q.unsqueeze(2) * k.unsqueeze(1)).sum(-1) * q.shape[-1] ** -0.5
        if valid is not None:
            hidden = ~valid[:, None, :, None, None]
            scores = scores.masked_fill(hidden, torch.finfo(scores.dtype).min)
        weights = scores.softmax(dim=2).unsqueeze(-1)  # [rows, videos, n, points, heads, 1]
        mixed = weights[:, :, 0] * v[:, None, 0]
        for i in slots[1:]:
            mixed = torch.addcmul(mixed, weights[:, :, i], v[:, None, i])
        return self.to_out(mixed.flatten(-2))


def fused_skip(
    norm: nn.Module,
    attention: nn.Module,
    out: nn.Module,
    state: Tensor,
    layers: Tensor,
    valid: Tensor | None,
    grid: Grid,
) -> Tensor:
    """What is added to the skip connection.

    state  [images, c, h, w], the decoder before it meets the skip
    layers [rows, n, frames, c', h, w]
    valid  [rows, n], None = all
    Returns [images, skip channels, h, w].
    """
    tokens = norm(as_tokens(state))  # [images, pixels, c]
    points = tokens.reshape(layers.shape[0], grid.videos, -1, tokens.shape[-1])
    features = layers.flatten(-2).transpose(-1, -2).flatten(2, 3)  # [rows, n, points, c']
    mixed = attention(points, features, valid).reshape(tokens.shape)
    return out(as_picture(mixed, state))
