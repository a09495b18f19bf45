"""Disjoint sets of whole numbers; the stages that join regions use it."""

from __future__ import annotations

import numpy as np


class Union:
    """Sets over `0 .. count - 1`, each alone at first; path halving, smaller joined to larger."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))
        self._size = [1] * count

    def root(self, item: int) -> int:
        """The number that stands for the set of `item`."""
        parent = self._parent
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    def join(self, first: int, second: int) -> int:
        """Make one set of two; the number that stands for it."""
        first, second = self.root(first), self.root(second)
        if first == second:
            return first
        if self._size[first] < self._size[second]:
            first, second = second, first
        self._parent[second] = first
        self._size[first] += self._size[second]
        return first

    def labels(self) -> np.ndarray:
        """Number of the set of every item, int32 [count]; sets counted from 0 by first member."""
        roots = np.array([self.root(item) for item in range(len(self._parent))], np.int64)
        _, first, inverse = np.unique(roots, return_index=True, return_inverse=True)
        rank = np.empty(len(first), np.int32)
        rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
        return rank[inverse]
