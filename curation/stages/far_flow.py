"""Motion beyond the reach of optical flow, put into it where masklets bear it out; for `chain`.

DIS sees nothing of a flat ball that crosses its own width in a frame. Masks that were followed by
their look know better: what leaps, and lands on itself, moves as it leaps.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from curation.stages.elements import to_lab
from curation.stages.flow import region_medians, seen_along
from curation.stages.leaps import LeapSettings, leaping_ways


@dataclass(frozen=True)
class FarSettings:
    """When a leap tells how an element moves.

    `far_px`: from this length on; shorter ways are left to flow, which is finer. `lands`: share of
    the element that must come down on it, and more than would along the flow.
    """

    far_px: float = 12.0
    lands: float = 0.5


def far_ways(
    frames: np.ndarray,
    labels: np.ndarray,
    flow: np.ndarray,
    textured: np.ndarray,
    leaping: LeapSettings,
    settings: FarSettings | None = None,
) -> np.ndarray:
    """Leaps of elements, float64 [frames - 1, elements, 2], pixels; NaN: follows its flow.

    frames: RGB uint8 [frames, h, w, 3]; labels: int [frames, h, w] from 0, followed; flow: float32
    [frames - 1, h, w, 2]; textured: bool [frames, h, w].
    """
    settings = settings or FarSettings()
    leaps = np.full((len(flow), int(labels.max()) + 1, 2), np.nan)
    lab = [to_lab(frame) for frame in frames]
    for index, (first, second) in enumerate(pairwise(lab)):
        if np.array_equal(frames[index], frames[index + 1]):
            continue
        here, there = labels[index], labels[index + 1]
        ways = np.nan_to_num(region_medians(flow[index], here, textured[index]))
        errors = _unlike_along(first, second, flow[index], here)
        found = leaping_ways(first, second, here, ways, errors, leaping)
        for element in np.flatnonzero(_far(found, ways, settings.far_px)):
            stays = here == element, there == element
            share = _landing(*stays, found[element])
            if share >= settings.lands and share > _landing(*stays, ways[element]):
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
    error = np.linalg.norm(seen_along(flow, second) - first, axis=2).ravel()
    area = np.bincount(labels.ravel())
    return np.bincount(labels.ravel(), error) / np.maximum(area, 1)


def _landing(here: np.ndarray, there: np.ndarray, way: np.ndarray) -> float:
    """Share of an element's pixels, bool [h, w], that come down on it when they go this way."""
    y, x = np.nonzero(here)
    row, column = y + round(float(way[1])), x + round(float(way[0]))
    inside = (row >= 0) & (row < here.shape[0]) & (column >= 0) & (column < here.shape[1])
    return np.count_nonzero(there[row[inside], column[inside]]) / max(len(y), 1)
