"""A batch of arbitrary moments for a tiny model; used by the tests of adapters and students."""

from __future__ import annotations

import torch
from torch import Tensor

from backend.models.layeranimate.bundle import LayerAnimateModel
from training.run.task import Batch

SAMPLES = 2
SLOTS = 2
PLACES = 1
TOKENS = 3


def drawn_batch(model: LayerAnimateModel, seed: int = 0, side: int = 8) -> Batch:
    """Two samples of two slots, one of them with one valid slot; `side` latent pixels a side."""
    generator = torch.Generator().manual_seed(seed)
    config = model.config
    frames, channels = config.resampler.video_length, config.autoencoder.latent_channels
    pixels = side * config.autoencoder.scale

    def draw(*shape: int) -> Tensor:
        return torch.randn(SAMPLES, *shape, generator=generator)

    still = torch.full((SAMPLES,), -20.0)  # log-variance of what is known exactly
    video, region = (frames, channels, side, side), (SLOTS, 2, channels, side, side)
    sketch = (SLOTS, frames, channels, side, side)
    return {
        "timestep": torch.tensor([150, 900]),
        "noise": draw(channels, frames, side, side),
        "two_keys": torch.tensor([True, False]),
        "fps": torch.tensor([24.0, 8.0]),
        "layer_validity": torch.tensor([[True, True], [True, False]]),
        "layer_static": torch.tensor([[True, False], [False, False]]),
        "scores": torch.tensor([[0.0, 0.4], [-1.0, -1.0]]),
        "tracks": torch.rand(SAMPLES, SLOTS, PLACES, frames, 2, generator=generator) * pixels,
        "tracked": torch.tensor([[[False], [False]], [[True], [False]]]),
        "text": draw(TOKENS, config.unet.trunk.context_dim),
        "image": draw(TOKENS, config.resampler.image_dim),
        "video_mean": draw(*video) * 5,
        "video_logvar": still[:, None, None, None, None].expand(SAMPLES, *video).clone(),
        "region_mean": draw(*region),
        "region_logvar": torch.full((SAMPLES, *region), -20.0),
        "region_mask": (draw(SLOTS, 2, 1, side, side) > 0).float(),
        "sketch_mean": draw(*sketch),
        "sketch_logvar": torch.full((SAMPLES, *sketch), -20.0),
    }
