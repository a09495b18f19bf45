"""The layer control branch (spec 5.7): controls of every layer slot to features for the UNet.

Called by the sampler and by training. It never sees the noisy latents (unless the checkpoint says
so), so `stem` runs once per clip and `features` once per time step.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from backend.models.layeranimate.attention import Context, Grid
from backend.models.layeranimate.blocks import StageKeys
from backend.models.layeranimate.configs import ControlConfig
from backend.models.layeranimate.trunk import Trunk, plan_input_stages

TRAJECTORY_WIDTHS = (16, 32, 96, 256)
"""Channels of the pixel trajectory encoder; each change halves the resolution."""

TRAJECTORY_BATCH = 16
"""Pictures that the trajectory encoder takes at once."""


@dataclass(frozen=True)
class LayerControls:
    """Controls of n layer slots, encoded.

    latents    [rows, n, frames, 4, h, w] key-frame latents of each layer, zero elsewhere
    mask       [rows, n, frames, 1, h, w] in 0..1
    scores     [rows, n] in 0..1, or -1
    sketch     [rows, n, frames, 4, h, w] latents
    trajectory [rows, n, frames, 3, H, W] normalised maps in pixels
    """

    latents: Tensor
    mask: Tensor
    scores: Tensor
    sketch: Tensor
    trajectory: Tensor

    def select(self, slots: Tensor) -> LayerControls:
        """Only the slots with these indices [m]."""
        return LayerControls(
            *(x.index_select(1, slots) for x in (self.latents, self.mask, self.scores)),
            *(x.index_select(1, slots) for x in (self.sketch, self.trajectory)),
        )

    @property
    def grid(self) -> Grid:
        """Order of the folded batch: rows, slots, frames."""
        return Grid(*self.latents.shape[1:3])


@dataclass(frozen=True)
class ControlStem:
    """What of the branch depends on no time step and no context: [rows * n * frames, c, h, w]."""

    state: Tensor
    grid: Grid


class TrajectoryEncoder(nn.Module):
    """Trajectory maps at pixel resolution to an eighth of it."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        widths = TRAJECTORY_WIDTHS
        self.conv_in = nn.Conv2d(channels_in, widths[0], 3, padding=1)
        self.blocks = nn.ModuleList()
        for narrow, wide in pairwise(widths):
            self.blocks.append(nn.Conv2d(narrow, narrow, 3, padding=1))
            self.blocks.append(nn.Conv2d(narrow, wide, 3, padding=1, stride=2))
        self.conv_out = nn.Conv2d(widths[-1], channels_out, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """[images, 3, H, W] -> [images, c, H / 8, W / 8], a few images at a time.

        At pixel resolution the maps of all slots together would be the memory peak of a run.
        """
        return torch.cat([self._encode(part) for part in x.split(TRAJECTORY_BATCH)])

    def _encode(self, x: Tensor) -> Tensor:
        x = F.silu(self.conv_in(x))
        for block in self.blocks:
            x = F.silu(block(x))
        return self.conv_out(x)


class LayerControl(Trunk):
    """Features of each layer slot by itself, one map per attending input block."""

    def __init__(self, config: ControlConfig) -> None:
        super().__init__(config.trunk)
        self.config = config
        width = config.trunk.model_channels
        motion, sketch, path = (
            (config.motion_channels, config.sketch_channels, config.trajectory_channels)
            if config.concatenate
            else (width, width, width)
        )
        self.motion_embedding = nn.Conv2d(config.motion_channels, motion, 3, padding=1)
        self.sketch_embedding = nn.Conv2d(config.sketch_channels, sketch, 3, padding=1)
        self.trajectory_embedding = (
            TrajectoryEncoder(config.trajectory_channels, path)
            if config.trajectory_in_pixels
            else nn.Conv2d(config.trajectory_channels, path, 3, padding=1)
        )
        plans = plan_input_stages(config.trunk)
        self.read = tuple(i + 1 for i, plan in enumerate(plans) if plan.attends)
        # blocks after the last one that is read are in the checkpoint but never run
        self.live = max(self.read) + 1

    def project_context(self, context: Context) -> tuple[StageKeys, ...]:
        """Keys and values for the blocks that run; make once per clip."""
        return self.project_inputs(context, self.live)

    def stem(self, controls: LayerControls, noisy: Tensor | None = None) -> ControlStem:
        """First convolution, control embeddings, first temporal transformer.

        `noisy` [rows, 8, frames, h, w] is the UNet's input, for checkpoints that use it.
        """
        grid = controls.grid
        latents, mask = controls.latents.flatten(0, 2), controls.mask.flatten(0, 2)
        base = [latents, mask]
        if self.config.uses_noisy_latents:
            if noisy is None:
                raise ValueError("this control branch reads the noisy latents")
            base = [_per_slot(noisy, controls.latents.shape[0], grid), *base]
        scores = controls.scores[:, :, None].expand(-1, -1, grid.frames)
        score_map = scores.reshape(-1, 1, 1, 1).to(mask.dtype).expand_as(mask)
        motion = self.motion_embedding(torch.cat([score_map, mask], dim=1))
        sketch = self.sketch_embedding(controls.sketch.flatten(0, 2))
        path = self.trajectory_embedding(controls.trajectory.flatten(0, 2))
        first = self.input_stages()[0][0]
        if self.config.concatenate:
            state = first(torch.cat([*base, motion, sketch, path], dim=1))
        else:
            state = first(torch.cat(base, dim=1)) + motion + sketch + path
        state = state.contiguous(memory_format=torch.channels_last)
        return ControlStem(self.mix_frames(state, grid), grid)

    def features(
        self,
        stem: ControlStem,
        timesteps: Tensor,
        keys: tuple[StageKeys, ...] | Context,
        fps: Tensor | None = None,
    ) -> list[Tensor]:
        """Features at one time step, finest first, each [rows of keys, n, frames, c, h, w].

        `timesteps` and `fps` are [rows] or [1]. A stem of one row and one time step serve all rows
        of the keys (both guidance halves): what they share is computed once. A branch with a fixed
        time step looks at no other.
        """
        grid = stem.grid
        if self.config.fixed_timestep is not None:
            timesteps = torch.full_like(timesteps, self.config.fixed_timestep)
        embedding = self.embed(timesteps, fps)
        state = grid.widened(stem.state, max(grid.rows(stem.state), len(embedding)))
        found: list[Tensor] = []
        stages = self.input_stages()
        for index in range(1, self.live):
            own = keys if isinstance(keys, Context) else keys[index]
            state = stages[index](state, embedding, own, grid)
            if index in self.read:
                found.append(state.unflatten(0, (-1, grid.videos, grid.frames)))
        return found


def _per_slot(noisy: Tensor, rows: int, grid: Grid) -> Tensor:
    """[rows or 1, c, frames, h, w] -> [rows * n * frames, c, h, w]."""
    wide = noisy.transpose(1, 2).unsqueeze(1)
    return wide.expand(rows, grid.videos, -1, -1, -1, -1).flatten(0, 2)
