"""Attention and transformer modules of LayerAnimate (spec 5.3, 5.4); used by its blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from backend.models.layeranimate.normalise import GroupNorm
from backend.models.layeranimate.overwriting import may_overwrite

ATTENTION_BATCH_LIMIT = 32768
"""Rows per attention call; CUDA kernels put the batch on a grid axis of at most 65535."""


@dataclass(frozen=True)
class Grid:
    """How a folded batch [rows * videos * frames, c, h, w] is ordered.

    One row is one context (text, image, time step); each row holds `videos` clips that share it
    (the layer slots in the control branch, the seeds in the UNet); each clip has `frames` frames.
    How many rows there are is the tensor's own affair: a state that is the same in all rows, as
    both guidance halves are until they meet their contexts, has one.
    """

    videos: int
    frames: int

    @property
    def images(self) -> int:
        """Frames in one row."""
        return self.videos * self.frames

    def rows(self, x: Tensor) -> int:
        """Rows of a folded batch."""
        return x.shape[0] // self.images

    def widened(self, x: Tensor, rows: int) -> Tensor:
        """A folded batch with its one row repeated, or as it is."""
        if self.rows(x) == rows:
            return x
        return x.unsqueeze(0).expand(rows, *x.shape).reshape(-1, *x.shape[1:])

    def added(self, x: Tensor, change: Tensor) -> Tensor:
        """The sum of two folded batches, of which the first may have one row only."""
        if x.shape[0] == change.shape[0]:
            return x + change
        return (change.unflatten(0, (-1, x.shape[0])) + x).flatten(0, 1)


@dataclass(frozen=True)
class Context:
    """What cross attentions read: `text` [rows, tokens, c], `image` [rows, frames, tokens, c]."""

    text: Tensor
    image: Tensor

    @property
    def rows(self) -> int:
        """Number of contexts."""
        return int(self.text.shape[0])


Rows = tuple[int, ...]
"""Numbers of neighbouring context rows, ascending."""


@dataclass(frozen=True)
class KeyValues:
    """A context projected for one cross attention; made once per clip, read at every step.

    `text_*` [rows, heads, tokens, d], `image_*` [rows, frames, heads, tokens, d].
    """

    text_k: Tensor
    text_v: Tensor
    image_k: Tensor
    image_v: Tensor

    def select(self, rows: Rows) -> KeyValues:
        """Only these neighbouring rows, as views."""
        part = slice(rows[0], rows[-1] + 1)
        return KeyValues(
            self.text_k[part], self.text_v[part], self.image_k[part], self.image_v[part]
        )


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[..., tokens, heads * d] -> [..., heads, tokens, d]."""
    return x.unflatten(-1, (heads, -1)).transpose(-3, -2)


def join_heads(x: Tensor) -> Tensor:
    """[..., heads, tokens, d] -> [..., tokens, heads * d]."""
    return x.transpose(-3, -2).flatten(-2)


def as_tokens(x: Tensor) -> Tensor:
    """[images, c, h, w] -> [images, pixels, c]; a view where the channels lie innermost."""
    return x.flatten(2).transpose(1, 2)


def as_picture(tokens: Tensor, like: Tensor) -> Tensor:
    """[images, pixels, c] -> [images, c, h, w] of the size of `like`, channels innermost."""
    return tokens.transpose(1, 2).unflatten(2, like.shape[-2:])


def clips_first(x: Tensor, grid: Grid) -> Tensor:
    """[images, c, h, w] -> [clips, c, frames, pixels]; a view with the channels innermost."""
    return x.unflatten(0, (-1, grid.frames)).transpose(1, 2).flatten(3)


def images_first(x: Tensor, height: int, width: int) -> Tensor:
    """[clips, c, frames, h * w] -> [images, c, h, w]."""
    return x.transpose(1, 2).flatten(0, 1).unflatten(2, (height, width))


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(d)) v over [batch, heads, tokens, d], in slices of the batch."""
    if q.shape[0] <= ATTENTION_BATCH_LIMIT:
        return F.scaled_dot_product_attention(q, k, v)
    parts = zip(
        q.split(ATTENTION_BATCH_LIMIT),
        k.split(ATTENTION_BATCH_LIMIT),
        v.split(ATTENTION_BATCH_LIMIT),
        strict=True,
    )
    return torch.cat([F.scaled_dot_product_attention(a, b, c) for a, b, c in parts])


class PackedProjections:
    """Several linear layers on one input as one matrix product that reads the input once.

    `pack` lays the weights behind each other in memory; each layer keeps its own as a view, so
    that state dicts and training see no difference. Where they do not lie so (before packing, or
    moved since) the layers run one by one.
    """

    def __init__(self, *layers: nn.Linear) -> None:
        self._layers = layers
        self._together: Tensor | None = None

    def pack(self) -> None:
        """Moves the weights next to each other, on the device where they are."""
        together = torch.cat([layer.weight.data for layer in self._layers])
        sizes = [layer.out_features for layer in self._layers]
        for layer, part in zip(self._layers, together.split(sizes), strict=True):
            layer.weight.data = part
        self._together = together

    def __call__(self, x: Tensor) -> tuple[Tensor, ...]:
        """[..., c] -> one [..., out] of each layer; views of one tensor where packed."""
        together = self._packed()
        if together is None or torch.is_grad_enabled():
            return tuple(layer(x) for layer in self._layers)
        sizes = [layer.out_features for layer in self._layers]
        return F.linear(x, together).split(sizes, dim=-1)

    def _packed(self) -> Tensor | None:
        """All weights in one tensor, or None where they have been moved apart."""
        together, first = self._together, self._layers[0].weight
        if together is None:
            return None
        if torch.compiler.is_compiling():  # a graph can't ask for addresses; weights rest by then
            return together if first.device == together.device else None
        if first.device != together.device or first.data_ptr() != together.data_ptr():
            self._together = together = None  # or the old memory would live on
        return together


def pack_projections(network: nn.Module) -> None:
    """Packs the projections of all attentions inside a network that will not be moved again."""
    for module in network.modules():
        packed = getattr(module, "packed", None)
        if isinstance(packed, PackedProjections):
            packed.pack()


class SelfAttention(nn.Module):
    """Attention of tokens [batch, tokens, c] among themselves."""

    def __init__(self, channels: int, heads: int, head_channels: int, dropout: float) -> None:
        super().__init__()
        inner = heads * head_channels
        self.heads = heads
        self.to_q = nn.Linear(channels, inner, bias=False)
        self.to_k = nn.Linear(channels, inner, bias=False)
        self.to_v = nn.Linear(channels, inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner, channels), nn.Dropout(dropout))
        self.packed = PackedProjections(self.to_q, self.to_k, self.to_v)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, tokens, c] -> the same shape."""
        q, k, v = (split_heads(part, self.heads) for part in self.packed(x))
        return self.to_out(join_heads(attend(q, k, v)))


class ContextAttention(nn.Module):
    """Cross attention to text and, with its own keys and values, to that frame's image tokens."""

    def __init__(
        self,
        channels: int,
        context_dim: int,
        heads: int,
        head_channels: int,
        dropout: float,
        learned_image_scale: bool,
    ) -> None:
        super().__init__()
        inner = heads * head_channels
        self.heads = heads
        self.to_q = nn.Linear(channels, inner, bias=False)
        self.to_k = nn.Linear(context_dim, inner, bias=False)
        self.to_v = nn.Linear(context_dim, inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner, channels), nn.Dropout(dropout))
        self.to_k_ip = nn.Linear(context_dim, inner, bias=False)
        self.to_v_ip = nn.Linear(context_dim, inner, bias=False)
        self.alpha = nn.Parameter(torch.zeros(())) if learned_image_scale else None

    def project(self, context: Context) -> KeyValues:
        """Keys and values of a context; they depend on nothing else."""
        return KeyValues(
            text_k=split_heads(self.to_k(context.text), self.heads),
            text_v=split_heads(self.to_v(context.text), self.heads),
            image_k=split_heads(self.to_k_ip(context.image), self.heads),
            image_v=split_heads(self.to_v_ip(context.image), self.heads),
        )

    def forward(self, x: Tensor, keys: KeyValues, grid: Grid) -> Tensor:
        """[images, pixels, c] -> the same, with as many rows as the keys have."""
        q = grid.widened(self.to_q(x), keys.text_k.shape[0])
        # text is the same for every frame and clip of a row: one long query sequence per row
        by_row = split_heads(q.view(keys.text_k.shape[0], -1, q.shape[-1]), self.heads)
        text = join_heads(attend(by_row, keys.text_k, keys.text_v)).view_as(q)
        by_image = split_heads(q, self.heads)  # [images, heads, pixels, d]
        image = join_heads(
            attend(by_image, _per_image(keys.image_k, grid), _per_image(keys.image_v, grid))
        )
        if self.alpha is not None:
            image = image * (torch.tanh(self.alpha) + 1)
        return self.to_out(text + image)


def _per_image(x: Tensor, grid: Grid) -> Tensor:
    """[rows, frames, heads, tokens, d] -> [images, heads, tokens, d], repeated over the videos."""
    wide = x.unsqueeze(1).expand(-1, grid.videos, *x.shape[1:])
    return wide.reshape(-1, *x.shape[2:])


class GatedLinear(nn.Module):
    """Linear whose second output half gates the first through an exact GELU."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.proj = nn.Linear(channels, 2 * inner)

    def forward(self, x: Tensor) -> Tensor:
        """[..., c] -> [..., inner]."""
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    """Gated feed-forward of four times the width."""

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        inner = 4 * channels
        self.net = nn.Sequential(
            GatedLinear(channels, inner), nn.Dropout(dropout), nn.Linear(inner, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """[..., c] -> [..., c]."""
        return self.net(x)

    def onto(self, residual: Tensor, x: Tensor) -> Tensor:
        """`residual` plus the result for `x` less its bias, in one pass; see `closed`.

        Where it may be, `residual` is overwritten.
        """
        hidden = self.net[1](self.net[0](x)).flatten(0, -2)
        flat, weight = residual.flatten(0, -2), self.closing.weight.t()
        place = flat if may_overwrite(flat) else None
        return torch.addmm(flat, hidden, weight, out=place).view_as(residual)

    @property
    def closing(self) -> nn.Linear:
        """The layer whose bias `onto` leaves to whoever reads its result."""
        return cast("nn.Linear", self.net[2])


def closed(
    projection: nn.Linear | PointwiseLinear, tokens: Tensor, missing: Tensor | None
) -> Tensor:
    """`projection` of tokens to which the vector `missing` was not added yet, in one product."""
    weight, bias = projection.weight.flatten(1), projection.bias
    if missing is not None and bias is not None:
        bias = torch.addmv(bias, weight, missing)
    return F.linear(tokens, weight, bias)


class SpatialBlock(nn.Module):
    """Self attention within a frame, cross attention to the context, feed-forward."""

    def __init__(
        self, channels: int, context_dim: int, heads: int, dropout: float, learned_scale: bool
    ) -> None:
        super().__init__()
        width = channels // heads
        self.attn1 = SelfAttention(channels, heads, width, dropout)
        self.ff = FeedForward(channels, dropout)
        self.attn2 = ContextAttention(channels, context_dim, heads, width, dropout, learned_scale)
        self.norm1 = nn.LayerNorm(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.norm3 = nn.LayerNorm(channels)

    def forward(self, x: Tensor, keys: KeyValues, grid: Grid) -> Tensor:
        """[images, pixels, c] -> the same, with as many rows as the keys have; less `ff`'s bias."""
        x = x + self.attn1(self.norm1(x))
        x = grid.added(x, self.attn2(self.norm2(x), keys, grid))
        return self.ff.onto(x, self.norm3(x))


class TemporalBlock(nn.Module):
    """Two self attentions over the frames of one pixel, and a feed-forward."""

    def __init__(self, channels: int, heads: int, head_channels: int, dropout: float) -> None:
        super().__init__()
        self.attn1 = SelfAttention(channels, heads, head_channels, dropout)
        self.ff = FeedForward(channels, dropout)
        self.attn2 = SelfAttention(channels, heads, head_channels, dropout)
        self.norm1 = nn.LayerNorm(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.norm3 = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """[clips * pixels, frames, c] -> the same shape; less the bias of `ff`."""
        x = x + self.attn1(self.norm1(x))
        x = x + self.attn2(self.norm2(x))
        return self.ff.onto(x, self.norm3(x))


class PointwiseLinear(nn.Conv1d):
    """A linear layer whose weight is stored as a convolution of kernel 1, [out, in, 1]."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(channels_in, channels_out, 1)

    def forward(self, input: Tensor) -> Tensor:
        """[..., c_in] -> [..., c_out]."""
        return F.linear(input, self.weight.squeeze(-1), self.bias)


class SpatialTransformer(nn.Module):
    """Transformer over the pixels of each frame, with context; residual."""

    def __init__(
        self,
        channels: int,
        context_dim: int,
        heads: int,
        depth: int,
        dropout: float,
        learned_scale: bool,
    ) -> None:
        super().__init__()
        self.norm = GroupNorm(32, channels, eps=1e-6)
        self.proj_in = nn.Linear(channels, channels)
        self.transformer_blocks = nn.ModuleList(
            SpatialBlock(channels, context_dim, heads, dropout, learned_scale) for _ in range(depth)
        )
        self.proj_out = nn.Linear(channels, channels)

    def project(self, context: Context) -> tuple[KeyValues, ...]:
        """The context as keys and values for each block."""
        return tuple(block.attn2.project(context) for block in self.blocks())

    def blocks(self) -> list[SpatialBlock]:
        """The blocks with their type."""
        return [b for b in self.transformer_blocks if isinstance(b, SpatialBlock)]

    def forward(self, x: Tensor, keys: tuple[KeyValues, ...], grid: Grid) -> Tensor:
        """[images, c, h, w] -> the same, with as many rows as the keys have."""
        tokens = self.proj_in(as_tokens(self.norm(x)))
        missing = None
        for block, block_keys in zip(self.blocks(), keys, strict=True):
            tokens = block(tokens if missing is None else tokens + missing, block_keys, grid)
            missing = block.ff.closing.bias
        return grid.added(x, as_picture(closed(self.proj_out, tokens, missing), x))


class TemporalTransformer(nn.Module):
    """Transformer over the frames at each pixel; knows no order of frames; residual.

    `stored_as_convolution` is how the official first temporal transformer keeps its projections.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        head_channels: int,
        depth: int,
        dropout: float,
        stored_as_convolution: bool = False,
    ) -> None:
        super().__init__()
        inner = heads * head_channels
        linear = PointwiseLinear if stored_as_convolution else nn.Linear
        self.norm = GroupNorm(32, channels, eps=1e-6)
        self.proj_in = linear(channels, inner)
        self.transformer_blocks = nn.ModuleList(
            TemporalBlock(inner, heads, head_channels, dropout) for _ in range(depth)
        )
        self.proj_out = linear(inner, channels)

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        """[images, c, h, w] -> the same shape."""
        # group statistics run over frames and pixels together, so the frames move next to them
        normal = self.norm(clips_first(x, grid))
        tokens = self.proj_in(normal.permute(0, 3, 2, 1).flatten(0, 1))
        missing = None
        for block in self.blocks():
            tokens = block(tokens if missing is None else tokens + missing)
            missing = block.ff.closing.bias
        out = closed(self.proj_out, tokens, missing).unflatten(0, (-1, normal.shape[-1]))
        change = out.transpose(1, 2).unflatten(2, x.shape[-2:])  # [clips, frames, h, w, c]
        frames = x.unflatten(0, (-1, grid.frames)) + change.movedim(-1, 2)
        return frames.flatten(0, 1)

    def blocks(self) -> list[TemporalBlock]:
        """The blocks with their type."""
        return [b for b in self.transformer_blocks if isinstance(b, TemporalBlock)]
