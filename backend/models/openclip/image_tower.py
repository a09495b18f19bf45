"""OpenCLIP's image tower as LayerAnimate reads it: all tokens of the last block (spec 5.11)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from backend.models.openclip.blocks import BlockStack

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True)
class ImageConfig:
    """Sizes; the defaults are those of ViT-H-14. `grid` is the number of patches per side."""

    width: int = 1280
    layers: int = 32
    heads: int = 16
    patch_px: int = 14
    grid: int = 16
    projection: int = 1024

    @property
    def side_px(self) -> int:
        """Width and height of the pictures that the tower sees."""
        return self.patch_px * self.grid


class ImageTower(nn.Module):
    """A picture to one vector per patch and one for the whole; neither normed nor projected."""

    def __init__(self, config: ImageConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.class_embedding = nn.Parameter(torch.zeros(width))
        self.positional_embedding = nn.Parameter(torch.zeros(config.grid**2 + 1, width))
        self.conv1 = nn.Conv2d(3, width, config.patch_px, stride=config.patch_px, bias=False)
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = BlockStack(width, config.heads, config.layers)

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures [b, 3, H, W] in -1..1, any size -> [b, grid^2 + 1, width], the whole first."""
        # squeezed where they are: not every device can, and a CPU does it the same way for all
        weight = self.conv1.weight
        seen = normalised(pictures.float(), self.config.side_px).to(weight.device, weight.dtype)
        patches = self.conv1(seen).flatten(2).transpose(1, 2)
        whole = self.class_embedding.expand(patches.shape[0], 1, -1)
        x = torch.cat([whole, patches], dim=1) + self.positional_embedding
        return self.transformer(self.ln_pre(x), causal=False)


def normalised(pictures: Tensor, side_px: int) -> Tensor:
    """Pictures [b, 3, H, W] in -1..1, squeezed to a square, in the units of CLIP's training."""
    small = F.interpolate(
        pictures, (side_px, side_px), mode="bicubic", align_corners=False, antialias=True
    )
    mean = torch.tensor(CLIP_MEAN, device=small.device).view(3, 1, 1)
    std = torch.tensor(CLIP_STD, device=small.device).view(3, 1, 1)
    return ((small + 1) / 2 - mean) / std
