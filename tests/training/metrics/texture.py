"""Pictures whose motion is known exactly, for the tests of the figures."""

from __future__ import annotations

import cv2
import numpy as np

HEIGHT, WIDTH = 120, 200


def texture(seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A smooth random picture, uint8 [height, width, 3], that can be followed anywhere."""
    noise = np.random.default_rng(seed).standard_normal((height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.5)
    return np.clip(128 + smooth / smooth.std() * 45, 0, 255).astype(np.uint8)


def shifted(picture: np.ndarray, dx_px: float, dy_px: float) -> np.ndarray:
    """The picture moved right and down; what comes in is mirrored."""
    matrix = np.array([[1, 0, dx_px], [0, 1, dy_px]], np.float64)
    height, width = picture.shape[:2]
    return cv2.warpAffine(
        picture, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
