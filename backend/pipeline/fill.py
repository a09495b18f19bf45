"""Continues a picture smoothly into places where nothing is known; used by `official_demo`."""

from __future__ import annotations

import cv2
import numpy as np

_SATURATION = 4.0


def fill_from(frame: np.ndarray, known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Fill `wanted` pixels from `known` ones, coarse to fine: uint8 [h, w, 3]."""
    levels = [np.concatenate([frame, np.full_like(frame[..., :1], 255)], -1).astype(np.float32)]
    # Pixels next to an outline carry the neighbour's colour; they would smear into the hole.
    trusted = cv2.erode(known.astype(np.uint8), np.ones((5, 5), np.uint8))
    levels[0] *= trusted[..., None]
    while min(levels[-1].shape[:2]) > 2:
        levels.append(np.asarray(cv2.pyrDown(levels[-1]), np.float32))
    colour = levels[-1][..., :3] / np.maximum(levels[-1][..., 3:], 1e-3)
    for level in reversed(levels[:-1]):
        colour = cv2.pyrUp(colour, dstsize=(level.shape[1], level.shape[0]))
        # Cells that are partly known count as known, so that the nearest colours go on inward.
        weight = np.clip(level[..., 3:] * (_SATURATION / 255), 0, 1)
        own = level[..., :3] / np.maximum(level[..., 3:], 1e-3)
        colour = own * weight + colour * (1 - weight)
    result = frame.copy()
    result[wanted] = np.clip(np.rint(colour * 255), 0, 255)[wanted].astype(np.uint8)
    return result
