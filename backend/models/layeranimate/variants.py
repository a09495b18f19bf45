"""Reads a checkpoint's variant and sizes off its tensor shapes (spec 7); called by the loader.

Configuration files only fill in what shapes cannot tell: head width of the resampler, clip length,
default frame rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from backend.models.layeranimate.configs import (
    AutoencoderConfig,
    BuiltInGuidance,
    ControlConfig,
    OfficialConfig,
    ResamplerConfig,
    TrunkConfig,
    UNetConfig,
    fixed_timestep,
)
from backend.models.layeranimate.trunk import FIRST_ATTENTION_HEADS
from shared.errors import AcetateError

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Shapes:
    """The tensor shapes of one component by state-dict key."""

    component: str
    table: Mapping[str, Shape]

    def need(self, key: str) -> Shape:
        """A shape that every variant has; raises `AcetateError` where it is missing."""
        if key not in self.table:
            raise AcetateError(
                "model_corrupt", model=self.component, detail=f"{self.component}: no tensor {key}"
            )
        return self.table[key]

    def __contains__(self, key: str) -> bool:
        return key in self.table

    def count(self, pattern: str) -> int:
        """How many consecutive i from 0 make `pattern.format(i)` a key."""
        found = 0
        while pattern.format(found) in self.table:
            found += 1
        return found


@dataclass(frozen=True)
class _Level:
    width: int
    blocks: int
    attends: bool


def _trunk_levels(shapes: Shapes) -> list[_Level]:
    """Resolution levels of the input blocks, finest first."""
    levels: list[_Level] = []
    blocks: list[tuple[int, bool]] = []
    index = 1
    while True:
        prefix = f"input_blocks.{index}.0"
        if f"{prefix}.in_layers.0.weight" in shapes:
            width = shapes.need(f"{prefix}.out_layers.3.weight")[0]
            blocks.append((width, f"input_blocks.{index}.1.norm.weight" in shapes))
        else:
            if not blocks:
                raise AcetateError(
                    "model_corrupt",
                    model=shapes.component,
                    detail=f"{shapes.component}: input blocks end at {index}",
                )
            levels.append(_Level(blocks[-1][0], len(blocks), blocks[-1][1]))
            blocks = []
            if f"{prefix}.op.weight" not in shapes:
                return levels
        index += 1


def _context_dim(shapes: Shapes, fallback: int) -> int:
    for key, shape in shapes.table.items():
        if key.startswith("input_blocks.") and key.endswith("attn2.to_k_ip.weight"):
            return shape[1]
    return fallback


def trunk_config(shapes: Shapes, official: OfficialConfig) -> TrunkConfig:
    """The encoder half of a UNet or control checkpoint."""
    base = TrunkConfig.from_official(official)
    width, channels_in = shapes.need("input_blocks.0.0.weight")[:2]
    levels = _trunk_levels(shapes)
    first = "init_attn.0.proj_in.weight"
    heads = (
        shapes.need(first)[0] // FIRST_ATTENTION_HEADS if first in shapes else base.head_channels
    )
    attending = [2**i for i, level in enumerate(levels) if level.attends]
    return replace(
        base,
        in_channels=channels_in,
        model_channels=width,
        num_res_blocks=levels[0].blocks,
        channel_mult=tuple(level.width // width for level in levels),
        attention_scales=tuple(reversed(attending)),
        head_channels=heads,
        context_dim=_context_dim(shapes, base.context_dim),
        transformer_depth=max(
            shapes.count("input_blocks.1.1.transformer_blocks.{}.norm1.weight"), 1
        ),
        fps_condition="fps_embedding.linear_1.weight" in shapes,
        first_temporal_attention=first in shapes,
        learned_image_scale=any(key.endswith("attn2.alpha") for key in shapes.table),
    )


def unet_config(shapes: Shapes, official: OfficialConfig) -> UNetConfig:
    """The variant of a UNet checkpoint."""
    return UNetConfig(
        trunk=trunk_config(shapes, official),
        out_channels=shapes.need("out.2.weight")[0],
        layer_fusion="masked_layer_fusion_norm_list.0.weight" in shapes,
        built_in_guidance=BuiltInGuidance.from_official(official),
    )


def control_config(shapes: Shapes, official: OfficialConfig, latents: int = 4) -> ControlConfig:
    """The variant of a control checkpoint: how controls join, and whether it reads the latents."""
    trunk = trunk_config(shapes, official)
    motion_out, motion = shapes.need("motion_embedding.weight")[:2]
    pixels = "trajectory_embedding.conv_in.weight" in shapes
    path = "trajectory_embedding.conv_in.weight" if pixels else "trajectory_embedding.weight"
    config = ControlConfig(
        trunk=trunk,
        concatenate=motion_out != trunk.model_channels,
        trajectory_in_pixels=pixels,
        motion_channels=motion,
        sketch_channels=shapes.need("sketch_embedding.weight")[1],
        trajectory_channels=shapes.need(path)[1],
        fixed_timestep=fixed_timestep(official),
    )
    own = latents + 1 + (config.control_channels if config.concatenate else 0)
    return replace(config, uses_noisy_latents=trunk.in_channels > own)


def resampler_config(shapes: Shapes, official: OfficialConfig) -> ResamplerConfig:
    """The sizes of a resampler checkpoint."""
    base = ResamplerConfig.from_official(official)
    _, queries, dim = shapes.need("latents")
    inner = shapes.need("layers.0.0.to_q.weight")[0]
    if queries % base.video_length or inner % base.head_channels:
        detail = f"{queries} queries for {base.video_length} frames, {inner} channels for heads"
        raise AcetateError("model_corrupt", model=shapes.component, detail=detail)
    return ResamplerConfig(
        dim=dim,
        depth=shapes.count("layers.{}.0.to_q.weight"),
        head_channels=base.head_channels,
        heads=inner // base.head_channels,
        queries_per_frame=queries // base.video_length,
        image_dim=shapes.need("proj_in.weight")[1],
        output_dim=shapes.need("proj_out.weight")[0],
        ff_mult=shapes.need("layers.0.1.1.weight")[0] // dim,
        video_length=base.video_length,
    )


def autoencoder_config(shapes: Shapes) -> AutoencoderConfig:
    """The sizes of an autoencoder checkpoint, plain or with references."""
    channels, picture = shapes.need("encoder.conv_in.weight")[:2]
    levels = shapes.count("encoder.down.{}.block.0.conv1.weight")
    widths = [shapes.need(f"encoder.down.{i}.block.0.conv1.weight")[0] for i in range(levels)]
    return AutoencoderConfig(
        channels=channels,
        channel_mult=tuple(width // channels for width in widths),
        num_res_blocks=shapes.count("encoder.down.0.block.{}.conv1.weight"),
        latent_channels=shapes.need("decoder.conv_in.weight")[1],
        picture_channels=picture,
    )
