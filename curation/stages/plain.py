"""Plain pieces of backdrop that a figure cuts off: between its limbs, beside its arms.

Their only edges are the figure's own outlines, so every measure of motion carries them along with
it. What gives them away is their colour: it is that of backdrop near by. `chain` calls this.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from curation.stages.elements import to_lab


@dataclass(frozen=True)
class PlainSettings:
    """When a region is taken for backdrop by its colour alone.

    `alike`: Lab distance of its median colour from a resting region's; 0 never takes any. `uneven`:
    median Lab distance of its pixels from that colour above which it is not plain. `reach`: share
    of the picture's width within which the resting region lies. `most`: share of the picture above
    which a region needs no such guess.
    """

    alike: float = 2.0
    uneven: float = 4.0
    reach: float = 0.2
    most: float = 0.03


_RIM_PX = 1.5
"""Outlines bleed this far into a region."""
_LEAST_PX = 8
"""Inner pixels from which a colour can be told; a resting region shows `_LEAST_SEEN_PX` near by."""
_LEAST_SEEN_PX = 60


def plain_backdrop(
    picture: np.ndarray, regions: np.ndarray, rests: np.ndarray, settings: PlainSettings
) -> np.ndarray:
    """Regions that only look as if they moved: bool [n].

    picture: RGB uint8 [h, w, 3]; regions: int [h, w], below n; rests: bool [n], regions that are
    seen to rest. A part of a figure in exactly the colour of the wall behind it is taken, too.
    """
    count = len(rests)
    inner, median, spread = _colours(to_lab(picture), regions, count)
    area = np.bincount(regions.ravel(), minlength=count)
    known = rests & (inner >= _LEAST_SEEN_PX)
    asked = (inner >= _LEAST_PX) & ~rests & (spread < settings.uneven)
    asked &= area < settings.most * regions.size
    found = np.zeros(count, bool)
    for region in np.flatnonzero(asked):
        alike = known & (np.linalg.norm(median - median[region], axis=1) < settings.alike)
        if alike.any():
            around = _around(regions, int(region), settings.reach)
            found[region] = alike[around].sum() >= _LEAST_SEEN_PX
    return found


def _colours(
    lab: np.ndarray, regions: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inner pixels of each region [n], their median colour [n, 3], and how far they lie from it."""
    rim = np.zeros(regions.shape, bool)
    rim[:, 1:] |= regions[:, 1:] != regions[:, :-1]
    rim[1:] |= regions[1:] != regions[:-1]
    inside = cv2.distanceTransform((~rim).astype(np.uint8), cv2.DIST_L2, 3) > _RIM_PX
    places = np.flatnonzero(inside)
    places = places[np.argsort(regions.ravel()[places], kind="stable")]
    bounds = np.searchsorted(regions.ravel()[places], np.arange(count + 1))
    inner = np.diff(bounds)
    median, spread = np.zeros((count, 3)), np.full(count, np.inf)
    for region in np.flatnonzero(inner >= _LEAST_PX):
        own = lab.reshape(-1, 3)[places[bounds[region] : bounds[region + 1]]]
        median[region] = np.median(own, axis=0)
        spread[region] = np.median(np.linalg.norm(own - median[region], axis=1))
    return inner, median, spread


def _around(regions: np.ndarray, region: int, reach: float) -> np.ndarray:
    """The box about a region that is wider by `reach` of the width on every side."""
    rows, columns = np.nonzero(regions == region)
    more = round(reach * regions.shape[1])
    top, left = max(0, rows.min() - more), max(0, columns.min() - more)
    return regions[top : rows.max() + more + 1, left : columns.max() + more + 1]
