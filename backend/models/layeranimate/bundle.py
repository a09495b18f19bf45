"""One LayerAnimate model with all its parts; made by the loader, used by the pipeline."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

import torch
from torch import nn

from backend.models.layeranimate.attention import pack_projections
from backend.models.layeranimate.autoencoder import Autoencoder
from backend.models.layeranimate.configs import (
    AutoencoderConfig,
    ControlConfig,
    LayerAnimateConfig,
    ResamplerConfig,
    TrunkConfig,
    UNetConfig,
)
from backend.models.layeranimate.dual_reference import DualAutoencoder
from backend.models.layeranimate.layer_control import LayerControl
from backend.models.layeranimate.placement import Placement
from backend.models.layeranimate.resampler import Resampler
from backend.models.layeranimate.schedule import NoiseSchedule
from backend.models.layeranimate.unet import UNet

TEXT_TOKENS = 77
IMAGE_TOKENS = 257

COMPONENTS = ("unet", "layer_controlnet", "image_projector", "vae", "vae_dualref")
"""Folder names of the released layout, in the order they are loaded."""


@dataclass(frozen=True)
class LayerAnimateModel:
    """All networks of one model, in evaluation mode.

    Key-frame and control pictures go through `autoencoder` in the one-key mode and through `dual`
    (where there is one) in the two-key mode, as the official scripts do. `identity` names the
    weights: whatever is kept of a model's work is kept under it. Weights that came from nowhere
    have one of their own.
    """

    config: LayerAnimateConfig
    unet: UNet
    control: LayerControl
    resampler: Resampler
    autoencoder: Autoencoder
    dual: DualAutoencoder | None
    schedule: NoiseSchedule
    identity: str = field(default_factory=lambda: uuid.uuid4().hex)
    placement: Placement = field(default_factory=Placement, compare=False, repr=False)

    @property
    def clip_frames(self) -> int:
        """Frames of every clip the model makes."""
        return self.config.resampler.video_length

    @property
    def size_multiple_px(self) -> int:
        """Width and height must be multiples of this (64 for the released sizes)."""
        return self.config.size_multiple_px

    @property
    def device(self) -> torch.device:
        """Where the model runs; some parts may rest on the host meanwhile."""
        return self.placement.device or next(self.unet.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the UNet's weights."""
        return self.unet.dtype

    def parts(self) -> dict[str, nn.Module]:
        """The networks by the folder names of the released layout."""
        found: dict[str, nn.Module] = {
            "unet": self.unet,
            "layer_controlnet": self.control,
            "image_projector": self.resampler,
            "vae": self.autoencoder,
        }
        if self.dual is not None:
            found["vae_dualref"] = self.dual
        return found

    def ready(self) -> LayerAnimateModel:
        """Lays the weights out for speed where they are now; returns itself.

        State dicts stay as they are. Call it again after the weights have moved: what moved runs
        all the same, only with more reads. Parts that rest on the host are left alone.
        """
        for name, part in (("unet", self.unet), ("layer_controlnet", self.control)):
            if name in self.placement.resting:
                continue
            pack_projections(part)
            if self.device.type == "cuda":
                _channels_innermost(part)
        return self

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> LayerAnimateModel:
        """Moves every part in place, and none rests elsewhere; returns itself."""
        self.placement.forget()
        for part in self.parts().values():
            part.to(device=device, dtype=dtype)
        return self


def _channels_innermost(network: nn.Module) -> None:
    """Stores the kernels of 2-D convolutions as channels-last pictures want them."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            kernel = module.weight.data
            module.weight.data = kernel.contiguous(memory_format=torch.channels_last)


def assemble(config: LayerAnimateConfig) -> LayerAnimateModel:
    """Networks of these sizes with whatever weights the current default device gives them."""
    model = LayerAnimateModel(
        config=config,
        unet=UNet(config.unet),
        control=LayerControl(config.control),
        resampler=Resampler(config.resampler),
        autoencoder=Autoencoder(config.autoencoder),
        dual=None if config.dual is None else DualAutoencoder(config.dual),
        schedule=NoiseSchedule(config.scheduler),
    )
    for part in model.parts().values():
        part.eval().requires_grad_(False)
    return model


def build(config: LayerAnimateConfig, seed: int) -> LayerAnimateModel:
    """A model with random weights that depend only on `config` and `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return assemble(config)


def tiny_config(clip_frames: int = 16) -> LayerAnimateConfig:
    """The smallest sizes at which every mechanism still works, for tests and dry runs.

    Width 64 is the floor: below it every normalisation group holds one channel and wipes out the
    time and frame-rate embedding (spec 12).
    """
    trunk = TrunkConfig(
        in_channels=8,
        model_channels=64,
        num_res_blocks=1,
        channel_mult=(1, 1, 1, 1),
        head_channels=32,
        context_dim=32,
    )
    control = TrunkConfig(**{**vars(trunk), "in_channels": 5})
    picture = AutoencoderConfig(channels=32, channel_mult=(1, 1, 1, 1), num_res_blocks=1)
    return LayerAnimateConfig(
        unet=UNetConfig(trunk=trunk),
        control=ControlConfig(trunk=control),
        resampler=ResamplerConfig(
            dim=32,
            depth=1,
            head_channels=16,
            heads=2,
            queries_per_frame=4,
            image_dim=32,
            output_dim=32,
            video_length=clip_frames,
        ),
        autoencoder=picture,
        dual=picture,
    )
