"""Where art lies at one moment: an affine map and a smooth field; used all over layer motion."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from . import affine


@dataclass(frozen=True, eq=False)
class Field:
    """A smooth displacement on a regular grid over the camera plane.

    `offsets` float32 [rows, columns, 2] in camera pixels; cell (0, 0) has its upper left corner
    at camera pixel (`x`, `y`); cells are `step` pixels wide. Outside, the border value goes on.
    """

    offsets: np.ndarray
    x: float
    y: float
    step: float

    def at(self, left: int, top: int, width: int, height: int) -> np.ndarray:
        """Displacements at the pixel centres of a camera rectangle: float32 [height, width, 2]."""
        columns = (np.arange(width, dtype=np.float32) + (left + 0.5 - self.x)) / self.step - 0.5
        rows = (np.arange(height, dtype=np.float32) + (top + 0.5 - self.y)) / self.step - 0.5
        grid_x, grid_y = np.meshgrid(columns, rows)
        return cv2.remap(
            self.offsets, grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )

    @property
    def reach(self) -> float:
        """Largest displacement in camera pixels."""
        return float(np.abs(self.offsets).max(initial=0.0))


@dataclass(frozen=True, eq=False)
class Pose:
    """Where a key's art lies at one moment.

    `forward`: affine map from the key's camera plane to the moment's. `field`: extra displacement
    at the moment's own pixels, applied before going back; pixel p shows forward^-1 (p + field(p)).
    """

    forward: np.ndarray
    field: Field | None = None


@dataclass(frozen=True)
class Box:
    """Camera rectangle: left, top inclusive; right, bottom exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    def union(self, other: Box) -> Box:
        """The smallest rectangle around both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def clipped(self, limit: Box) -> Box:
        """The common part; at least one pixel, so that an empty result is a 1x1 picture."""
        left = min(max(self.left, limit.left), limit.right - 1)
        top = min(max(self.top, limit.top), limit.bottom - 1)
        right = max(min(self.right, limit.right), left + 1)
        bottom = max(min(self.bottom, limit.bottom), top + 1)
        return Box(left, top, right, bottom)

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.bottom - self.top


AT_REST = Pose(affine.IDENTITY)


def is_at_rest(pose: Pose) -> bool:
    """True where the pose leaves the art exactly in place."""
    return pose.field is None and bool(np.allclose(pose.forward, affine.IDENTITY, atol=1e-9))


def source_positions(pose: Pose, box: Box) -> np.ndarray:
    """Where each pixel centre of a camera rectangle comes from: float32 [h, w, 2] key pixels."""
    across = np.arange(box.left, box.right, dtype=np.float32) + np.float32(0.5)
    down = np.arange(box.top, box.bottom, dtype=np.float32) + np.float32(0.5)
    where = np.empty((box.height, box.width, 2), np.float32)
    where[..., 0] = across
    where[..., 1] = down[:, None]
    if pose.field is not None:
        where += pose.field.at(box.left, box.top, box.width, box.height)
    return cv2.transform(where, np.linalg.inv(pose.forward)[:2])
