"""Loads the imported LayerAnimate and the encoders that fit it; called by `engines` when needed."""

from __future__ import annotations

import torch

from backend.models.layeranimate.checkpoint import load_model, read_config
from backend.models.layeranimate.clip import ClipTokens, FloatArray
from backend.models.layeranimate.configs import LayerAnimateConfig
from backend.models.layeranimate.placement import Placement
from backend.models.openclip.checkpoint import Towers, load_towers
from backend.models.openclip.encoder import TokenEncoder
from backend.models.registry.installed import (
    InstalledModel,
    check_sizes,
    chosen_model,
    installed_models,
)
from backend.models.registry.licences import LAYERANIMATE, OPENCLIP
from backend.pipeline.engines import ClipPainter, Encode, painter_of
from backend.pipeline.memory_plan import MemoryPlan
from backend.pipeline.memory_prediction import TOWER_PARAMETERS, choose_plan
from backend.torch_device import free_memory_bytes
from shared.result import ModelUsed

NO_ENCODERS = (
    "prompts and the first frame's tokens were neutral: "
    "OpenCLIP ViT-H-14 is not installed (acetate models import)"
)
OTHER_ENCODERS = (
    "prompts and the first frame's tokens were neutral: the installed OpenCLIP does not fit "
    "this model's sizes"
)


def load_installed_painter(device: str, vram_bytes: int | None = None) -> ClipPainter:
    """The chosen LayerAnimate on a device, with its text and image towers where they are installed.

    Runs by the fastest memory plan that fits into `vram_bytes` (None: what is free there). Raises
    `model_missing` without a model, `model_corrupt` where files are not what was imported,
    `vram_too_small` before anything is loaded.
    """
    installed = chosen_model(LAYERANIMATE)
    check_sizes(installed)
    where = torch.device(device)
    dtype = usual_dtype(where)
    config = read_config(installed.folder)
    towers, note = _fitting_towers(config)
    plan = _plan_for(config, device, vram_bytes, dtype, with_towers=towers is not None)
    first = torch.device("cpu") if plan.resting_on(where) else where
    model = load_model(installed.folder, first, dtype)
    plan.place(model, where)
    if towers is None:
        return painter_of(model, (_used(installed),), notes=(note,), plan=plan)
    check_sizes(towers)
    encode = _placed(load_towers(towers.folder, first, dtype), where, plan)
    return painter_of(model, (_used(installed), _used(towers)), encode=encode, plan=plan)


def _plan_for(
    config: LayerAnimateConfig,
    device: str,
    vram_bytes: int | None,
    dtype: torch.dtype,
    with_towers: bool,
) -> MemoryPlan:
    """The fastest plan for the largest clip that the painter is asked for."""
    limit = free_memory_bytes(device)
    if limit is not None and vram_bytes is not None:
        limit = vram_bytes
    return choose_plan(
        config,
        limit,
        slots=ClipPainter.layer_slots,
        keys=1 if config.dual is None else 2,
        size=(ClipPainter.height, ClipPainter.width),
        dtype=dtype,
        tower_parameters=TOWER_PARAMETERS if with_towers else 0,
    )


def _placed(towers: Towers, device: torch.device, plan: MemoryPlan) -> Encode:
    """An encoder whose towers are on the device while it runs, if the plan wants them so."""
    placement = Placement()
    placement.settle(towers.parts(), device, plan.resting_on(device))
    encoder = TokenEncoder(towers)

    def encode(prompt: str, negative_prompt: str, picture: FloatArray) -> ClipTokens:
        with placement.using(*towers.parts()):
            return encoder(prompt, negative_prompt, picture)

    return encode


def usual_dtype(device: torch.device) -> torch.dtype:
    """The number format that suits a device: bfloat16 where a GPU has it, float32 on a CPU."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.float16 if device.type == "mps" else torch.float32


def _fitting_towers(config: LayerAnimateConfig) -> tuple[InstalledModel | None, str]:
    """The encoders whose tokens have the model's widths, or None and why."""
    wanted = (config.unet.trunk.context_dim, config.resampler.image_dim)
    note = NO_ENCODERS
    for installed in installed_models():
        if installed.manifest.kind != OPENCLIP:
            continue
        facts = installed.manifest.facts
        if (facts.get("text_width"), facts.get("image_width")) == wanted:
            return installed, ""
        note = OTHER_ENCODERS
    return None, note


def _used(installed: InstalledModel) -> ModelUsed:
    return ModelUsed(name=installed.manifest.name, sha256=installed.manifest.identity)
