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
    at camera pixel (`x`, `y`); cells are `step` (across, down) pixels wide. Outside, the border
    value goes on.
    """

    offsets: np.ndarray
    x: float
    y: float
    step: tuple[float, float]

    def at(self, where: np.ndarray) -> np.ndarray:
        """Displacements at camera positions float32 [h, w, 2]: float32 [h, w, 2]."""
        columns = (where[..., 0] - np.float32(self.x)) / np.float32(self.step[0]) - np.float32(0.5)
        rows = (where[..., 1] - np.float32(self.y)) / np.float32(self.step[1]) - np.float32(0.5)
        return cv2.remap(
            self.offsets, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
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
    `nudge`: a second displacement, applied before that of `field`, which is then read at its end.
    """

    forward: np.ndarray
    field: Field | None = None
    nudge: Field | None = None

    @property
    def is_affine(self) -> bool:
        """True where no displacement comes on top of the affine map."""
        return self.field is None and self.nudge is None

    @property
    def reach(self) -> float:
        """How far displacements may carry art beyond the affine map, in camera pixels."""
        return sum(field.reach for field in (self.field, self.nudge) if field is not None)


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

    def meets(self, other: Box) -> bool:
        """Whether both have a part in common."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

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
    return pose.is_affine and bool(np.allclose(pose.forward, affine.IDENTITY, atol=1e-9))


def pixel_centres(box: Box, size: tuple[int, int] | None = None) -> np.ndarray:
    """Centres of a camera rectangle's pixels, or of `size` (w, h) cells: float32 [h, w, 2]."""
    columns, rows = size or (box.width, box.height)
    where = np.empty((rows, columns, 2), np.float32)
    half = np.float32(0.5)
    where[..., 0] = box.left + (np.arange(columns) + half) * np.float32(box.width / columns)
    down = box.top + (np.arange(rows) + half) * np.float32(box.height / rows)
    where[..., 1] = down[:, None]
    return where


def source_positions(pose: Pose, where: np.ndarray) -> np.ndarray:
    """Where camera positions float32 [h, w, 2] come from: float32 [h, w, 2] key pixels."""
    for field in (pose.nudge, pose.field):
        if field is not None:
            where = where + field.at(where)
    return cv2.transform(where, np.linalg.inv(pose.forward)[:2])
