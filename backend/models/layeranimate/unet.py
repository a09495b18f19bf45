"""The denoising network of LayerAnimate (spec 5.5, 5.6); called by the sampler and by training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from backend.models.layeranimate.attention import Context, Grid, Rows
from backend.models.layeranimate.blocks import (
    ResBlock,
    Stage,
    StageKeys,
    Upsample,
    residual_stage,
    select_rows,
    transformers,
)
from backend.models.layeranimate.configs import TrunkConfig, UNetConfig
from backend.models.layeranimate.fusion import FusionAttention, fused_skip
from backend.models.layeranimate.normalise import GroupNorm
from backend.models.layeranimate.trunk import Trunk, plan_input_stages


@dataclass(frozen=True)
class OutputPlan:
    """What one output block is; `fuses` tells that layer features join its skip connection."""

    level: int
    state_channels: int
    skip_channels: int
    channels_out: int
    attends: bool
    doubles: bool
    fuses: bool


def plan_output_stages(config: UNetConfig) -> list[OutputPlan]:
    """The output blocks in order, from the coarsest level to the finest."""
    trunk = config.trunk
    skips = [trunk.model_channels, *(p.channels_out for p in plan_input_stages(trunk))]
    state = skips[-1]
    stages: list[OutputPlan] = []
    for level in reversed(range(len(trunk.channel_mult))):
        for index in range(trunk.num_res_blocks + 1):
            last = index == trunk.num_res_blocks
            attends = trunk.attends(level)
            stages.append(
                OutputPlan(
                    level=level,
                    state_channels=state,
                    skip_channels=skips.pop(),
                    channels_out=trunk.width(level),
                    attends=attends,
                    doubles=last and level > 0,
                    fuses=config.layer_fusion and attends and not last,
                )
            )
            state = trunk.width(level)
    return stages


@dataclass(frozen=True)
class UNetKeys:
    """A context projected for every cross attention of the UNet; constant over the time steps."""

    inputs: tuple[StageKeys, ...]
    middle: StageKeys
    outputs: tuple[StageKeys, ...]

    def select(self, rows: Rows) -> UNetKeys:
        """Only these context rows, as views."""
        middle = select_rows([self.middle], rows)[0]
        return UNetKeys(select_rows(self.inputs, rows), middle, select_rows(self.outputs, rows))


@dataclass(frozen=True)
class LayerFeatures:
    """Features of the control branch for the UNet, finest first, and which slots are valid.

    maps  each [rows, n, frames, c, h, w]
    valid [rows, n] bool; None = all are
    """

    maps: Sequence[Tensor]
    valid: Tensor | None = None


class UNet(Trunk):
    """Predicts v of noisy latents beside the key-frame latents."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__(config.trunk)
        self.config = config
        trunk = config.trunk
        self.middle_block = Stage(_middle_modules(trunk))
        self.plans = plan_output_stages(config)
        self.output_blocks = nn.ModuleList(Stage(_output_modules(trunk, p)) for p in self.plans)
        fused = [p for p in self.plans if p.fuses]
        self.masked_layer_fusion_norm_list = nn.ModuleList(
            nn.LayerNorm(p.state_channels) for p in fused
        )
        self.masked_layer_fusion_attn_list = nn.ModuleList(
            FusionAttention(p.state_channels, trunk.width(p.level), trunk.head_channels)
            for p in fused
        )
        self.masked_layer_fusion_out_list = nn.ModuleList(
            nn.Conv2d(p.state_channels, p.skip_channels, 3, padding=1) for p in fused
        )
        self.out = nn.Sequential(
            GroupNorm(32, trunk.model_channels),
            nn.SiLU(),
            nn.Conv2d(trunk.model_channels, config.out_channels, 3, padding=1),
        )

    def project_context(self, context: Context) -> UNetKeys:
        """Keys and values of all cross attentions; make once per clip."""
        outputs = (s for s in self.output_blocks if isinstance(s, Stage))
        return UNetKeys(
            inputs=self.project_inputs(context),
            middle=self.middle_block.project(context),
            outputs=tuple(stage.project(context) for stage in outputs),
        )

    def forward(
        self,
        x: Tensor,
        timesteps: Tensor,
        keys: UNetKeys | Context,
        fps: Tensor | None = None,
        layers: LayerFeatures | None = None,
        videos: int = 1,
    ) -> Tensor:
        """One prediction.

        x          [rows * videos, 8, frames, h, w]: noisy latents (4), key-frame latents (4);
                   h, w multiples of 8. One row only where all would be equal: it is computed once
                   up to where the contexts of `keys` come in.
        timesteps  [rows], or [1] for all
        keys       the context, projected once per clip, or to be projected by each stage
        fps        like `timesteps`, None = the default rate
        layers     shared by all videos of a row; None skips fusion
        videos     clips that share a context and layers, such as seeds of one shot
        Returns v  [rows of keys * videos, 4, frames, h, w].
        """
        grid = Grid(videos=videos, frames=x.shape[2])
        embedding = self.embed(timesteps, fps)
        images = x.transpose(1, 2).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        images = grid.widened(images, max(grid.rows(images), len(embedding)))
        skips = self._encode(images, embedding, keys, grid)
        middle = keys if isinstance(keys, Context) else keys.middle
        state = self.middle_block(skips[-1], embedding, middle, grid)
        if layers is not None and not (len(layers.maps) and layers.maps[0].shape[1]):
            layers = None
        state = self._decode(state, skips, embedding, keys, grid, layers)
        return self.out(state).unflatten(0, (-1, grid.frames)).transpose(1, 2)

    def _encode(
        self, x: Tensor, embedding: Tensor, keys: UNetKeys | Context, grid: Grid
    ) -> list[Tensor]:
        """Outputs of all input blocks, finest first; the first ones may have one row only."""
        skips: list[Tensor] = []
        stages = self.input_stages()
        own = (keys,) * len(stages) if isinstance(keys, Context) else keys.inputs
        for index, (stage, stage_keys) in enumerate(zip(stages, own, strict=True)):
            x = stage(x, embedding, stage_keys, grid)
            x = self.mix_frames(x, grid) if index == 0 else x
            skips.append(x)
        return skips

    def _decode(
        self,
        state: Tensor,
        skips: list[Tensor],
        embedding: Tensor,
        keys: UNetKeys | Context,
        grid: Grid,
        layers: LayerFeatures | None,
    ) -> Tensor:
        place = 0
        own = (keys,) * len(self.plans) if isinstance(keys, Context) else keys.outputs
        for plan, stage, stage_keys, skip in zip(
            self.plans, self.output_blocks, own, reversed(skips), strict=True
        ):
            if plan.fuses:
                if layers is not None:
                    skip = grid.added(skip, self._fused(place, state, layers, grid))
                place += 1
            joined = torch.cat([state, grid.widened(skip, grid.rows(state))], dim=1)
            state = stage(joined, embedding, stage_keys, grid)
        return state

    def _fused(self, place: int, state: Tensor, layers: LayerFeatures, grid: Grid) -> Tensor:
        change = fused_skip(
            self.masked_layer_fusion_norm_list[place],
            self.masked_layer_fusion_attn_list[place],
            self.masked_layer_fusion_out_list[place],
            state,
            layers.maps[-1 - place],
            layers.valid,
            grid,
        )
        if layers.valid is None or self.config.uniform_when_all_invalid:
            return change
        used = layers.valid.any(dim=1).repeat_interleave(grid.images)
        return torch.where(used[:, None, None, None], change, torch.zeros_like(change))


def _middle_modules(config: TrunkConfig) -> list[nn.Module]:
    channels = config.width(len(config.channel_mult) - 1)
    embedding, dropout = config.embedding_channels, config.dropout
    return [
        ResBlock(channels, channels, embedding, dropout),
        *transformers(config, channels),
        ResBlock(channels, channels, embedding, dropout),
    ]


def _output_modules(config: TrunkConfig, plan: OutputPlan) -> list[nn.Module]:
    channels_in = plan.state_channels + plan.skip_channels
    modules = residual_stage(config, channels_in, plan.channels_out, plan.attends)
    return [*modules, Upsample(plan.channels_out)] if plan.doubles else modules
