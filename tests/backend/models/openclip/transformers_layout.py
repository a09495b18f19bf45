"""Writes a checkpoint as the transformers library names it, spelled out key by key for tests."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from backend.models.openclip.keys import TowerSizes

from .small import write_vocabulary


def renamed(tensors: dict[str, Tensor], sizes: TowerSizes) -> dict[str, Tensor]:
    """OpenCLIP's tensors under the other library's names."""
    other = {
        "logit_scale": tensors["logit_scale"],
        "text_projection.weight": tensors["text_projection"].T,
        "visual_projection.weight": tensors["visual.proj"].T,
        "text_model.embeddings.token_embedding.weight": tensors["token_embedding.weight"],
        "text_model.embeddings.position_embedding.weight": tensors["positional_embedding"],
        "text_model.embeddings.position_ids": torch.arange(sizes.text.tokens)[None],
        "vision_model.embeddings.class_embedding": tensors["visual.class_embedding"],
        "vision_model.embeddings.patch_embedding.weight": tensors["visual.conv1.weight"],
        "vision_model.embeddings.position_embedding.weight": tensors["visual.positional_embedding"],
    }
    for kind in ("weight", "bias"):
        other[f"text_model.final_layer_norm.{kind}"] = tensors[f"ln_final.{kind}"]
        other[f"vision_model.pre_layrnorm.{kind}"] = tensors[f"visual.ln_pre.{kind}"]
        other[f"vision_model.post_layernorm.{kind}"] = tensors[f"visual.ln_post.{kind}"]
    for number in range(sizes.text.layers):
        other |= _block(
            tensors, f"transformer.resblocks.{number}", f"text_model.encoder.layers.{number}"
        )
    for number in range(sizes.image.layers):
        ours, theirs = (
            f"visual.transformer.resblocks.{number}",
            f"vision_model.encoder.layers.{number}",
        )
        other |= _block(tensors, ours, theirs)
    return {key: value.contiguous().clone() for key, value in other.items()}


def _block(tensors: dict[str, Tensor], ours: str, theirs: str) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for kind in ("weight", "bias"):
        joined = tensors[f"{ours}.attn.in_proj_{kind}"]
        for name, part in zip("qkv", joined.chunk(3), strict=True):
            found[f"{theirs}.self_attn.{name}_proj.{kind}"] = part
        found[f"{theirs}.self_attn.out_proj.{kind}"] = tensors[f"{ours}.attn.out_proj.{kind}"]
        found[f"{theirs}.layer_norm1.{kind}"] = tensors[f"{ours}.ln_1.{kind}"]
        found[f"{theirs}.layer_norm2.{kind}"] = tensors[f"{ours}.ln_2.{kind}"]
        found[f"{theirs}.mlp.fc1.{kind}"] = tensors[f"{ours}.mlp.c_fc.{kind}"]
        found[f"{theirs}.mlp.fc2.{kind}"] = tensors[f"{ours}.mlp.c_proj.{kind}"]
    return found


def write_transformers(folder: Path, tensors: dict[str, Tensor], sizes: TowerSizes) -> Path:
    """A folder as the transformers library saves it."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(renamed(tensors, sizes), folder / "model.safetensors")
    document = {
        "text_config": {"num_attention_heads": sizes.text.heads, "hidden_act": "gelu"},
        "vision_config": {"num_attention_heads": sizes.image.heads, "hidden_act": "gelu"},
    }
    (folder / "config.json").write_text(json.dumps(document), encoding="utf-8")
    write_vocabulary(folder)
    return folder
