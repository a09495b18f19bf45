"""Catchment basins of a gradient picture, shallow ones joined; only `elements` calls this.

The watershed of h-minima markers is a cut of the minimum spanning forest of the basins: basins are
joined over their lowest pass unless the shallower of both sides is at least `depth` deep there.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from curation.stages.union import Union


def watershed(gradient: np.ndarray, depth: float) -> np.ndarray:
    """Regions of `gradient` [h, w], as int32 [h, w] counted from 0; every pixel belongs to one.

    `depth`: a minimum survives when its pass to a lower one lies at least this much above it.
    """
    basins = _basins(gradient)
    count = int(basins.max()) + 1
    floor = np.full(count, np.inf, np.float64)
    np.minimum.at(floor, basins.ravel(), gradient.ravel())
    lows, highs, passes = _spanning_passes(basins, gradient, count)
    flooded, joined = Union(count), Union(count)
    bottom = floor.tolist()
    for low, high, level in zip(lows, highs, passes, strict=True):
        first, second = flooded.root(low), flooded.root(high)
        shallower = max(bottom[first], bottom[second])
        if level - shallower < depth:
            joined.join(low, high)
        kept = flooded.join(first, second)
        bottom[kept] = min(bottom[first], bottom[second])
    return joined.labels()[basins]


def _basins(gradient: np.ndarray) -> np.ndarray:
    """Where a drop of water runs to, int32 [h, w]: pixels of one local minimum share a number."""
    height, width = gradient.shape
    padded = np.pad(gradient, 1, constant_values=np.inf)
    around = np.stack(
        [padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] for dy, dx in _FOUR]
    )  # [4, h, w]
    steepest = around.argmin(axis=0)
    runs = around.min(axis=0) < gradient
    here = np.arange(gradient.size, dtype=np.int32).reshape(gradient.shape)
    step = np.array([dy * width + dx for dy, dx in _FOUR], np.int32)
    source = here[runs]
    target = source + step[steepest[runs]]
    level_from, level_to = _level_pairs(gradient, ~runs, here)
    rows, columns = np.concatenate([source, level_from]), np.concatenate([target, level_to])
    graph = coo_matrix((np.ones(len(rows), np.int8), (rows, columns)), (gradient.size,) * 2)
    return connected_components(graph.tocsr(), directed=False)[1].reshape(gradient.shape)


_FOUR = ((-1, 0), (0, -1), (0, 1), (1, 0))


def _level_pairs(
    gradient: np.ndarray, still: np.ndarray, here: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Neighbours of equal height from which no water runs: a flat bottom is one basin."""
    across = still[:, 1:] & still[:, :-1] & (gradient[:, 1:] == gradient[:, :-1])
    down = still[1:] & still[:-1] & (gradient[1:] == gradient[:-1])
    return (
        np.concatenate([here[:, :-1][across], here[:-1][down]]),
        np.concatenate([here[:, 1:][across], here[1:][down]]),
    )


def _spanning_passes(
    basins: np.ndarray, gradient: np.ndarray, count: int
) -> tuple[list[int], list[int], list[float]]:
    """Lowest passes that hold all basins together, the lowest first."""
    lows, highs, heights = [], [], []
    for a, b, ga, gb in (
        (basins[:, 1:], basins[:, :-1], gradient[:, 1:], gradient[:, :-1]),
        (basins[1:], basins[:-1], gradient[1:], gradient[:-1]),
    ):
        apart = a != b
        lows.append(np.minimum(a, b)[apart])
        highs.append(np.maximum(a, b)[apart])
        heights.append(np.maximum(ga, gb)[apart])
    key = np.concatenate(lows).astype(np.int64) * count + np.concatenate(highs)
    height = np.concatenate(heights).astype(np.float64)
    order = np.lexsort((height, key))
    key, height = key[order], height[order]
    first = np.ones(len(key), bool)
    first[1:] = key[1:] != key[:-1]
    key, height = key[first], height[first]
    # A stored zero would be no edge to scipy.
    graph = csr_matrix((height + 1.0, (key // count, key % count)), (count, count))
    tree = minimum_spanning_tree(graph).tocoo()
    order = np.argsort(tree.data, kind="stable")
    return (
        tree.row[order].tolist(),
        tree.col[order].tolist(),
        (tree.data[order] - 1.0).tolist(),
    )
