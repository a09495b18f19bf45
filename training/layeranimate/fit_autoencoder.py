"""Teaches a fresh small autoencoder the pictures of a recipe's clips; `prepare` calls it.

A tiny network for a CPU has no released autoencoder to go with it, and latents of a random one show
nothing. Real sizes always start from released weights.
"""

from __future__ import annotations

import logging
import sys

import numpy as np
import torch
from torch import Tensor

from backend.models.layeranimate.autoencoder import Autoencoder
from shared.errors import AcetateError
from training.data.clips import ClipSource
from training.layeranimate.encode import as_model_range
from training.layeranimate.fit import Fitted, fit
from training.layeranimate.sample_settings import SampleRules

_log = logging.getLogger(__name__)

_BATCH = 8
_RATE = 2e-3
_WARM_UP = 20
_TOLD_EVERY = 50
_SHRINK = 1e-6
"""Weight of the Kullback-Leibler term: it only keeps the latents from growing without bound."""


def fit_autoencoder(
    vae: Autoencoder, clips: ClipSource, rules: SampleRules, steps: int, seed: int
) -> float:
    """Trains `vae` in place on frames, sketches and cut-out layers; returns the latents' spread.

    Least squares and a trace of the Kullback-Leibler term (Kingma and Welling 2014); the same seed
    gives the same weights on one machine. The standard deviation of the latents is what the
    networks' `latent_scale` has to divide by. Clips that cannot be read are told in the log.

    Raises `too_many_failures` where more fail than are learned from.
    """
    rng = np.random.default_rng([seed, 0xAE])
    frames = _Frames(clips, rules)
    vae.train().requires_grad_(True)
    optimiser = torch.optim.AdamW(vae.parameters(), lr=_RATE, betas=(0.9, 0.99), weight_decay=0.0)
    for step in range(steps):
        pictures = frames.pictures(rng)
        for group in optimiser.param_groups:
            group["lr"] = _RATE * min((step + 1) / _WARM_UP, 1.0, 1.02 - step / steps)
        posterior = vae.encode(pictures)
        noise = torch.from_numpy(rng.standard_normal(posterior.mean.shape, np.float32))
        latents = posterior.mean + torch.exp(0.5 * posterior.logvar) * noise
        spread = posterior.mean.square() + posterior.logvar.exp() - 1 - posterior.logvar
        loss = (vae.decode(latents) - pictures).square().mean() + _SHRINK * spread.mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimiser.step()
        if (step + 1) % _TOLD_EVERY == 0:
            sys.stderr.write(f"autoencoder: {step + 1} of {steps} steps\n")
    vae.eval().requires_grad_(False)
    with torch.no_grad():
        return float(vae.encode(frames.pictures(rng)).mean.std())


class _Frames:
    """Single frames of random clips, and which clips gave none."""

    def __init__(self, clips: ClipSource, rules: SampleRules) -> None:
        self._clips, self._rules = clips, rules
        self._made, self._failed = 0, 0
        self._told: set[int] = set()

    def pictures(self, rng: np.random.Generator) -> Tensor:
        """Frames, layers over mid grey and sketches, [batch, 3, H, W] in -1..1."""
        found: list[Tensor] = []
        while len(found) < _BATCH:
            fitted = self._drawn(rng)
            if fitted is None:
                continue
            frame = as_model_range(torch.from_numpy(fitted.video[0].transpose(2, 0, 1).copy()))
            shown = int(rng.integers(fitted.labels.max() + 1))
            mask = torch.from_numpy((fitted.labels[0] == shown).astype(np.float32))
            found += [frame, frame * mask]
            if fitted.sketch is not None:
                lines = torch.from_numpy(fitted.sketch[0].copy()).expand(3, -1, -1)
                found.append(as_model_range(lines))
        return torch.stack(found[:_BATCH])

    def _drawn(self, rng: np.random.Generator) -> Fitted | None:
        """One frame of a clip; None, counted and named, for one that cannot be read."""
        index = int(rng.integers(len(self._clips)))
        try:
            at = int(rng.integers(self._clips.frame_count(index)))
            clip = self._clips.clip(index, [at])
        except AcetateError as error:
            self._fail(index, error)
            return None
        self._made += 1
        mirrored = bool(rng.random() < 0.5)
        return fit(clip, self._rules.height, self._rules.width, mirrored)

    def _fail(self, index: int, error: AcetateError) -> None:
        self._failed += 1
        if index not in self._told:
            self._told.add(index)
            _log.warning("the autoencoder learns without clip %d: %s", index, error)
        if self._failed > max(self._made, _BATCH):
            raise AcetateError(
                "too_many_failures",
                failed=self._failed,
                count=self._failed + self._made,
                detail=f"fitting the autoencoder: {error}",
            ) from error
