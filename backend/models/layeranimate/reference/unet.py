"""The UNet with masked layer fusion computed plainly (spec 5.5, 5.6).

Called by the reference sampler and by the golden checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from einops import rearrange
from torch import Tensor, nn

from backend.models.layeranimate.attention import Context
from backend.models.layeranimate.fusion import FusionAttention
from backend.models.layeranimate.reference.attention import (
    ImageContext,
    group_norm,
    join_heads,
    layer_norm,
    linear,
    split_heads,
    weigh,
)
from backend.models.layeranimate.reference.blocks import (
    as_clips,
    context_of_images,
    convolve,
    embedding_of_images,
    mix_frames,
    run_stage,
)
from backend.models.layeranimate.unet import UNet


@dataclass(frozen=True)
class SlotFeatures:
    """Features of all slots, finest first, each [rows, n, frames, c, h, w]; `valid` [rows, n]."""

    maps: Sequence[Tensor]
    valid: Tensor


@dataclass(frozen=True)
class _Conditions:
    """What every block of one call reads."""

    embedding: Tensor
    context: ImageContext
    frames: int


def predict(
    unet: UNet,
    x: Tensor,
    timesteps: Tensor,
    context: Context,
    fps: Tensor | None = None,
    slots: SlotFeatures | None = None,
) -> Tensor:
    """v [rows, 4, frames, h, w] of x [rows, 8, frames, h, w]; `slots` None skips the fusion.

    A row whose slots are all invalid gets the mean over them, as the official code does.
    """
    rows, _, frames = x.shape[:3]
    given = _Conditions(
        embedding_of_images(unet, timesteps, fps, images=rows * frames),
        context_of_images(context, videos=1),
        frames,
    )
    h = rearrange(x, "b c t h w -> (b t) c h w").contiguous()
    skips: list[Tensor] = []
    for index, stage in enumerate(unet.input_blocks):
        h = _run(stage, h, given)
        h = mix_frames(unet, h, frames) if index == 0 else h
        skips.append(h)
    h = _run(unet.middle_block, h, given)
    h = _decode(unet, h, skips, given, slots)
    h = convolve(unet.out[2], F.silu(group_norm(unet.out[0], h)))
    return as_clips(h, frames)


def _run(stage: nn.Module, x: Tensor, given: _Conditions) -> Tensor:
    modules = cast("Iterable[nn.Module]", stage)
    return run_stage(modules, x, given.embedding, given.context, given.frames)


def _decode(
    unet: UNet,
    h: Tensor,
    skips: list[Tensor],
    given: _Conditions,
    slots: SlotFeatures | None,
) -> Tensor:
    """The output blocks; layer features are read from the coarsest to the finest."""
    place = 0
    for plan, stage in zip(unet.plans, unet.output_blocks, strict=True):
        skip = skips.pop()
        if plan.fuses:
            if slots is not None:
                skip = skip + _fused(unet, place, h, slots)
            place += 1
        h = _run(stage, torch.cat([h, skip], dim=1), given)
    return h


def _fused(unet: UNet, place: int, state: Tensor, slots: SlotFeatures) -> Tensor:
    """What one fusion adds to the skip connection: [images, skip channels, h, w].

    Each pixel of each frame is one query; the n slots at the same place are its keys.
    """
    layer = cast("FusionAttention", unet.masked_layer_fusion_attn_list[place])
    images, _, height, width = state.shape
    points = images * height * width
    tokens = rearrange(state, "b c h w -> b (h w) c").contiguous()
    tokens = layer_norm(unet.masked_layer_fusion_norm_list[place], tokens)
    features = rearrange(slots.maps[-1 - place], "b n t c h w -> (b t h w) n c").contiguous()
    q = split_heads(linear(layer.to_q, tokens).reshape(points, 1, -1), layer.heads)
    k = split_heads(linear(layer.to_k, features), layer.heads)
    v = split_heads(linear(layer.to_v, features), layer.heads)
    repeats = points * layer.heads // slots.valid.shape[0]
    hidden = ~slots.valid.repeat_interleave(repeats, dim=0).unsqueeze(1)
    read = join_heads(weigh(q, k, v, hidden), layer.heads).reshape(images, height * width, -1)
    out = linear(layer.to_out[0], read)
    change = rearrange(out, "b (h w) c -> b c h w", h=height, w=width).contiguous()
    return convolve(unet.masked_layer_fusion_out_list[place], change)
