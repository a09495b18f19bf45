"""Does a made clip flicker? Change between frames that motion does not explain; for the figures."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np


def flicker(frames: Sequence[np.ndarray], truth: Sequence[np.ndarray]) -> float:
    """Unexplained change of a clip beyond that of the truth, in grey levels 0..255.

    Each clip is measured along its own motion, so that a smooth clip that moves otherwise than
    the truth does not count as flickering. Below 0 where the clip is calmer than the truth. Frames
    are uint8 [h, w, 3]; 0 for fewer than two.
    """
    return unexplained_change(frames) - unexplained_change(truth)


def unexplained_change(frames: Sequence[np.ndarray]) -> float:
    """Mean absolute difference between each frame and the next one drawn back along its flow.

    In grey levels; dense inverse search flow. Pixels whose flow leads out of the picture are left
    out, so is a pair without any other.
    """
    grey = [cv2.cvtColor(np.ascontiguousarray(f[..., :3]), cv2.COLOR_RGB2GRAY) for f in frames]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    changes: list[float] = []
    for index in range(len(grey) - 1):
        start = np.zeros((*grey[0].shape, 2), np.float32)
        flow = search.calc(grey[index], grey[index + 1], start)
        change = _difference(frames[index], frames[index + 1], flow)
        if change is not None:
            changes.append(change)
    return float(np.mean(changes)) if changes else 0.0


def _difference(frame: np.ndarray, following: np.ndarray, flow: np.ndarray) -> float | None:
    height, width = frame.shape[:2]
    columns, rows = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    x, y = columns + flow[..., 0], rows + flow[..., 1]
    inside = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    if not inside.any():
        return None
    back = cv2.remap(following[..., :3].astype(np.float32), x, y, cv2.INTER_LINEAR)
    return float(np.abs(back - frame[..., :3])[inside].mean())
