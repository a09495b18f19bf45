"""The denoising loop and decoding of LayerAnimate; called by clip generation.

Arrays and tensors in, tensors out; cancel is looked for before every network call.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from numpy.typing import NDArray
from torch import Tensor

from backend.models.layeranimate.attention import Context
from backend.models.layeranimate.blocks import StageKeys
from backend.models.layeranimate.bundle import LayerAnimateModel
from backend.models.layeranimate.clip import (
    Check,
    ClipProgress,
    Report,
    SampleSettings,
    ignore_check,
    ignore_report,
)
from backend.models.layeranimate.layer_control import ControlStem
from backend.models.layeranimate.schedule import guide
from backend.models.layeranimate.unet import LayerFeatures, UNetKeys
from backend.pipeline.condition import EncodedClip

DECODE_BATCH = 2
"""Frames per call of the plain decoder: bounds memory and the wait before a cancel is seen."""


@dataclass(frozen=True)
class DenoiseStep:
    """What one step gave.

    index       0-based
    timestep    training time step that was denoised
    predictions [2, 4, T, h, w] neutral and prompted v (one row where guidance is off)
    latents     [1, 4, T, h, w] after the step
    clean       [1, 4, T, h, w] present estimate of the result
    """

    index: int
    timestep: int
    predictions: Tensor
    latents: Tensor
    clean: Tensor


@dataclass(frozen=True)
class _Prepared:
    """Everything of one clip that no step changes."""

    unet_keys: UNetKeys
    control_keys: tuple[StageKeys, ...]
    stem: ControlStem | None


def initial_noise(clip: EncodedClip, generator: torch.Generator) -> Tensor:
    """Latents to start from, drawn on the CPU so that a seed means the same on every device."""
    return torch.randn(clip.key_latents.shape, generator=generator, dtype=torch.float32)


def denoise(
    model: LayerAnimateModel,
    clip: EncodedClip,
    settings: SampleSettings,
    noise: Tensor,
    generator: torch.Generator | None = None,
    check: Check = ignore_check,
) -> Iterator[DenoiseStep]:
    """Yields each step; the last one's `latents` are the result.

    `noise` [1, 4, T, h, w] float32. `generator` feeds the noise of each step and is needed when
    eta > 0 (the official order: initial latents first, then one draw per step).
    """
    prepared = _prepare(model, clip, settings)
    timesteps = model.schedule.timesteps(settings.steps)
    latents = noise.to(model.device, torch.float32)
    for index, timestep in enumerate(timesteps):
        check()
        predictions = _predict(model, clip, prepared, latents, timestep, check)
        prediction = _guided(predictions, settings)
        fresh = None
        if settings.eta > 0:
            fresh = torch.randn(latents.shape, generator=generator).to(latents.device)
        following = timesteps[index + 1] if index + 1 < len(timesteps) else None
        result = model.schedule.step(prediction, latents, timestep, following, settings.eta, fresh)
        latents = result.latents
        yield DenoiseStep(index, timestep, predictions, latents, result.clean)


def _prepare(model: LayerAnimateModel, clip: EncodedClip, settings: SampleSettings) -> _Prepared:
    context = clip.context
    if settings.guidance_scale == 1:  # then the neutral half has no weight
        context = Context(context.text[-1:], context.image[-1:])
    slots = torch.nonzero(clip.validity).flatten().to(model.device)
    stem = None
    if len(slots) > 0 and not model.config.control.uses_noisy_latents:
        stem = model.control.stem(clip.controls.select(slots))
    return _Prepared(
        unet_keys=model.unet.project_context(context),
        control_keys=model.control.project_context(context),
        stem=stem,
    )


def _predict(
    model: LayerAnimateModel,
    clip: EncodedClip,
    prepared: _Prepared,
    latents: Tensor,
    timestep: int,
    check: Check,
) -> Tensor:
    """v of every context row [rows, 4, T, h, w] in float32."""
    times = torch.full((1,), timestep, dtype=torch.long, device=model.device)
    pair = torch.cat([latents.to(model.dtype), clip.key_latents.to(model.dtype)], dim=1)
    stem = prepared.stem
    if stem is None and bool(clip.validity.any()):
        slots = torch.nonzero(clip.validity).flatten().to(model.device)
        stem = model.control.stem(clip.controls.select(slots), pair)
    layers = None
    if stem is not None:
        layers = LayerFeatures(model.control.features(stem, times, prepared.control_keys, clip.fps))
        check()
    return model.unet(pair, times, prepared.unet_keys, clip.fps, layers).float()


def _guided(predictions: Tensor, settings: SampleSettings) -> Tensor:
    if predictions.shape[0] == 1:
        return predictions
    neutral, prompted = predictions.chunk(2)
    return guide(neutral, prompted, settings.guidance_scale, settings.guidance_rescale)


def decode(
    model: LayerAnimateModel,
    clip: EncodedClip,
    latents: Tensor,
    check: Check = ignore_check,
    report: Report = ignore_report,
) -> Tensor:
    """Latents [1, 4, T, h, w] to frames [T, 3, H, W] in 0..1, float32 on the CPU."""
    frames = latents[0].transpose(0, 1) / model.config.latent_scale  # [T, 4, h, w]
    total = int(frames.shape[0])
    if clip.references is not None and model.dual is not None:
        check()
        z = frames.to(model.dual.quant_conv.weight.dtype)
        pictures = model.dual.decode(z, total, clip.references)
        report(ClipProgress("decode", total, total))
        return _as_colour(pictures)
    done: list[Tensor] = []
    for start in range(0, total, DECODE_BATCH):
        check()
        z = frames[start : start + DECODE_BATCH].to(model.autoencoder.quant_conv.weight.dtype)
        done.append(_as_colour(model.autoencoder.decode(z)))
        report(ClipProgress("decode", min(start + DECODE_BATCH, total), total))
    return torch.cat(done)


def _as_colour(pictures: Tensor) -> Tensor:
    return (pictures.float() / 2 + 0.5).clamp(0, 1).cpu()


class LatentColours:
    """A cheap look at latents: the colours that a linear map reads out of them.

    The map is fitted to this clip's own key frames, whose pictures and latents are both known, so
    it holds for any autoencoder.
    """

    def __init__(self, clip: EncodedClip) -> None:
        places = (0,) if clip.references is None else (0, -1)
        latents = torch.stack([clip.key_latents[0, :, p] for p in places]).float().cpu()
        small = F.interpolate(clip.key_frames.float().cpu(), latents.shape[-2:], mode="area")
        known = latents.movedim(1, -1).flatten(0, 2)  # [pixels, 4]
        wanted = small.movedim(1, -1).flatten(0, 2)  # [pixels, 3]
        self._from, self._to = known.mean(0), wanted.mean(0)
        centred = known - self._from
        square = centred.T @ centred
        # a little weight decay: a flat picture leaves the map undetermined
        decay = 1e-3 * float(square.diagonal().mean()) + 1e-12
        square = square + decay * torch.eye(len(square))
        self._map = torch.linalg.solve(square, centred.T @ (wanted - self._to))  # [4, 3]

    def picture(self, clean: Tensor, frame: int) -> NDArray[np.float32]:
        """One frame of clean latents [1, 4, T, h, w] as [h, w, 3] in 0..1."""
        latent = clean[0, :, frame].float().cpu().movedim(0, -1)
        colours = (latent - self._from) @ self._map + self._to
        return (colours / 2 + 0.5).clamp(0, 1).numpy()
