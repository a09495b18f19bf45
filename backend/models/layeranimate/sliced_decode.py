"""Decoding between two keys with little memory and the same result; called by the sampler.

The temporal stacks of the decoder normalise over all frames of a clip, so a clip cannot be decoded
in chunks of frames, with whatever overlap. Instead every layer runs over the whole clip before the
next one starts: its 2-D parts a few frames at a time, its convolutions over frames a few pixels at
a time (`frame_slices`). The state is overwritten in place, and a doubled state is never held: the
doubling runs inside the first block after it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

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
        column = state.shape[0] * state.shape[1] * max(4, state.element_size())
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
    pictures = [
        _ClipDecoder(dual.decoder, latents, slices, check).run(
            None if references is None else [s[clip : clip + 1] for s in references]
        )
        for clip, latents in enumerate(z.split(frames))
    ]
    return torch.cat(pictures)


class _ClipDecoder:
    """Decodes one clip. Owns the only reference to the state, so that replacing it frees it."""

    def __init__(self, decoder: DualDecoder, z: Tensor, slices: DecodeSlices, check: Check) -> None:
        self._decoder, self._slices, self._check = decoder, slices, check
        self._state, self._is_own = z, False

    def run(self, references: list[Tensor] | None) -> Tensor:
        """The pictures [frames, 3, H, W]; call once."""
        decoder = self._decoder
        self._map(decoder.conv_in)
        self._run_block(decoder.mid.block_1)
        self._map(decoder.mid.attn_1)
        self._run_block(decoder.mid.block_2)
        doubling: nn.Module | None = None
        for index, level in reversed(list(enumerate(decoder.levels()))):
            for block in level.block:
                self._run_block(block, doubling)
                doubling = None
            if references is not None:
                self._refine(decoder.attn_refinement[index], references[index])
            doubling = level.upsample
        self._map(lambda part: activated(decoder.norm_out, part))
        if references is not None:
            self._refine(decoder.attn_refinement[-1], references[-1])
        return self._finish(cast("FrameMixingConvolution", decoder.conv_out))

    def _map(self, work: Work) -> None:
        """Runs `work` on a few frames at a time, in place where the shape stays."""
        out: Tensor | None = None
        for span in spans(len(self._state), self._slices.frames):
            part = work(self._state[span])
            if out is None:
                in_place = self._is_own and part.shape[1:] == self._state.shape[1:]
                shape = (len(self._state), *part.shape[1:])
                out = self._state if in_place else part.new_empty(shape)
            out[span] = part
        if out is not None:
            self._state, self._is_own = out, True

    def _run_block(self, block: nn.Module, doubling: nn.Module | None = None) -> None:
        self._check()
        clip_block = cast("ClipBlock", block)
        self._map(clip_block if doubling is None else nn.Sequential(doubling, clip_block))
        norm, _, first = clip_block.time_stack.in_layers
        second_norm, _, _, second = clip_block.time_stack.out_layers
        stack = FrameConvolutions(
            cast("nn.GroupNorm", norm),
            cast("nn.Conv3d", first),
            cast("nn.GroupNorm", second_norm),
            cast("nn.Conv3d", second),
        )
        share = torch.sigmoid(clip_block.mix_factor)
        tokens = self._state.flatten(2)  # [frames, c, pixels], the same memory
        add_frame_stack(tokens, stack, share, self._slices.pixels(tokens))

    def _refine(self, refinement: nn.Module, reference: Tensor) -> None:
        if isinstance(refinement, EndFrames):
            added = refinement.additions(reference)[0]
            self._state[0] += added[0]
            self._state[-1] += added[1]
            return
        reader = cast("ReferenceAttention", refinement)
        keys, values = reader.project(reference)
        self._map(lambda part: reader.read(part, keys, values))

    def _finish(self, convolution: FrameMixingConvolution) -> Tensor:
        self._map(convolution)
        clip = self._state.flatten(2).transpose(0, 1).unsqueeze(0)  # [1, 3, frames, pixels]
        mixed = convolution.time_mix_conv(clip)[0].transpose(0, 1)
        return mixed.unflatten(2, self._state.shape[-2:])
