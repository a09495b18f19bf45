"""A head that turns, for the tests of layer motion: what either key shows of it differs."""

from __future__ import annotations

import cv2
import numpy as np


def face(turn: float) -> np.ndarray:
    """A head whose patch slides over it with the turn (-1..1), half hidden at either end."""
    art = np.zeros((96, 160, 4), np.uint8)
    head, ink = (80, 48), (20, 20, 30, 255)
    cv2.circle(art, head, 36, (225, 180, 150, 255), -1, cv2.LINE_AA)
    patch = np.zeros_like(art)
    cv2.circle(patch, (round(80 + 38 * turn), 46), 13, (255, 255, 255, 255), -1, cv2.LINE_AA)
    cv2.circle(patch, (round(80 + 38 * turn), 46), 13, ink, 2, cv2.LINE_AA)
    inside = np.zeros((96, 160), np.uint8)
    cv2.circle(inside, head, 34, 255, -1)
    shown = (inside > 0) & (patch[..., 3] > 127)
    art[shown] = patch[shown]
    cv2.circle(art, head, 36, ink, 2, cv2.LINE_AA)
    return art
