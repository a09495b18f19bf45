"""Adapters of random numbers for a tiny model; used by tests of adapters and commands."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from backend.models.adapters.files import write_adapter
from backend.models.adapters.fitting import weights_of
from backend.models.adapters.settings import AdapterSettings
from backend.models.layeranimate.bundle import LayerAnimateModel

ATTENTION = "unet.middle_block.1.transformer_blocks.0.attn1.to_q"
NEIGHBOUR = "unet.middle_block.1.transformer_blocks.0.attn1.to_v"
CONVOLUTION = "unet.output_blocks.0.0.in_layers.2"
FRAMES_CONVOLUTION = "unet.middle_block.0.temopral_conv.conv1.2"
FUSION = "unet.masked_layer_fusion_attn_list.0.to_k"
CONTROL = "layer_controlnet.motion_embedding"
EVERY_KIND = (ATTENTION, NEIGHBOUR, CONVOLUTION, FRAMES_CONVOLUTION, FUSION, CONTROL)


def matrices(
    model: LayerAnimateModel,
    modules: tuple[str, ...] = EVERY_KIND,
    rank: int = 2,
    seed: int = 0,
    size: float = 0.3,
) -> dict[str, tuple[Tensor, Tensor]]:
    """(down, up) for some modules of a model."""
    generator = torch.Generator().manual_seed(seed)
    weights = weights_of(model.parts())
    found: dict[str, tuple[Tensor, Tensor]] = {}
    for module in modules:
        out, *inner = weights[module].shape
        ones = [1] * (len(inner) - 1)
        down = torch.randn(rank, *inner, generator=generator) * size
        found[module] = (down, torch.randn(out, rank, *ones, generator=generator) * size)
    return found


def adapter_folder(
    folder: Path, model: LayerAnimateModel, *, alpha: float = 2.0, seed: int = 0, rank: int = 2
) -> Path:
    """Write a random adapter for a model; returns its folder."""
    settings = AdapterSettings(r=rank, lora_alpha=alpha, base="tiny", about="random")
    write_adapter(folder, matrices(model, rank=rank, seed=seed), settings)
    return folder
