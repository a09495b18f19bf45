"""OpenCLIP's text tower as LayerAnimate reads it: the next to last block, normed (spec 5.11)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from backend.models.openclip.blocks import BlockStack

UNREAD_BLOCKS = 1
"""The last block is in the checkpoint but its output is never asked for."""


@dataclass(frozen=True)
class TextConfig:
    """Sizes; the defaults are those of ViT-H-14. `layers` counts the unread block too."""

    width: int = 1024
    layers: int = 24
    heads: int = 16
    tokens: int = 77
    vocabulary: int = 49408
    projection: int = 1024


class TextTower(nn.Module):
    """Token ids to one vector per token; holds only the weights that are read."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocabulary, config.width)
        self.positional_embedding = nn.Parameter(torch.zeros(config.tokens, config.width))
        self.transformer = BlockStack(config.width, config.heads, config.layers - UNREAD_BLOCKS)
        self.ln_final = nn.LayerNorm(config.width)

    def forward(self, ids: Tensor) -> Tensor:
        """Ids [b, tokens] -> [b, tokens, width]; later tokens are never seen by earlier ones."""
        x = self.token_embedding(ids) + self.positional_embedding
        return self.ln_final(self.transformer(x, causal=True))
