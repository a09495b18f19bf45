"""Do the lines of a made picture lie where the drawing has them? Called by the figures.

Lines by the difference-of-Gaussians rule of the curation specification, section 1.10 and 3.7.
"""

from __future__ import annotations

import cv2
import numpy as np

NARROW_PX, WIDE_PX = 0.6, 1.8
GAIN, LEAST = 8.0, 0.015
DARK = 0.5  # a pixel of the line drawing below this is a line


def line_drawing(frame: np.ndarray) -> np.ndarray:
    """Freehand-like lines of a picture uint8 [h, w, 3]: float32 [h, w], 0 on a line, 1 paper.

    1 - 8 max(G(1.8) Y - G(0.6) Y - 0.015, 0), clipped, with Y the luminance 0..1 and G(s) a
    Gaussian of s px: the rule that matched the released demo sketches best.
    """
    grey = cv2.cvtColor(np.ascontiguousarray(frame[..., :3]), cv2.COLOR_RGB2GRAY)
    luminance = grey.astype(np.float32) / 255
    darker = _blurred(luminance, WIDE_PX) - _blurred(luminance, NARROW_PX) - LEAST
    return np.clip(1 - GAIN * np.maximum(darker, 0), 0, 1)


def lines_of(frame: np.ndarray) -> np.ndarray:
    """Where a picture has a line: bool [h, w]."""
    return line_drawing(frame) < DARK


def line_f_score(made: np.ndarray, asked: np.ndarray, tolerance_px: int) -> float | None:
    """Harmonic mean of precision and recall of made lines against asked ones, both bool [h, w].

    A line pixel is right if one of the other drawing lies within `tolerance_px` (Euclidean).
    None where nothing is asked; 0 where nothing was made.
    """
    if not asked.any():
        return None
    if not made.any():
        return 0.0
    precision = float((_distance_px(asked)[made] <= tolerance_px).mean())
    recall = float((_distance_px(made)[asked] <= tolerance_px).mean())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _distance_px(lines: np.ndarray) -> np.ndarray:
    """Distance of every pixel to the nearest line: float32 [h, w]."""
    return cv2.distanceTransform((~lines).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def _blurred(values: np.ndarray, sigma_px: float) -> np.ndarray:
    return cv2.GaussianBlur(values, (0, 0), sigma_px)
