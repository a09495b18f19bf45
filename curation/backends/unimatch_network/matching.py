"""Flow from features that are alike: over the whole picture, or near by; used by `network`.

Flow is [b, 2, h, w], right and down, in pixels of the feature map.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

_AT_ONCE = 2**25
"""Entries of a table of likenesses that are held at one time: 128 MB."""

_NEVER = -1e9


def pixel_grid(height: int, width: int, device: torch.device) -> Tensor:
    """Columns and rows [2, h, w], float32 from 0."""
    rows = torch.arange(height, device=device).float()
    columns = torch.arange(width, device=device).float()
    return torch.stack(torch.meshgrid(columns, rows, indexing="xy"))


def attended(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention [b, places, c] to values [b, places, v], some rows of the table at a time."""
    rows = max(1, _AT_ONCE // (key.shape[0] * key.shape[1]))
    turned = key.transpose(1, 2) / math.sqrt(key.shape[2])
    return torch.cat([torch.softmax(part @ turned, -1) @ value for part in query.split(rows, 1)], 1)


def global_match(first: Tensor, second: Tensor) -> Tensor:
    """Flow to the mean of all places of the second picture, weighted by likeness.

    first, second: features [b, c, h, w].
    """
    batch, _, height, width = first.shape
    grid = pixel_grid(height, width, first.device)
    places = grid.flatten(1).T.expand(batch, -1, -1)
    found = attended(first.flatten(2).mT, second.flatten(2).mT, places)
    return found.mT.unflatten(2, (height, width)) - grid


def local_match(first: Tensor, second: Tensor, radius: int) -> Tensor:
    """The same over a square of 2 * radius + 1 places around each one, those in the picture."""
    height, width = first.shape[2:]
    grid = pixel_grid(height, width, first.device)
    alike = correlation(first, second, torch.zeros_like(grid)[None], radius)
    steps = _square(radius, first.device)  # [square, 2]
    places = grid + steps[:, :, None, None]
    size = torch.tensor([width, height], device=first.device)[:, None, None]
    inside = ((places >= 0) & (places < size)).all(1)
    weight = torch.softmax(alike.masked_fill(~inside, _NEVER), 1)
    return torch.einsum("bshw,sd->bdhw", weight, steps)


def correlation(first: Tensor, second: Tensor, flow: Tensor, radius: int) -> Tensor:
    """Likeness of each place to a square around where flow takes it, [b, square, h, w].

    flow: [b or 1, 2, h, w]. The square goes row by row; outside of the picture features are 0.
    """
    batch, channels, height, width = first.shape
    target = (pixel_grid(height, width, first.device) + flow).expand(batch, -1, -1, -1)
    rows = []
    for steps in _square(radius, first.device).split(2 * radius + 1):
        places = target[:, None] + steps[:, :, None, None]  # [b, side, 2, h, w]
        found = _sampled(second, places.permute(0, 2, 1, 3, 4).flatten(2, 3))
        found = found.unflatten(2, (len(steps), height))  # [b, c, side, h, w]
        rows.append((first[:, :, None] * found).sum(1))
    return torch.cat(rows, 1) / math.sqrt(channels)


def warped(second: Tensor, flow: Tensor) -> Tensor:
    """The second picture's features where flow leads, 0 outside of it."""
    return _sampled(second, pixel_grid(second.shape[2], second.shape[3], second.device) + flow)


def _square(radius: int, device: torch.device) -> Tensor:
    """Steps right and down, row by row, [square, 2]."""
    side = 2 * radius + 1
    return pixel_grid(side, side, device).flatten(1).T - radius


def _sampled(features: Tensor, places: Tensor) -> Tensor:
    """Features [b, c, h, w] at places [b, 2, m, n] in pixels, bilinear: [b, c, m, n]."""
    height, width = features.shape[2:]
    half = torch.tensor([(width - 1) / 2, (height - 1) / 2], device=features.device)
    grid = (places.permute(0, 2, 3, 1) - half) / half
    return functional.grid_sample(features, grid, padding_mode="zeros", align_corners=True)
