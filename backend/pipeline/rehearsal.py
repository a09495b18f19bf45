"""Runs each stage of a clip once with tensors that hold no numbers; used to predict memory.

The one place of the planner that knows how the networks are called. On the meta device nothing is
computed; what the real code allocates, and when it lets go, is all that is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from backend.models.layeranimate.attention import Context
from backend.models.layeranimate.bundle import IMAGE_TOKENS, LayerAnimateModel
from backend.models.layeranimate.sliced_decode import decode_in_slices
from backend.models.layeranimate.unet import LayerFeatures
from backend.pipeline.condition import EncodedClip
from backend.pipeline.memory_plan import MemoryPlan

DECODE_BATCH = 2
"""Frames per call of the plain decoder, as the sampler decodes them."""


def rehearse_encode(model: LayerAnimateModel, clip: EncodedClip, plan: MemoryPlan) -> object:
    """Runs every encoder; pictures go one by one, as `PictureEncoder` sends them."""
    del plan
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


def rehearse_steps(model: LayerAnimateModel, clip: EncodedClip, plan: MemoryPlan) -> object:
    """The preparation of a clip and one denoising step, in the order that the plan asks for."""
    rows = [slice(0, 1), slice(1, 2)] if plan.sequential_guidance else [slice(0, 2)]
    contexts = [Context(clip.context.text[half], clip.context.image[half]) for half in rows]
    keys = [(model.unet.project_context(c), model.control.project_context(c)) for c in contexts]
    noisy = torch.empty_like(clip.key_latents, dtype=torch.float32)
    pair = torch.cat([noisy.to(model.dtype), clip.key_latents.to(model.dtype)], dim=1)
    slots = torch.nonzero(clip.validity).flatten().to(model.device)
    groups = slots.split(1) if plan.slot_by_slot else (slots,)
    seen = pair if model.config.control.uses_noisy_latents else None
    stems = [model.control.stem(clip.controls.select(group), seen) for group in groups]
    time = torch.full((1,), 999, device=model.device)
    found: list[Tensor] = []
    for unet_keys, control_keys in keys:
        parts = [model.control.features(part, time, control_keys, clip.fps) for part in stems]
        maps = parts[0] if len(parts) == 1 else list(_joined(parts))
        layers = LayerFeatures(maps)
        found.append(model.unet(pair, time, unet_keys, clip.fps, layers).float())
        del parts, maps, layers
    return found


def _joined(parts: Sequence[list[Tensor]]) -> Iterator[Tensor]:
    """The maps of single slots as maps of all; each is let go once it is joined."""
    while parts[0]:
        yield torch.cat([part.pop(0) for part in parts], dim=1)


def rehearse_decode(model: LayerAnimateModel, clip: EncodedClip, plan: MemoryPlan) -> object:
    """Decodes a clip's worth of latents."""
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
