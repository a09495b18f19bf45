"""Between camera pixels and the model's frame: scaled evenly, padded, never distorted."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

MULTIPLE_PX = 64
_KEEP_TRAINED = 0.8


@dataclass(frozen=True)
class FrameFit:
    """How a camera frame lies in a model frame. All in pixels; `left`, `top`: where it begins."""

    camera_width: int
    camera_height: int
    width: int
    height: int
    inner_width: int
    inner_height: int
    left: int
    top: int

    def to_model(self, pictures: np.ndarray) -> np.ndarray:
        """Camera-sized float32 [h, w] or [h, w, c] to model size; borders are continued."""
        inner = _resized(pictures, self.inner_width, self.inner_height)
        return cv2.copyMakeBorder(
            inner,
            self.top,
            self.height - self.inner_height - self.top,
            self.left,
            self.width - self.inner_width - self.left,
            cv2.BORDER_REPLICATE,
        )

    def to_camera(self, picture: np.ndarray) -> np.ndarray:
        """Model-sized float32 [H, W, c] back to camera size, padding cut off."""
        bottom, right = self.top + self.inner_height, self.left + self.inner_width
        inner = np.ascontiguousarray(picture[self.top : bottom, self.left : right])
        return _resized(inner, self.camera_width, self.camera_height)

    def points_to_model(self, points: np.ndarray) -> np.ndarray:
        """Camera pixel coordinates [..., 2] in model pixels: float32."""
        scale = (self.inner_width / self.camera_width, self.inner_height / self.camera_height)
        return (points * scale + (self.left, self.top)).astype(np.float32)


def fit_frame(
    camera_width: int, camera_height: int, trained_width: int, trained_height: int
) -> FrameFit:
    """Choose the model frame for a camera: sides are multiples of 64, area as trained.

    The trained shape is kept unless another one shows clearly more of the camera's picture, such
    as an upright frame for an upright camera.
    """
    budget = trained_width * trained_height
    trained = _fit(camera_width, camera_height, trained_width, trained_height)
    sides = range(MULTIPLE_PX, max(budget // MULTIPLE_PX, MULTIPLE_PX) + 1, MULTIPLE_PX)
    candidates = [
        _fit(camera_width, camera_height, width, height)
        for width in sides
        for height in sides
        if width * height <= budget
    ]
    best = max(candidates, key=_shown, default=trained)
    return trained if _shown(trained) >= _KEEP_TRAINED * _shown(best) else best


def _shown(fit: FrameFit) -> int:
    """Pixels of the model frame that the camera's picture fills."""
    return fit.inner_width * fit.inner_height


def _fit(camera_width: int, camera_height: int, width: int, height: int) -> FrameFit:
    scale = min(width / camera_width, height / camera_height)
    inner_width = min(width, max(1, round(camera_width * scale)))
    inner_height = min(height, max(1, round(camera_height * scale)))
    return FrameFit(
        camera_width,
        camera_height,
        width,
        height,
        inner_width,
        inner_height,
        (width - inner_width) // 2,
        (height - inner_height) // 2,
    )


def _resized(pictures: np.ndarray, width: int, height: int) -> np.ndarray:
    if pictures.shape[:2] == (height, width):
        return pictures
    shrinks = width < pictures.shape[1]
    return cv2.resize(
        pictures, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    )
