"""How close a picture is to the true one: PSNR, SSIM and edge energy, on 8-bit RGB frames.

Used by benchmarks, the evaluation and the trainer. Frames are uint8 [h, w, 3]; a fourth channel is
ignored.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

PSNR_CAP_DB = 50.0  # equal frames would count as infinitely good and lift every mean
_SSIM_SIGMA_PX = 1.5
_SSIM_TAPS = 11


def psnr_db(frame: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB over all pixels and channels, at most `PSNR_CAP_DB`."""
    error = frame[..., :3].astype(np.float64) - truth[..., :3]
    mean_square = float(np.mean(error * error))
    if mean_square == 0:
        return PSNR_CAP_DB
    return min(PSNR_CAP_DB, 10 * math.log10(255**2 / mean_square))


def ssim(frame: np.ndarray, truth: np.ndarray) -> float:
    """Structural similarity (Wang et al. 2004), mean over pixels and RGB channels, at most 1.

    Gaussian window of 11 taps, sigma 1.5 px, constants (0.01 * 255)^2 and (0.03 * 255)^2, no
    bias correction; windows at the border see the frame mirrored.
    """
    a = frame[..., :3].astype(np.float64)
    b = truth[..., :3].astype(np.float64)
    mean_a, mean_b = _window(a), _window(b)
    var_a = _window(a * a) - mean_a**2
    var_b = _window(b * b) - mean_b**2
    covariance = _window(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    likeness = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return float(np.mean(likeness / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))))


def _window(values: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(values, (_SSIM_TAPS, _SSIM_TAPS), _SSIM_SIGMA_PX)


def edge_energy(frame: np.ndarray, truth: np.ndarray) -> float:
    """Rms gradient of a frame relative to that of the truth: 1 as crisp, below 1 softer.

    1 where the truth is perfectly flat and the frame is too.
    """
    reference = _rms_gradient(truth)
    own = _rms_gradient(frame)
    if reference == 0:
        return 1.0 if own == 0 else math.inf
    return own / reference


def _rms_gradient(frame: np.ndarray) -> float:
    values = frame[..., :3].astype(np.float32)
    across = np.diff(values, axis=1)[:-1]
    down = np.diff(values, axis=0)[:, :-1]
    return float(np.sqrt(np.mean(across * across + down * down)))
