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
_FEW_APART, _MANY_APART = 0.2, 0.3


def doubled(first: Patch, last: Patch, height: int) -> float:
    """How surely even shares of two patches show outlines twice: 0..1.

    Two outlines of half strength side by side have half the squared gradient of one. That is
    compared place by place where both keys are known; `height`: the camera's.
    """
    box = first.box.union(last.box)
    first, last = placed(first, box), placed(last, box)
    known = np.ones((box.height, box.width), np.float32)
    for weight in (first.weight, last.weight):
        known = known if weight is None else known * (weight >= 1.0)
    cell = max(1, height // _CELLS)
    patches = first, last, blend(first, last, even(0.5))
    one, other, both = (_edges(patch.pixels, known, cell) for patch in patches)
    alone = (one + other) / 2
    lost = float(alone[both < _MET * alone].sum()) / max(float(alone.sum()), 1e-9)
    return float(np.clip((lost - _FEW_APART) / (_MANY_APART - _FEW_APART), 0.0, 1.0))


def _edges(pixels: np.ndarray, known: np.ndarray, cell: int) -> np.ndarray:
    """Mean squared gradients of premultiplied RGBA [h, w, 4] in cells of `cell` pixels.

    `known` float32 [h, w]: 0 where nothing counts.
    """
    across, down = (np.diff(pixels, axis=axis) ** 2 for axis in (1, 0))
    edges = np.zeros(pixels.shape[:2], np.float32)
    edges[:, 1:] += across.sum(axis=2)
    edges[1:] += down.sum(axis=2)
    size = tuple(max(1, round(length / cell)) for length in edges.shape[::-1])
    return cv2.resize(edges * known, size, interpolation=cv2.INTER_AREA)
