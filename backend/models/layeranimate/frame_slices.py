"""Convolutions over the frames run in slices of pixels, in place; used by sliced decoding.

Group statistics run over all frames and pixels of a clip, so they are gathered slice by slice
before the slices are normalised: the result is that of the whole tensor, not of each slice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn


def spans(total: int, size: int) -> Iterator[slice]:
    """Consecutive slices of at most `size` that cover `total`."""
    for start in range(0, total, size):
        yield slice(start, min(start + size, total))


class GroupMoments:
    """Running mean and squared spread of each channel group of a state (Chan's update).

    Kept in float32, or in the state's own format where that is wider.
    """

    def __init__(self, groups: int, state: Tensor) -> None:
        self._groups = groups
        self._count = 0
        self._dtype = torch.promote_types(state.dtype, torch.float32)
        self._mean = torch.zeros(groups, device=state.device, dtype=self._dtype)
        self._spread = torch.zeros_like(self._mean)  # sum of squared distances to the mean

    def add(self, part: Tensor) -> None:
        """Takes in values [c, ...]."""
        values = part.reshape(self._groups, -1).to(self._dtype)
        variance, mean = torch.var_mean(values, dim=1, correction=0)
        count = int(values.shape[1])
        total = self._count + count
        distance = mean - self._mean
        self._spread += variance * count + distance.square() * (self._count * count / total)
        self._mean += distance * (count / total)
        self._count = total

    def normaliser(self, norm: nn.GroupNorm) -> Normaliser:
        """The group norm of everything taken in so far, as one factor and shift per channel."""
        inverse = torch.rsqrt(self._spread / self._count + norm.eps)
        repeats = norm.num_channels // self._groups
        factor = inverse.repeat_interleave(repeats) * norm.weight.to(self._dtype)
        shift = norm.bias.to(self._dtype) - self._mean.repeat_interleave(repeats) * factor
        return Normaliser(factor, shift)


@dataclass(frozen=True)
class Normaliser:
    """A group norm with known statistics: values times `factor` [c] plus `shift` [c]."""

    factor: Tensor
    shift: Tensor

    def activated(self, part: Tensor) -> Tensor:
        """SiLU of the normalised values [frames, c, pixels] as [1, c, frames, pixels]."""
        scaled = torch.addcmul(
            self.shift[:, None], part.to(self.factor.dtype), self.factor[:, None]
        )
        return F.silu(scaled, inplace=True).to(part.dtype).transpose(0, 1).unsqueeze(0)


@dataclass(frozen=True)
class FrameConvolutions:
    """What a temporal stack holds: two norms, each followed by a convolution over the frames."""

    first_norm: nn.GroupNorm
    first: nn.Conv3d
    second_norm: nn.GroupNorm
    second: nn.Conv3d


def add_frame_stack(state: Tensor, stack: FrameConvolutions, share: Tensor, size: int) -> None:
    """Adds `share` times the stack's change to the state [frames, c, pixels], in place.

    `size` is the number of pixels that run at once. Beside the state, one buffer of its size is
    needed, because the second norm has to see all of the first convolution.
    """
    channels, pixels = int(state.shape[1]), int(state.shape[2])
    outer = GroupMoments(stack.first_norm.num_groups, state)
    for frame in state:
        outer.add(frame)
    normal = outer.normaliser(stack.first_norm)
    between = state.new_empty(channels, state.shape[0], pixels)
    inner = GroupMoments(stack.second_norm.num_groups, state)
    for span in spans(pixels, size):
        part = over_frames(stack.first, normal.activated(state[:, :, span]))[0]
        inner.add(part)
        between[:, :, span] = part
    normal = inner.normaliser(stack.second_norm)
    for span in spans(pixels, size):
        part = normal.activated(between[:, :, span].transpose(0, 1))
        change = over_frames(stack.second, part)[0].transpose(0, 1)  # [frames, c, pixels]
        state[:, :, span] += share * change


def over_frames(convolution: nn.Conv3d, x: Tensor) -> Tensor:
    """A (3, 1, 1) convolution over [1, c, frames, pixels], as a 2-D one."""
    return F.conv2d(x, convolution.weight.squeeze(-1), convolution.bias, padding=(1, 0))
