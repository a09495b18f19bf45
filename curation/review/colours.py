"""Colours of previews: one per label, the flow's wheel, layers; pure arrays, used by sheets."""

from __future__ import annotations

import cv2
import numpy as np

_GOLDEN = 0.618033988749895
_FULL_FLOW_PX = 8.0  # per frame of a 512 wide picture; faster motion is no more saturated
_FULL_FLOW_WIDTH = 512


def label_colours(count: int) -> np.ndarray:
    """uint8 [count + 1, 3]: black for label 0, then hues that lie far apart for neighbours."""
    hues = (np.arange(count) * _GOLDEN) % 1
    values = np.stack(
        [hues * 179, np.full(count, 165.0), np.where(np.arange(count) % 2, 190.0, 240.0)], axis=-1
    )
    table = np.zeros((count + 1, 3), np.uint8)
    if count:
        hsv = values.astype(np.uint8)[None]
        table[1:] = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0]
    return table


def painted_labels(frame: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """A frame uint8 [h, w, 3] under its labels [h, w]: 60 % colour, with borders in white."""
    colours = label_colours(count)[labels]
    mixed = (0.4 * frame + 0.6 * colours).astype(np.uint8)
    border = np.zeros(labels.shape, np.bool_)
    border[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    border[1:] |= labels[1:] != labels[:-1]
    mixed[border] = 255
    return mixed


def flow_colours(flow: np.ndarray) -> np.ndarray:
    """Flow [h, w, 2] in pixels as uint8 RGB [h, w, 3]: hue is direction, white stands still."""
    x, y = flow[..., 0].astype(np.float32), flow[..., 1].astype(np.float32)
    full_px = _FULL_FLOW_PX * flow.shape[1] / _FULL_FLOW_WIDTH
    strength = np.clip(np.hypot(x, y) / full_px, 0, 1)
    angle = np.degrees(np.arctan2(y, x)) % 360
    hsv = np.stack([angle, strength, np.ones_like(strength)], axis=-1).astype(np.float32)
    return np.rint(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255).astype(np.uint8)
