"""Tells from a network's state-dict keys what it is, or what else it is; used by `sources`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

from backend.models.openclip.keys import OPENCLIP_MARKS, TRANSFORMERS_MARK
from backend.models.weight_files import Table


class Look(StrEnum):
    """What a network looks like; the values stand in messages."""

    UNET = "LayerAnimate's unet"
    CONTROL = "LayerAnimate's layer_controlnet"
    PROJECTOR = "the image_projector"
    VAE = "the vae"
    DUAL_VAE = "the vae_dualref"
    OPENCLIP = "OpenCLIP"
    TOONCRAFTER = "a ToonCrafter or DynamiCrafter checkpoint, not LayerAnimate"
    PLAIN_UNET = "a video UNet without layer fusion, such as ToonCrafter's, not LayerAnimate's"
    LAYERANIMATE_DIT = "LayerAnimate's DiT variant or Wan, which this version cannot run"
    STABLE_DIFFUSION = "a Stable Diffusion model, not LayerAnimate"
    CLIP_PART = "only one tower of CLIP; both are needed"
    UNKNOWN = "no network that Acetate knows"


COMPONENT_LOOKS = {
    "unet": Look.UNET,
    "layer_controlnet": Look.CONTROL,
    "image_projector": Look.PROJECTOR,
    "vae": Look.VAE,
    "vae_dualref": Look.DUAL_VAE,
}
"""What has to lie in each folder of the published layout."""

_COMPVIS = "model.diffusion_model."
_TEMPORAL = ("init_attn.", ".temopral_conv.")


def look_of(table: Table) -> Look:
    """What a network looks like."""
    keys = set(table)
    return next((look for look, fits in _RULES if fits(keys)), Look.UNKNOWN)


def _has(*wanted: str) -> Callable[[set[str]], bool]:
    return lambda keys: all(key in keys for key in wanted)


def _starts(keys: Iterable[str], *starts: str) -> bool:
    return any(key.startswith(starts) for key in keys)


def _moves(keys: Iterable[str]) -> bool:
    """Whether a UNet has layers over the frames."""
    return any(mark in key for key in keys for mark in _TEMPORAL)


_OFFICIAL_UNET = _has("input_blocks.0.0.weight", "time_embed.linear_1.weight", "out.2.weight")

_RULES: tuple[tuple[Look, Callable[[set[str]], bool]], ...] = (
    (Look.TOONCRAFTER, lambda keys: _starts(keys, _COMPVIS) and _moves(keys)),
    (Look.TOONCRAFTER, lambda keys: "time_embed.0.weight" in keys and _moves(keys)),
    (Look.STABLE_DIFFUSION, lambda keys: _starts(keys, _COMPVIS, "cond_stage_model.")),
    (Look.STABLE_DIFFUSION, _has("time_embed.0.weight")),
    (Look.CONTROL, _has("motion_embedding.weight", "input_blocks.0.0.weight")),
    (
        Look.UNET,
        lambda keys: _OFFICIAL_UNET(keys) and _starts(keys, "masked_layer_fusion_"),
    ),
    (Look.PLAIN_UNET, _OFFICIAL_UNET),
    (Look.PROJECTOR, _has("latents", "layers.0.0.to_q.weight")),
    (Look.DUAL_VAE, _has("encoder.conv_in.weight", "decoder.conv_out.time_mix_conv.weight")),
    (
        Look.VAE,
        _has("encoder.down.0.block.0.conv1.weight", "decoder.conv_in.weight"),
    ),
    (Look.OPENCLIP, _has(*OPENCLIP_MARKS)),
    (Look.OPENCLIP, _has(TRANSFORMERS_MARK, "visual_projection.weight")),
    (Look.LAYERANIMATE_DIT, lambda keys: _starts(keys, "blocks.0.self_attn.q.", "vace_blocks.")),
    (
        Look.STABLE_DIFFUSION,
        lambda keys: _starts(keys, "down_blocks.0.", "encoder.down_blocks.0.", "text_model."),
    ),
    (Look.CLIP_PART, lambda keys: _starts(keys, "vision_model.", "visual.", "token_embedding.")),
)
