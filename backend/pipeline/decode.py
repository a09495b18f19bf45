"""Latents to pictures: the final frames, and a cheap look on the way; called by clip generation."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from numpy.typing import NDArray
from torch import Tensor

from backend.models.layeranimate.bundle import LayerAnimateModel
from backend.models.layeranimate.clip import (
    Check,
    ClipProgress,
    Report,
    ignore_check,
    ignore_report,
)
from backend.models.layeranimate.sliced_decode import DecodeSlices, decode_in_slices
from backend.pipeline.condition import EncodedClip
from backend.pipeline.decode_format import multiplying_in

DECODE_BATCH = 2
"""Frames per call of the plain decoder: bounds memory and the wait before a cancel is seen."""


def decode(
    model: LayerAnimateModel,
    clip: EncodedClip,
    latents: Tensor,
    check: Check = ignore_check,
    report: Report = ignore_report,
    slices: DecodeSlices | None = None,
    number_format: str = "",
) -> Tensor:
    """Latents [1, 4, T, h, w] to frames [T, 3, H, W] in 0..1, float32 on the CPU.

    `slices` bounds the memory of the two-key decoder; None decodes the clip at once.
    `number_format` is what a decoder with float32 weights multiplies in, one of `FORMATS`.
    """
    with multiplying_in(number_format, latents.device):
        return _decoded(model, clip, latents, check, report, slices)


def _decoded(
    model: LayerAnimateModel,
    clip: EncodedClip,
    latents: Tensor,
    check: Check,
    report: Report,
    slices: DecodeSlices | None,
) -> Tensor:
    frames = latents[0].transpose(0, 1) / model.config.latent_scale  # [T, 4, h, w]
    total = int(frames.shape[0])
    if clip.references is not None and model.dual is not None:
        check()
        z = frames.to(model.dual.quant_conv.weight.dtype)
        if slices is None:
            pictures = model.dual.decode(z, total, clip.references)
        else:
            pictures = decode_in_slices(model.dual, z, total, clip.references, slices, check)
        report(ClipProgress("decode", total, total))
        return _as_colour(pictures)
    done: list[Tensor] = []
    for start in range(0, total, DECODE_BATCH):
        check()
        z = frames[start : start + DECODE_BATCH].to(model.autoencoder.quant_conv.weight.dtype)
        done.append(_as_colour(model.autoencoder.decode(z)))
        report(ClipProgress("decode", min(start + DECODE_BATCH, total), total))
    return torch.cat(done)


def _as_colour(pictures: Tensor) -> Tensor:
    return (pictures.float() / 2 + 0.5).clamp(0, 1).cpu()


class LatentColours:
    """A cheap look at latents: the colours that a linear map reads out of them.

    The map is fitted to this clip's own key frames, whose pictures and latents are both known, so
    it holds for any autoencoder.
    """

    def __init__(self, clip: EncodedClip) -> None:
        places = (0,) if clip.references is None else (0, -1)
        latents = torch.stack([clip.key_latents[0, :, p] for p in places]).float().cpu()
        small = F.interpolate(clip.key_frames.float().cpu(), latents.shape[-2:], mode="area")
        known = latents.movedim(1, -1).flatten(0, 2)  # [pixels, 4]
        wanted = small.movedim(1, -1).flatten(0, 2)  # [pixels, 3]
        self._from, self._to = known.mean(0), wanted.mean(0)
        centred = known - self._from
        square = centred.T @ centred
        # a little weight decay: a flat picture leaves the map undetermined
        decay = 1e-3 * float(square.diagonal().mean()) + 1e-12
        square = square + decay * torch.eye(len(square))
        self._map = torch.linalg.solve(square, centred.T @ (wanted - self._to))  # [4, 3]

    def picture(self, clean: Tensor, frame: int) -> NDArray[np.float32]:
        """One frame of clean latents [1, 4, T, h, w] as [h, w, 3] in 0..1."""
        latent = clean[0, :, frame].float().cpu().movedim(0, -1)
        colours = (latent - self._from) @ self._map + self._to
        return (colours / 2 + 0.5).clamp(0, 1).numpy()
