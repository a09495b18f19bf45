"""The denoising loop of LayerAnimate; called by clip generation.

Tensors in, tensors out; cancel is looked for before every network call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.models.layeranimate.attention import Rows
from backend.models.layeranimate.bundle import LayerAnimateModel
from backend.models.layeranimate.clip import Check, SampleSettings, ignore_check
from backend.models.layeranimate.schedule import guide
from backend.models.layeranimate.unet import LayerFeatures, UNetKeys
from backend.pipeline.condition import EncodedClip
from backend.pipeline.layer_features import LayerFeatureSource
from backend.pipeline.memory_plan import FAST, MemoryPlan

BOTH_HALVES: Rows = (0, 1)
"""Context rows of classifier-free guidance: neutral, prompted."""

PROMPTED_ONLY: Rows = (1,)
"""Context rows where guidance is off."""


@dataclass(frozen=True)
class DenoiseStep:
    """What one step gave for k seeds.

    index       0-based
    timestep    training time step that was denoised
    predictions [2 k, 4, T, h, w], all neutral v, then all prompted v; [k, ...] without guidance
    latents     [k, 4, T, h, w] after the step
    clean       [k, 4, T, h, w] present estimate of the result
    """

    index: int
    timestep: int
    predictions: Tensor
    latents: Tensor
    clean: Tensor


def initial_noise(clip: EncodedClip, generator: torch.Generator) -> Tensor:
    """Latents to start from, drawn on the CPU so that a seed means the same on every device."""
    return torch.randn(clip.key_latents.shape, generator=generator, dtype=torch.float32)


def denoise(
    model: LayerAnimateModel,
    clip: EncodedClip,
    settings: SampleSettings,
    noise: Tensor,
    generators: Sequence[torch.Generator] = (),
    check: Check = ignore_check,
    source: LayerFeatureSource | None = None,
    plan: MemoryPlan = FAST,
) -> Iterator[DenoiseStep]:
    """Yields each step; the last one's `latents` are the result.

    `noise` [k, 4, T, h, w] float32: k seeds that share all controls and run as one batch.
    `generators`, one per seed, feed the noise of each step and are needed when eta > 0 (the
    official order: initial latents first, then one draw per step). `source` None computes all
    features. `plan` says whether the guidance halves run one after the other.
    """
    if settings.eta > 0 and len(generators) != len(noise):
        raise ValueError(f"{len(noise)} seeds need a generator each, got {len(generators)}")
    source = source or LayerFeatureSource(model, clip, slot_by_slot=plan.slot_by_slot)
    timesteps = model.schedule.timesteps(settings.steps)
    wanted = [_wanted(settings, timesteps, index) for index in range(len(timesteps))]
    source.announce(wanted)
    keys = model.unet.project_context(clip.context)
    latents = noise.to(model.device, torch.float32)
    for index, timestep in enumerate(timesteps):
        check()
        step, rows = wanted[index]
        x = _network_input(model, clip, latents)
        found: list[Tensor] = []
        for some in _halves(rows, plan):
            layers = source.at(step, some, x, check)
            if index + 1 < len(timesteps):
                source.prefetch(wanted[index + 1][0], some)
            check()
            found.append(_predict(model, clip, x, timestep, keys.select(some), layers))
            del layers
        predictions = torch.cat(found)
        following = timesteps[index + 1] if index + 1 < len(timesteps) else None
        result = model.schedule.step(
            _guided(predictions, rows, settings),
            latents,
            timestep,
            following,
            settings.eta,
            _fresh(latents, generators) if settings.eta > 0 else None,
        )
        latents = result.latents
        yield DenoiseStep(index, timestep, predictions, latents, result.clean)


def _halves(rows: Rows, plan: MemoryPlan) -> list[Rows]:
    """The context rows that run together."""
    return [(row,) for row in rows] if plan.sequential_guidance else [rows]


def _wanted(settings: SampleSettings, timesteps: list[int], index: int) -> tuple[int, Rows]:
    """The time step whose features serve step `index`, and the context rows it computes."""
    rows = BOTH_HALVES if settings.guides(index) else PROMPTED_ONLY
    return timesteps[index - index % settings.features_every], rows


def _network_input(model: LayerAnimateModel, clip: EncodedClip, latents: Tensor) -> Tensor:
    """[k, 8, T, h, w]: noisy latents beside the key-frame ones."""
    key_latents = clip.key_latents.to(model.dtype).expand(len(latents), -1, -1, -1, -1)
    return torch.cat([latents.to(model.dtype), key_latents], dim=1)


def _predict(
    model: LayerAnimateModel,
    clip: EncodedClip,
    x: Tensor,
    timestep: int,
    keys: UNetKeys,
    layers: LayerFeatures | None,
) -> Tensor:
    """v of every seed in every context row [rows * k, 4, T, h, w], float32, for [k, 8, T, h, w]."""
    time = torch.full((1,), timestep, dtype=torch.long, device=model.device)
    return model.unet(x, time, keys, clip.fps, layers, videos=len(x)).float()


def _guided(predictions: Tensor, rows: Rows, settings: SampleSettings) -> Tensor:
    if rows != BOTH_HALVES:
        return predictions
    neutral, prompted = predictions.chunk(2)
    return guide(neutral, prompted, settings.guidance_scale, settings.guidance_rescale)


def _fresh(latents: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
    """New noise of every seed, [k, 4, T, h, w]."""
    shape = latents.shape[1:]
    drawn = [torch.randn(shape, generator=generator) for generator in generators]
    return torch.stack(drawn).to(latents.device)
