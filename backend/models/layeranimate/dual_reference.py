"""The autoencoder whose decoder sees the first and last frame (spec 5.10); used by the pipeline."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from backend.models.layeranimate.attention import Grid, attend, join_heads, split_heads
from backend.models.layeranimate.autoencoder import (
    Decoder,
    Encoder,
    PictureBlock,
    Posterior,
    activated,
    picture_norm,
    posterior,
)
from backend.models.layeranimate.blocks import FrameConvolution, clips_first, images_first
from backend.models.layeranimate.configs import AutoencoderConfig

REFERENCE_HEADS = 8
REFERENCE_HEAD_CHANNELS = 64
FIRST_ATTENDING_LEVEL = 2
"""Levels from here on attend to the references; finer ones only add them to the end frames."""


class FrameStack(nn.Module):
    """Two convolutions over the frames with a residual around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(
            nn.GroupNorm(32, channels), nn.SiLU(), FrameConvolution(channels, channels)
        )
        self.out_layers = nn.Sequential(
            nn.GroupNorm(32, channels),
            nn.SiLU(),
            nn.Dropout(0.0),
            FrameConvolution(channels, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """[clips, c, frames, pixels] -> the same shape."""
        return x + self.out_layers(self.in_layers(x))


class ClipBlock(PictureBlock):
    """A picture block followed by a learned mix with convolutions over the frames."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(channels_in, channels_out)
        self.mix_factor = nn.Parameter(torch.zeros(1))
        self.time_stack = FrameStack(channels_out)

    def over_frames(self, x: Tensor, grid: Grid) -> Tensor:
        """[images, c_in, h, w] -> [images, c_out, h, w]."""
        x = self(x)
        mixed = images_first(self.time_stack(clips_first(x, grid)), *x.shape[-2:])
        share = torch.sigmoid(self.mix_factor)
        return share * mixed + (1.0 - share) * x


class EndFrames(nn.Module):
    """Adds a 1x1 convolution of each reference to the frame it belongs to, first and last."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 1)

    def additions(self, reference: Tensor) -> Tensor:
        """References [clips, c, 2, h, w] -> what the first and last frames get, [clips, 2, ...]."""
        return self.conv(reference.transpose(1, 2).flatten(0, 1)).unflatten(0, (-1, 2))

    def forward(self, x: Tensor, reference: Tensor, grid: Grid) -> Tensor:
        """[images, c, h, w] with reference [clips, c, 2, h, w] -> [images, c, h, w]."""
        added = self.additions(reference)
        changed = x.unflatten(0, (-1, grid.frames)).clone()
        changed[:, 0] += added[:, 0]
        changed[:, -1] += added[:, 1]
        return changed.flatten(0, 1)


class ReferenceAttention(nn.Module):
    """Every frame reads the pixels of both references; residual."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = REFERENCE_HEADS * REFERENCE_HEAD_CHANNELS
        self.to_q = nn.Linear(channels, inner, bias=False)
        self.to_k = nn.Linear(channels, inner, bias=False)
        self.to_v = nn.Linear(channels, inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner, channels), nn.Dropout(0.0))
        self.norm = picture_norm(channels)

    def project(self, reference: Tensor) -> tuple[Tensor, Tensor]:
        """References [clips, c, 2, h, w] -> keys and values [clips, heads, 2 * h * w, d]."""
        seen = reference.flatten(2).transpose(1, 2)  # [clips, 2 * pixels, c]
        return (
            split_heads(self.to_k(seen), REFERENCE_HEADS),
            split_heads(self.to_v(seen), REFERENCE_HEADS),
        )

    def read(self, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """[images, c, h, w] with what `project` gave of their clips -> the same shape."""
        tokens = self.norm(x).flatten(2).transpose(1, 2)  # [images, pixels, c]
        # all frames of a clip read the same references: one long query sequence per clip
        queries = self.to_q(tokens).reshape(keys.shape[0], -1, self.to_q.out_features)
        mixed = attend(split_heads(queries, REFERENCE_HEADS), keys, values)
        out = self.to_out(join_heads(mixed)).reshape(tokens.shape)
        return x + out.transpose(1, 2).unflatten(2, x.shape[-2:])

    def forward(self, x: Tensor, reference: Tensor, grid: Grid) -> Tensor:
        """[images, c, h, w] with reference [clips, c, 2, h, w] -> [images, c, h, w]."""
        del grid
        return self.read(x, *self.project(reference))


class FrameMixingConvolution(nn.Conv2d):
    """A convolution on pictures followed by one over the frames."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(channels_in, channels_out, 3, padding=1)
        self.time_mix_conv = FrameConvolution(channels_out, channels_out)

    def over_frames(self, x: Tensor, grid: Grid) -> Tensor:
        """[images, c, h, w] -> [images, 3, h, w]."""
        x = self(x)
        return images_first(self.time_mix_conv(clips_first(x, grid)), *x.shape[-2:])


class DualDecoder(Decoder):
    """Latents of whole clips to pictures, with or without reference states."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__(config, ClipBlock)
        levels = range(len(config.channel_mult))
        refinement: list[nn.Module] = [_refinement(level, config.width(level)) for level in levels]
        self.attn_refinement = nn.ModuleList([*refinement, EndFrames(config.width(0))])
        self.conv_out = FrameMixingConvolution(config.width(0), config.picture_channels)

    def over_frames(self, z: Tensor, references: list[Tensor] | None, grid: Grid) -> Tensor:
        """[images, c, h, w] -> [images, 3, H, W]; references as `DualAutoencoder.encode` gives."""
        h = self.conv_in(z)
        h = _clip_block(self.mid.block_1, h, grid)
        h = _clip_block(self.mid.block_2, self.mid.attn_1(h), grid)
        for index, level in reversed(list(enumerate(self.levels()))):
            for block in level.block:
                h = _clip_block(block, h, grid)
            h = self._refine(index, h, references, grid)
            h = level.upsample(h)
        h = self._refine(len(self.up), activated(self.norm_out, h), references, grid)
        return cast("FrameMixingConvolution", self.conv_out).over_frames(h, grid)

    def _refine(self, index: int, h: Tensor, references: list[Tensor] | None, grid: Grid) -> Tensor:
        if references is None:
            return h
        return self.attn_refinement[index](h, references[index], grid)


def _refinement(level: int, channels: int) -> nn.Module:
    return EndFrames(channels) if level < FIRST_ATTENDING_LEVEL else ReferenceAttention(channels)


def _clip_block(block: nn.Module, x: Tensor, grid: Grid) -> Tensor:
    return cast("ClipBlock", block).over_frames(x, grid)


class DualAutoencoder(nn.Module):
    """The autoencoder of the two-key mode.

    `post_quant_conv` is in the checkpoint but the official decoding never runs it (spec 0.8).
    """

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        double = 2 * config.latent_channels
        self.encoder = Encoder(config)
        self.decoder = DualDecoder(config)
        self.quant_conv = nn.Conv2d(double, double, 1)
        self.post_quant_conv = nn.Conv2d(config.latent_channels, config.latent_channels, 1)

    def encode(self, x: Tensor) -> Posterior:
        """Pictures [b, 3, H, W] in -1..1 -> posterior over latents, without any scale factor."""
        return posterior(self.encoder, self.quant_conv, x)[0]

    def encode_references(self, pairs: Tensor) -> tuple[Posterior, list[Tensor]]:
        """First and last frames [clips, 2, 3, H, W] -> posterior [clips * 2, ...] and states.

        The states are one per level, finest first, then that of the first layer, each
        [clips, c, 2, h, w].
        """
        found, states = posterior(self.encoder, self.quant_conv, pairs.flatten(0, 1))
        return found, [s.unflatten(0, (-1, 2)).transpose(1, 2) for s in states]

    def decode(self, z: Tensor, frames: int, references: list[Tensor] | None) -> Tensor:
        """Latents [clips * frames, c, h, w] -> pictures [clips * frames, 3, H, W]."""
        grid = Grid(videos=1, frames=frames)
        return self.decoder.over_frames(z, references, grid)
