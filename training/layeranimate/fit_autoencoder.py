"""Teaches a fresh small autoencoder the pictures of a recipe's clips; `prepare` calls it.

A tiny network for a CPU has no released autoencoder to go with it, and latents of a random one show
nothing. Real sizes always start from released weights.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from backend.models.layeranimate.autoencoder import Autoencoder
from training.data.clips import ClipSource
from training.layeranimate.encode import as_model_range
from training.layeranimate.fit import fit
from training.layeranimate.sample_settings import SampleRules

_BATCH = 8
_RATE = 2e-3
_WARM_UP = 20
_SHRINK = 1e-6
"""Weight of the Kullback-Leibler term: it only keeps the latents from growing without bound."""


def fit_autoencoder(
    vae: Autoencoder, clips: ClipSource, rules: SampleRules, steps: int, seed: int
) -> float:
    """Trains `vae` in place on frames, sketches and cut-out layers; returns the latents' spread.

    Least squares and a trace of the Kullback-Leibler term (Kingma and Welling 2014); the same seed
    gives the same weights on one machine. The standard deviation of the latents is what the
    networks' `latent_scale` has to divide by.
    """
    rng = np.random.default_rng([seed, 0xAE])
    vae.train().requires_grad_(True)
    optimiser = torch.optim.AdamW(vae.parameters(), lr=_RATE, betas=(0.9, 0.99), weight_decay=0.0)
    for step in range(steps):
        pictures = _pictures(clips, rules, rng)
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
    vae.eval().requires_grad_(False)
    with torch.no_grad():
        return float(vae.encode(_pictures(clips, rules, rng)).mean.std())


def _pictures(clips: ClipSource, rules: SampleRules, rng: np.random.Generator) -> Tensor:
    """Frames, layers over mid grey and sketches of random clips, [batch, 3, H, W] in -1..1."""
    found: list[Tensor] = []
    while len(found) < _BATCH:
        index = int(rng.integers(len(clips)))
        at = int(rng.integers(clips.frame_count(index)))
        fitted = fit(clips.clip(index, [at]), rules.height, rules.width, bool(rng.random() < 0.5))
        frame = as_model_range(torch.from_numpy(fitted.video[0].transpose(2, 0, 1).copy()))
        shown = int(rng.integers(fitted.labels.max() + 1))
        mask = torch.from_numpy((fitted.labels[0] == shown).astype(np.float32))
        found += [frame, frame * mask]
        if fitted.sketch is not None:
            lines = torch.from_numpy(fitted.sketch[0].copy()).expand(3, -1, -1)
            found.append(as_model_range(lines))
    return torch.stack(found[:_BATCH])
