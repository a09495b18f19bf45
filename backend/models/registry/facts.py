"""What shapes tell about a recognised model, after the strict check; used by `importing`."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

from backend.models.adapters.files import open_adapter
from backend.models.adapters.fitting import check_fits, skeleton
from backend.models.layeranimate.checkpoint import check_folder, read_config
from backend.models.layeranimate.configs import LayerAnimateConfig
from backend.models.openclip.checkpoint import OFFICIAL, check_towers
from backend.models.openclip.tokens import PromptTokens
from backend.models.registry.installed import Fact, installed_models
from backend.models.registry.licences import ADAPTER, LAYERANIMATE, OPENCLIP
from backend.models.registry.sources import Source
from shared.errors import AcetateError

log = logging.getLogger("acetate.models")

OFFICIAL_LAYERANIMATE = LayerAnimateConfig()


def checked_facts(source: Source) -> dict[str, Fact]:
    """Build the model without weights, compare every key and shape, and say what it is.

    Raises `model_corrupt` with what is missing, unexpected or of another shape.
    """
    checks = {LAYERANIMATE: _layeranimate, OPENCLIP: _openclip, ADAPTER: _adapter}
    return checks[source.kind](source) | _counts(source)


def notes(source: Source, facts: dict[str, Fact]) -> tuple[str, ...]:
    """What a user should know beside the facts, one sentence each."""
    found: list[str] = []
    if source.kind == ADAPTER:
        return _adapter_notes(facts)
    if source.kind == LAYERANIMATE:
        if not facts["two_keys"]:
            found.append(
                "vae_dualref is missing: shots are animated from the first key only, "
                "not between two keys"
            )
        found.append(
            "prompts and the first frame's tokens need OpenCLIP ViT-H-14 too (laion2b_s32b_b79k); "
            "until it is imported they stay neutral"
        )
    else:
        found.append(
            "LayerAnimate was trained with the weights laion2b_s32b_b79k; shapes cannot tell them "
            "from another training"
        )
    if not facts["official_sizes"]:
        found.append("its sizes are not those of the released model")
    return tuple(found)


def _layeranimate(source: Source) -> dict[str, Fact]:
    config = check_folder(source.folder)
    control = config.control
    return {
        "control_injection": "concat" if control.concatenate else "add",
        "control_reads_latents": control.uses_noisy_latents,
        "trajectory": "pixels" if control.trajectory_in_pixels else "latents",
        "learned_image_scale": config.unet.trunk.learned_image_scale,
        "layer_fusion": config.unet.layer_fusion,
        "two_keys": config.dual is not None,
        "clip_frames": config.resampler.video_length,
        "text_width": config.unet.trunk.context_dim,
        "image_width": config.resampler.image_dim,
        "official_sizes": _is_official(config),
    }


def _is_official(config: LayerAnimateConfig) -> bool:
    official = OFFICIAL_LAYERANIMATE
    widths = [c.unet.trunk.model_channels for c in (config, official)]
    levels = [c.unet.trunk.channel_mult for c in (config, official)]
    others = [(c.resampler, c.autoencoder) for c in (config, official)]
    return widths[0] == widths[1] and levels[0] == levels[1] and others[0] == others[1]


def _openclip(source: Source) -> dict[str, Fact]:
    sizes = check_towers(source.folder)
    tokens = PromptTokens(source.folder, "OpenCLIP", sizes.text.tokens)
    if tokens.vocabulary > sizes.text.vocabulary:
        detail = f"{tokens.vocabulary} ids for {sizes.text.vocabulary} embedded ones"
        raise AcetateError("model_corrupt", model="OpenCLIP", detail=detail)
    return {
        "text_width": sizes.text.width,
        "text_layers": sizes.text.layers,
        "image_width": sizes.image.width,
        "image_layers": sizes.image.layers,
        "picture_px": sizes.image.side_px,
        "official_sizes": sizes == OFFICIAL,
    }


def _adapter(source: Source) -> dict[str, Fact]:
    about = open_adapter(source.weights[""].files[0], source.folder.name)
    ranks = sorted(set(about.ranks.values()))
    return {
        "modules": len(about.shapes),
        "rank": ranks[-1],
        "alpha": about.settings.lora_alpha,
        "trained_on": about.settings.base,
        "about": about.settings.about,
        "fits": ", ".join(_fitting_models(about.shapes)),
    }


def _fitting_models(shapes: Mapping[str, tuple[int, ...]]) -> Iterator[str]:
    """Names of the installed models that an adapter of these shapes can change."""
    for model in installed_models():
        if model.manifest.kind != LAYERANIMATE:
            continue
        try:
            check_fits(shapes, "", skeleton(read_config(model.folder)))
        except AcetateError as error:
            log.info("%s: %s", model.manifest.name, error.detail)
        else:
            yield model.manifest.name


def _adapter_notes(facts: dict[str, Fact]) -> tuple[str, ...]:
    if facts["fits"]:
        return ()
    return ("it fits no LayerAnimate that is installed now; it is checked again when it is used",)


def _counts(source: Source) -> dict[str, Fact]:
    """Parameters per part, and the number format of the weights."""
    counts: dict[str, Fact] = {}
    formats: set[str] = set()
    for name, weights in source.weights.items():
        label = f"parameters_{name}" if name else "parameters"
        counts[label] = sum(entry.count for entry in weights.table.values())
        formats |= {entry.dtype for entry in weights.table.values() if entry.dtype != "I64"}
    return counts | {"format": "/".join(sorted(formats))}
