"""Regions that come from further than optical flow reaches, found by their look.

`masklets` and `far_flow` call this.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class LeapSettings:
    """When and how far the origin of a region is looked for.

    `unlike`: Lab error along the flow from which it is worth it. `alike`: the error of the new
    place must be below this share of it. `reach_px`: furthest leap. `far`: Lab error that a leap
    of one pixel weighs as much as. `least_px`, `largest`: areas, the latter as share of the
    picture. `most`: regions per frame, the worst first. `far_px`: from this length a leap tells how
    an element moves; shorter ways are left to flow, which is finer.
    """

    unlike: float = 6.0
    alike: float = 0.8
    reach_px: int = 40
    far: float = 0.05
    least_px: int = 60
    largest: float = 0.05
    most: int = 24
    far_px: float = 12.0


def leaping_ways(
    here: np.ndarray,
    there: np.ndarray,
    regions: np.ndarray,
    ways: np.ndarray,
    errors: np.ndarray,
    settings: LeapSettings,
) -> np.ndarray:
    """Translations of regions from `here` to `there`, leaps put in, float64 [regions, 2].

    here, there: Lab float32 [h, w, 3]; regions: int [h, w] of `here`; ways, errors: of
    `flow.region_ways`.
    """
    area = np.bincount(regions.ravel(), minlength=len(errors))
    sized = (area >= settings.least_px) & (area <= settings.largest * regions.size)
    doubtful = np.flatnonzero(sized & (errors > settings.unlike))
    result = ways.copy()
    for region in doubtful[np.argsort(-errors[doubtful], kind="stable")][: settings.most]:
        leap = _found(here, there, regions == region, ways[region], settings)
        if leap is not None:
            result[region] = leap
    return result


def _found(
    here: np.ndarray,
    there: np.ndarray,
    mask: np.ndarray,
    way: np.ndarray,
    settings: LeapSettings,
) -> tuple[int, int] | None:
    """The translation under which a region looks much more alike than under `way`."""
    mask = cv2.dilate(mask.view(np.uint8), np.ones((3, 3), np.uint8))
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    reach = settings.reach_px
    y0, x0 = max(0, top - reach), max(0, left - reach)
    window = there[y0 : bottom + reach, x0 : right + reach]
    patch = here[top:bottom, left:right]
    shown = mask[top:bottom, left:right].astype(np.float32)
    squares = cv2.matchTemplate(
        window, patch, cv2.TM_SQDIFF, mask=np.repeat(shown[..., None], 3, 2)
    )
    unlike = np.sqrt(np.maximum(squares, 0) / shown.sum())
    dy = np.arange(unlike.shape[0])[:, None] + y0 - top
    dx = np.arange(unlike.shape[1])[None] + x0 - left
    unlike += settings.far * np.hypot(dx, dy)
    row, column = np.unravel_index(int(unlike.argmin()), unlike.shape)
    old_row = round(float(way[1])) - int(y0 - top)
    old_column = round(float(way[0])) - int(x0 - left)
    if 0 <= old_row < unlike.shape[0] and 0 <= old_column < unlike.shape[1]:
        before = unlike[old_row, old_column]
        if unlike[row, column] > settings.alike * before:
            return None
    return int(column + x0 - left), int(row + y0 - top)
