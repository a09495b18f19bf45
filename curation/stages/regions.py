"""What the stages know of a label map's regions: sizes, means, who touches whom how sharply."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Regions:
    """Figures of `count` regions and of their borders.

    area    float64 [count], pixels
    colour  float64 [count, 3], mean Lab
    pairs   int64 [borders, 2], touching regions, the smaller number first
    length  float64 [borders], pixel edges of the border
    slope   float64 [borders], gradient summed along it
    """

    area: np.ndarray
    colour: np.ndarray
    pairs: np.ndarray
    length: np.ndarray
    slope: np.ndarray

    def __len__(self) -> int:
        return len(self.area)


def measure(labels: np.ndarray, lab: np.ndarray, gradient: np.ndarray) -> Regions:
    """Figures of the regions of `labels` (int [h, w], from 0, without gaps)."""
    count = int(labels.max()) + 1
    flat = labels.ravel()
    area = np.bincount(flat, minlength=count).astype(np.float64)
    sums = [np.bincount(flat, lab[..., c].ravel(), count) for c in range(3)]
    pairs, length, slope = _borders(labels, gradient, count)
    return Regions(area, np.stack(sums, 1) / area[:, None], pairs, length, slope)


def touching(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of touching regions, int64 [borders, 2], and the lengths of their borders."""
    count = int(labels.max()) + 1
    pairs, length, _ = _borders(labels, np.zeros(labels.shape, np.float32), count)
    return pairs, length


def _borders(
    labels: np.ndarray, gradient: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    keys, slopes = [], []
    for a, b, ga, gb in (
        (labels[:, 1:], labels[:, :-1], gradient[:, 1:], gradient[:, :-1]),
        (labels[1:], labels[:-1], gradient[1:], gradient[:-1]),
    ):
        apart = a != b
        low, high = np.minimum(a, b)[apart], np.maximum(a, b)[apart]
        keys.append(low.astype(np.int64) * count + high)
        slopes.append(np.maximum(ga, gb)[apart])
    key, inverse = np.unique(np.concatenate(keys), return_inverse=True)
    length = np.bincount(inverse, minlength=len(key)).astype(np.float64)
    slope = np.bincount(inverse, np.concatenate(slopes), len(key))
    return np.stack([key // count, key % count], 1), length, slope
