"""Models and clips of any size without content, on the meta device; for benchmarks and plans."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from backend.models.layeranimate.attention import Context
from backend.models.layeranimate.bundle import TEXT_TOKENS, LayerAnimateModel, assemble
from backend.models.layeranimate.configs import LayerAnimateConfig
from backend.models.layeranimate.layer_control import LayerControls
from backend.pipeline.condition import EncodedClip

META = torch.device("meta")


def meta_model(
    config: LayerAnimateConfig | None = None, dtype: torch.dtype = torch.bfloat16
) -> LayerAnimateModel:
    """A model of shapes only; None means the released size."""
    with META:
        return assemble(LayerAnimateConfig() if config is None else config).to(META, dtype)


def meta_noise(clip: EncodedClip) -> Tensor:
    """Latents to start from, [1, 4, T, h, w]."""
    return torch.empty(clip.key_latents.shape, device=META)


def meta_clip(
    model: LayerAnimateModel,
    slots: int,
    valid: int | Sequence[bool],
    keys: int = 1,
    size: tuple[int, int] = (320, 512),
) -> EncodedClip:
    """An encoded clip for a meta model; `size` is height and width in pixels.

    `valid` is how many of the slots are used, or which; that alone has values and rests in host
    memory, because how much work there is depends on it.
    """
    height, width = size
    scale, channels = model.config.autoencoder.scale, model.config.autoencoder.latent_channels
    h, w = height // scale, width // scale
    frames, dtype = model.clip_frames, model.dtype
    used = [i < valid for i in range(slots)] if isinstance(valid, int) else list(valid)

    def empty(*shape: int, kind: torch.dtype = dtype) -> Tensor:
        return torch.empty(shape, dtype=kind, device=META)

    return EncodedClip(
        key_latents=empty(1, channels, frames, h, w),
        controls=LayerControls(
            latents=empty(1, slots, frames, channels, h, w),
            mask=empty(1, slots, frames, 1, h, w),
            scores=empty(1, slots, kind=torch.float32),
            sketch=empty(1, slots, frames, channels, h, w),
            trajectory=empty(1, slots, frames, 3, height, width),
        ),
        validity=torch.tensor(used, dtype=torch.bool),
        context=_context(model),
        fps=empty(1, kind=torch.float32),
        key_frames=empty(keys, 3, height, width, kind=torch.float32),
        references=_references(model, empty(1, 2, 3, height, width)) if keys == 2 else None,
    )


def _context(model: LayerAnimateModel) -> Context:
    """Text and image tokens of both guidance halves."""
    resampler, width = model.config.resampler, model.config.unet.trunk.context_dim
    text = torch.empty(2, TEXT_TOKENS, width, dtype=model.dtype, device=META)
    shape = (2, resampler.video_length, resampler.queries_per_frame, resampler.output_dim)
    return Context(text, torch.empty(shape, dtype=model.dtype, device=META))


def _references(model: LayerAnimateModel, pair: Tensor) -> list[Tensor] | None:
    """Encoder states of two key frames [1, 2, 3, H, W]."""
    if model.dual is None:
        return None
    with torch.inference_mode():
        return model.dual.encode_references(pair.to(model.dual.quant_conv.weight.dtype))[1]
