"""A whole clip computed plainly: the yardstick of tests and benchmarks, never of production.

Every picture is encoded, every slot is computed and masked, and each step computes both guidance
halves in full. Contracts are those of `backend.pipeline.condition` and `backend.pipeline.sample`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor

from backend.models.layeranimate.attention import Context
from backend.models.layeranimate.bundle import LayerAnimateModel
from backend.models.layeranimate.clip import Check, ClipTokens, SampleSettings, ignore_check
from backend.models.layeranimate.layer_control import LayerControls
from backend.models.layeranimate.reference.control import control_features
from backend.models.layeranimate.reference.unet import SlotFeatures, predict
from backend.models.layeranimate.schedule import guide
from backend.pipeline.condition import ClipInputs, EncodedClip, check_fits, encode_context
from backend.pipeline.sample import DenoiseStep


@dataclass(frozen=True)
class ReferenceClip(EncodedClip):
    """An encoded clip that also tells how many pictures the encoder was given."""

    encoded_pictures: int = 0


def encode_reference(
    model: LayerAnimateModel, inputs: ClipInputs, tokens: ClipTokens
) -> ReferenceClip:
    """Encodes every region, every sketch frame (blank ones too) and every key frame."""
    check_fits(model, inputs)
    count, frames = inputs.sketch.shape[:2]
    keys = int(inputs.frames.shape[0])
    regions = _latents(model, inputs.regions.flatten(0, 1), keys).unflatten(0, (count, keys))
    sketch = _latents(model, inputs.sketch.flatten(0, 1), keys).unflatten(0, (count, frames))
    small = F.interpolate(inputs.masks.flatten(0, 1), size=regions.shape[-2:], mode="bilinear")
    masks = small.unflatten(0, (count, keys)).to(regions.device)
    device, dtype = model.device, model.dtype
    key_latents, references = _encode_keys(model, inputs)
    return ReferenceClip(
        key_latents=key_latents,
        controls=LayerControls(
            latents=_place(regions, inputs.static, frames).unsqueeze(0).to(dtype),
            mask=_place(masks, inputs.static, frames).unsqueeze(0).to(dtype),
            scores=inputs.scores.unsqueeze(0).to(device),
            sketch=sketch.unsqueeze(0).to(dtype),
            trajectory=inputs.trajectory.unsqueeze(0).to(device, dtype),
        ),
        validity=inputs.validity,
        context=encode_context(model, tokens),
        fps=torch.tensor([inputs.fps], dtype=torch.float32, device=device),
        key_frames=inputs.frames,
        references=references,
        encoded_pictures=count * keys + count * frames + keys,
    )


def _latents(model: LayerAnimateModel, pictures: Tensor, keys: int) -> Tensor:
    """[b, 3, H, W] -> scaled latents [b, 4, h, w]; the two-key mode has its own autoencoder."""
    chosen = model.dual if keys == 2 and model.dual is not None else model.autoencoder
    weight = chosen.quant_conv.weight
    return (
        chosen.encode(pictures.to(weight.device, weight.dtype)).mode() * model.config.latent_scale
    )


def _place(keyed: Tensor, static: Tensor, frames: int) -> Tensor:
    """Values at the keys [n, K, ...] to all frames [n, frames, ...] (spec 3.2)."""
    first, last = keyed[:, :1], keyed[:, -1:]
    half = frames if keyed.shape[1] == 1 else frames // 2
    rest = frames - half
    wide = [1] * (keyed.dim() - 2)
    held = torch.cat([first.repeat(1, half, *wide), last.repeat(1, rest, *wide)], dim=1)
    blank = torch.zeros_like(first).repeat(1, frames - keyed.shape[1], *wide)
    parts = [first, blank] if keyed.shape[1] == 1 else [first, blank, last]
    still = static.to(keyed.device).reshape(-1, 1, *wide)
    return torch.where(still, held, torch.cat(parts, dim=1))


def _encode_keys(
    model: LayerAnimateModel, inputs: ClipInputs
) -> tuple[Tensor, list[Tensor] | None]:
    """The latents beside the noisy ones [1, 4, T, h, w], and reference states with two keys."""
    frames = int(inputs.sketch.shape[1])
    if inputs.frames.shape[0] == 1 or model.dual is None:
        first = _latents(model, inputs.frames, 1)
        return first.unsqueeze(2).repeat(1, 1, frames, 1, 1), None
    weight = model.dual.quant_conv.weight
    pair = inputs.frames.unsqueeze(0).to(weight.device, weight.dtype)
    posterior, references = model.dual.encode_references(pair)
    first, last = (posterior.mode() * model.config.latent_scale).unsqueeze(2).chunk(2)
    blank = torch.zeros_like(first).repeat(1, 1, frames - 2, 1, 1)
    return torch.cat([first, blank, last], dim=2), references


def denoise_reference(
    model: LayerAnimateModel,
    clip: EncodedClip,
    settings: SampleSettings,
    noise: Tensor,
    generator: torch.Generator | None = None,
    check: Check = ignore_check,
) -> Iterator[DenoiseStep]:
    """Yields each step like `backend.pipeline.sample.denoise`, and draws the same noise."""
    context = clip.context
    if settings.guidance_scale == 1:
        context = Context(context.text[-1:], context.image[-1:])
    timesteps = model.schedule.timesteps(settings.steps)
    latents = noise.to(model.device, torch.float32)
    for index, timestep in enumerate(timesteps):
        check()
        predictions = _predictions(model, clip, context, latents, timestep)
        prediction = predictions
        if context.rows == 2:
            neutral, prompted = predictions.chunk(2)
            prediction = guide(
                neutral, prompted, settings.guidance_scale, settings.guidance_rescale
            )
        fresh = None
        if settings.eta > 0:
            fresh = torch.randn(latents.shape, generator=generator).to(latents.device)
        following = timesteps[index + 1] if index + 1 < len(timesteps) else None
        result = model.schedule.step(prediction, latents, timestep, following, settings.eta, fresh)
        latents = result.latents
        yield DenoiseStep(
            index=index,
            timestep=timestep,
            predictions=predictions,
            latents=latents,
            clean=result.clean,
        )


def reference_step(
    model: LayerAnimateModel, clip: EncodedClip, latents: Tensor, timestep: int
) -> Tensor:
    """v of both guidance halves [2, 4, T, h, w] in float32 for latents [1, 4, T, h, w]."""
    return _predictions(model, clip, clip.context, latents, timestep)


def _predictions(
    model: LayerAnimateModel, clip: EncodedClip, context: Context, latents: Tensor, timestep: int
) -> Tensor:
    """v of every context row in one batch, with the whole network computed for each of them.

    `clip.validity` rests in host memory; without a single valid slot nothing is fused (spec 0.5).
    """
    rows = context.rows
    times = torch.full((rows,), timestep, dtype=torch.long, device=model.device)
    fps = clip.fps.repeat(rows)
    pair = torch.cat([latents.to(model.dtype), clip.key_latents.to(model.dtype)], dim=1)
    x = pair.repeat(rows, 1, 1, 1, 1)
    slots = None
    if bool(clip.validity.any()):
        maps = control_features(
            model.control, _for_rows(clip.controls, rows), context, times, fps, noisy=x
        )
        valid = clip.validity.to(model.device).unsqueeze(0).repeat(rows, 1)
        slots = SlotFeatures(maps, valid)
    return predict(model.unet, x, times, context, fps, slots).float()


def _for_rows(controls: LayerControls, rows: int) -> LayerControls:
    """The controls of one row, once for every guidance half."""

    def wide(x: Tensor) -> Tensor:
        return x.repeat(rows, *([1] * (x.dim() - 1)))

    return LayerControls(
        latents=wide(controls.latents),
        mask=wide(controls.mask),
        scores=wide(controls.scores),
        sketch=wide(controls.sketch),
        trajectory=wide(controls.trajectory),
    )
