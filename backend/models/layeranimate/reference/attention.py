"""Attention with all its scores written out, and the transformers made of it (spec 5.3, 5.4).

Called by the blocks of the reference mode. Everything here only reads weights: no forward of the
production modules runs, so that the two can be held against each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from einops import rearrange
from torch import Tensor, nn

from backend.models.layeranimate.attention import (
    ContextAttention,
    FeedForward,
    GatedLinear,
    SelfAttention,
    SpatialBlock,
    SpatialTransformer,
    TemporalBlock,
    TemporalTransformer,
)


@dataclass(frozen=True)
class ImageContext:
    """Context written out for every image: `text` and `image`, each [images, tokens, c]."""

    text: Tensor
    image: Tensor


def linear(layer: nn.Module, x: Tensor) -> Tensor:
    """[..., c_in] -> [..., c_out]."""
    held = cast("nn.Linear", layer)
    return F.linear(x, held.weight, held.bias)


def group_norm(layer: nn.Module, x: Tensor) -> Tensor:
    """[b, c, ...] -> the same shape; statistics run over everything behind the channels."""
    held = cast("nn.GroupNorm", layer)
    return F.group_norm(x, held.num_groups, held.weight, held.bias, held.eps)


def layer_norm(layer: nn.Module, x: Tensor) -> Tensor:
    """[..., c] -> the same shape."""
    held = cast("nn.LayerNorm", layer)
    return F.layer_norm(x, held.normalized_shape, held.weight, held.bias, held.eps)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[b, tokens, heads * d] -> [b * heads, tokens, d]."""
    return rearrange(x, "b tokens (heads d) -> (b heads) tokens d", heads=heads).contiguous()


def join_heads(x: Tensor, heads: int) -> Tensor:
    """[b * heads, tokens, d] -> [b, tokens, heads * d]."""
    return rearrange(x, "(b heads) tokens d -> b tokens (heads d)", heads=heads).contiguous()


def weigh(q: Tensor, k: Tensor, v: Tensor, hidden: Tensor | None = None) -> Tensor:
    """softmax(q k^T / sqrt(d)) v over [b, tokens, d]; `hidden` keys [b, 1, tokens] weigh nothing.

    Where all keys are hidden the weights are equal, because the masked score is finite.
    """
    scores = torch.einsum("bid,bjd->bij", q, k) * q.shape[-1] ** -0.5
    if hidden is not None:
        scores = scores.masked_fill(hidden, torch.finfo(scores.dtype).min)
    return torch.einsum("bij,bjd->bid", scores.softmax(dim=-1), v)


def attend(
    layer: SelfAttention | ContextAttention, x: Tensor, seen: Tensor, image: Tensor | None = None
) -> Tensor:
    """Tokens x [b, tokens, c] read the tokens `seen`, and `image` tokens with keys of their own."""
    heads = layer.heads
    q = split_heads(linear(layer.to_q, x), heads)
    k = split_heads(linear(layer.to_k, seen), heads)
    v = split_heads(linear(layer.to_v, seen), heads)
    out = join_heads(weigh(q, k, v), heads)
    if image is not None and isinstance(layer, ContextAttention):
        k = split_heads(linear(layer.to_k_ip, image), heads)
        v = split_heads(linear(layer.to_v_ip, image), heads)
        read = join_heads(weigh(q, k, v), heads)
        out = out + (read if layer.alpha is None else read * (torch.tanh(layer.alpha) + 1))
    return linear(layer.to_out[0], out)


def feed_forward(layer: FeedForward, x: Tensor) -> Tensor:
    """[..., c] -> [..., c]."""
    gated = cast("GatedLinear", layer.net[0])
    value, gate = linear(gated.proj, x).chunk(2, dim=-1)
    return linear(layer.net[2], value * F.gelu(gate))


def _spatial_block(block: SpatialBlock, x: Tensor, context: ImageContext) -> Tensor:
    """[images, pixels, c] -> the same shape."""
    inner = layer_norm(block.norm1, x)
    x = attend(block.attn1, inner, inner) + x
    x = attend(block.attn2, layer_norm(block.norm2, x), context.text, context.image) + x
    return feed_forward(block.ff, layer_norm(block.norm3, x)) + x


def _temporal_block(block: TemporalBlock, x: Tensor) -> Tensor:
    """[clips * pixels, frames, c] -> the same shape."""
    inner = layer_norm(block.norm1, x)
    x = attend(block.attn1, inner, inner) + x
    inner = layer_norm(block.norm2, x)
    x = attend(block.attn2, inner, inner) + x
    return feed_forward(block.ff, layer_norm(block.norm3, x)) + x


def _blocks(blocks: nn.ModuleList) -> Iterator[nn.Module]:
    return iter(blocks)


def spatial_transformer(module: SpatialTransformer, x: Tensor, context: ImageContext) -> Tensor:
    """[images, c, h, w] -> the same shape; pixels of one image attend to each other."""
    height, width = x.shape[-2:]
    tokens = rearrange(group_norm(module.norm, x), "b c h w -> b (h w) c").contiguous()
    tokens = linear(module.proj_in, tokens)
    for block in _blocks(module.transformer_blocks):
        tokens = _spatial_block(cast("SpatialBlock", block), tokens, context)
    tokens = linear(module.proj_out, tokens)
    out = rearrange(tokens, "b (h w) c -> b c h w", h=height, w=width).contiguous()
    return out + x


def temporal_transformer(module: TemporalTransformer, x: Tensor) -> Tensor:
    """[clips, c, frames, h, w] -> the same shape; frames of one pixel attend to each other.

    The first temporal transformer keeps its projections as convolutions of kernel 1.
    """
    clips, _, _, height, width = x.shape
    convolved = isinstance(module.proj_in, nn.Conv1d)
    lines = rearrange(group_norm(module.norm, x), "b c t h w -> (b h w) c t").contiguous()
    if convolved:
        lines = _pointwise(module.proj_in, lines)
    tokens = rearrange(lines, "b c t -> b t c").contiguous()
    if not convolved:
        tokens = linear(module.proj_in, tokens)
    for block in _blocks(module.transformer_blocks):
        tokens = _temporal_block(cast("TemporalBlock", block), tokens)
    if convolved:
        lines = _pointwise(module.proj_out, rearrange(tokens, "b t c -> b c t").contiguous())
    else:
        lines = rearrange(linear(module.proj_out, tokens), "b t c -> b c t")
    shape = {"b": clips, "h": height, "w": width}
    return rearrange(lines, "(b h w) c t -> b c t h w", **shape).contiguous() + x


def _pointwise(layer: nn.Module, x: Tensor) -> Tensor:
    """[b, c_in, tokens] -> [b, c_out, tokens]."""
    held = cast("nn.Conv1d", layer)
    return F.conv1d(x, held.weight, held.bias)
