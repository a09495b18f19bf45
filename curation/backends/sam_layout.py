"""SAM as its makers publish it, `sam_vit_*.pth`: names and sizes; `sam` loads with it."""

from __future__ import annotations

from typing import Any

from curation.backends.makers_file import Layout, MakersFile, renamed

FILES = (
    "sam_vit_b_01ec64.safetensors",
    "sam_vit_l_0b3195.safetensors",
    "sam_vit_h_4b8939.safetensors",
    "sam.safetensors",
)
"""Of vit-b, vit-l and vit-h, made of the published `.pth`, and one of any of these sizes."""

PROMPT_RULES = (
    (
        r"^(prompt_encoder\.shared|shared_image)_embedding\.positional_embedding$",
        "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
    ),
    (r"\.point_embed\.", ".point_embeddings."),
    (r"\.mask_embed\.conv1\.", ".mask_downscaling.0."),
    (r"\.mask_embed\.layer_norm1\.", ".mask_downscaling.1."),
    (r"\.mask_embed\.conv2\.", ".mask_downscaling.3."),
    (r"\.mask_embed\.layer_norm2\.", ".mask_downscaling.4."),
    (r"\.mask_embed\.conv3\.", ".mask_downscaling.6."),
    (r"\.upscale_conv1\.", ".output_upscaling.0."),
    (r"\.upscale_layer_norm\.", ".output_upscaling.1."),
    (r"\.upscale_conv2\.", ".output_upscaling.3."),
    (r"\.layers\.0\.(weight|bias)$", r".layers.1.\1"),  # heads have three layers,
    (r"\.mlp\.proj_out\.", ".mlp.layers.1."),  # what follows attention has two
    (r"\.proj_out\.", ".layers.2."),
    (r"\.proj_in\.", ".layers.0."),
    (r"\bpatch_embed\.projection\.", "patch_embed.proj."),
)
"""Transformers' names to the makers', for what SAM 2 has kept of SAM."""

_RULES = (
    *PROMPT_RULES,
    (r"^vision_encoder\.layers\.", "image_encoder.blocks."),
    (r"^vision_encoder\.neck\.conv1\.", "image_encoder.neck.0."),
    (r"^vision_encoder\.neck\.layer_norm1\.", "image_encoder.neck.1."),
    (r"^vision_encoder\.neck\.conv2\.", "image_encoder.neck.2."),
    (r"^vision_encoder\.neck\.layer_norm2\.", "image_encoder.neck.3."),
    (r"^vision_encoder\.", "image_encoder."),
    (r"\blayer_norm", "norm"),
)
_BLOCKS = "image_encoder.blocks."


def _names(key: str) -> tuple[str, ...]:
    return (renamed(key, _RULES),)


def _settings(file: MakersFile) -> Any:  # noqa: ANN401 - a SamConfig; transformers is imported late
    """The network's `SamConfig`, told from the shapes. Raises `weights_unfit`."""
    from transformers import SamConfig

    vision = _vision(file)
    channels = vision["output_channels"]
    layer = "mask_decoder.transformer.layers.0."
    return SamConfig(
        vision_config=vision,
        prompt_encoder_config={
            "hidden_size": channels,
            "image_size": vision["image_size"],
            "patch_size": vision["patch_size"],
            "mask_input_channels": file.size("prompt_encoder.mask_downscaling.3.weight", 0),
        },
        mask_decoder_config={
            "hidden_size": channels,
            "mlp_dim": file.size(f"{layer}mlp.lin1.weight", 0),
            "num_hidden_layers": len(file.numbers(r"mask_decoder\.transformer\.layers\.(\d+)\.")),
            "iou_head_hidden_dim": file.size("mask_decoder.iou_prediction_head.layers.0.weight", 0),
        },
    )


def _vision(file: MakersFile) -> dict[str, Any]:
    """Settings of the encoder of pictures.

    Its heads of attention are as wide as relative positions are, and these reach over a window
    or, in few blocks, over the whole picture.
    """
    patch = file.size("image_encoder.patch_embed.proj.weight", 2)
    grid = file.size("image_encoder.pos_embed", 1)
    width = file.size("image_encoder.pos_embed", 3)
    head = file.size(f"{_BLOCKS}0.attn.rel_pos_h", 1)
    if width % head:
        raise file.unfit(f"{_BLOCKS}0.attn.rel_pos_h has {head} columns and {width} channels")
    spans = [
        (file.size(f"{_BLOCKS}{number}.attn.rel_pos_h", 0) + 1) // 2
        for number in file.numbers(r"image_encoder\.blocks\.(\d+)\.attn\.rel_pos_h$")
    ]
    return {
        "hidden_size": width,
        "num_hidden_layers": len(spans),
        "num_attention_heads": width // head,
        "image_size": grid * patch,
        "patch_size": patch,
        "window_size": min(spans),
        "global_attn_indexes": [at for at, span in enumerate(spans) if span == grid],
        "mlp_dim": file.size(f"{_BLOCKS}0.mlp.lin1.weight", 0),
        "output_channels": file.size("image_encoder.neck.0.weight", 0),
        "num_pos_feats": file.size(
            "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix", 1
        ),
    }


LAYOUT = Layout("sam", FILES, "SamModel", _names, _settings)
