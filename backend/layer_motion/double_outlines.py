"""Tells whether art of both keys, mixed evenly, shows outlines twice; for the engine."""

from __future__ import annotations

import cv2
import numpy as np

from .key_shares import even
from .warp import Patch, blend, placed

_CELLS = 24  # of the camera's height: places in which edges are compared
_MET = 0.7  # 0.5 where no edge of one key meets one of the other, 1 where all do
# Of keys by a generator that is not ours: cars, fish and robots that only travel lose 0 to 0.03,
# a head that turns 0.47 and more, wings and arms 0.7 to 1.
_MOST_APART = 0.25


def are_doubled(first: Patch, last: Patch, height: int) -> bool:
    """Whether even shares of two patches lose many of the edges that both have.

    Two outlines of half strength side by side have half the squared gradient of one. That is
    compared place by place; `height`: the camera's.
    """
    box = first.box.union(last.box)
    cell = max(1, height // _CELLS)
    one, other = (_edges(placed(patch, box).pixels, cell) for patch in (first, last))
    alone = (one + other) / 2
    apart = _edges(blend(first, last, even(0.5)).pixels, cell) < _MET * alone
    return float(alone[apart].sum()) > _MOST_APART * float(alone.sum())


def _edges(pixels: np.ndarray, cell: int) -> np.ndarray:
    """Mean squared gradients of premultiplied RGBA [h, w, 4] in cells of `cell` pixels."""
    across, down = (np.diff(pixels, axis=axis) ** 2 for axis in (1, 0))
    edges = np.zeros(pixels.shape[:2], np.float32)
    edges[:, 1:] += across.sum(axis=2)
    edges[1:] += down.sum(axis=2)
    size = tuple(max(1, round(length / cell)) for length in edges.shape[::-1])
    return cv2.resize(edges, size, interpolation=cv2.INTER_AREA)
