"""How fast elements move and which way, measured on flow; `merging` and filters read it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curation.stages.flow import region_medians


@dataclass(frozen=True, eq=False)
class Motion:
    """Motion of `n` elements.

    scores   float64 [n], pixels per frame: mean over its pixels, then over the frames that show it
    vectors  float64 [n, steps, 2], median way on textured pixels; NaN where there are none
    area     float64 [n], mean pixels in the frames that show it
    """

    scores: np.ndarray
    vectors: np.ndarray
    area: np.ndarray


def measure_motion(
    flow: np.ndarray, labels: np.ndarray, textured: np.ndarray, count: int
) -> Motion:
    """Motion of elements 0 .. count - 1.

    flow: float [frames - 1, h, w, 2]; labels: int [frames, h, w]; textured: bool [frames, h, w],
    pixels that can tell their motion. The official code does not say how frames are pooled: here
    every frame counts the same (`spec/curation.md` 1.5).
    """
    steps = len(flow)
    sums, shown = np.zeros(count), np.zeros(count)
    vectors = np.full((count, steps, 2), np.nan)
    total = np.zeros(count)
    for step in range(steps):
        flat = labels[step].ravel()
        length = np.hypot(flow[step, ..., 0], flow[step, ..., 1]).ravel()
        area = np.bincount(flat, minlength=count)
        there = area > 0
        mean = np.bincount(flat, length, count)[there] / area[there]
        sums[there] += mean
        shown += there
        total += area
        found = region_medians(flow[step], labels[step], textured[step])
        vectors[: len(found), step] = found
    seen = np.maximum(shown, 1)
    return Motion(sums / seen, vectors, total / seen)
