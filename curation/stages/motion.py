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


def steadied(raw: Motion, repaired: Motion, camera: np.ndarray, plain: np.ndarray) -> np.ndarray:
    """Motion of elements in which the backdrop's follow the camera: [n, steps, 2].

    raw, repaired: measured on flow before and after its repair by region; camera: [steps, 2];
    plain: bool [n], of `plain.plain_backdrop`. The repair is right about what stands still and
    rough about what bends: it is taken for those elements that it lets follow the camera most of
    the time. Plain backdrop goes with the camera, whatever way its neighbours' outlines seem to
    carry it.
    """
    apart = np.linalg.norm(repaired.vectors - camera[None], axis=2)
    near = apart < _WITH_CAMERA_PX
    rests = near.mean(axis=1) > _WITH_CAMERA_SHARE
    vectors = np.where((near & rests[:, None])[..., None], repaired.vectors, raw.vectors)
    with_camera = np.where(np.isnan(vectors), np.nan, camera[None])
    return np.where(plain[:, None, None], with_camera, vectors)


def unseen_left_out(vectors: np.ndarray, strayed: np.ndarray) -> np.ndarray:
    """Motion [n, steps, 2] with NaN where an element has strayed before or after a step.

    strayed: bool [frames, n]. Whose every step would go keeps them all.
    """
    left = vectors.copy()
    left[(strayed[:-1] | strayed[1:]).T] = np.nan
    told = np.asarray(np.isfinite(left[..., 0]).any(axis=1))
    return np.where(told[:, None, None], left, vectors)
