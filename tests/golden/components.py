"""Runs single components of the model against golden vectors; called by the golden runner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from backend.models.layeranimate.attention import Context
from backend.models.layeranimate.autoencoder import Autoencoder
from backend.models.layeranimate.configs import (
    AutoencoderConfig,
    ControlConfig,
    ResamplerConfig,
    SchedulerConfig,
    UNetConfig,
)
from backend.models.layeranimate.dual_reference import DualAutoencoder
from backend.models.layeranimate.layer_control import LayerControl, LayerControls
from backend.models.layeranimate.reference.control import control_features
from backend.models.layeranimate.reference.unet import SlotFeatures, predict
from backend.models.layeranimate.resampler import Resampler
from backend.models.layeranimate.schedule import NoiseSchedule
from backend.models.layeranimate.trajectory import blob_template, raw_maps
from backend.models.layeranimate.unet import LayerFeatures, UNet
from tests.golden.fill import filled
from tests.golden.vectors import Arrays, GoldenSet, relative_error

Found = Iterator[tuple[str, float]]
"""Name of each expected tensor with its error."""

Inputs = dict[str, Tensor]
"""The stored inputs of the component checks, by name."""

FeaturesOf = Callable[[LayerControl, LayerControls, Context, Inputs], list[Tensor]]
"""Runs a control branch: its features, finest first."""

PredictionOf = Callable[[UNet, Context, Inputs, list[Tensor] | None, Tensor], Tensor]
"""Runs a UNet on stored features, or on none, with a validity [rows, n]."""


def final_features(
    branch: LayerControl, controls: LayerControls, context: Context, inputs: Inputs
) -> list[Tensor]:
    """The control branch as production runs it."""
    stem = branch.stem(controls, inputs["in_x"])
    keys = branch.project_context(context)
    return branch.features(stem, inputs["in_timesteps"], keys, inputs["in_fps"])


def final_prediction(
    unet: UNet, context: Context, inputs: Inputs, maps: list[Tensor] | None, valid: Tensor
) -> Tensor:
    """The UNet as production runs it."""
    layers = None if maps is None else LayerFeatures(maps, valid)
    keys = unet.project_context(context)
    return unet(inputs["in_x"], inputs["in_timesteps"], keys, inputs["in_fps"], layers)


def reference_features(
    branch: LayerControl, controls: LayerControls, context: Context, inputs: Inputs
) -> list[Tensor]:
    """The control branch in the reference mode."""
    times, fps = inputs["in_timesteps"], inputs["in_fps"]
    return control_features(branch, controls, context, times, fps, inputs["in_x"])


def reference_prediction(
    unet: UNet, context: Context, inputs: Inputs, maps: list[Tensor] | None, valid: Tensor
) -> Tensor:
    """The UNet in the reference mode."""
    slots = None if maps is None else SlotFeatures(maps, valid)
    return predict(unet, inputs["in_x"], inputs["in_timesteps"], context, inputs["in_fps"], slots)


def _context(inputs: dict[str, Tensor]) -> Context:
    frames = inputs["in_x"].shape[2]
    return Context(inputs["in_context_text"], inputs["in_context_img"].unflatten(1, (frames, -1)))


def _controls(inputs: dict[str, Tensor]) -> LayerControls:
    return LayerControls(
        latents=inputs["in_layer_latents"],
        mask=inputs["in_layer_latent_mask"],
        scores=inputs["in_motion_scores"],
        sketch=inputs["in_sketch"],
        trajectory=inputs["in_trajectory"],
    )


def check_layer_control(golden: GoldenSet, features_of: FeaturesOf = final_features) -> Found:
    """Features of the released branch and of its two variants."""
    inputs = golden.tensors("components_inputs")
    variants = {
        "add": "layer_controlnet",
        "concat": "layer_controlnet_concat",
        "noisy": "layer_controlnet_noisy",
    }
    for variant, component in variants.items():
        wanted = {
            name: value
            for name, value in golden.tensors("layer_controlnet").items()
            if name.startswith(f"{variant}_out_")
        }
        if not wanted:
            continue
        config = ControlConfig.from_official(golden.component(component))
        branch = filled(LayerControl(config), golden.salt, component)
        found = features_of(branch, _controls(inputs), _context(inputs), inputs)
        for name, value in wanted.items():
            yield name, relative_error(found[int(name.rsplit("_", 1)[1])], value)


def check_unet(golden: GoldenSet, prediction_of: PredictionOf = final_prediction) -> Found:
    """The UNet on stored control features, without any, and with all slots invalid."""
    inputs = golden.tensors("components_inputs")
    stored = golden.tensors("layer_controlnet")
    count = sum(name.startswith("add_out_") for name in stored)
    maps = [stored[f"add_out_{index}"] for index in range(count)]
    official = UNetConfig.from_official(golden.component("unet"))
    valid = inputs["in_layer_validity"]
    released = filled(UNet(official), golden.salt, "unet")
    uniform = UNet(replace(official, uniform_when_all_invalid=True)).eval()
    uniform.load_state_dict(released.state_dict(), assign=True)
    cases = {
        "out": (released, maps, valid),
        "out_no_controls": (released, None, valid),
        "out_all_invalid": (uniform, maps, torch.zeros_like(valid)),
    }
    for name, value in golden.tensors("unet").items():
        unet, features, slots = cases[name]
        found = prediction_of(unet, _context(inputs), inputs, features, slots)
        yield name, relative_error(found, value)


def check_resampler(golden: GoldenSet) -> Found:
    """Picture tokens to context tokens."""
    arrays = golden.tensors("resampler")
    config = ResamplerConfig.from_official(golden.component("resampler"))
    resampler = filled(Resampler(config), golden.salt, "resampler")
    yield "out", relative_error(resampler(arrays["in_image_tokens"]).flatten(1, 2), arrays["out"])


def check_vae(golden: GoldenSet) -> Found:
    """Posterior and decoding of the plain autoencoder."""
    arrays = golden.tensors("vae")
    config = AutoencoderConfig.from_official(golden.component("vae"))
    vae = filled(Autoencoder(config), golden.salt, "vae")
    found = vae.encode(arrays["in_frames"])
    yield "mean", relative_error(found.mean, arrays["mean"])
    yield "logvar", relative_error(found.logvar, arrays["logvar"])
    yield "decoded", relative_error(vae.decode(arrays["in_z"]), arrays["decoded"])


def check_dual(golden: GoldenSet) -> Found:
    """Reference states and decoding with and without them."""
    inputs, arrays = golden.tensors("vae"), golden.tensors("vae_dualref")
    config = AutoencoderConfig.from_official(golden.component("vae_dualref"))
    vae = filled(DualAutoencoder(config), golden.salt, "vae_dualref")
    found, states = vae.encode_references(inputs["in_frames"].unsqueeze(0))
    frames = int(inputs["in_z"].shape[0])
    yield "mean", relative_error(found.mean, arrays["mean"])
    for index, state in enumerate(states):
        yield f"hidden_{index}", relative_error(state, arrays[f"hidden_{index}"])
    decoded = vae.decode(inputs["in_z"], frames, states)
    yield "decoded", relative_error(decoded, arrays["decoded"])
    plain = vae.decode(inputs["in_z"], frames, None)
    yield "decoded_noref", relative_error(plain, arrays["decoded_noref"])


def _tracks_by_layer(arrays: Arrays, prefix: str, layers: int) -> list[np.ndarray]:
    tracks, index = arrays[f"{prefix}in_tracks"], arrays[f"{prefix}in_layer_index"]
    return [tracks[:, index == layer] for layer in range(layers)]


def check_heatmap(golden: GoldenSet) -> Found:
    """Trajectory maps before normalisation, at every stored size, and the blob template."""
    arrays = golden.arrays("heatmap")
    for name, wanted in arrays.items():
        if name.endswith("raw"):
            frames, layers, _, height, width = wanted.shape
            tracks = _tracks_by_layer(arrays, name.removesuffix("raw"), layers)
            yield name, relative_error(raw_maps(tracks, frames, width, height), wanted)
        elif name == "template":
            yield name, relative_error(blob_template(), wanted)


def check_scheduler(golden: GoldenSet) -> Found:
    """Signal shares and time steps."""
    schedule = NoiseSchedule(SchedulerConfig.from_official(golden.config["scheduler"]))
    for name, wanted in golden.arrays("scheduler").items():
        if name == "alphas_cumprod":
            yield name, relative_error(schedule.signal_shares, wanted)
        elif name.startswith("timesteps_"):
            steps = int(name.rsplit("_", 1)[1])
            yield name, relative_error(np.array(schedule.timesteps(steps)), wanted)
