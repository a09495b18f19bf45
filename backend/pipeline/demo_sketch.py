"""Picks one layer's lines out of sketches of the whole picture; used by `official_demo`.

Official sketches show their layer alone. Others are edges of whole frames; their lines around the
layer are followed from frame to frame, starting where its mask lies at the first key.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from backend.layer_motion import affine
from backend.layer_motion.field_fit import global_map
from backend.layer_motion.line_fit import LineFitter
from backend.layer_motion.line_points import LinePoints, sketch_points
from backend.pipeline.demo_matte import around

_WORKING_LINES = 112
_OWN_SHARE = 0.6
_REACH = 0.012  # of the picture's height: how far a layer's own lines lie outside its mask
_SLACK = 0.02  # of the height, per frame: how far a layer may run ahead of where it is expected
_MOST_SLACK = 0.08
_DARK = 128
_MIN_POINTS = 12
_ASTRAY_PX = (2.0, 1.2)  # working pixels left to the lines around: more, and the layer is lost
_FAR_FRAMES = 3  # the second limit counts from here: there is more room for a wrong fit


def lines_of_layer(sketches: Mapping[int, np.ndarray], mask: np.ndarray) -> dict[int, np.ndarray]:
    """Sketches with the lines of a layer only: alpha uint8 [h, w] by frame index.

    `mask` bool [h, w]: the layer at frame 0. Sketches stay as they are where most lines of the
    first one lie on the layer, and where there is none of frame 0 to begin at. They end where the
    layer is lost among other lines.
    """
    first = sketches.get(0)
    if first is None or not mask.any() or _own_share(first, mask) >= _OWN_SHARE:
        return dict(sketches)
    height, width = mask.shape
    scale = min(1.0, _WORKING_LINES / height)
    follower = _Follower(mask, scale)
    start = follower.points(first, affine.IDENTITY, 0)
    if len(start) < _MIN_POINTS:
        return dict(sketches)
    fitter = LineFitter(start, (width * scale, height * scale))
    found = {0: follower.cut(first, affine.IDENTITY, 0)}
    before, now, speed = 0, fitter.source, np.zeros_like(fitter.source)
    for index in sorted(set(sketches) - {0}):
        gap = index - before
        expected = now + speed * gap
        place = global_map(fitter.source, expected, np.ones(len(expected)))
        target = follower.points(sketches[index], place, gap)
        if len(target) < _MIN_POINTS:
            break
        fit = fitter.follow(expected, target)
        if fit.error_px > _ASTRAY_PX[gap >= _FAR_FRAMES]:
            break
        place = global_map(fitter.source, fit.moved, fit.trust)
        moved = affine.apply(place, fitter.source)
        found[index] = follower.cut(sketches[index], place, 0)
        before, now, speed = index, moved, (moved - now) / gap
    return found if len(found) > 1 else dict(sketches)


def _own_share(lines: np.ndarray, mask: np.ndarray) -> float:
    """Share 0..1 of a sketch's lines that lie on a layer."""
    dark = lines > _DARK
    near = around(mask, max(1, round(_REACH * len(mask))))
    return float(np.count_nonzero(dark & near) / max(np.count_nonzero(dark), 1))


class _Follower:
    """A layer's first mask, carried to where the layer is now."""

    def __init__(self, mask: np.ndarray, scale: float) -> None:
        self._mask = mask.astype(np.uint8)
        self._scale = scale

    def cut(self, lines: np.ndarray, place: np.ndarray, gap: int) -> np.ndarray:
        """Lines [h, w] near the mask moved by `place` (working pixels), `gap` frames on."""
        height, width = self._mask.shape
        camera = affine.scaling(1 / self._scale) @ place @ affine.scaling(self._scale)
        moved = cv2.warpAffine(self._mask, camera[:2], (width, height), flags=cv2.INTER_NEAREST)
        reach = _REACH + min(_SLACK * gap, _MOST_SLACK)
        return np.where(around(moved > 0, max(1, round(reach * height))), lines, np.uint8(0))

    def points(self, lines: np.ndarray, place: np.ndarray, gap: int) -> LinePoints:
        """The same lines as points in working pixels."""
        return sketch_points(self.cut(lines, place, gap) / np.float32(255), self._scale)
