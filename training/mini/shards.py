"""Samples on disk in shards, and batches out of them; the rim between samples and trainer."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import msgspec
import numpy as np

from shared.blobs import write_atomically
from training.mini.recipe import DataRecipe, recipe_hash
from training.mini.samples import VALIDATION_SEEDS, Samples, clip_samples


def ensure_shards(
    recipe: DataRecipe, folder: Path, told: Callable[[str], None]
) -> tuple[Samples, Samples]:
    """Training and validation samples; shards that exist already are read, others made."""
    shards = [
        _shard(recipe, folder, range(first, min(first + recipe.clips_per_shard, last)), told)
        for first, last in [
            (first, recipe.seed + recipe.clips)
            for first in range(recipe.seed, recipe.seed + recipe.clips, recipe.clips_per_shard)
        ]
    ]
    seeds = range(VALIDATION_SEEDS, VALIDATION_SEEDS + recipe.validation_clips)
    return joined(shards), _shard(recipe, folder, seeds, told)


def _shard(recipe: DataRecipe, folder: Path, seeds: range, told: Callable[[str], None]) -> Samples:
    kind = recipe_hash(msgspec.structs.replace(recipe, clips=0, validation_clips=0, seed=0))
    path = folder / f"{kind}-{seeds.start}-{len(seeds)}.npz"
    if not path.exists():
        samples = joined([clip_samples(seed, recipe) for seed in seeds])
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            inputs=samples.inputs,
            target=samples.target,
            allowed=samples.allowed,
            fit_error_px=samples.fit_error_px,
        )
        write_atomically(path, buffer.getvalue())
        told(f"clips {seeds.start}..{seeds.stop - 1}: {len(samples)} samples")
    with np.load(path, allow_pickle=False) as arrays:
        return Samples(*(arrays[field.name] for field in fields(Samples)))


def joined(parts: list[Samples]) -> Samples:
    """Samples one after the other."""
    every = [_arrays(part) for part in parts]
    return Samples(*(np.concatenate([part[f.name] for part in every]) for f in fields(Samples)))


def _arrays(samples: Samples) -> dict[str, np.ndarray]:
    return {field.name: getattr(samples, field.name) for field in fields(samples)}


def batch_indices(count: int, batch: int, step: int, seed: int) -> np.ndarray:
    """Which samples step `step` takes: every epoch is a permutation of its own, drawn by number.

    Depends on its arguments alone, so that a resumed run takes the same ones.
    """
    places = np.arange(step * batch, (step + 1) * batch)
    chosen = np.empty(batch, np.int64)
    for epoch in np.unique(places // count):
        order = np.random.default_rng([seed, 1, int(epoch)]).permutation(count)
        here = places // count == epoch
        chosen[here] = order[places[here] % count]
    return chosen


def augmented(samples: Samples, chosen: np.ndarray, step: int, seed: int) -> Samples:
    """The chosen samples, mirrored and with colour channels exchanged at random."""
    rng = np.random.default_rng([seed, 2, step])
    inputs = samples.inputs[chosen].copy()
    target, allowed = samples.target[chosen].copy(), samples.allowed[chosen].copy()
    for row in range(len(chosen)):
        order = rng.permutation(3)
        inputs[row, :3], inputs[row, 4:7] = inputs[row, order], inputs[row, 4 + order]
        target[row, :3] = target[row, order]
        for axis in (1, 2):
            if rng.random() < 0.5:
                inputs[row] = np.flip(inputs[row], axis)
                target[row] = np.flip(target[row], axis)
                allowed[row] = np.flip(allowed[row], axis - 1)
    errors = samples.fit_error_px[chosen]
    return Samples(inputs, target, allowed, errors)
