"""Runs control encoding and whole sampling against golden vectors; called by the runner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from backend.models.layeranimate.bundle import LayerAnimateModel, assemble
from backend.models.layeranimate.clip import ClipTokens, SampleSettings
from backend.models.layeranimate.configs import (
    AutoencoderConfig,
    ControlConfig,
    LayerAnimateConfig,
    ResamplerConfig,
    SchedulerConfig,
    UNetConfig,
)
from backend.models.layeranimate.reference.sampling import denoise_reference, encode_reference
from backend.pipeline.condition import ClipInputs, EncodedClip, encode
from backend.pipeline.decode import decode
from backend.pipeline.sample import DenoiseStep, denoise
from tests.golden.components import Found
from tests.golden.fill import filled
from tests.golden.vectors import GoldenSet, relative_error

COMPONENT_OF_PART = {
    "unet": "unet",
    "layer_controlnet": "layer_controlnet",
    "image_projector": "resampler",
    "vae": "vae",
    "vae_dualref": "vae_dualref",
}


@lru_cache(maxsize=1)
def golden_model(golden: GoldenSet) -> LayerAnimateModel:
    """The model of a golden directory with its filled weights."""
    model = assemble(
        LayerAnimateConfig(
            unet=UNetConfig.from_official(golden.component("unet")),
            control=ControlConfig.from_official(golden.component("layer_controlnet")),
            resampler=ResamplerConfig.from_official(golden.component("resampler")),
            autoencoder=AutoencoderConfig.from_official(golden.component("vae")),
            dual=AutoencoderConfig.from_official(golden.component("vae_dualref")),
            scheduler=SchedulerConfig.from_official(golden.config["scheduler"]),
            latent_scale=float(golden.config["pipeline"]["scale_factor"]),
        )
    )
    for part, network in model.parts().items():
        filled(network, golden.salt, COMPONENT_OF_PART[part])
    return model


def golden_inputs(golden: GoldenSet, mode: str) -> ClipInputs:
    """The stored pipeline inputs; the one-key mode reads the first key frame only."""
    arrays = golden.tensors("pipeline_inputs")
    keys = 1 if mode == "i2v" else 2
    frames = arrays["in_frames"][0, :keys]
    masks = arrays["in_layer_masks"][0, :, :keys].float()
    return ClipInputs(
        frames=frames,
        masks=masks,
        regions=masks * frames,
        static=arrays["in_layer_static"][0],
        validity=arrays["in_layer_validity"][0],
        scores=arrays["in_motion_scores"][0],
        sketch=arrays["in_sketch"][0],
        trajectory=arrays["in_trajectory"][0],
        fps=float(golden.config["pipeline"]["fps"]),
    )


def golden_tokens(golden: GoldenSet) -> ClipTokens:
    """The stored text and image encoder outputs."""
    arrays = golden.arrays("pipeline_inputs")
    return ClipTokens(
        text=arrays["in_text_cond"],
        neutral_text=arrays["in_text_uncond"],
        image=arrays["in_image_tokens_cond"][0],
        neutral_image=arrays["in_image_tokens_uncond"][0],
    )


@dataclass(frozen=True)
class Route:
    """How a clip is encoded and denoised; both routes have the same contract."""

    encode: Callable[[LayerAnimateModel, ClipInputs, ClipTokens], EncodedClip]
    denoise: Callable[
        [LayerAnimateModel, EncodedClip, SampleSettings, Tensor], Iterator[DenoiseStep]
    ]


FINAL = Route(encode, denoise)
REFERENCE = Route(encode_reference, denoise_reference)


@dataclass(frozen=True)
class _Run:
    model: LayerAnimateModel
    clip: EncodedClip


@lru_cache(maxsize=2)
def _encoded(golden: GoldenSet, mode: str, route: Route) -> _Run:
    model = golden_model(golden)
    return _Run(model, route.encode(model, golden_inputs(golden, mode), golden_tokens(golden)))


def check_encoding(golden: GoldenSet, mode: str, route: Route = FINAL) -> Found:
    """Encoded controls of one guidance half."""
    controls = _encoded(golden, mode, route).clip.controls
    found = {
        "layer_latents": controls.latents,
        "layer_latent_mask": controls.mask,
        "sketch": controls.sketch,
        "trajectory": controls.trajectory,
    }
    for name, wanted in golden.arrays(f"encode_controls_{mode}").items():
        if name == "dup_equal":
            # one set of controls serves both halves, so they cannot differ
            yield name, relative_error(np.ones(wanted.shape), wanted)
        else:
            yield name, relative_error(found[name], wanted)


def check_pipeline(golden: GoldenSet, mode: str, route: Route = FINAL) -> Found:
    """All predictions, all latents and the final frames of a short sampling run."""
    official = golden.config["pipeline"]
    settings = SampleSettings(
        steps=int(official["num_inference_steps"]),
        guidance_scale=float(official["guidance_scale"]),
        guidance_rescale=float(official["guidance_rescale"]),
        eta=float(official["eta"]),
    )
    run = _encoded(golden, mode, route)
    noise = golden.tensors("pipeline_inputs")["in_initial_latents"]
    steps = list(route.denoise(run.model, run.clip, settings, noise))
    video = decode(run.model, run.clip, steps[-1].latents)
    wanted = golden.arrays(f"pipeline_{mode}")
    predictions = torch.stack([step.predictions for step in steps])
    latents = torch.stack([step.latents for step in steps])
    yield "unet_pred", relative_error(predictions, wanted["unet_pred"])
    yield "latents_after_step", relative_error(latents, wanted["latents_after_step"])
    yield "video", relative_error(video.transpose(0, 1).unsqueeze(0), wanted["video"])
    timesteps = np.array([step.timestep for step in steps])
    yield "timesteps", relative_error(timesteps, wanted["timesteps"])
