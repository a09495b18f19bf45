"""Trajectory maps of a whole batch at once, on the device of its tracks; encoding calls this.

The same maps as `backend/models/layeranimate/trajectory.py` draws point by point for one clip.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from backend.models.layeranimate.trajectory import DEFAULT_RADIUS_PX, blob, spread_kernel

_RADIUS = DEFAULT_RADIUS_PX
_BOX = 2 * _RADIUS
"""Largest side of a heat stamp."""


def track_maps(tracks: Tensor, tracked: Tensor, clips: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps [rows, T, 3, H, W] in the model's range: heat -1..1, displacements up to length 1.

    tracks   float32 [rows, P, T, 2], x and y in pixels of the H x W picture
    tracked  bool [rows, P]
    clips    int64 [rows]: rows of one clip share one factor, so that its fastest spot has length 1
    """
    count, places, frames, _ = tracks.shape
    height, width = size
    flat = tracks.new_zeros(count * frames * 3 * height * width + 1)  # what is outside goes last
    maps = flat[:-1].view(count, frames, 3, height, width)
    rows = torch.nonzero(tracked.any(1)).flatten() if places else tracked.new_zeros(0).long()
    if len(rows):
        points = _Points(tracks[rows], tracked[rows], size)
        planes = (rows[:, None] * frames + torch.arange(frames, device=rows.device)) * 3
        _stamp_heat(flat, points, planes * (height * width), size)
        _stamp_moves(flat, points, planes * (height * width), size)
        fastest = maps[:, :, 1:].square().sum(2).amax((1, 2, 3)).sqrt()  # [rows]
        longest = torch.where(clips[:, None] == clips, fastest, 0.0).amax(1)
        maps[:, :, 1:] /= (longest + 1e-5)[:, None, None, None, None]
    maps[:, :, 0].div_(255.0).mul_(2.0).sub_(1.0)
    return maps


class _Points:
    """Integer places `x`, `y` [rows, P, T]; whether they leave a mark; `moves` [rows, P, T, 2]."""

    def __init__(self, tracks: Tensor, tracked: Tensor, size: tuple[int, int]) -> None:
        height, width = size
        at = tracks.floor().long()
        self.x, self.y = at.unbind(-1)
        inside = (self.x >= 0) & (self.y >= 0) & (self.x < width) & (self.y < height)
        self.inside = inside & tracked.unsqueeze(-1)
        self.moves = torch.zeros_like(tracks)
        self.moves[:, :, :-1] = tracks[:, :, 1:] - tracks[:, :, :-1]

    def moving(self) -> Tensor:
        """Those that spread a displacement: of several on one pixel the last one alone does."""
        cell = torch.where(self.inside, self.y * (1 << 20) + self.x, -1)
        places = cell.shape[1]
        later = torch.ones(places, places, dtype=torch.bool, device=cell.device).triu(1)
        covered = ((cell[:, :, None] == cell[:, None]) & later[None, :, :, None]).any(2)
        return self.inside & ~covered & (self.moves != 0).any(-1)


def _stamp_heat(flat: Tensor, points: _Points, starts: Tensor, size: tuple[int, int]) -> None:
    """The hotter of what is there and of each point's blob, squeezed where an edge cuts its box.

    One place after the other: within one no two stamps meet, so that nothing is written twice.
    """
    height, width = size
    table, steps = _blobs(flat.device), torch.arange(_BOX, device=flat.device)
    for place in range(points.x.shape[1]):
        x, y = points.x[:, place], points.y[:, place]  # [rows, T]
        left, top = (x - _RADIUS).clamp(min=0), (y - _RADIUS).clamp(min=0)
        wide = (x + _RADIUS).clamp(max=width - 1) - left
        high = (y + _RADIUS).clamp(max=height - 1) - top
        shown = points.inside[:, place] & (wide >= 1) & (high >= 1)
        values = table[(high - 1).clamp(0, _BOX - 1), (wide - 1).clamp(0, _BOX - 1)]
        rows, columns = steps < high[..., None], steps < wide[..., None]
        covers = shown[..., None, None] & rows[..., None] & columns[..., None, :]
        in_rows, in_columns = top[..., None] + steps, left[..., None] + steps  # [rows, T, 40]
        pixels = in_rows[..., None] * width + in_columns[..., None, :]
        at = torch.where(covers, starts[..., None, None] + pixels, len(flat) - 1)
        old = flat[at]
        flat[at] = torch.where(covers, torch.maximum(old, values.to(old)), 0.0)


def _stamp_moves(flat: Tensor, points: _Points, starts: Tensor, size: tuple[int, int]) -> None:
    """Adds each displacement times the kernel, at a point and at its images beyond the edges."""
    height, width = size
    row, place, frame = torch.nonzero(points.moving(), as_tuple=True)
    ys, has_y = _images(points.y[row, place, frame], height)
    xs, has_x = _images(points.x[row, place, frame], width)
    point, iy, ix = torch.nonzero(has_y[:, :, None] & has_x[:, None], as_tuple=True)
    steps = torch.arange(-_RADIUS, _RADIUS + 1, device=flat.device)
    y, x = ys[point, iy, None] + steps, xs[point, ix, None] + steps  # [stamps, 2 r + 1]
    covers = ((y >= 0) & (y < height))[:, :, None] & ((x >= 0) & (x < width))[:, None]
    start = starts[row, frame][point]
    at = start[:, None, None] + y[:, :, None] * width + x[:, None]
    at = torch.where(covers, at, 0)
    kernel = torch.where(covers, _kernel(flat.device), 0.0)
    moves = points.moves[row, place, frame][point]
    for axis in range(2):
        values = kernel * moves[:, axis, None, None]
        plane = (axis + 1) * height * width
        flat.index_add_(0, (at + plane).flatten(), values.flatten())


def _images(at: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Coordinates and their mirror images [n, 3], and which of them are in reach of the picture."""
    images = torch.stack([at, -at, 2 * (size - 1) - at], dim=1)
    low = (at >= 1) & (at <= _RADIUS)
    high = (at >= size - 1 - _RADIUS) & (at <= size - 2)
    return images, torch.stack([torch.ones_like(low), low, high], dim=1)


@lru_cache(maxsize=8)
def _blobs(device: torch.device) -> Tensor:
    """The blob of every height and width 1..40, uint8 [40, 40, 40, 40]; zero beyond its size."""
    table = np.zeros((_BOX, _BOX, _BOX, _BOX), np.uint8)
    for high in range(1, _BOX + 1):
        for wide in range(1, _BOX + 1):
            table[high - 1, wide - 1, :high, :wide] = blob(wide, high)
    return torch.from_numpy(table).to(device)


@lru_cache(maxsize=8)
def _kernel(device: torch.device) -> Tensor:
    """How far a displacement is felt, float32 [2 r + 1, 2 r + 1], centre 1."""
    return torch.from_numpy(spread_kernel(_RADIUS)[::-1, ::-1].copy()).to(device)
