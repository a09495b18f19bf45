"""Does what should stay still stay still: drift of static layers, change where none was asked.

Called by the figures. Frames are uint8 [h, w, 3], regions bool [h, w].
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from training.metrics.followed import follow, window_px

MAX_CORNERS = 200
CORNER_QUALITY = 0.01
LEAST_CHANGE = 4  # of 255: below, rounding and compression
BORDER_PX = 2  # anti-aliased rims belong to the moving side


def static_drift_px(
    frames: Sequence[np.ndarray], first: np.ndarray, region: np.ndarray
) -> float | None:
    """Mean distance in pixels that a still layer moved, over its corners and all later frames.

    `first` is the true first frame, where the corners are found; `region` is where only still
    layers show in every frame of the truth. Corners keep half a tracking window away from its
    border, so that nothing that may move is in sight. None where there is no corner to follow.
    """
    side = window_px(region.shape[1])
    inner = cv2.erode(region.astype(np.uint8), np.ones((side, side), np.uint8))
    grey = cv2.cvtColor(np.ascontiguousarray(first[..., :3]), cv2.COLOR_RGB2GRAY)
    corners = cv2.goodFeaturesToTrack(
        grey, MAX_CORNERS, CORNER_QUALITY, max(3, side // 4), mask=inner
    )
    if corners is None:
        return None
    starts = corners.reshape(-1, 2) + np.float32(0.5)
    paths = follow([first, *frames], starts)
    kept = paths.kept[1:]
    if not kept.any():
        return None
    return float(np.linalg.norm(paths.points[1:] - starts, axis=2)[kept].mean())


def leakage(frames: Sequence[np.ndarray], first: np.ndarray, asked: np.ndarray) -> float:
    """Share of all change since the true first frame that lies outside the asked layers, 0..1.

    Change of a pixel: its largest difference over the channels, from `LEAST_CHANGE` on. `asked`:
    where a layer that may move shows in any frame of the truth; a rim of `BORDER_PX` belongs to
    it. 0 where nothing changes at all.
    """
    side = 2 * BORDER_PX + 1
    inside = cv2.dilate(asked.astype(np.uint8), np.ones((side, side), np.uint8)).astype(np.bool_)
    everywhere, outside = 0.0, 0.0
    for frame in frames:
        change = np.abs(frame[..., :3].astype(np.int16) - first[..., :3]).max(axis=2)
        change[change < LEAST_CHANGE] = 0
        everywhere += float(change.sum())
        outside += float(change[~inside].sum())
    return outside / everywhere if everywhere else 0.0
