"""Figures and pictures of a LayerAnimate network on fixed samples; the task calls this.

The same samples, noise and time steps every time, so that curves can be compared.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor

from training.layeranimate.objective import (
    LayerAnimateModule,
    decoded,
    sampled,
    target_latents,
)
from training.run.feed import made_in_order, on_device, stacked
from training.run.task import Batch, Failure, SampleSource

STRATA = 4
"""Parts of the time axis; the loss is told at the middle of each."""

_STREAM = 0x100C5
_STRIP_FRAMES = 6
_STRIP_HEIGHT = 128
_LAYER_COLOURS = np.array(
    [(40, 40, 40), (86, 180, 233), (230, 159, 0), (0, 158, 115), (204, 121, 167)], np.uint8
)


class Looks:
    """Some samples of a source, made when they are first needed and kept.

    One that cannot be made is missing in figures and strips; no other stands in for it.
    """

    def __init__(
        self, source: SampleSource, count: int, sample_steps: int, device: torch.device
    ) -> None:
        self._source, self._count = source, min(count, len(source))
        self._steps, self._device = sample_steps, device
        self._untold: list[Failure] = []

    @cached_property
    def _batches(self) -> list[Batch]:
        """One sample each: they may differ in what they need of memory."""
        _, samples, failures = made_in_order(self._source, range(self._count), _STREAM)
        self._untold += failures
        return [on_device(stacked([sample]), self._device) for sample in samples]

    def failures(self) -> list[Failure]:
        """Samples that could not be made, once."""
        told, self._untold = self._untold, []
        return told

    @torch.no_grad()
    def figures(self, module: LayerAnimateModule) -> dict[str, float]:
        """`loss_tN` at N thousandths of the time axis; decibels of sampled and re-coded frames.

        `sample_psnr` compares frames that were sampled from noise in a few steps, without
        guidance, with the clip; `autoencoder_psnr` is the same for the clip's own latents, the
        most that sampling could reach.
        """
        if not self._batches:
            return {}
        found: dict[str, float] = {}
        last = module.model.config.scheduler.train_steps
        for part in range(STRATA):
            share = (part + 0.5) / STRATA
            at = int(share * last)
            losses = [
                module({**batch, "timestep": torch.full_like(batch["timestep"], at)})
                for batch in self._batches
            ]
            found[f"loss_t{round(share * 1000)}"] = float(torch.cat(losses).mean())
        for name, work in (("sample", sampled(self._steps)), ("autoencoder", target_latents)):
            values = [
                psnr(module(batch, decoded(work)), batch["video"].float() / 255)
                for batch in self._batches
            ]
            found[f"{name}_psnr"] = sum(values) / len(values)
        return found

    @torch.no_grad()
    def strips(self, module: LayerAnimateModule) -> dict[str, np.ndarray]:
        """Per sample: the clip above what was sampled, above the slots that steered it."""
        if not self._batches:
            return {}
        rows = [_strip(module(b, decoded(sampled(self._steps)))[0], b) for b in self._batches]
        return {"true_sampled_layers": np.concatenate(rows)}


def psnr(a: Tensor, b: Tensor, peak: float = 1.0) -> float:
    """Decibels of the mean squared difference; 100 for no difference."""
    error = float((a - b).square().mean())
    return float(min(10 * np.log10(peak**2 / max(error, 1e-10)), 100.0))


def _strip(pictures: Tensor, batch: Batch) -> np.ndarray:
    """Three rows of some frames, uint8 [h, w, 3], enlarged to be seen."""
    video, labels = batch["video"][0], batch["labels"][0]
    at = np.linspace(0, len(video) - 1, min(_STRIP_FRAMES, len(video))).astype(int)
    colours = torch.from_numpy(_LAYER_COLOURS).to(labels.device)
    slots = colours[labels.long().clamp(max=len(_LAYER_COLOURS) - 1)].movedim(-1, 1)
    parts = (video, (pictures * 255).round().byte(), slots)
    rows = [torch.cat(list(part[torch.as_tensor(at)]), dim=2) for part in parts]  # [3, H, W']
    whole = torch.cat(rows, dim=1)
    enlarge = max(_STRIP_HEIGHT // video.shape[2], 1)
    whole = F.interpolate(whole.unsqueeze(0).float(), scale_factor=enlarge, mode="nearest")[0]
    return whole.byte().movedim(0, -1).cpu().numpy()
