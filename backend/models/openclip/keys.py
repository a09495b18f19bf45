"""Which tensors an OpenCLIP checkpoint has, in both hub layouts; used by loader and registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from backend.models.openclip.image_tower import ImageConfig
from backend.models.openclip.text_tower import UNREAD_BLOCKS, TextConfig

Shape = tuple[int, ...]
VISUAL = "visual."
_BLOCK = "transformer.resblocks."

TRANSFORMERS_MARK = "text_model.embeddings.token_embedding.weight"
OPENCLIP_MARKS = ("token_embedding.weight", "visual.conv1.weight")
IGNORED = (
    "attn_mask",
    "text_model.embeddings.position_ids",
    "vision_model.embeddings.position_ids",
)
"""Constants that some savers write beside the weights."""

_NAMES = {
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.": "ln_final.",
    "text_model.encoder.layers.": _BLOCK,
    "text_projection.weight": "text_projection",
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.pre_layrnorm.": "visual.ln_pre.",
    "vision_model.post_layernorm.": "visual.ln_post.",
    "vision_model.encoder.layers.": f"{VISUAL}{_BLOCK}",
    "visual_projection.weight": "visual.proj",
    "logit_scale": "logit_scale",
}
"""The transformers library's names, or the starts of them, beside OpenCLIP's."""

_BLOCK_PARTS = {
    ".layer_norm1.": ".ln_1.",
    ".layer_norm2.": ".ln_2.",
    ".self_attn.out_proj.": ".attn.out_proj.",
    ".mlp.fc1.": ".mlp.c_fc.",
    ".mlp.fc2.": ".mlp.c_proj.",
}
_JOINED = ("q_proj", "k_proj", "v_proj")
_TRANSPOSED = ("text_projection.weight", "visual_projection.weight")


@dataclass(frozen=True)
class TowerSizes:
    """Both towers of one checkpoint."""

    text: TextConfig
    image: ImageConfig


def is_transformers_layout(keys: Mapping[str, object]) -> bool:
    """Whether a checkpoint has the names of the transformers library."""
    return TRANSFORMERS_MARK in keys


def openclip_shapes(found: Mapping[str, Shape]) -> dict[str, Shape]:
    """The shapes of a checkpoint of either layout under OpenCLIP's own keys."""
    kept = {key: shape for key, shape in found.items() if key not in IGNORED}
    if not is_transformers_layout(kept):
        return kept
    shapes: dict[str, Shape] = {}
    for key, shape in kept.items():
        name, part = _translated(key)
        if part:
            rows, others = shapes.get(name, (0,))[0], shape[1:]
            shapes[name] = (rows + sum(shape[:1]), *others)
        else:
            shapes[name] = tuple(reversed(shape)) if key in _TRANSPOSED else shape
    return shapes


def openclip_tensors(found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a checkpoint of either layout under OpenCLIP's own keys."""
    import torch

    kept = {key: value for key, value in found.items() if key not in IGNORED}
    if not is_transformers_layout(kept):
        return kept
    tensors: dict[str, Tensor] = {}
    thirds: dict[str, dict[str, Tensor]] = {}
    for key, value in kept.items():
        name, part = _translated(key)
        if part:
            thirds.setdefault(name, {})[part] = value
        else:
            tensors[name] = value.T.contiguous() if key in _TRANSPOSED else value
    for name, parts in thirds.items():
        tensors[name] = torch.cat([parts[part] for part in _JOINED if part in parts])
    return tensors


def _translated(key: str) -> tuple[str, str]:
    """OpenCLIP's name of a tensor, and which third of a joined projection it is, if one."""
    start = next((start for start in _NAMES if key.startswith(start)), "")
    name = _NAMES[start] + key[len(start) :] if start else key
    for part in _JOINED:
        for kind in ("weight", "bias"):
            if name.endswith(f".self_attn.{part}.{kind}"):
                stem = name.removesuffix(f".self_attn.{part}.{kind}")
                return f"{stem}.attn.in_proj_{kind}", part
    for theirs, ours in _BLOCK_PARTS.items():
        name = name.replace(theirs, ours)
    return name, ""


def unread_shapes(sizes: TowerSizes) -> dict[str, Shape]:
    """What belongs to a whole checkpoint although LayerAnimate never reads it."""
    text, image = sizes.text, sizes.image
    shapes: dict[str, Shape] = {
        "text_projection": (text.width, text.projection),
        "logit_scale": (),
        "visual.proj": (image.width, image.projection),
        "visual.ln_post.weight": (image.width,),
        "visual.ln_post.bias": (image.width,),
    }
    for number in range(text.layers - UNREAD_BLOCKS, text.layers):
        shapes |= {f"{_BLOCK}{number}.{key}": s for key, s in _block_shapes(text.width).items()}
    return shapes


def _block_shapes(width: int) -> dict[str, Shape]:
    wide = 4 * width
    return {
        "ln_1.weight": (width,),
        "ln_1.bias": (width,),
        "attn.in_proj_weight": (3 * width, width),
        "attn.in_proj_bias": (3 * width,),
        "attn.out_proj.weight": (width, width),
        "attn.out_proj.bias": (width,),
        "ln_2.weight": (width,),
        "ln_2.bias": (width,),
        "mlp.c_fc.weight": (wide, width),
        "mlp.c_fc.bias": (wide,),
        "mlp.c_proj.weight": (width, wide),
        "mlp.c_proj.bias": (width,),
    }
