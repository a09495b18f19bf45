"""Runs LayerAnimate for one clip, arrays in and frames out; called by the pipeline per window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
from backend.models.layeranimate.configs import LayerAnimateConfig
from backend.pipeline.condition import (
    EncodedClip,
    encode,
    neutral_tokens,
    prepare,
    without_unused_slots,
)
from backend.pipeline.decode import LatentColours, decode
from backend.pipeline.feature_keys import feature_keys
from backend.pipeline.feature_store.contract import NoStore
from backend.pipeline.layer_features import LayerFeatureSource
from backend.pipeline.memory_plan import (
    DECODE_PARTS,
    ENCODE_PARTS,
    FAST,
    STEP_PARTS,
    MemoryPlan,
)
from backend.pipeline.sample import denoise, initial_noise
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
    plan: MemoryPlan = FAST,
) -> FloatArray:
    """Frames [T, H, W, 3] in 0..1 for one clip; mode follows from the number of key frames.

    The same model, conditions and settings give the same frames on one machine. What `store` holds
    of an earlier run is not computed again. Raises `AcetateError`: what `check` raises,
    `invalid_request` and `bad_numbers` for the conditions, `nan` where the model fails.
    """
    seeds = (settings.seed,)
    return generate_takes(model, conditions, settings, seeds, check, report, store, plan)[0]


@torch.inference_mode()
def generate_takes(
    model: LayerAnimateModel,
    conditions: ClipConditions,
    settings: SampleSettings,
    seeds: Sequence[int],
    check: Check = ignore_check,
    report: Report = ignore_report,
    store: TensorStore | None = None,
    plan: MemoryPlan = FAST,
) -> list[FloatArray]:
    """One clip per seed, as `generate_clip` gives it; all seeds run as one batch.

    The layers' features are computed once for all of them; where the control branch reads the
    noisy latents, which seeds do not share, they run one by one. `plan` is the one that the model
    was placed with.
    """
    settings = learned_settings(model.config, settings)
    groups = [(s,) for s in seeds] if model.config.control.uses_noisy_latents else [tuple(seeds)]
    tokens = conditions.tokens or neutral_tokens(model)
    inputs = prepare(without_unused_slots(conditions))
    with plan.using(model, *ENCODE_PARTS):
        clip = encode(model, inputs, tokens, check=check, report=report, store=store)
    with plan.using(model, *STEP_PARTS):
        found = []
        for number, some in enumerate(groups):
            told = _of_several(report, number, len(groups))
            found.append(_sample(model, clip, settings, some, check, told, store, plan))
        latents_of = torch.cat(found)
    takes = []
    usual = "bf16" if settings.half_decode and model.device.type == "cuda" else ""
    number_format = settings.decode or usual
    with plan.using(model, *DECODE_PARTS):
        for number, (latents, seed) in enumerate(zip(latents_of.unsqueeze(1), seeds, strict=True)):
            told = _of_several(report, number, len(seeds))
            pictures = decode(model, clip, latents, check, told, plan.decode, number_format)
            if not bool(torch.isfinite(pictures).all()):
                raise AcetateError("nan", detail=f"seed {seed}")
            takes.append(pictures.movedim(1, -1).contiguous().numpy())
    return takes


def _of_several(report: Report, number: int, count: int) -> Report:
    """Reports of one of `count` equal pieces of work as those of the whole."""

    def told(progress: ClipProgress) -> None:
        done, total = number * progress.total + progress.done, count * progress.total
        report(replace(progress, done=done, total=total))

    return told


def learned_settings(config: LayerAnimateConfig, settings: SampleSettings) -> SampleSettings:
    """The settings with what the model learned to do by itself: it can do nothing else."""
    if config.unet.built_in_guidance is not None:
        settings = replace(settings, guidance_scale=1.0, guidance_rescale=0.0)
    few = config.scheduler.student_steps
    if few is None:
        return settings
    return replace(settings, steps=few, eta=0.0, features_every=1)


def _sample(
    model: LayerAnimateModel,
    clip: EncodedClip,
    settings: SampleSettings,
    seeds: Sequence[int],
    check: Check,
    report: Report,
    store: TensorStore | None,
    plan: MemoryPlan,
) -> torch.Tensor:
    """Clean latents [k, 4, T, h, w] of all seeds."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    latents = torch.cat([initial_noise(clip, generator) for generator in generators])
    colours = LatentColours(clip) if settings.preview_every > 0 else None
    # keys digest all controls, which is work for nothing where nothing is kept
    is_kept = store is not None and not isinstance(store, NoStore)
    keys = feature_keys(model, clip) if is_kept else None
    source = LayerFeatureSource(model, clip, store, keys, plan.slot_by_slot)
    for step in denoise(model, clip, settings, latents, generators, check, source, plan):
        latents = step.latents
        preview = None
        if colours is not None and (step.index + 1) % settings.preview_every == 0:
            preview = colours.picture(step.clean, clip.frames_count // 2)
        report(ClipProgress("sample", step.index + 1, settings.steps, preview))
    return latents
