"""How much of a layer's art a pose turns over; for sketch_fit.py and sketch_sense.py."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import cv2
import numpy as np

from .plan import Scene
from .pose import Box, Pose, pixel_centres, source_positions
from .warp import Art

_GRID = 48
TORN_SHARE = 0.02  # of the art turned over: the picture is torn
_SOFTER_CELLS = (1.5, 3.0, 6.0, 12.0)


def folded_shares(scene: Scene, art: Art | None, poses: Iterable[Pose | None]) -> list[float]:
    """Share 0..1 of a key's art that each pose folds over; poses of None are left out."""
    return [
        0.0 if pose.is_affine else _folded_share(scene, art, pose)
        for pose in poses
        if art is not None and pose is not None
    ]


def untangled(scene: Scene, art: Art, pose: Pose) -> Pose:
    """The pose with its field softened as far as the art no longer folds; affine at worst."""
    if pose.is_affine or pose.field is None or _folded_share(scene, art, pose) <= TORN_SHARE:
        return pose
    for sigma in _SOFTER_CELLS:
        softer = cv2.GaussianBlur(pose.field.offsets, (0, 0), sigma)
        eased = replace(pose, field=replace(pose.field, offsets=softer))
        if _folded_share(scene, art, eased) <= TORN_SHARE:
            return eased
    return Pose(pose.forward)


def _folded_share(scene: Scene, art: Art, pose: Pose) -> float:
    """Share 0..1 of the shown art that lies turned over."""
    frame = Box(0, 0, scene.task.width, scene.task.height)
    size = _GRID, max(2, round(_GRID * frame.height / frame.width))
    source = source_positions(pose, pixel_centres(frame, size)).astype(np.float64)
    across, down = np.diff(source, axis=1)[:-1], np.diff(source, axis=0)[:, :-1]
    turned = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0] <= 0
    x, y = np.moveaxis(source[:-1, :-1], 2, 0)
    box = art.box
    shown = (x >= box.left) & (x < box.right) & (y >= box.top) & (y < box.bottom)
    return float(turned[shown].mean()) if shown.any() else 0.0
