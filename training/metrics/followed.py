"""Follows points through made pictures: did they go where they were sent? Called by the figures.

Lucas-Kanade with a window of 31 px at 512 px width and a forward-backward check, the clean tracker
of the curation specification, section 1.8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

WINDOW_PX, WINDOW_WIDTH_PX = 31, 512
MIN_WINDOW_PX = 11
PYRAMID_LEVELS = 3
MAX_RETURN_PX = 1.0
MIN_CORNER = 1e-3  # of OpenCV's normalised smallest eigenvalue: flat patches cannot be followed


@dataclass(frozen=True, eq=False)
class Paths:
    """Where followed points were: float32 [frames, n, 2] and bool [frames, n] whether to trust it.

    Points in canvas pixels; (0, 0) is the outer corner of the top-left pixel. A point that was
    once lost stays lost.
    """

    points: np.ndarray
    kept: np.ndarray


@dataclass(frozen=True)
class EndPointError:
    """Mean distance in pixels between asked and followed points, and the share followed.

    `error_px` None where nothing could be followed. `kept` is the share of asked (point, frame)
    pairs, the first frame left out.
    """

    error_px: float | None
    kept: float


def follow(frames: Sequence[np.ndarray], starts: np.ndarray) -> Paths:
    """Follow `starts` [n, 2], places in the first frame, through frames uint8 [h, w, 3]."""
    grey = [cv2.cvtColor(np.ascontiguousarray(f[..., :3]), cv2.COLOR_RGB2GRAY) for f in frames]
    points = np.zeros((len(grey), len(starts), 2), np.float32)
    kept = np.zeros((len(grey), len(starts)), np.bool_)
    if not len(starts):
        return Paths(points, kept)
    points[0] = starts - np.float32(0.5)  # pixel centres at integers, as OpenCV counts
    height, width = grey[0].shape
    kept[0] = _inside(points[0], width, height)
    for index in range(1, len(grey)):
        points[index], found = _step(grey[index - 1], grey[index], points[index - 1])
        kept[index] = kept[index - 1] & found & _inside(points[index], width, height)
    return Paths(points + np.float32(0.5), kept)


def trajectory_error(
    frames: Sequence[np.ndarray], asked: np.ndarray, visible: np.ndarray
) -> EndPointError:
    """How far points of the made pictures end from where they were asked to go.

    `asked` float32 [frames, n, 2] canvas pixels, `visible` bool [frames, n] in the truth: a point
    counts until it is hidden for the first time.
    """
    due = np.cumprod(visible, axis=0).astype(np.bool_)  # [frames, n]
    due[0] = False
    paths = follow(frames, asked[0])
    counted = paths.kept & due
    kept = float(counted.sum() / due.sum()) if due.any() else 0.0
    if not counted.any():
        return EndPointError(None, kept)
    away = np.linalg.norm(paths.points - asked, axis=2)
    return EndPointError(float(away[counted].mean()), kept)


def window_px(width: int) -> int:
    """Odd side of the window for pictures of a width: 31 px at 512 px, at least 11."""
    return max(MIN_WINDOW_PX, int(WINDOW_PX * width / WINDOW_WIDTH_PX / 2) * 2 + 1)


def _step(
    before: np.ndarray, after: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One frame on: places [n, 2], and whether going back leads to where they came from."""
    start = points.reshape(-1, 1, 2)
    there, found = _track(before, after, start)
    back, returned = _track(after, before, there)
    distance = np.linalg.norm((back - start).reshape(-1, 2), axis=1)
    return there.reshape(-1, 2), found & returned & (distance < MAX_RETURN_PX)


def _track(
    before: np.ndarray, after: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    side = window_px(before.shape[1])
    guess = np.zeros_like(start)
    points, status, _ = cv2.calcOpticalFlowPyrLK(
        before,
        after,
        start,
        guess,
        winSize=(side, side),
        maxLevel=PYRAMID_LEVELS,
        minEigThreshold=MIN_CORNER,
    )
    return points, status.reshape(-1).astype(np.bool_)


def _inside(points: np.ndarray, width: int, height: int) -> np.ndarray:
    x, y = points[:, 0], points[:, 1]
    return (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
