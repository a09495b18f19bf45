"""Builds LayerAnimate's inputs from a clip's plain arrays; called by clip generation.

Two steps: `prepare` checks the arrays and brings them into the model's ranges (no network);
`encode` runs the autoencoder and the resampler. Nothing here depends on noise or time steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor

from backend.models.layeranimate.allocate import allocate
from backend.models.layeranimate.attention import Context
from backend.models.layeranimate.bundle import IMAGE_TOKENS, TEXT_TOKENS, LayerAnimateModel
from backend.models.layeranimate.clip import (
    Check,
    ClipConditions,
    ClipTokens,
    Report,
    ignore_check,
    ignore_report,
)
from backend.models.layeranimate.layer_control import LayerControls
from backend.models.layeranimate.picture_encoder import PictureEncoder
from backend.models.layeranimate.trajectory import normalised, raw_maps
from backend.pipeline.feature_store.contract import TensorStore
from shared.errors import AcetateError


@dataclass(frozen=True)
class ClipInputs:
    """A clip in the model's ranges, before any network; channels first.

    frames     [K, 3, H, W] in -1..1, K = 1 or 2
    masks      [n, K, 1, H, W], 0 or 1
    regions    [n, K, 3, H, W], mask times picture: outside a layer is 0, mid grey
    static     [n] bool
    validity   [n] bool
    scores     [n] in 0..1, or -1
    sketch     [n, T, 3, H, W] in -1..1, blank = 1
    trajectory [n, T, 3, H, W] normalised maps
    """

    frames: Tensor
    masks: Tensor
    regions: Tensor
    static: Tensor
    validity: Tensor
    scores: Tensor
    sketch: Tensor
    trajectory: Tensor
    fps: float


@dataclass(frozen=True)
class EncodedClip:
    """What the denoising loop reads; equal for both guidance halves except `context`.

    key_latents [1, 4, T, h, w], the key frames at their places, scaled
    controls    all n slots, `validity` [n] tells which are used
    context     two rows: neutral, prompt
    key_frames  [K, 3, H, W] in -1..1, kept for the reference decoder
    references  encoder states for the two-key decoder, None with one key
    """

    key_latents: Tensor
    controls: LayerControls
    validity: Tensor
    context: Context
    fps: Tensor
    key_frames: Tensor
    references: list[Tensor] | None

    @property
    def frames_count(self) -> int:
        """T."""
        return int(self.key_latents.shape[2])


def neutral_tokens(model: LayerAnimateModel) -> ClipTokens:
    """All-zero encoder outputs, for when no text and image encoders are installed."""
    text = np.zeros((TEXT_TOKENS, model.config.unet.trunk.context_dim), np.float32)
    image = np.zeros((IMAGE_TOKENS, model.config.resampler.image_dim), np.float32)
    return ClipTokens(text=text, neutral_text=text, image=image, neutral_image=image)


def without_unused_slots(conditions: ClipConditions) -> ClipConditions:
    """The same clip without the slots that are not used; what they hold then costs nothing.

    Dropping them changes no result: the model's fusion gives them the weight zero. Where no slot
    is used, one stays, unused.
    """
    _check_shapes(conditions)
    kept = np.flatnonzero(conditions.layer_validity)
    if len(kept) == 0:
        kept = np.array([0])
    sketch, regions = conditions.sketch, conditions.layer_regions
    return replace(
        conditions,
        layer_masks=conditions.layer_masks[kept],
        layer_static=conditions.layer_static[kept],
        layer_validity=conditions.layer_validity[kept],
        motion_scores=conditions.motion_scores[kept],
        sketch=None if sketch is None else sketch[kept],
        layer_regions=None if regions is None else regions[kept],
        tracks=tuple(conditions.tracks[i] for i in kept) if conditions.tracks else (),
    )


def prepare(conditions: ClipConditions) -> ClipInputs:
    """Plain arrays to model ranges; raises `AcetateError` for shapes or numbers that cannot be."""
    _check_shapes(conditions)
    frames = _channels_first(conditions.frames) * 2.0 - 1.0  # [K, 3, H, W]
    masks = torch.from_numpy(conditions.layer_masks > 0.5).float().unsqueeze(2)
    if conditions.layer_regions is None:
        regions = masks * frames
    else:
        regions = masks * (_channels_first(conditions.layer_regions) * 2.0 - 1.0)
    return ClipInputs(
        frames=frames,
        masks=masks,
        regions=regions,
        static=torch.from_numpy(np.asarray(conditions.layer_static, np.bool_)),
        validity=torch.from_numpy(np.asarray(conditions.layer_validity, np.bool_)),
        scores=torch.from_numpy(np.asarray(conditions.motion_scores, np.float32)),
        sketch=_sketch(conditions),
        trajectory=_trajectory(conditions),
        fps=conditions.fps,
    )


def _channels_first(pictures: np.ndarray) -> Tensor:
    """[..., H, W, 3] -> [..., 3, H, W] float32."""
    return torch.from_numpy(np.ascontiguousarray(pictures, np.float32)).movedim(-1, -3)


def _sketch(conditions: ClipConditions) -> Tensor:
    """[n, T, 3, H, W] in -1..1, white where no sketch is."""
    count, frames = conditions.layers_count, conditions.frames_count
    height, width = conditions.frames.shape[1:3]
    if conditions.sketch is None:
        return torch.ones(1, 1, 1, 1, 1).expand(count, frames, 3, height, width)
    lines = torch.from_numpy(np.ascontiguousarray(conditions.sketch, np.float32)) * 2.0 - 1.0
    return lines.unsqueeze(2).expand(-1, -1, 3, -1, -1)


def _trajectory(conditions: ClipConditions) -> Tensor:
    """[n, T, 3, H, W] normalised maps of all layers' tracks."""
    frames = conditions.frames_count
    height, width = conditions.frames.shape[1:3]
    none = np.zeros((frames, 0, 2), np.float32)
    tracks = conditions.tracks or (none,) * conditions.layers_count
    maps = normalised(raw_maps(tracks, frames, width, height))  # [T, n, 3, H, W]
    return torch.from_numpy(maps).transpose(0, 1)


def _check_shapes(conditions: ClipConditions) -> None:
    keys, height, width = conditions.frames.shape[:3]
    count, frames = conditions.layers_count, conditions.frames_count
    expected: list[tuple[str, np.ndarray | None, tuple[int, ...]]] = [
        ("frames", conditions.frames, (keys, height, width, 3)),
        ("layer masks", conditions.layer_masks, (count, keys, height, width)),
        ("layer regions", conditions.layer_regions, (count, keys, height, width, 3)),
        ("static flags", conditions.layer_static, (count,)),
        ("validity", conditions.layer_validity, (count,)),
        ("motion scores", conditions.motion_scores, (count,)),
        ("sketch", conditions.sketch, (count, frames, height, width)),
    ]
    if count < 1:
        raise AcetateError("invalid_request", where="no layer slot")
    if keys not in (1, 2):
        raise AcetateError("invalid_request", where=f"{keys} key frames; 1 or 2 are possible")
    for name, array, shape in expected:
        if array is None:
            continue
        if array.shape != shape:
            raise AcetateError("invalid_request", where=f"{name}: {array.shape} is not {shape}")
        if not np.isfinite(array).all():
            raise AcetateError("bad_numbers", layer=name)
    _check_tracks(conditions)


def _check_tracks(conditions: ClipConditions) -> None:
    if conditions.tracks and len(conditions.tracks) != conditions.layers_count:
        raise AcetateError("invalid_request", where="one track array per layer is needed")
    for index, track in enumerate(conditions.tracks):
        if track.ndim != 3 or track.shape[0] != conditions.frames_count or track.shape[2] != 2:
            raise AcetateError("invalid_request", where=f"tracks of layer {index + 1}")
        if not np.isfinite(track).all():
            raise AcetateError("bad_numbers", layer=f"layer {index + 1}")


def check_fits(model: LayerAnimateModel, inputs: ClipInputs) -> None:
    """Raises `AcetateError` where size or length is not one the model can make."""
    height, width = inputs.frames.shape[-2:]
    multiple = model.size_multiple_px
    if height % multiple or width % multiple:
        where = f"{width}x{height} is not a multiple of {multiple} in both directions"
        raise AcetateError("invalid_request", where=where)
    if inputs.sketch.shape[1] != model.clip_frames:
        where = f"{inputs.sketch.shape[1]} frames; the model makes {model.clip_frames}"
        raise AcetateError("invalid_request", where=where)
    if inputs.frames.shape[0] == 2 and model.dual is None:
        raise AcetateError("model_missing", model="vae_dualref", detail="needed between two keys")


def encode(
    model: LayerAnimateModel,
    inputs: ClipInputs,
    tokens: ClipTokens,
    generator: torch.Generator | None = None,
    check: Check = ignore_check,
    report: Report = ignore_report,
    store: TensorStore | None = None,
) -> EncodedClip:
    """Runs the encoders once; latents that `store` holds are not made again.

    `generator` None takes the most likely latents (the same every time); with one, latents are
    drawn as the official pipeline does, but from this generator.
    """
    check_fits(model, inputs)
    encoder = PictureEncoder(model, inputs.frames.shape[0] == 2, generator, check, report, store)
    encoder.expect(inputs.regions.flatten(0, 1), inputs.sketch.flatten(0, 1))
    controls = encode_controls(encoder, inputs, model.dtype)
    key_latents, references = _encode_keys(model, encoder, inputs)
    return EncodedClip(
        key_latents=key_latents,
        controls=controls,
        validity=inputs.validity,
        context=encode_context(model, tokens),
        fps=torch.tensor([inputs.fps], dtype=torch.float32, device=model.device),
        key_frames=inputs.frames,
        references=references,
    )


def encode_context(model: LayerAnimateModel, tokens: ClipTokens) -> Context:
    """Context of both guidance halves, neutral first; raises for tokens of other encoders."""
    _check_tokens(model, tokens)
    text = np.stack([tokens.neutral_text, tokens.text])
    image = np.stack([tokens.neutral_image, tokens.image])
    device, dtype = model.device, model.dtype
    return Context(
        text=torch.from_numpy(text).to(device, dtype),
        image=model.resampler(torch.from_numpy(image).to(device, dtype)),
    )


def _check_tokens(model: LayerAnimateModel, tokens: ClipTokens) -> None:
    text_width = model.config.unet.trunk.context_dim
    image_width = model.config.resampler.image_dim
    pairs = (
        ("text tokens", tokens.text, tokens.neutral_text, text_width),
        ("image tokens", tokens.image, tokens.neutral_image, image_width),
    )
    for name, prompt, neutral, width in pairs:
        if prompt.shape != neutral.shape or prompt.ndim != 2 or prompt.shape[1] != width:
            where = f"{name}: {prompt.shape} and {neutral.shape}; both need [tokens, {width}]"
            raise AcetateError("invalid_request", where=where)


def encode_controls(
    encoder: PictureEncoder, inputs: ClipInputs, dtype: torch.dtype
) -> LayerControls:
    """Controls of all slots for one guidance half (both are equal), one row."""
    count, frames = inputs.sketch.shape[:2]
    regions = encoder(inputs.regions.flatten(0, 1)).unflatten(0, inputs.regions.shape[:2])
    sketch = encoder(inputs.sketch.flatten(0, 1)).unflatten(0, (count, frames))
    small = F.interpolate(
        inputs.masks.flatten(0, 1), size=regions.shape[-2:], mode="bilinear", align_corners=False
    ).unflatten(0, inputs.masks.shape[:2])
    device = encoder.device
    return LayerControls(
        latents=allocate(regions, inputs.static, frames).unsqueeze(0).to(dtype),
        mask=allocate(small, inputs.static, frames).unsqueeze(0).to(device, dtype),
        scores=inputs.scores.unsqueeze(0).to(device),
        sketch=sketch.unsqueeze(0).to(dtype),
        trajectory=inputs.trajectory.unsqueeze(0).to(device, dtype),
    )


def _encode_keys(
    model: LayerAnimateModel, encoder: PictureEncoder, inputs: ClipInputs
) -> tuple[Tensor, list[Tensor] | None]:
    """The latents beside the noisy ones [1, 4, T, h, w], and reference states with two keys."""
    frames = int(inputs.sketch.shape[1])
    if inputs.frames.shape[0] == 1 or model.dual is None:
        first = encoder(inputs.frames)  # [1, 4, h, w]
        return first.unsqueeze(2).repeat(1, 1, frames, 1, 1), None
    pair = inputs.frames.unsqueeze(0).to(encoder.device, encoder.dtype)
    posterior, references = model.dual.encode_references(pair)
    latents = encoder.scaled(posterior)  # [2, 4, h, w]
    placed = torch.zeros(
        1, latents.shape[1], frames, *latents.shape[2:], dtype=latents.dtype, device=latents.device
    )
    placed[0, :, 0], placed[0, :, -1] = latents[0], latents[1]
    return placed, references
