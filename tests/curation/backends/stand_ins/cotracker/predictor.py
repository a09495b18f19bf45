"""A stand-in for CoTrackerPredictor: every point drifts as its one weight says.

It takes and gives what version 3 does: video [b, t, 3, h, w] in 0..255, queries [b, n, 3] of frame,
x and y by pixel centres; tracks [b, t, n, 2] and visibility bool [b, t, n], reckoned in a picture
of 384 x 512.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

INSIDE = (384, 512)


class _Drift(nn.Module):
    def __init__(self, window: int) -> None:
        super().__init__()
        self.window = window
        self.drift = nn.Parameter(torch.zeros(2))


class CoTrackerPredictor(nn.Module):
    """The call that adapters use, with the same names of arguments."""

    def __init__(
        self,
        checkpoint: str | None = None,
        offline: bool = True,
        v2: bool = False,
        window_len: int = 60,
    ) -> None:
        super().__init__()
        if checkpoint is not None or v2 or not offline:
            raise ValueError("this stand-in is for the offline model without a file")
        self.model = _Drift(window_len)

    def forward(
        self, video: Tensor, queries: Tensor | None = None, grid_size: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Visible is what lies inside of the picture."""
        height, width = video.shape[3:]
        scale = video.new_tensor([(INSIDE[1] - 1) / (width - 1), (INSIDE[0] - 1) / (height - 1)])
        start = _grid(grid_size) if queries is None else queries[:, :, 1:] * scale
        time = torch.arange(video.shape[1])[None, :, None, None]
        tracks = (start[:, None] + time * self.model.drift) / scale
        inside = (tracks >= 0) & (tracks <= video.new_tensor([width - 1, height - 1]))
        return tracks, inside.all(-1)


def _grid(side: int) -> Tensor:
    """Row by row with the same margin on all sides, [1, side * side, 2]."""
    margin = INSIDE[1] / 64
    columns = torch.linspace(margin, INSIDE[1] - margin, side)
    rows = torch.linspace(margin, INSIDE[0] - margin, side)
    return torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1).view(1, -1, 2)
