"""Tiny random LayerAnimate models and clips; used by the tests of model and pipeline."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch

from backend.models.layeranimate.attention import Context
from backend.models.layeranimate.bundle import LayerAnimateModel, build, tiny_config
from backend.models.layeranimate.clip import ClipConditions, SampleSettings
from backend.models.layeranimate.layer_control import LayerControls

FRAMES = 4
HEIGHT, WIDTH = 64, 128
QUICK = SampleSettings(steps=2, seed=3)


@lru_cache(maxsize=1)
def tiny_model() -> LayerAnimateModel:
    """The same random model for every test; tests must not change it."""
    return build(tiny_config(FRAMES), seed=0)


def random_controls(slots: int, rows: int = 1, seed: int = 0) -> LayerControls:
    """Arbitrary encoded controls of a small clip."""
    generator = torch.Generator().manual_seed(seed)
    h, w = HEIGHT // 8, WIDTH // 8

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(rows, slots, *shape, generator=generator)

    return LayerControls(
        latents=draw(FRAMES, 4, h, w),
        mask=(draw(FRAMES, 1, h, w) > 0).float(),
        scores=torch.rand(rows, slots, generator=generator),
        sketch=draw(FRAMES, 4, h, w),
        trajectory=draw(FRAMES, 3, HEIGHT, WIDTH).clamp(-1, 1),
    )


def random_context(model: LayerAnimateModel, rows: int, seed: int = 0) -> Context:
    """Arbitrary text and image tokens."""
    generator = torch.Generator().manual_seed(seed)
    width = model.config.unet.trunk.context_dim
    queries = model.config.resampler.queries_per_frame
    return Context(
        text=torch.randn(rows, 7, width, generator=generator),
        image=torch.randn(rows, FRAMES, queries, width, generator=generator),
    )


def random_noise(rows: int, channels: int = 8, seed: int = 0) -> torch.Tensor:
    """Arbitrary UNet input [rows, channels, frames, h, w]."""
    generator = torch.Generator().manual_seed(seed)
    shape = (rows, channels, FRAMES, HEIGHT // 8, WIDTH // 8)
    return torch.randn(shape, generator=generator)


def clip_conditions(keys: int, seed: int = 0) -> ClipConditions:
    """Three slots: a static one, one on a track, and one that is not used."""
    drawn = np.random.default_rng(seed)
    frames = drawn.random((keys, HEIGHT, WIDTH, 3), dtype=np.float32)
    masks = np.zeros((3, keys, HEIGHT, WIDTH), np.float32)
    masks[0, :, :, : WIDTH // 2] = 1
    masks[1, :, 20:50, 70:110] = 1
    path = np.linspace((80, 30), (100, 40), FRAMES, dtype=np.float32)[:, None]
    none = np.zeros((FRAMES, 0, 2), np.float32)
    return ClipConditions(
        frames=frames,
        layer_masks=masks,
        layer_static=np.array([True, False, False]),
        layer_validity=np.array([True, True, False]),
        motion_scores=np.array([0.0, -1.0, -1.0], np.float32),
        frames_count=FRAMES,
        tracks=(none, path, none),
    )


def with_sketch(conditions: ClipConditions) -> ClipConditions:
    """The same clip with one moving stroke on the second slot."""
    sketch = np.ones((3, FRAMES, HEIGHT, WIDTH), np.float32)
    for frame in range(FRAMES):
        sketch[1, frame, 20:50, 70 + 5 * frame] = 0
    return replace(conditions, sketch=sketch)
