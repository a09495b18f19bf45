"""The encoder half that UNet and layer control branch share (spec 5.1, 5.5); base of both."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from backend.models.layeranimate.attention import Context, Grid, TemporalTransformer
from backend.models.layeranimate.blocks import Downsample, Stage, StageKeys, residual_stage
from backend.models.layeranimate.configs import TrunkConfig

FIRST_ATTENTION_HEADS = 8
"""Heads of the temporal transformer after the first convolution, at every model size (spec 5.4)."""


@dataclass(frozen=True)
class StagePlan:
    """What one input block is: `level` of resolution, and whether it only halves the size."""

    level: int
    channels_in: int
    channels_out: int
    attends: bool
    halves: bool


def plan_input_stages(config: TrunkConfig) -> list[StagePlan]:
    """The input blocks after the first convolution, in order."""
    stages: list[StagePlan] = []
    channels = config.model_channels
    last = len(config.channel_mult) - 1
    for level in range(last + 1):
        for _ in range(config.num_res_blocks):
            out = config.width(level)
            stages.append(StagePlan(level, channels, out, config.attends(level), halves=False))
            channels = out
        if level != last:
            stages.append(StagePlan(level, channels, channels, attends=False, halves=True))
    return stages


def sinusoidal(values: Tensor, channels: int) -> Tensor:
    """Numbers [rows] as waves [rows, channels] in float32: cosine half, then sine half."""
    half = channels // 2
    exponent = torch.arange(half, dtype=torch.float32, device=values.device) / half
    frequencies = torch.exp(-math.log(10000.0) * exponent)
    angles = values.float()[:, None] * frequencies[None]
    waves = torch.cat([torch.cos(angles), torch.sin(angles)], dim=-1)
    return F.pad(waves, (0, channels % 2))


class NumberEmbedding(nn.Module):
    """A number per row (time step, frame rate) as a vector."""

    def __init__(self, channels: int, channels_out: int) -> None:
        super().__init__()
        self.channels = channels
        self.linear_1 = nn.Linear(channels, channels_out)
        self.linear_2 = nn.Linear(channels_out, channels_out)

    def forward(self, values: Tensor) -> Tensor:
        """[rows] -> [rows, channels_out]."""
        waves = sinusoidal(values, self.channels).to(self.linear_1.weight.dtype)
        return self.linear_2(F.silu(self.linear_1(waves)))


class Trunk(nn.Module):
    """Embeddings, first convolution, first temporal transformer and the input blocks."""

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        width = config.embedding_channels
        self.default_fps = config.default_fps
        self.time_embed = NumberEmbedding(config.model_channels, width)
        self.fps_embedding = (
            NumberEmbedding(config.model_channels, width) if config.fps_condition else None
        )
        self.input_blocks = nn.ModuleList([Stage([_first_convolution(config)])])
        for plan in plan_input_stages(config):
            self.input_blocks.append(Stage(_stage_modules(config, plan)))
        self.init_attn = (
            nn.ModuleList([_first_attention(config)]) if config.first_temporal_attention else None
        )

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the weights."""
        return self.time_embed.linear_1.weight.dtype

    def embed(self, timesteps: Tensor, fps: Tensor | None) -> Tensor:
        """Time steps [rows] and frame rates [rows] -> [rows, e]; None means the default rate."""
        embedding = self.time_embed(timesteps)
        if self.fps_embedding is None:
            return embedding
        rates = torch.full_like(timesteps, self.default_fps, dtype=torch.float32)
        return embedding + self.fps_embedding(rates if fps is None else fps)

    def project_inputs(self, context: Context, live: int | None = None) -> tuple[StageKeys, ...]:
        """The context for the first `live` input blocks (None = all)."""
        return tuple(s.project(context) for s in self.input_stages()[:live])

    def input_stages(self) -> list[Stage]:
        """The input blocks with their type."""
        return [s for s in self.input_blocks if isinstance(s, Stage)]

    def mix_frames(self, x: Tensor, grid: Grid) -> Tensor:
        """The temporal transformer after the first convolution; depends on no time step."""
        for module in self.init_attn or ():
            x = module(x, grid)
        return x


def _first_convolution(config: TrunkConfig) -> nn.Conv2d:
    return nn.Conv2d(config.in_channels, config.model_channels, 3, padding=1)


def _first_attention(config: TrunkConfig) -> TemporalTransformer:
    return TemporalTransformer(
        config.model_channels,
        FIRST_ATTENTION_HEADS,
        config.head_channels,
        config.transformer_depth,
        config.dropout,
        stored_as_convolution=True,
    )


def _stage_modules(config: TrunkConfig, plan: StagePlan) -> list[nn.Module]:
    if plan.halves:
        return [Downsample(plan.channels_out)]
    return residual_stage(config, plan.channels_in, plan.channels_out, plan.attends)
