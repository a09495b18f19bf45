"""Runs each stage of a clip once with tensors that hold no numbers; used to predict memory.

The one place of the planner that knows how the networks are called. On the meta device nothing is
computed; what the real code allocates, and when it lets go, is all that is looked at.
"""

from __future__ import annotations

import torch
from torch import Tensor

from backend.models.layeranimate.bundle import IMAGE_TOKENS, LayerAnimateModel
from backend.models.layeranimate.clip import SampleSettings
from backend.models.layeranimate.sliced_decode import decode_in_slices
from backend.pipeline.condition import EncodedClip
from backend.pipeline.decode import DECODE_BATCH
from backend.pipeline.memory_plan import MemoryPlan
from backend.pipeline.sample import denoise


def rehearse_encode(
    model: LayerAnimateModel, clip: EncodedClip, plan: MemoryPlan, seeds: int = 1
) -> object:
    """Runs every encoder; pictures go one by one, as `PictureEncoder` sends them."""
    del plan, seeds
    height, width = clip.controls.trajectory.shape[-2:]
    is_dual = clip.references is not None and model.dual is not None
    encoder = model.dual if is_dual and model.dual is not None else model.autoencoder
    picture = _blank(encoder.quant_conv.weight, 1, 3, height, width)
    encoder.encode(picture)
    tokens = _blank(model.resampler.latents, 2, IMAGE_TOKENS, model.config.resampler.image_dim)
    made: list[object] = [model.resampler(tokens)]
    if is_dual and model.dual is not None:
        made.append(model.dual.encode_references(picture.expand(2, -1, -1, -1).unsqueeze(0)))
    return made


def rehearse_steps(
    model: LayerAnimateModel, clip: EncodedClip, plan: MemoryPlan, seeds: int = 1
) -> object:
    """The sampler up to the end of its first step, with so many seeds as one batch."""
    shape = (seeds, *clip.key_latents.shape[1:])
    noise = clip.key_latents.new_empty(shape, dtype=torch.float32)
    return next(denoise(model, clip, SampleSettings(eta=0.0), noise, plan=plan))


def rehearse_decode(
    model: LayerAnimateModel, clip: EncodedClip, plan: MemoryPlan, seeds: int = 1
) -> object:
    """Decodes a clip's worth of latents; seeds are decoded one by one."""
    del seeds
    frames = model.clip_frames
    _, channels, _, height, width = clip.key_latents.shape
    shape = (frames, channels, height, width)
    if clip.references is None or model.dual is None:
        z = _blank(model.autoencoder.quant_conv.weight, *shape)
        return model.autoencoder.decode(z[:DECODE_BATCH]).float()
    z = _blank(model.dual.quant_conv.weight, *shape)
    if plan.decode is None:
        return model.dual.decode(z, frames, clip.references).float()
    return decode_in_slices(model.dual, z, frames, clip.references, plan.decode).float()


def _blank(like: Tensor, *shape: int) -> Tensor:
    """A tensor of the device and number format of `like`, without content."""
    return like.new_empty(shape)
