"""What Frechet distances are measured in: the extractor protocol, and fixed random features.

Called by the suites. Figures of random features are marked with an r in every output (rFID, rFVD):
they tell blurred, shifted or flickering pictures from true ones, but compare with nobody's table.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor

FRAME_DIMENSIONS = 48
CLIP_DIMENSIONS = 32
FRAME_SIDE_PX, CLIP_SIDE_PX = 128, 64
_SEED = 0x0FEA7


class FeatureExtractor(Protocol):
    """Turns frames into feature vectors.

    `per_clip`: one vector for a whole clip (FVD) instead of one for each frame (FID). `is_random`:
    no trained weights; the figure is marked. `identity`: changes whenever the features would.
    """

    per_clip: bool
    is_random: bool
    dimensions: int
    identity: str

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Frames uint8 [f, h, w, 3] to float32 [f, dimensions], or [1, dimensions] per clip."""
        ...


class RandomFrameFeatures:
    """Three strided random convolutions, pooled: float32 [f, `FRAME_DIMENSIONS`].

    Larger frames are shrunk until the shorter side has `FRAME_SIDE_PX`.
    """

    per_clip = False
    is_random = True
    dimensions = FRAME_DIMENSIONS
    identity = "random-frames/1"

    def __init__(self) -> None:
        rng = np.random.default_rng([_SEED, 2])
        self._weights = [
            random_filters(rng, (24, 3, 5, 5)),
            random_filters(rng, (32, 24, 3, 3)),
            random_filters(rng, (FRAME_DIMENSIONS, 32, 3, 3)),
        ]

    @torch.inference_mode()
    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """See `FeatureExtractor`."""
        x = shrunk(as_batch(frames), FRAME_SIDE_PX)
        for weight in self._weights:
            x = torch.relu(F.conv2d(x, weight, stride=2, padding=weight.shape[-1] // 2))
        return x.mean(dim=(2, 3)).numpy()


class RandomClipFeatures:
    """Three random convolutions over space and time, pooled: float32 [1, `CLIP_DIMENSIONS`].

    Larger frames are shrunk until the shorter side has `CLIP_SIDE_PX`.
    """

    per_clip = True
    is_random = True
    dimensions = CLIP_DIMENSIONS
    identity = "random-clips/1"

    def __init__(self) -> None:
        rng = np.random.default_rng([_SEED, 3])
        self._weights = [
            random_filters(rng, (16, 3, 3, 5, 5)),
            random_filters(rng, (24, 16, 3, 3, 3)),
            random_filters(rng, (CLIP_DIMENSIONS, 24, 3, 3, 3)),
        ]

    @torch.inference_mode()
    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """See `FeatureExtractor`."""
        x = shrunk(as_batch(frames), CLIP_SIDE_PX).movedim(0, 1)[None]  # [1, 3, f, h, w]
        for weight in self._weights:
            padding = tuple(side // 2 for side in weight.shape[2:])
            x = torch.relu(F.conv3d(x, weight, stride=(1, 2, 2), padding=padding))
        return x.mean(dim=(2, 3, 4)).numpy()


def as_batch(frames: np.ndarray) -> Tensor:
    """Frames uint8 [f, h, w, 3] to float32 [f, 3, h, w] in -1..1."""
    return torch.from_numpy(np.ascontiguousarray(frames)).movedim(3, 1).float() / 127.5 - 1


def shrunk(pictures: Tensor, side_px: int) -> Tensor:
    """Pictures [f, c, h, w] whose shorter side is at most `side_px`, area filtered."""
    height, width = pictures.shape[-2:]
    factor = side_px / min(height, width)
    if factor >= 1:
        return pictures
    return F.interpolate(pictures, (round(height * factor), round(width * factor)), mode="area")


def random_filters(rng: np.random.Generator, shape: tuple[int, ...]) -> Tensor:
    """Gaussian filters [out, in, ...] that keep the mean square of what passes through a ReLU.

    NumPy draws them, because its streams are the same in every version and on every device.
    """
    inputs = int(np.prod(shape[1:]))
    return torch.from_numpy((rng.standard_normal(shape) * np.sqrt(2 / inputs)).astype(np.float32))
