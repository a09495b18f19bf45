"""Line drawings of pictures without weights: dark lines of luminance; `spec/curation.md` 3.7."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class SketchSettings:
    """Difference of two blurs: `fine_px`, and `ratio` times that. `gain` of what exceeds `least`.

    `even`: divide by the brightness around, which brings out lines in dark scenes.
    """

    fine_px: float = 0.6
    ratio: float = 3.0
    gain: float = 8.0
    least: float = 0.015
    even: bool = False


def sketch(picture: np.ndarray, settings: SketchSettings | None = None) -> np.ndarray:
    """Lines of an RGB uint8 picture [h, w, 3]: uint8 [h, w], 0 on a line .. 255 paper."""
    settings = settings or SketchSettings()
    light = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255.0
    fine = cv2.GaussianBlur(light, (0, 0), settings.fine_px)
    wide = cv2.GaussianBlur(light, (0, 0), settings.fine_px * settings.ratio)
    dark = wide - fine
    if settings.even:
        dark = dark / (wide + 0.15)
    ink = settings.gain * np.maximum(dark - settings.least, 0.0)
    return np.rint(255.0 * (1.0 - np.minimum(ink, 1.0))).astype(np.uint8)


def within(lines: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The sketch of one layer: paper outside its mask.

    Sketch the whole picture first: of a cut-out, its own rim would become a line.
    """
    return np.where(mask, lines, np.uint8(255))
