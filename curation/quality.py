"""Reasons against a clip, each with its code; everything is scored, and chosen by later.

After `spec/curation.md` 4.2. Codes are stable: the review filters by them.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import msgspec
import numpy as np

from curation.run.stage import Product


class QualitySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From which value on something speaks against a clip; 0 never does.

    `still_px`: 95th percentile of element scores. `drawings`: fewest different ones.
    `fast_px`: median motion of the whole picture. `blur`: 90th percentile of the Laplacian's
    size on edges, of 255. `one_layer`: share of the picture that one layer may fill.
    `survival`: share of the grid's tracks that must last.
    """

    still_px: float = 0.1
    drawings: int = 3
    fast_px: float = 40.0
    blur: float = 12.0
    one_layer: float = 0.99
    survival: float = 0.02


def reasons_against(
    frames: np.ndarray, products: Mapping[str, Product], settings: QualitySettings
) -> list[str]:
    """Codes in a fixed order; none for a clip that nothing speaks against."""
    layers, motion = products["layers"], products["motion"]
    scores, area = layers.arrays["scores"], layers.arrays["area"]
    drawings = products["regions"].facts["drawings"]
    flow = motion.arrays["flow"].astype(np.float32)
    shares = np.bincount(layers.arrays["layer"], area) / max(float(area.sum()), 1.0)
    still = float(np.percentile(scores, 95)) < settings.still_px
    found = {
        "static_clip": still and drawings < settings.drawings,
        "few_drawings": drawings < settings.drawings,
        "too_fast": float(np.median(np.hypot(flow[..., 0], flow[..., 1]))) > settings.fast_px,
        "blurred": _sharpness(frames) < settings.blur,
        "one_layer": len(shares) < 2 or float(shares.max()) > settings.one_layer,
        "few_tracks": products["tracks"].facts["survival"] < settings.survival,
    }
    return [code for code, holds in found.items() if holds]


def _sharpness(frames: np.ndarray) -> float:
    """How much the steepest lines of the middle frame bend, of 255; flat art has few but hard."""
    grey = cv2.cvtColor(frames[len(frames) // 2], cv2.COLOR_RGB2GRAY).astype(np.float32)
    slope = np.hypot(cv2.Sobel(grey, -1, 1, 0), cv2.Sobel(grey, -1, 0, 1))
    edges = slope > np.percentile(slope, 97)
    bend = np.abs(cv2.Laplacian(grey, -1))
    return float(np.percentile(bend[edges], 90)) if edges.any() else 0.0
