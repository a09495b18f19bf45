"""Pictures in the scene as the camera sees them: pixel for pixel where they fit, else resampled.

Pure numpy; `shot` calls it.
"""

from __future__ import annotations

import numpy as np

from ..scene.camera import CameraView
from ..scene.image_planes import PlanePlace
from ..shared.errors import AcetateError
from ..shared.pictures import Picture
from .windows import Window, content_window

_EXACT_PX = 0.02
_BAND_ROWS = 256


def plane_picture(
    pixels: np.ndarray, place: PlanePlace, view: CameraView, overscan: float
) -> Picture | None:
    """The picture [h, w, 4] where it lies before the camera; None where none of it is seen.

    A picture that falls on the camera's own pixels keeps its bytes. Raises `bad_numbers`.
    """
    corners, divisor = view.project(place.corners)  # [4, 2]
    if not np.isfinite(corners).all():
        raise AcetateError("bad_numbers", layer="image plane")
    if (divisor <= 1e-6).any():
        return None
    pixels = with_opacity(pixels, place.opacity)
    height, width = pixels.shape[:2]
    source = place.uv * [width, -height] + [0, height]  # picture pixels, y down
    offset = corners - source
    if np.abs(offset - np.rint(offset[0])).max() <= _EXACT_PX and _is_whole(place.uv):
        left, top = (int(value) for value in np.rint(offset[0]))
        return Picture(pixels, left, top)
    window = content_window(corners, np.zeros(4), view, overscan)
    if window is None:
        return None
    shrunk, factor = _shrunk(pixels, source, corners)
    inverse = np.linalg.inv(_homography(source / factor, corners))
    return Picture(_sample(shrunk, inverse, window), window.x, window.y)


def with_opacity(pixels: np.ndarray, opacity: float) -> np.ndarray:
    """The same picture with its alpha scaled; unchanged bytes at full opacity."""
    if opacity >= 1.0:
        return pixels
    faded = pixels.copy()
    faded[..., 3] = np.rint(pixels[..., 3] * max(opacity, 0.0)).astype(np.uint8)
    return faded


def _is_whole(uv: np.ndarray) -> bool:
    return bool(np.abs(uv.min(axis=0)).max() < 1e-4 and np.abs(uv.max(axis=0) - 1).max() < 1e-4)


def _shrunk(pixels: np.ndarray, source: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, int]:
    """Average blocks of a picture that is shown smaller than it is, against aliasing."""
    sides = np.linalg.norm(np.roll(source, -1, axis=0) - source, axis=1)
    shown = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    factor = max(1, int(np.min(sides / np.maximum(shown, 1e-3))))
    premultiplied = pixels.astype(np.float32)
    premultiplied[..., :3] *= premultiplied[..., 3:] / 255.0
    if factor == 1:
        return premultiplied, 1
    height, width = (-(-side // factor) for side in pixels.shape[:2])
    spare = ((0, height * factor - pixels.shape[0]), (0, width * factor - pixels.shape[1]), (0, 0))
    padded = np.pad(premultiplied, spare, mode="edge")
    blocks = padded.reshape(height, factor, width, factor, 4)
    return blocks.mean(axis=(1, 3)), factor


def _homography(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The projective map [3, 3] that takes four points [4, 2] to four others."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    solution = np.linalg.solve(np.array(rows, np.float64), target.ravel())
    return np.append(solution, 1.0).reshape(3, 3)


def _sample(premultiplied: np.ndarray, inverse: np.ndarray, window: Window) -> np.ndarray:
    """Bilinear samples at the window's pixel centres: uint8 [h, w, 4]; outside transparent."""
    result = np.zeros((window.height, window.width, 4), np.uint8)
    columns = np.arange(window.width) + window.x + 0.5
    for top in range(0, window.height, _BAND_ROWS):  # bands keep 1080p overscan small in memory
        rows = np.arange(top, min(top + _BAND_ROWS, window.height)) + window.y + 0.5
        result[top : top + len(rows)] = _sample_band(premultiplied, inverse, columns, rows)
    return result


def _sample_band(
    premultiplied: np.ndarray, inverse: np.ndarray, columns: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    padded = np.pad(premultiplied, ((1, 2), (1, 2), (0, 0)))
    x, y = np.meshgrid(columns, rows)
    mapped = np.stack([x, y, np.ones_like(x)], axis=-1) @ inverse.T  # [h, w, 3]
    height, width = premultiplied.shape[:2]
    u = np.clip(mapped[..., 0] / mapped[..., 2] - 0.5, -1.0, width)
    v = np.clip(mapped[..., 1] / mapped[..., 2] - 0.5, -1.0, height)
    left, top = np.floor(u).astype(int), np.floor(v).astype(int)
    right_part = (u - left)[..., None].astype(np.float32)
    lower_part = (v - top)[..., None].astype(np.float32)
    left, top = left + 1, top + 1
    upper = padded[top, left] * (1 - right_part) + padded[top, left + 1] * right_part
    lower = padded[top + 1, left] * (1 - right_part) + padded[top + 1, left + 1] * right_part
    mixed = upper * (1 - lower_part) + lower * lower_part
    mixed[..., :3] *= 255.0 / np.maximum(mixed[..., 3:], 1e-3)
    mixed[mixed[..., 3] < 0.5] = 0.0
    return np.rint(np.clip(mixed, 0.0, 255.0)).astype(np.uint8)
