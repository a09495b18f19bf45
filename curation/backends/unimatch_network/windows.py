"""Pictures cut into a grid of windows, and positions within them; for `network`, `transformer`."""

from __future__ import annotations

import math

import torch
from einops import rearrange
from torch import Tensor

_TEMPERATURE = 10000.0
_FOREIGN = -100.0


def to_windows(features: Tensor, splits: int) -> Tensor:
    """[b, h, w, c] to [b * splits * splits, places, c], windows row by row."""
    return rearrange(features, "b (m h) (n w) c -> (b m n) (h w) c", m=splits, n=splits)


def from_windows(windows: Tensor, splits: int, height: int, width: int) -> Tensor:
    """What `to_windows` took apart: [b, height, width, c]."""
    return rearrange(
        windows,
        "(b m n) (h w) c -> b (m h) (n w) c",
        m=splits,
        n=splits,
        h=height // splits,
        w=width // splits,
    )


def shift_of(height: int, width: int, splits: int) -> tuple[int, int]:
    """How far every second layer's windows are moved: half a window, rows and columns."""
    return height // splits // 2, width // splits // 2


def shifted_mask(height: int, width: int, splits: int, device: torch.device) -> Tensor:
    """Added to attention in moved windows, [splits * splits, places, places].

    Rows and columns that the move took around the edge keep to themselves.
    """
    down, right = shift_of(height, width, splits)
    around_y = torch.arange(height, device=device) >= height - down
    around_x = torch.arange(width, device=device) >= width - right
    kind = 2 * around_y[:, None].long() + around_x[None].long()
    kinds = to_windows(kind[None, :, :, None], splits)[..., 0]  # [windows, places]
    foreign = kinds[:, :, None] != kinds[:, None, :]
    return foreign.float() * _FOREIGN


def positions(height: int, width: int, channels: int, device: torch.device) -> Tensor:
    """Sines and cosines of rows, then of columns, of one window: [channels, height, width].

    Places count from 1 and end at a full turn.
    """
    half = channels // 2
    power = 2 * torch.arange(half // 2, device=device).float() / half
    rate = _TEMPERATURE**-power
    rows = _waves(height, rate)[:, None].expand(height, width, half)
    columns = _waves(width, rate)[None].expand(height, width, half)
    return torch.cat([rows, columns], -1).permute(2, 0, 1)


def _waves(count: int, rate: Tensor) -> Tensor:
    """[count, 2 * rates]: sine and cosine side by side."""
    place = torch.arange(1, count + 1, device=rate.device).float()
    angle = (place / (count + 1e-6) * 2 * math.pi)[:, None] * rate
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)


def with_positions(features: Tensor, splits: int) -> Tensor:
    """Features [b, c, h, w] plus each window's own positions."""
    _, channels, height, width = features.shape
    window = positions(height // splits, width // splits, channels, features.device)
    return features + window.repeat(1, splits, splits)
