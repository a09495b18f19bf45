"""One clip is learned by heart: networks, objective, schedule and sampler agree on what to do."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import torch

from backend.models.layeranimate.bundle import build
from backend.models.layeranimate.initialise import zero_starts
from tests.training.layeranimate.moving import FRAMES, RULES, drawn, samples_of
from training.layeranimate.batch import LayerBatch
from training.layeranimate.encode import as_moments
from training.layeranimate.figures import psnr
from training.layeranimate.objective import LayerAnimateModule, decoded, sampled, target_latents
from training.layeranimate.parameters import names_of
from training.layeranimate.task import tiny_network
from training.run.feed import stacked
from training.run.task import Batch

STEPS = 80
RATE = 2e-3


def _one_sample(module: LayerAnimateModule) -> Batch:
    """One clip with two layers as moments, with one draw of noise."""
    rules = msgspec.structs.replace(RULES, layers=2, mask_dropout=0.0, max_stride=1, flip=0.0)
    batch = LayerBatch.of(stacked([drawn(samples_of(1, rules), 0, 5)]))
    return as_moments(module, batch).named()


def _learn(module: LayerAnimateModule, batch: Batch) -> None:
    """Steps at the two time steps that a sampler of two steps visits."""
    times = torch.tensor(module.model.schedule.timesteps(2))
    pair = {name: value.expand(2, *value.shape[1:]) for name, value in batch.items()}
    names = set(names_of(module, "all"))
    learned = [p.requires_grad_() for name, p in module.named_parameters() if name in names]
    optimiser = torch.optim.AdamW(learned, lr=RATE, betas=(0.9, 0.99), weight_decay=0.0)
    for step in range(STEPS):
        for group in optimiser.param_groups:
            group["lr"] = RATE * min((step + 1) / 10, 1.0, 1.02 - step / STEPS)
        optimiser.zero_grad(set_to_none=True)
        module({**pair, "timestep": times}).mean().backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimiser.step()


def test_one_clip_overfits_to_35_db() -> None:
    """Sampled from its noise, against its own latents and against what they decode to.

    Both are measured by their own range, so that 35 dB mean the same whatever the contrast that
    an autoencoder of random weights gives.
    """
    config = replace(tiny_network(FRAMES), latent_scale=3.0)  # about unit variance
    module = LayerAnimateModule(build(config, seed=0))
    zero_starts(module.unet)
    zero_starts(module.layer_controlnet)
    batch = _one_sample(module)
    _learn(module, batch)
    wanted = module(batch, target_latents)
    assert psnr(module(batch, sampled(2)), wanted, float(wanted.max() - wanted.min())) >= 35
    true, made = (module(batch, decoded(work)) for work in (target_latents, sampled(2)))
    assert psnr(made, true, float(true.max() - true.min())) >= 35
