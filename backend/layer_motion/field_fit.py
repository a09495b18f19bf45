"""Makes a pose out of points that moved: one affine map and a smooth field; layer motion only."""

from __future__ import annotations

import cv2
import numpy as np

from . import affine
from .pose import Field, Pose

_OVERSCAN = 0.3
_FIELD_SIGMAS_PX = (20.0, 10.0, 5.0, 2.5, 1.5)
_STRAIGHT_PX = 0.01


def global_map(source: np.ndarray, moved: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """The affine map that explains most of what points [n, 2] did; identity where none does."""
    matrix = affine.fit_affine(source, moved, trust + 0.05, stiffness=0.002)
    return matrix if affine.is_regular(matrix) else affine.IDENTITY


def pose_of_points(
    source: np.ndarray,
    moved: np.ndarray,
    trust: np.ndarray,
    frame: tuple[int, int],
    scale: float,
) -> Pose:
    """The pose that takes `source` to `moved` [n, 2], both in working pixels.

    `trust` [n] 0..1; `frame`: camera width and height; `scale`: working by camera pixels.
    """
    matrix = global_map(source, moved, trust)
    camera = affine.scaling(1 / scale) @ matrix @ affine.scaling(scale)
    offsets = affine.apply(matrix, source) - moved  # [n, 2]
    if np.abs(offsets).max(initial=0.0) < _STRAIGHT_PX:
        return Pose(camera)
    left = -int(_OVERSCAN * frame[0] * scale) - 1
    top = -int(_OVERSCAN * frame[1] * scale) - 1
    columns = int(np.ceil(frame[0] * scale)) - 2 * left
    rows = int(np.ceil(frame[1] * scale)) - 2 * top
    grid = scattered_field(moved - (left, top), offsets, trust + 0.02, (rows, columns))
    return Pose(
        camera, Field(grid / np.float32(scale), left / scale, top / scale, (1 / scale, 1 / scale))
    )


def scattered_field(
    place: np.ndarray, offsets: np.ndarray, weight: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Spread displacements known at scattered points over a grid, coarse to fine.

    `place` [n, 2] grid pixels, `offsets` [n, 2], `size` (rows, columns); float32 [rows, columns,
    2]. Each round adds what the coarser ones left over, and fades out away from the points.
    """
    rows, columns = size
    field = np.zeros((rows, columns, 2), np.float32)
    left = offsets.astype(np.float32)
    for sigma in _FIELD_SIGMAS_PX:
        part = _round(place, left, weight, size, sigma)
        field += cv2.resize(part, (columns, rows), interpolation=cv2.INTER_LINEAR)
        steps = np.array([part.shape[1] / columns, part.shape[0] / rows])
        where = (place * steps - 0.5).astype(np.float32)
        got = cv2.remap(
            part, where[:, 0], where[:, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        left = left - got.reshape(-1, 2)
    return field


def _round(
    place: np.ndarray, left: np.ndarray, weight: np.ndarray, size: tuple[int, int], sigma: float
) -> np.ndarray:
    """Weighted mean of displacements within about `sigma`, on a grid just fine enough for it."""
    cell = max(1, int(sigma / _FIELD_SIGMAS_PX[-1]))
    rows, columns = -(-size[0] // cell), -(-size[1] // cell)
    index_x = np.clip((place[:, 0] * columns / size[1]).astype(int), 0, columns - 1)
    index_y = np.clip((place[:, 1] * rows / size[0]).astype(int), 0, rows - 1)
    flat = index_y * columns + index_x
    layers = np.stack(
        [
            np.bincount(flat, values, rows * columns).reshape(rows, columns)
            for values in (weight, weight * left[:, 0], weight * left[:, 1])
        ],
        axis=-1,
    ).astype(np.float32)
    smooth = cv2.GaussianBlur(layers, (0, 0), sigma / cell)
    return smooth[..., 1:] / (smooth[..., :1] + np.float32(0.02 / sigma * cell * cell))
