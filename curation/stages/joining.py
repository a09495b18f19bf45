"""Layers of a clip in which elements enter later; `layering` calls it.

What is there on the first frame makes its layers as if nothing ever entered: a ball that flies by
would otherwise set the measure of what is different, and a figure that sways would drown.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from curation.stages.gathering import GatherSettings, by_speed, gather


def gather_all(
    motion: np.ndarray,
    area: np.ndarray,
    pairs: np.ndarray,
    there: int,
    settings: GatherSettings,
    rests: np.ndarray | None = None,
) -> np.ndarray:
    """Group of every element as of `gather`, the slowest first: int64 [n].

    The first `there` elements are those of the first frame. The others join a layer of these that
    moves as they do, or have their own as far as the capacity goes. `rests`: as for `gather`.
    """
    if there == len(motion) or settings.capacity < 2:
        return gather(motion, area, pairs, settings, rests)
    seen = np.full(len(motion), np.nan) if rests is None else rests
    both = (pairs >= there).all(axis=1)
    room = replace(settings, capacity=max(1, settings.capacity // 2))
    late = gather(motion[there:], area[there:], pairs[both] - there, room, seen[there:])
    left = replace(settings, capacity=max(1, settings.capacity - int(late.max()) - 1))
    first = pairs[(pairs < there).all(axis=1)]
    early = gather(motion[:there], area[:there], first, left, seen[:there])
    layer = np.concatenate([early, late + early.max() + 1])
    means, known = _means(motion, area, layer)
    for group in range(int(early.max()) + 1, int(layer.max()) + 1):
        apart = _unlike(means, known, group)[: early.max() + 1]
        if apart.min() < settings.near_px:
            layer[layer == group] = apart.argmin()
    return by_speed(np.unique(layer, return_inverse=True)[1], motion, area)


def _means(
    motion: np.ndarray, area: np.ndarray, layer: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean motion of layers, float64 [layers, steps, 2], and where it is known."""
    seen = np.asarray(~np.isnan(motion).any(axis=2))
    weight = seen * np.maximum(area, 1e-6)[:, None]  # [n, steps]
    member = (layer == np.arange(layer.max() + 1)[:, None]).astype(np.float64)
    total = member @ weight
    sums = np.einsum(
        "ln,nts->lts", member, np.where(seen[..., None], motion, 0) * weight[..., None]
    )
    return sums / np.maximum(total, 1e-9)[..., None], total > 0


def _unlike(means: np.ndarray, known: np.ndarray, group: int) -> np.ndarray:
    """Root-mean-square difference of motion to every layer where both are seen, else infinite."""
    both = known & known[group]
    squares = (((means - means[group]) ** 2).sum(axis=2) * both).sum(axis=1)
    steps = both.sum(axis=1)
    apart = np.full(len(means), np.inf)
    np.divide(squares, steps, out=apart, where=steps > 0)
    return np.sqrt(apart)
