"""What a student's options save when it samples, counted without weights on the meta device.

Called by whoever plans a distillation; see `distil` for the options themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from backend.measure.flops import flops_by_step
from backend.measure.full_size import meta_clip, meta_model, meta_noise
from backend.models.layeranimate.clip import SampleSettings
from backend.models.layeranimate.configs import (
    BuiltInGuidance,
    ControlConfig,
    LayerAnimateConfig,
    UNetConfig,
)
from backend.models.layeranimate.generate import learned_settings
from backend.pipeline.sample import denoise

_GUIDANCE = BuiltInGuidance(scale=7.5, rescale=0.7)


@dataclass(frozen=True)
class Cost:
    """Floating-point operations of sampling one clip, without encoder and decoder."""

    name: str
    flops: int
    share: float


def sampling_costs(
    config: LayerAnimateConfig,
    *,
    steps: int = 50,
    few_steps: int = 8,
    layers: int = 4,
    size: tuple[int, int] = (320, 512),
) -> list[Cost]:
    """Costs with none, each and all of the options; `share` is of a model without any.

    `size`: height and width in pixels.
    """
    plain = _sampling(config, steps, layers, size)
    still = replace(config, control=_still(config.control))
    guided = replace(config, unet=_guided(config.unet))
    both = replace(still, unet=guided.unet)
    rows = [
        ("teacher", plain),
        ("fixed-timestep", _sampling(still, steps, layers, size)),
        ("built-in-guidance", _sampling(guided, steps, layers, size)),
        ("both", _sampling(both, steps, layers, size)),
        (f"both-{few_steps}-steps", _sampling(both, few_steps, layers, size)),
    ]
    return [Cost(name, count, count / plain) for name, count in rows]


def _still(control: ControlConfig) -> ControlConfig:
    return replace(control, fixed_timestep=0)


def _guided(unet: UNetConfig) -> UNetConfig:
    return replace(unet, built_in_guidance=_GUIDANCE)


def _sampling(config: LayerAnimateConfig, steps: int, layers: int, size: tuple[int, int]) -> int:
    """Of `steps` steps, of which all after the first two are alike."""
    model = meta_model(config, torch.float32)
    clip = meta_clip(model, layers, layers, size=size)
    settings = learned_settings(config, SampleSettings(steps=3, eta=0.0))
    first, second, _ = flops_by_step(denoise(model, clip, settings, meta_noise(clip).float()))
    return first + (steps - 1) * second
