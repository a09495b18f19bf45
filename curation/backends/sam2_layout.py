"""SAM 2 as its makers publish it, `sam2.1_hiera_*.pt`: names and sizes; `sam2` loads with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from curation.backends.makers_file import Layout, MakersFile, renamed
from curation.backends.sam_layout import PROMPT_RULES

FILES = (
    *(f"sam2.1_hiera_{size}.safetensors" for size in ("tiny", "small", "base_plus", "large")),
    *(f"sam2_hiera_{size}.safetensors" for size in ("tiny", "small", "base_plus", "large")),
    "sam2.safetensors",
)
"""Of both releases, made of the published `.pt`, and one of any of these sizes."""


@dataclass(frozen=True)
class _Size:
    """What no shape tells of an encoder. `heads`: of attention in the first stage, twice as many
    in the next; `everywhere`: blocks without windows; `windows`: sides, by stage.
    """

    heads: int
    everywhere: tuple[int, ...]
    windows: tuple[int, ...] = (8, 4, 14, 7)


_SIZES: dict[tuple[int, ...], _Size] = {
    (1, 2, 7, 2): _Size(1, (5, 7, 9)),
    (1, 2, 11, 2): _Size(1, (7, 10, 13)),
    (2, 3, 16, 3): _Size(2, (12, 16, 20)),
    (2, 6, 36, 4): _Size(2, (23, 33, 43), (8, 4, 16, 8)),
}
"""By blocks per stage, tiny to large; after the settings published beside the files."""

_RULES = (
    *PROMPT_RULES,
    (r"^(prompt_encoder|mask_decoder)\.", r"sam_\1."),
    (r"^vision_encoder\.backbone\.", "image_encoder.trunk."),
    (r"^vision_encoder\.neck\.convs\.(\d+)\.", r"image_encoder.neck.convs.\1.conv."),
    (r"^no_memory_embedding$", "no_mem_embed"),
    (r"^no_memory_positional_encoding$", "no_mem_pos_enc"),
    (r"^memory_temporal_positional_encoding$", "maskmem_tpos_enc"),
    (r"^no_object_pointer$", "no_obj_ptr"),
    (r"^occlusion_spatial_embedding_parameter$", "no_obj_embed_spatial"),
    (r"^temporal_positional_encoding_projection_layer\.", "obj_ptr_tpos_proj."),
    (r"^object_pointer_proj\.", "obj_ptr_proj."),
    (r"^memory_encoder\.feature_projection\.", "memory_encoder.pix_feat_proj."),
    (r"^memory_encoder\.projection\.", "memory_encoder.out_proj."),
    (r"^memory_encoder\.memory_fuser\.", "memory_encoder.fuser."),
    (r"\.depthwise_conv\.", ".dwconv."),
    (r"\.pointwise_conv(\d)\.", r".pwconv\1."),
    (r"\.scale$", ".gamma"),
    (r"\.o_proj\.", ".out_proj."),
    (r"\blayer_norm", "norm"),
)
_POINTS = "prompt_encoder.point_embed.weight"
_SHRINKER = re.compile(r"^memory_encoder\.mask_downsampler\.(?:layers\.(\d+)\.(\w+)|final_conv)\.")
_STEPS = 4
"""By which the shrinker of masks halves them, to a sixteenth."""

_TRUNK = "image_encoder.trunk."


def _names(key: str) -> tuple[str, ...]:
    """The makers keep each kind of point, and number the shrinker's parts through."""
    if key == _POINTS:
        return tuple(f"sam_prompt_encoder.point_embeddings.{kind}.weight" for kind in range(4))
    if step := _SHRINKER.match(key):
        number = 3 * int(step[1] or _STEPS) + (step[2] == "layer_norm")
        return (f"memory_encoder.mask_downsampler.encoder.{number}.{key[step.end() :]}",)
    return (renamed(key, _RULES),)


def _settings(file: MakersFile) -> Any:  # noqa: ANN401 - a Sam2VideoConfig; imported late
    """The network's `Sam2VideoConfig`, told from the shapes. Raises `weights_unfit`."""
    from transformers import Sam2VideoConfig

    channels = file.size("image_encoder.neck.convs.0.conv.weight", 0)
    layer = "sam_mask_decoder.transformer.layers.0."
    fuser = "memory_encoder.fuser.layers.0."
    return Sam2VideoConfig(
        vision_config=_vision(file, channels),
        prompt_encoder_config={
            "hidden_size": channels,
            "mask_input_channels": file.size("sam_prompt_encoder.mask_downscaling.3.weight", 0),
        },
        mask_decoder_config={
            "hidden_size": channels,
            "mlp_dim": file.size(f"{layer}mlp.layers.0.weight", 0),
            "iou_head_hidden_dim": file.size(
                "sam_mask_decoder.iou_prediction_head.layers.0.weight", 0
            ),
        },
        num_maskmem=file.size("maskmem_tpos_enc", 0),
        enable_occlusion_spatial_embedding="no_obj_embed_spatial" in file.shapes,
        enable_temporal_pos_encoding_for_object_pointers="obj_ptr_tpos_proj.weight" in file.shapes,
        memory_attention_hidden_size=channels,
        memory_attention_num_layers=len(file.numbers(r"memory_attention\.layers\.(\d+)\.")),
        memory_attention_feed_forward_hidden_size=file.size(
            "memory_attention.layers.0.linear1.weight", 0
        ),
        memory_encoder_hidden_size=channels,
        memory_encoder_output_channels=file.size("memory_encoder.out_proj.weight", 0),
        mask_downsampler_embed_dim=file.size("memory_encoder.pix_feat_proj.weight", 0),
        memory_fuser_embed_dim=file.size(f"{fuser}gamma", 0),
        memory_fuser_intermediate_dim=file.size(f"{fuser}pwconv1.weight", 0),
    )


def _vision(file: MakersFile, channels: int) -> dict[str, Any]:
    """Settings of the encoder of pictures."""
    blocks = file.numbers(r"image_encoder\.trunk\.blocks\.(\d+)\.norm1\.weight$")
    wider = file.numbers(r"image_encoder\.trunk\.blocks\.(\d+)\.proj\.weight$")
    stages = tuple(end - start for start, end in pairwise((0, *wider, len(blocks))))
    if stages not in _SIZES:
        told = " + ".join(map(str, stages[:8]))
        raise file.unfit(f"{_TRUNK}blocks are {told}, of which no size of SAM 2 is made")
    size = _SIZES[stages]
    widths = _doubling(file.size(f"{_TRUNK}pos_embed", 1), len(stages))
    return {
        "model_type": "sam2_vision_model",
        "backbone_config": {
            "model_type": "sam2_hiera_det_model",
            "hidden_size": widths[0],
            "num_attention_heads": size.heads,
            "blocks_per_stage": list(stages),
            "embed_dim_per_stage": widths,
            "num_attention_heads_per_stage": _doubling(size.heads, len(stages)),
            "window_size_per_stage": list(size.windows),
            "window_positional_embedding_background_size": [
                file.size(f"{_TRUNK}pos_embed", axis) for axis in (2, 3)
            ],
            "global_attention_blocks": list(size.everywhere),
        },
        "backbone_channel_list": widths[::-1],
        "fpn_hidden_size": channels,
    }


def _doubling(first: int, count: int) -> list[int]:
    return [first << stage for stage in range(count)]


LAYOUT = Layout("sam2", FILES, "Sam2VideoModel", _names, _settings)
