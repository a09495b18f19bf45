"""Which colours each element has shown, to judge doubtful regions by; for `masklets`."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter
from scipy.sparse import csr_matrix

_STEP = 8.0
_SIDES = (14, 33, 33)
"""Cells of 8 Lab units: L 0 .. 100, a and b -128 .. 127."""
_RARE = 0.002


def _cells(lab: np.ndarray) -> np.ndarray:
    """Number of the colour cell of every pixel, int64 [h, w]."""
    cell = np.floor((lab + np.array([0, 128, 128], np.float32)) / _STEP).astype(np.int64)
    light, green, blue = (cell[..., axis].clip(0, _SIDES[axis] - 1) for axis in range(3))
    return (light * _SIDES[1] + green) * _SIDES[2] + blue


def palette(lab: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Colours that each label shows, and their next neighbours: bool [labels, cells].

    lab: float32 [h, w, 3]; labels: int [h, w] from 0. Colours rarer than one pixel in 500 of a
    label do not count: at its rim they are other things'.
    """
    count, cells = int(labels.max()) + 1, int(np.prod(_SIDES))
    key = labels.ravel().astype(np.int64) * cells + _cells(lab).ravel()
    seen = np.bincount(key, minlength=count * cells).reshape(count, cells)
    area = seen.sum(axis=1, keepdims=True)
    frequent = (seen > np.maximum(_RARE * area, 1)).reshape(count, *_SIDES)
    return maximum_filter(frequent, size=(1, 3, 3, 3)).reshape(count, cells)


def support(lab: np.ndarray, regions: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Share of each region's pixels whose colour a label has shown, float64 [regions, labels].

    A region without pixels has none.
    """
    count = int(regions.max()) + 1
    cells = _cells(lab).ravel()
    ones = np.ones(cells.size)
    held = csr_matrix((ones, (regions.ravel(), cells)), (count, colours.shape[1]))
    area = np.bincount(regions.ravel(), minlength=count)
    return (held @ colours.T.astype(np.float64)) / np.maximum(area, 1)[:, None]
