"""What of a sample's shape the networks decide; read by the samples."""

from __future__ import annotations

from dataclasses import dataclass

from backend.models.layeranimate.bundle import IMAGE_TOKENS, TEXT_TOKENS
from backend.models.layeranimate.configs import LayerAnimateConfig


@dataclass(frozen=True)
class NetworkSizes:
    """Frames, latents, time steps and tokens; `text` and `image` are [tokens, width]."""

    frames: int
    latent_channels: int
    latent_factor: int
    size_multiple_px: int
    train_steps: int
    text: tuple[int, int]
    image: tuple[int, int]

    @classmethod
    def of(cls, config: LayerAnimateConfig) -> NetworkSizes:
        """The sizes of a model."""
        return cls(
            frames=config.resampler.video_length,
            latent_channels=config.autoencoder.latent_channels,
            latent_factor=config.autoencoder.scale,
            size_multiple_px=config.size_multiple_px,
            train_steps=config.scheduler.train_steps,
            text=(TEXT_TOKENS, config.unet.trunk.context_dim),
            image=(IMAGE_TOKENS, config.resampler.image_dim),
        )
