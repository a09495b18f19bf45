"""Runs each stage of one clip once with tensors that hold no numbers; used to predict memory.

The one place of the planner that knows how the networks are called. On the meta device nothing is
computed; what the real code allocates, and when it lets go, is all that is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.models.layeranimate.attention import Context
from backend.models.layeranimate.bundle import IMAGE_TOKENS, TEXT_TOKENS, LayerAnimateModel
from backend.models.layeranimate.layer_control import LayerControls
from backend.models.layeranimate.sliced_decode import decode_in_slices
from backend.models.layeranimate.unet import LayerFeatures
from backend.pipeline.condition import EncodedClip
from backend.pipeline.memory_plan import MemoryPlan
from backend.pipeline.sample import DECODE_BATCH


@dataclass(frozen=True)
class ClipSize:
    """How large a clip is: layer slots in use, key frames (1 or 2), height and width in pixels."""

    slots: int
    keys: int
    height: int
    width: int


def rehearse_encode(model: LayerAnimateModel, size: ClipSize) -> EncodedClip:
    """Runs the encoders; pictures go one by one, as `PictureEncoder` sends them."""
    device, dtype = model.device, model.dtype
    frames, scale = model.clip_frames, model.config.autoencoder.scale
    small = (size.height // scale, size.width // scale)
    autoencoder = model.dual if size.keys == 2 and model.dual is not None else model.autoencoder
    own = autoencoder.quant_conv.weight.dtype
    autoencoder.encode(torch.empty(1, 3, size.height, size.width, device=device, dtype=own))
    references: list[Tensor] | None = None
    if size.keys == 2 and model.dual is not None:
        pair = torch.empty(1, 2, 3, size.height, size.width, device=device, dtype=own)
        references = model.dual.encode_references(pair)[1]

    def blank(*shape: int) -> Tensor:
        return torch.empty(1, size.slots, *shape, device=device, dtype=dtype)

    context = Context(
        text=torch.empty(2, TEXT_TOKENS, model.config.unet.trunk.context_dim, device=device).to(
            dtype
        ),
        image=model.resampler(
            torch.empty(2, IMAGE_TOKENS, model.config.resampler.image_dim, device=device).to(dtype)
        ),
    )
    return EncodedClip(
        key_latents=torch.empty(1, 4, frames, *small, device=device, dtype=own),
        controls=LayerControls(
            latents=blank(frames, 4, *small),
            mask=blank(frames, 1, *small),
            scores=torch.empty(1, size.slots, device=device),
            sketch=blank(frames, 4, *small),
            trajectory=blank(frames, 3, size.height, size.width),
        ),
        validity=torch.ones(size.slots, dtype=torch.bool),
        context=context,
        fps=torch.empty(1, device=device),
        key_frames=torch.zeros(size.keys, 3, 1, 1),
        references=references,
    )


def rehearse_steps(model: LayerAnimateModel, clip: EncodedClip, plan: MemoryPlan) -> Tensor:
    """The preparation of a clip and one denoising step, in the order that the plan asks for."""
    rows = clip.context.rows
    halves = [slice(0, rows)] if not plan.sequential_guidance else [slice(0, 1), slice(1, 2)]
    contexts = [Context(clip.context.text[h], clip.context.image[h]) for h in halves]
    keys = [(model.unet.project_context(c), model.control.project_context(c)) for c in contexts]
    slots = int(clip.validity.shape[0])
    groups = [[i] for i in range(slots)] if plan.slot_by_slot else [list(range(slots))]
    noisy = torch.empty_like(clip.key_latents, dtype=torch.float32)
    pair = torch.cat([noisy.to(model.dtype), clip.key_latents.to(model.dtype)], dim=1)
    stems = [
        model.control.stem(
            clip.controls.select(torch.tensor(group, device=model.device)),
            pair if model.config.control.uses_noisy_latents else None,
        )
        for group in groups
    ]
    found: list[Tensor] = []
    for context, (unet_keys, control_keys) in zip(contexts, keys, strict=True):
        times = torch.full((context.rows,), 999, device=model.device)
        fps = clip.fps.expand(context.rows)
        parts = [model.control.features(stem, times, control_keys, fps) for stem in stems]
        maps = parts[0] if len(parts) == 1 else list(_joined(parts))
        valid = torch.ones(context.rows, slots, dtype=torch.bool, device=model.device)
        x = pair.expand(context.rows, -1, -1, -1, -1)
        layers = LayerFeatures(maps, valid)
        found.append(model.unet(x, times, unet_keys, fps, layers).float())
        del parts, maps, layers
    return torch.cat(found)


def _joined(parts: Sequence[list[Tensor]]) -> Iterator[Tensor]:
    """The maps of single slots as maps of all; each is let go once it is joined."""
    while parts[0]:
        yield torch.cat([part.pop(0) for part in parts], dim=1)


def rehearse_decode(model: LayerAnimateModel, clip: EncodedClip, plan: MemoryPlan) -> None:
    """Decodes a clip's worth of latents."""
    frames = model.clip_frames
    z = clip.key_latents[0].transpose(0, 1)
    if clip.references is None or model.dual is None:
        weight = model.autoencoder.quant_conv.weight
        model.autoencoder.decode(z[:DECODE_BATCH].to(weight.dtype)).float()
        return
    z = z.to(model.dual.quant_conv.weight.dtype)
    if plan.decode is None:
        model.dual.decode(z, frames, clip.references).float()
    else:
        decode_in_slices(model.dual, z, frames, clip.references, plan.decode).float()
