"""Motion beyond the reach of optical flow, put into it where masklets bear it out; for `chain`.

DIS sees nothing of a flat ball that crosses its own width in a frame. Masks that were followed by
their look know better: what leaps, and lands on itself, moves as it leaps.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from curation.stages.elements import to_lab
from curation.stages.flow import region_medians
from curation.stages.leaps import LeapSettings, leaping_ways

_LANDS = 0.5
"""Share of an element that must come down on it."""


def far_ways(
    frames: np.ndarray,
    labels: np.ndarray,
    flow: np.ndarray,
    textured: np.ndarray,
    settings: LeapSettings,
) -> np.ndarray:
    """Leaps of elements, float64 [frames - 1, elements, 2], pixels; NaN: follows its flow.

    frames: RGB uint8 [frames, h, w, 3]; labels: int [frames, h, w] from 0, followed; flow: float32
    [frames - 1, h, w, 2]; textured: bool [frames, h, w].
    """
    leaps = np.full((len(flow), int(labels.max()) + 1, 2), np.nan)
    lab = [to_lab(frame) for frame in frames]
    for index, (first, second) in enumerate(pairwise(lab)):
        if np.array_equal(frames[index], frames[index + 1]):
            continue
        here, there = labels[index], labels[index + 1]
        ways = np.nan_to_num(region_medians(flow[index], here, textured[index]))
        errors = _unlike_along(first, second, flow[index], here)
        found = leaping_ways(first, second, here, ways, errors, settings)
        for element in np.flatnonzero(_far(found, ways, settings.far_px)):
            if _lands(here, there, int(element), found[element]):
                leaps[index, element] = found[element]
    return leaps


def with_leaps(flow: np.ndarray, labels: np.ndarray, leaps: np.ndarray) -> np.ndarray:
    """Flow in which elements that leap move so as a whole; arguments as of `far_ways`."""
    result = flow.copy()
    for index, way in enumerate(leaps):
        far = ~np.isnan(way).any(axis=1)[labels[index]]
        result[index][far] = way[labels[index][far]]
    return result


def _far(found: np.ndarray, ways: np.ndarray, far_px: float) -> np.ndarray:
    """Which ways [elements, 2] are long and quite unlike those by flow, bool [elements]."""
    length = np.linalg.norm(found, axis=1)
    return (length >= far_px) & (np.linalg.norm(found - ways, axis=1) >= far_px / 2)


def _unlike_along(
    first: np.ndarray, second: np.ndarray, flow: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Mean Lab error of every region along its flow, float64 [regions]."""
    height, width = labels.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    arrived = cv2.remap(
        second, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE
    )
    error = np.linalg.norm(arrived - first, axis=2).ravel()
    area = np.bincount(labels.ravel())
    return np.bincount(labels.ravel(), error) / np.maximum(area, 1)


def _lands(here: np.ndarray, there: np.ndarray, element: int, way: np.ndarray) -> bool:
    """Whether an element that goes this way comes down on itself."""
    y, x = np.nonzero(here == element)
    row, column = y + round(float(way[1])), x + round(float(way[0]))
    inside = (row >= 0) & (row < here.shape[0]) & (column >= 0) & (column < here.shape[1])
    hits = np.count_nonzero(there[row[inside], column[inside]] == element)
    return bool(hits >= _LANDS * len(y))
