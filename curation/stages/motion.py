"""How fast elements move and which way, measured on flow; `merging` and filters read it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curation.stages.flow import region_medians
from curation.stages.rests import RestSettings


@dataclass(frozen=True, eq=False)
class Motion:
    """Motion of `n` elements.

    scores   float64 [n], pixels per frame: mean over its pixels, then over the frames that show it
    vectors  float64 [n, steps, 2], median way on textured pixels; NaN where there are none
    area     float64 [n], mean pixels in the frames that show it
    rests    float64 [n], share of its telling pixels that go with the camera; NaN or None: unknown
    """

    scores: np.ndarray
    vectors: np.ndarray
    area: np.ndarray
    rests: np.ndarray | None = None


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


_WITH_CAMERA_PX = 0.3
_WITH_CAMERA_SHARE = 0.6


_CONTRADICTED_PX = 4.0
_LAG = 6
"""A way of so many pixels within so many frames cannot be missed by who looks that far."""


def steadied(
    raw: Motion,
    repaired: Motion,
    camera: np.ndarray,
    share: np.ndarray,
    settings: RestSettings,
) -> np.ndarray:
    """Motion of elements in which the backdrop's follow the camera: [n, steps, 2].

    raw, repaired: measured on flow before and after its repair by region; camera: [steps, 2];
    share: [n], of `rests.region_rests`. The repair is right about what stands still and rough
    about what bends: it is taken for those elements that it lets follow the camera most of the
    time, unless they are seen to move. What is seen to rest goes with the camera, whatever way its
    neighbours' outlines seem to carry it.
    """
    apart = np.linalg.norm(repaired.vectors - camera[None], axis=2)
    near = apart < _WITH_CAMERA_PX
    rests = (near.mean(axis=1) > _WITH_CAMERA_SHARE) & ~(share < settings.moving)
    vectors = np.where((near & rests[:, None])[..., None], repaired.vectors, raw.vectors)
    strayed = (share > settings.still) & (_strays(raw.vectors - camera[None]) > _CONTRADICTED_PX)
    with_camera = np.where(np.isnan(vectors), np.nan, camera[None])
    return np.where(strayed[:, None, None], with_camera, vectors)


def _strays(ways: np.ndarray) -> np.ndarray:
    """Mean length of the way that elements seem to go in `_LAG` frames, float64 [n]."""
    path = np.cumsum(np.nan_to_num(ways), axis=1)
    if path.shape[1] <= _LAG:
        return np.linalg.norm(path[:, -1:], axis=2).sum(axis=1)
    return np.linalg.norm(path[:, _LAG:] - path[:, :-_LAG], axis=2).mean(axis=1)
