"""Which frames and tracks the official reader takes; importers and parity tests ask here.

After `spec/curation.md` 1.8 and 1.9.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

DENSE_FRAMES = 48
KEPT_PART = (0.1, 0.9)
IN_ELEMENT_SHARE = 0.8
VISIBLE_SHARE = 0.1


def pick_frames(
    keys: Sequence[int], length: int, count: int, *, longest_stride: int = 3
) -> list[int]:
    """Frame numbers that the official reader takes of a clip of `length` frames.

    `keys`: frames that have masks. Only the middle of the clip counts. 48 frames are taken at a
    stride of 1 .. `longest_stride`, whether or not they have masks; any other number comes from
    the keys, evenly over all of them.
    """
    start, end = (int(length * share) for share in KEPT_PART)
    if count == DENSE_FRAMES:
        stride = int(np.clip((end - start) // (count - 1), 1, longest_stride))
        last = min(start + (count - 1) * stride + 1, end) - 1
        return np.linspace(start, last, count, dtype=int).tolist()
    inside = [key for key in sorted(keys) if start <= key < end]
    if not inside:
        return []
    return [inside[place] for place in np.linspace(0, len(inside) - 1, count, dtype=int)]


def conditioning_fps(fps: float, frames: Sequence[int]) -> int:
    """The rate that the model is told: that of the clip over the mean stride of `frames`."""
    stride = float(np.diff(frames).mean()) if len(frames) > 1 else 1.0
    return round(fps / max(stride, 1e-6))


def label_at(labels: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The label under each point at each frame, by integer lookup; -1 outside the picture.

    labels [frames, h, w], points [n, frames, 2] in pixels; returns int32 [n, frames].
    """
    frames, height, width = labels.shape
    x, y = np.trunc(points[..., 0]).astype(int), np.trunc(points[..., 1]).astype(int)
    inside = (points >= 0).all(-1) & (x < width) & (y < height)
    found = labels[np.arange(frames), np.where(inside, y, 0), np.where(inside, x, 0)]
    return np.where(inside, found.astype(np.int32), -1)


def kept_tracks(labels: np.ndarray, points: np.ndarray, visibility: np.ndarray) -> np.ndarray:
    """Which tracks stay: bool [n].

    A track stays where more than 80 % of its frames inside the picture are in the element that it
    starts in, and it is visible in more than 10 % of all frames. visibility [n, frames], 0..1.
    """
    at = label_at(labels, points)
    inside = at >= 0
    same = (at == at[:, :1]) & inside
    share = same.sum(1) / np.maximum(inside.sum(1), 1)
    return (at[:, 0] > 0) & (share > IN_ELEMENT_SHARE) & (visibility.mean(1) > VISIBLE_SHARE)
