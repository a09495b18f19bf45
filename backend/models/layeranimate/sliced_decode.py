"""Decoding between two keys with little memory and the same result; called by the sampler.

The temporal stacks of the decoder normalise over all frames of a clip, so a clip cannot be decoded
in chunks of frames, with whatever overlap. Instead every layer runs over the whole clip before the
next one starts: its 2-D parts a few frames at a time, its convolutions over frames a few pixels at
a time (`frame_slices`). The state is overwritten in place, and a doubled state is never held: the
doubling runs inside the first block after it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from backend.models.layeranimate.attention import Grid
from backend.models.layeranimate.autoencoder import activated
from backend.models.layeranimate.clip import Check, ignore_check
from backend.models.layeranimate.dual_reference import (
    ClipBlock,
    DualAutoencoder,
    DualDecoder,
    EndFrames,
    FrameMixingConvolution,
    ReferenceAttention,
)
from backend.models.layeranimate.frame_slices import FrameConvolutions, add_frame_stack, spans

Work = Callable[[Tensor], Tensor]
"""A 2-D part: some frames [f, c, h, w] -> [f, c', h', w']."""


@dataclass(frozen=True)
class DecodeSlices:
    """How much of a clip runs at once: `frames` in 2-D parts, `slice_bytes` of state over frames.

    Smaller values need less memory; the result is the same within float noise.
    """

    frames: int = 1
    slice_bytes: int = 64 << 20

    def pixels(self, state: Tensor) -> int:
        """Pixels of a state [frames, c, pixels] that run at once."""
        column = state.shape[0] * state.shape[1] * state.element_size()
        return max(1, self.slice_bytes // int(column))


@torch.no_grad()
def decode_in_slices(
    dual: DualAutoencoder,
    z: Tensor,
    frames: int,
    references: list[Tensor] | None,
    slices: DecodeSlices,
    check: Check = ignore_check,
) -> Tensor:
    """What `DualAutoencoder.decode` gives, with far less memory and without gradients.

    Latents [clips * frames, c, h, w] -> pictures [clips * frames, 3, H, W]; `check` runs between
    the blocks. `z` and the references must have the number format of the weights.
    """
    grid = Grid(rows=z.shape[0] // frames, videos=1, frames=frames)
    pictures = [
        _ClipDecoder(dual.decoder, slices, check).run(
            z[clip * frames : (clip + 1) * frames],
            None if references is None else [s[clip : clip + 1] for s in references],
        )
        for clip in range(grid.clips)
    ]
    return torch.cat(pictures)


def in_precision(dual: DualAutoencoder, dtype: torch.dtype) -> DualAutoencoder:
    """The same autoencoder in another number format; itself where it has that format already."""
    if dual.quant_conv.weight.dtype == dtype:
        return dual
    return copy.deepcopy(dual).to(dtype)


class _ClipDecoder:
    """Decodes one clip; holds nothing of it."""

    def __init__(self, decoder: DualDecoder, slices: DecodeSlices, check: Check) -> None:
        self._decoder, self._slices, self._check = decoder, slices, check

    def run(self, z: Tensor, references: list[Tensor] | None) -> Tensor:
        """[frames, c, h, w] -> [frames, 3, H, W]."""
        decoder = self._decoder
        h = self._mapped(decoder.conv_in, z, owned=False)
        h = self._block(decoder.mid.block_1, h)
        h = self._mapped(decoder.mid.attn_1, h)
        h = self._block(decoder.mid.block_2, h)
        doubling: nn.Module | None = None
        for index, level in reversed(list(enumerate(decoder.levels()))):
            for block in level.block:
                h = self._block(block, h, doubling)
                doubling = None
            if references is not None:
                h = self._refined(decoder.attn_refinement[index], h, references[index])
            doubling = level.upsample
        h = self._mapped(lambda part: activated(decoder.norm_out, part), h)
        if references is not None:
            h = self._refined(decoder.attn_refinement[-1], h, references[-1])
        return self._last(cast("FrameMixingConvolution", decoder.conv_out), h)

    def _mapped(self, work: Work, x: Tensor, owned: bool = True) -> Tensor:
        """`work` on a few frames at a time; overwrites `x` where the shape stays and it may."""
        out: Tensor | None = None
        for span in spans(len(x), self._slices.frames):
            part = work(x[span])
            if out is None:
                in_place = owned and part.shape[1:] == x.shape[1:]
                out = x if in_place else part.new_empty(len(x), *part.shape[1:])
            out[span] = part
        if out is None:
            raise ValueError("a clip without frames")
        return out

    def _block(self, block: nn.Module, x: Tensor, doubling: nn.Module | None = None) -> Tensor:
        self._check()
        clip_block = cast("ClipBlock", block)
        picture: Work = clip_block
        if doubling is not None:
            picture = nn.Sequential(doubling, clip_block)
        h = self._mapped(picture, x)
        tokens = h.flatten(2)  # [frames, c, pixels]
        norm, _, first = clip_block.time_stack.in_layers
        second_norm, _, _, second = clip_block.time_stack.out_layers
        stack = FrameConvolutions(
            cast("nn.GroupNorm", norm),
            cast("nn.Conv3d", first),
            cast("nn.GroupNorm", second_norm),
            cast("nn.Conv3d", second),
        )
        share = torch.sigmoid(clip_block.mix_factor)
        add_frame_stack(tokens, stack, share, self._slices.pixels(tokens))
        return h

    def _refined(self, refinement: nn.Module, h: Tensor, reference: Tensor) -> Tensor:
        if isinstance(refinement, EndFrames):
            added = refinement.additions(reference)[0]
            h[0] += added[0]
            h[-1] += added[1]
            return h
        reader = cast("ReferenceAttention", refinement)
        keys, values = reader.project(reference)
        return self._mapped(lambda part: reader.read(part, keys, values), h)

    def _last(self, convolution: FrameMixingConvolution, h: Tensor) -> Tensor:
        pictures = self._mapped(convolution, h)
        mixed = convolution.time_mix_conv(pictures.flatten(2).transpose(0, 1).unsqueeze(0))
        return mixed[0].transpose(0, 1).unflatten(2, pictures.shape[-2:])
