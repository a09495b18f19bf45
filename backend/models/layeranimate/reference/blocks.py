"""Blocks and embeddings computed plainly (spec 5.1, 5.2); called by the reference networks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from einops import rearrange
from torch import Tensor, nn

from backend.models.layeranimate.attention import (
    Context,
    SpatialTransformer,
    TemporalTransformer,
)
from backend.models.layeranimate.blocks import Downsample, ResBlock, Upsample
from backend.models.layeranimate.reference.attention import (
    ImageContext,
    group_norm,
    linear,
    spatial_transformer,
    temporal_transformer,
)
from backend.models.layeranimate.trunk import NumberEmbedding, Trunk


def convolve(layer: nn.Module, x: Tensor, stride: int = 1) -> Tensor:
    """A 3x3 (padded by 1) or 1x1 convolution: [b, c_in, h, w] -> [b, c_out, h', w']."""
    held = cast("nn.Conv2d", layer)
    return F.conv2d(x, held.weight, held.bias, stride, padding=held.weight.shape[-1] // 2)


def context_of_images(context: Context, videos: int) -> ImageContext:
    """Context of rows written out for all their images, [rows * videos * frames, tokens, c]."""
    frames = context.image.shape[1]
    text = context.text.repeat_interleave(videos * frames, dim=0)
    image = context.image.repeat_interleave(videos, dim=0).flatten(0, 1)
    return ImageContext(text, image)


def embedding_of_images(trunk: Trunk, timesteps: Tensor, fps: Tensor | None, images: int) -> Tensor:
    """Time step and frame rate of rows [rows] as vectors [images, e], repeated for each image."""
    embedding = _embed(trunk.time_embed, timesteps)
    if trunk.fps_embedding is not None:
        rates = torch.full_like(timesteps, trunk.default_fps, dtype=torch.float32)
        embedding = embedding + _embed(trunk.fps_embedding, rates if fps is None else fps)
    return embedding.repeat_interleave(images // timesteps.shape[0], dim=0)


def _embed(module: NumberEmbedding, values: Tensor) -> Tensor:
    """[rows] -> [rows, e]: cosines, then sines, then two linear layers."""
    half = module.channels // 2
    steps = torch.arange(half, dtype=torch.float32, device=values.device)
    angles = values.float()[:, None] * torch.exp(-math.log(10000.0) * steps / half)[None]
    waves = torch.cat([angles.cos(), angles.sin()], dim=-1)
    if module.channels % 2:
        waves = F.pad(waves, (0, 1))
    hidden = linear(module.linear_1, waves.to(module.linear_1.weight.dtype))
    return linear(module.linear_2, F.silu(hidden))


def _temporal_convolutions(module: nn.Module, x: Tensor) -> Tensor:
    """[clips, c, frames, h, w] -> the same shape: four convolutions over three frames each."""
    change = x
    for name in ("conv1", "conv2", "conv3", "conv4"):
        sequence = cast("nn.Sequential", getattr(module, name))
        kernel = cast("nn.Conv3d", sequence[-1])
        change = F.silu(group_norm(sequence[0], change))
        change = F.conv3d(change, kernel.weight, kernel.bias, padding=(1, 0, 0))
    return x + change


def residual_block(block: ResBlock, x: Tensor, embedding: Tensor, frames: int) -> Tensor:
    """[images, c_in, h, w] with embedding [images, e] -> [images, c_out, h, w]."""
    h = convolve(block.in_layers[2], F.silu(group_norm(block.in_layers[0], x)))
    shift = linear(block.emb_layers[1], F.silu(embedding))
    h = h + shift[:, :, None, None]
    h = convolve(block.out_layers[3], F.silu(group_norm(block.out_layers[0], h)))
    same = isinstance(block.skip_connection, nn.Identity)
    h = (x if same else convolve(block.skip_connection, x)) + h
    return as_images(_temporal_convolutions(block.temopral_conv, as_clips(h, frames)))


def as_clips(x: Tensor, frames: int) -> Tensor:
    """[images, c, h, w] -> [clips, c, frames, h, w]."""
    return rearrange(x, "(b t) c h w -> b c t h w", t=frames).contiguous()


def as_images(x: Tensor) -> Tensor:
    """[clips, c, frames, h, w] -> [images, c, h, w]."""
    return rearrange(x, "b c t h w -> (b t) c h w").contiguous()


def run_stage(
    stage: Iterable[nn.Module], x: Tensor, embedding: Tensor, context: ImageContext, frames: int
) -> Tensor:
    """The modules of one block one after the other: [images, c, h, w] -> [images, c', h', w']."""
    for module in stage:
        if isinstance(module, ResBlock):
            x = residual_block(module, x, embedding, frames)
        elif isinstance(module, SpatialTransformer):
            x = spatial_transformer(module, x, context)
        elif isinstance(module, TemporalTransformer):
            x = as_images(temporal_transformer(module, as_clips(x, frames)))
        elif isinstance(module, Downsample):
            x = module.op(x)
        elif isinstance(module, Upsample):
            x = convolve(module.conv, F.interpolate(x, scale_factor=2.0, mode="nearest"))
        else:
            x = convolve(module, x)
    return x


def mix_frames(trunk: Trunk, x: Tensor, frames: int) -> Tensor:
    """The first temporal transformer, where the checkpoint has one: [images, c, h, w]."""
    for module in trunk.init_attn or ():
        first = cast("TemporalTransformer", module)
        x = as_images(temporal_transformer(first, as_clips(x, frames)))
    return x
