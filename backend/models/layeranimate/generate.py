"""Runs LayerAnimate for one clip, arrays in and frames out; called by the pipeline per window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from backend.models.layeranimate.bundle import LayerAnimateModel
from backend.models.layeranimate.clip import (
    Check,
    ClipConditions,
    ClipProgress,
    FloatArray,
    Report,
    SampleSettings,
    ignore_check,
    ignore_report,
)
from backend.pipeline.condition import (
    EncodedClip,
    encode,
    neutral_tokens,
    prepare,
    without_unused_slots,
)
from backend.pipeline.sample import LatentColours, decode, denoise, initial_noise
from shared.errors import AcetateError

if TYPE_CHECKING:
    from backend.pipeline.feature_store.contract import TensorStore


@torch.inference_mode()
def generate_clip(
    model: LayerAnimateModel,
    conditions: ClipConditions,
    settings: SampleSettings,
    check: Check = ignore_check,
    report: Report = ignore_report,
    store: TensorStore | None = None,
) -> FloatArray:
    """Frames [T, H, W, 3] in 0..1 for one clip; mode follows from the number of key frames.

    The same model, conditions and settings give the same frames on one machine. Raises
    `AcetateError`: what `check` raises, `invalid_request` and `bad_numbers` for the conditions,
    `nan` where the model fails.
    """
    del store
    generator = torch.Generator().manual_seed(settings.seed)
    tokens = conditions.tokens or neutral_tokens(model)
    clip = encode(
        model, prepare(without_unused_slots(conditions)), tokens, check=check, report=report
    )
    latents = _sample(model, clip, settings, generator, check, report)
    pictures = decode(model, clip, latents, check, report)
    if not bool(torch.isfinite(pictures).all()):
        raise AcetateError("nan", detail=f"seed {settings.seed}")
    return pictures.movedim(1, -1).contiguous().numpy()


def _sample(
    model: LayerAnimateModel,
    clip: EncodedClip,
    settings: SampleSettings,
    generator: torch.Generator,
    check: Check,
    report: Report,
) -> torch.Tensor:
    latents = initial_noise(clip, generator)
    colours = LatentColours(clip) if settings.preview_every > 0 else None
    for step in denoise(model, clip, settings, latents, generator, check):
        latents = step.latents
        preview = None
        if colours is not None and (step.index + 1) % settings.preview_every == 0:
            preview = colours.picture(step.clean, clip.frames_count // 2)
        report(ClipProgress("sample", step.index + 1, settings.steps, preview))
    return latents
