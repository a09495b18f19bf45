"""What a correction may take away from opaque art, whatever the network says; used by expert.py.

A sketch says where lines are, not what lies between them: dark fills, open outlines and shading
look like mistakes to a network that has only seen clean drawings. So art is only taken away in
slivers along outlines; everything broader stays as layer motion drew it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backend.mini.frames import LayerFrame

_OPAQUE = 0.5
_LOSS = 0.15  # a larger change of opaque art than this counts as taking it away
_TRACE = 0.05  # a larger gain of cover than this counts as adding
_STROKE = 0.3


@dataclass(frozen=True)
class Limits:
    """How much of opaque art may change; lengths are shares of the frame's height.

    `depth`: farther than this from strokes and the art's rim nothing changes at all. `thickness`:
    patches that are broader stay. `area`: share of the opaque art beyond which the whole drawing
    stays. `reach`: farther than this from opaque art no lone lines are added. Values by
    measurement, see the card.
    """

    depth: float = 0.03
    thickness: float = 0.04
    area: float = 0.15
    reach: float = 0.02


LIMITS = Limits()


def guarded(frame: LayerFrame, change: np.ndarray, limits: Limits = LIMITS) -> np.ndarray:
    """The part of a correction float32 [h, w, 4] that is safe; all zero where too much would go."""
    height_px = frame.canvas[1]
    opaque = frame.art[..., 3] > _OPAQUE
    interior = _depth(opaque & (frame.sketch < _STROKE)) > limits.depth * height_px
    taken = opaque & (np.abs(change).max(axis=2) > _LOSS)
    kept = interior | _broad(taken, interior, limits.thickness * height_px / 2)
    kept |= _stray(~opaque & (change[..., 3] > _TRACE), opaque, limits.reach * height_px)
    if (taken & ~kept).sum() > limits.area * opaque.sum():
        return np.zeros_like(change)
    return np.where(kept[..., None], np.float32(0), change)


def _broad(taken: np.ndarray, interior: np.ndarray, half_px: float) -> np.ndarray:
    """The patches of `taken` that are broader than twice `half_px` or reach into the interior.

    Slits one or two pixels wide do not part a patch: lines within a wrongly emptied area may stay.
    """
    joined = cv2.morphologyEx(taken.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels = cv2.connectedComponents(joined, connectivity=8)
    patches = np.asarray(labels, np.int64)
    refused = np.zeros(count, bool)
    refused[patches[(_depth(joined > 0) > half_px) | interior & (joined > 0)]] = True
    refused[0] = False
    return cv2.dilate(refused[patches].astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def _stray(added: np.ndarray, opaque: np.ndarray, reach_px: float) -> np.ndarray:
    """Lines added far from all art, which would hang in the air: slim patches out of reach."""
    far = added & (_depth(~opaque) > reach_px)
    slim_px = np.ones((5, 5), np.uint8)
    firm = cv2.morphologyEx(added.astype(np.uint8), cv2.MORPH_OPEN, slim_px)
    return far & (cv2.dilate(firm, slim_px) == 0)


def _depth(mask: np.ndarray) -> np.ndarray:
    """Distance in pixels to the nearest pixel that is not of the mask; the border is no rim."""
    return cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
