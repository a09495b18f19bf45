"""The KL autoencoder between pictures and latents (spec 5.9); used by pipeline and training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from backend.models.layeranimate.configs import AutoencoderConfig

BlockFactory = Callable[[int, int], nn.Module]
"""Makes a residual block from channels in and channels out."""


def picture_norm(channels: int) -> nn.GroupNorm:
    """The group norm of all 2-D parts."""
    return nn.GroupNorm(32, channels, eps=1e-6)


def activated(norm: nn.Module, x: Tensor) -> Tensor:
    """SiLU of the normalised state, in one buffer where no gradient needs the value between."""
    return F.silu(norm(x), inplace=not torch.is_grad_enabled())


@dataclass(frozen=True)
class Posterior:
    """Gaussian over latents [b, c, h, w]: `mean` and the logarithm of the variance."""

    mean: Tensor
    logvar: Tensor

    def mode(self) -> Tensor:
        """The most likely latents."""
        return self.mean

    def sample(self, generator: torch.Generator) -> Tensor:
        """Latents drawn with an explicit generator (on the CPU, the same on every device)."""
        noise = torch.randn(self.mean.shape, generator=generator, dtype=torch.float32)
        spread = torch.exp(0.5 * self.logvar)
        return self.mean + spread * noise.to(self.mean.device, self.mean.dtype)


class PictureBlock(nn.Module):
    """Residual block of two convolutions on single pictures."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.norm1 = picture_norm(channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm2 = picture_norm(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.nin_shortcut = (
            nn.Identity()
            if channels_in == channels_out
            else nn.Conv2d(channels_in, channels_out, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """[b, c_in, h, w] -> [b, c_out, h, w]."""
        h = self.conv1(activated(self.norm1, x))
        h = self.conv2(activated(self.norm2, h))
        return self.nin_shortcut(x) + h


class PixelAttention(nn.Module):
    """Single-head self attention over all pixels; residual."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = picture_norm(channels)
        self.q = nn.Conv2d(channels, channels, 1)
        self.k = nn.Conv2d(channels, channels, 1)
        self.v = nn.Conv2d(channels, channels, 1)
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[b, c, h, w] -> the same shape."""
        h = self.norm(x)
        q, k, v = (_as_tokens(part(h)) for part in (self.q, self.k, self.v))
        mixed = F.scaled_dot_product_attention(q, k, v).squeeze(1)  # [b, pixels, c]
        return x + self.proj_out(mixed.transpose(1, 2).unflatten(2, x.shape[-2:]))


def _as_tokens(x: Tensor) -> Tensor:
    """[b, c, h, w] -> [b, 1, pixels, c], laid out as fused attention kernels want it."""
    return x.flatten(2).transpose(1, 2).unsqueeze(1).contiguous()


class PictureDownsample(nn.Module):
    """Halves a picture; pads at the right and the bottom only."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """[b, c, h, w] -> [b, c, h / 2, w / 2]."""
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class PictureUpsample(nn.Module):
    """Doubles a picture: nearest neighbour, then a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """[b, c, h, w] -> [b, c, 2 h, 2 w]."""
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class DownLevel(nn.Module):
    """The blocks of one encoder level and, except for the last, the halving after them."""

    def __init__(self, channels_in: int, channels_out: int, blocks: int, halves: bool) -> None:
        super().__init__()
        widths = [channels_in] + [channels_out] * blocks
        self.block = nn.ModuleList(PictureBlock(a, b) for a, b in pairwise(widths))
        self.downsample = PictureDownsample(channels_out) if halves else nn.Identity()


class UpLevel(nn.Module):
    """The blocks of one decoder level and, except for the finest, the doubling after them."""

    def __init__(
        self, channels_in: int, channels_out: int, blocks: int, doubles: bool, make: BlockFactory
    ) -> None:
        super().__init__()
        widths = [channels_in] + [channels_out] * blocks
        self.block = nn.ModuleList(make(a, b) for a, b in pairwise(widths))
        self.upsample = PictureUpsample(channels_out) if doubles else nn.Identity()


class Middle(nn.Module):
    """Block, attention, block at the coarsest level."""

    def __init__(self, channels: int, make: BlockFactory) -> None:
        super().__init__()
        self.block_1 = make(channels, channels)
        self.attn_1 = PixelAttention(channels)
        self.block_2 = make(channels, channels)


class Encoder(nn.Module):
    """Pictures to twice the latent channels."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        last = len(config.channel_mult) - 1
        self.conv_in = nn.Conv2d(config.picture_channels, config.channels, 3, padding=1)
        self.down = nn.ModuleList()
        width = config.channels
        for level in range(last + 1):
            out = config.width(level)
            self.down.append(DownLevel(width, out, config.num_res_blocks, halves=level != last))
            width = out
        self.mid = Middle(width, PictureBlock)
        self.norm_out = picture_norm(width)
        self.conv_out = nn.Conv2d(width, 2 * config.latent_channels, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """[b, 3, H, W] -> [b, 2 c, h, w] and the states of each level, then of the first layer."""
        first = h = self.conv_in(x)
        states: list[Tensor] = []
        for level in cast("list[DownLevel]", list(self.down)):
            for block in level.block:
                h = block(h)
            states.append(h)
            h = level.downsample(h)
        h = self.mid.block_2(self.mid.attn_1(self.mid.block_1(h)))
        return self.conv_out(activated(self.norm_out, h)), [*states, first]


class Decoder(nn.Module):
    """Latents to pictures; levels are stored finest first and run coarsest first."""

    def __init__(self, config: AutoencoderConfig, make: BlockFactory = PictureBlock) -> None:
        super().__init__()
        last = len(config.channel_mult) - 1
        width = config.width(last)
        self.conv_in = nn.Conv2d(config.latent_channels, width, 3, padding=1)
        self.mid = Middle(width, make)
        levels: list[nn.Module] = []
        for level in reversed(range(last + 1)):
            out = config.width(level)
            levels.insert(0, UpLevel(width, out, config.num_res_blocks + 1, level > 0, make))
            width = out
        self.up = nn.ModuleList(levels)
        self.norm_out = picture_norm(width)
        self.conv_out: nn.Module = nn.Conv2d(width, config.picture_channels, 3, padding=1)

    def levels(self) -> list[UpLevel]:
        """The levels in the order they are stored, finest first."""
        return cast("list[UpLevel]", list(self.up))

    def forward(self, z: Tensor) -> Tensor:
        """[b, c, h, w] -> [b, 3, H, W]."""
        h = self.conv_in(z)
        h = self.mid.block_2(self.mid.attn_1(self.mid.block_1(h)))
        for level in reversed(self.levels()):
            for block in level.block:
                h = block(h)
            h = level.upsample(h)
        return self.conv_out(activated(self.norm_out, h))


class Autoencoder(nn.Module):
    """Encoder, decoder and the two 1x1 convolutions around the latents."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        double = 2 * config.latent_channels
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.quant_conv = nn.Conv2d(double, double, 1)
        self.post_quant_conv = nn.Conv2d(config.latent_channels, config.latent_channels, 1)

    def encode(self, x: Tensor) -> Posterior:
        """Pictures [b, 3, H, W] in -1..1 -> posterior over latents, without any scale factor."""
        return posterior(self.encoder, self.quant_conv, x)[0]

    def decode(self, z: Tensor) -> Tensor:
        """Latents [b, c, h, w] -> pictures [b, 3, H, W], about -1..1."""
        return self.decoder(self.post_quant_conv(z))


def posterior(encoder: Encoder, quant: nn.Module, x: Tensor) -> tuple[Posterior, list[Tensor]]:
    """The posterior of pictures and the encoder states that reference decoding reads."""
    moments, states = encoder(x)
    mean, logvar = quant(moments).chunk(2, dim=1)
    return Posterior(mean, logvar.clamp(-30.0, 20.0)), states
