"""Loads the imported LayerAnimate and the encoders that fit it; called by `engines` when needed."""

from __future__ import annotations

import torch

from backend.models.layeranimate.bundle import LayerAnimateModel
from backend.models.layeranimate.checkpoint import load_model
from backend.models.openclip.checkpoint import load_towers
from backend.models.openclip.encoder import TokenEncoder
from backend.models.registry.installed import (
    InstalledModel,
    check_sizes,
    chosen_model,
    installed_models,
)
from backend.models.registry.licences import LAYERANIMATE, OPENCLIP
from backend.pipeline.engines import ClipPainter, painter_of
from shared.result import ModelUsed

NO_ENCODERS = (
    "prompts and the first frame's tokens were neutral: "
    "OpenCLIP ViT-H-14 is not installed (acetate models import)"
)
OTHER_ENCODERS = (
    "prompts and the first frame's tokens were neutral: the installed OpenCLIP does not fit "
    "this model's sizes"
)


def load_installed_painter(device: str) -> ClipPainter:
    """The chosen LayerAnimate on a device, with its text and image towers where they are installed.

    Raises `model_missing` without one, `model_corrupt` where files are not what was imported.
    """
    installed = chosen_model(LAYERANIMATE)
    check_sizes(installed)
    where = torch.device(device)
    dtype = usual_dtype(where)
    model = load_model(installed.folder, where, dtype)
    towers, note = _fitting_towers(model)
    if towers is None:
        return painter_of(model, (_used(installed),), notes=(note,))
    check_sizes(towers)
    encoder = TokenEncoder(load_towers(towers.folder, where, dtype))
    return painter_of(model, (_used(installed), _used(towers)), encode=encoder)


def usual_dtype(device: torch.device) -> torch.dtype:
    """The number format that suits a device: bfloat16 where a GPU has it, float32 on a CPU."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.float16 if device.type == "mps" else torch.float32


def _fitting_towers(model: LayerAnimateModel) -> tuple[InstalledModel | None, str]:
    """The encoders whose tokens have the model's widths, or None and why."""
    wanted = (model.config.unet.trunk.context_dim, model.config.resampler.image_dim)
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
