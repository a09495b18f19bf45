"""Point tracks by CoTracker3 (spec 1.8), run by its makers' own package where that is installed.

Code and weights are CC-BY-NC-4.0: nothing of them is part of Acetate, and data that they touched
is marked. `load` is called by the choice of backends; the official file, made safetensors by
`acetate models convert`, is `scaled_offline.pth`.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from curation.backends.weight_file import fill, find_weights
from shared.errors import AcetateError

if TYPE_CHECKING:
    from torch import Tensor, nn

NAME = "cotracker3"
LICENCE = "CC-BY-NC-4.0"
WEIGHTS = ("scaled_offline.safetensors", "cotracker3.safetensors")
PACKAGES = ("cotracker",)
SOURCE = "https://github.com/facebookresearch/co-tracker"

WINDOW_FRAMES = 60
"""What the offline weights were trained with; clips of other lengths are allowed."""

POINTS_AT_ONCE = 3600
"""The published grid of 60 x 60; memory grows with frames times points."""


class _Predictor(Protocol):
    """What is used of the package's predictor."""

    @property
    def model(self) -> nn.Module:
        """The network, whose weights are in the file."""
        ...

    def to(self, device: str) -> Self:
        """Itself, on a device."""
        ...

    def eval(self) -> Self:
        """Itself, not learning."""
        ...

    def __call__(self, video: Tensor, **asked: Tensor | int) -> tuple[Tensor, Tensor]:
        """Tracks [b, t, n, 2] and visibility [b, t, n] of a video [b, t, 3, h, w] in 0..255."""
        ...


def load(folder: Path, device: str) -> CoTracker3:
    """The tracker whose weights lie in a folder.

    Raises `backend_package` without the package or with an older one than version 3,
    `weights_missing`, `weights_unfit`.
    """
    predictor = _predictor()
    fill(predictor.model, find_weights(folder, WEIGHTS, NAME), NAME)
    return CoTracker3(predictor.to(device).eval(), device)


def _predictor() -> _Predictor:
    try:
        made = importlib.import_module("cotracker.predictor").CoTrackerPredictor
        return made(checkpoint=None, offline=True, window_len=WINDOW_FRAMES)
    except (ImportError, AttributeError, TypeError) as error:
        detail = f"install version 3 from {SOURCE}; it says: {error}"
        raise AcetateError(
            "backend_package", backend=NAME, package=PACKAGES[0], detail=detail
        ) from error


class CoTracker3:
    """A `Tracker`. The package takes pixels by their centres, we by their corners."""

    def __init__(self, predictor: _Predictor, device: str) -> None:
        self._predict = predictor
        self._device = device

    def __call__(self, frames: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places float32 [n, frames, 2] and visibility bool [n, frames] of points [n, 2].

        frames: RGB uint8 [frames, h, w, 3]; points: of the first frame, (0, 0) is the outer corner
        of the top-left pixel. Points of one call help each other.
        """
        if not len(points):
            return np.zeros((0, len(frames), 2), np.float32), np.zeros((0, len(frames)), bool)
        asked = np.zeros((1, len(points), 3), np.float32)  # frame, x, y
        asked[0, :, 1:] = points - 0.5
        found = [
            self._tracked(frames, queries=asked[:, start : start + POINTS_AT_ONCE])
            for start in range(0, len(points), POINTS_AT_ONCE)
        ]
        places, visible = zip(*found, strict=True)
        return np.concatenate(places), np.concatenate(visible)

    def grid(self, frames: np.ndarray, side: int = 60) -> tuple[np.ndarray, np.ndarray]:
        """The published data set's tracks: of the package's own grid, row by row."""
        return self._tracked(frames, grid_size=side)

    def _tracked(
        self, frames: np.ndarray, **asked: np.ndarray | int
    ) -> tuple[np.ndarray, np.ndarray]:
        import torch

        video = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2)[None]
        given = {
            name: self._tensor(value) if isinstance(value, np.ndarray) else value
            for name, value in asked.items()
        }
        with torch.inference_mode():
            tracks, visible = self._predict(video.to(self._device).float(), **given)
        places = tracks[0].transpose(0, 1) + 0.5  # [n, frames, 2]
        return places.float().cpu().numpy(), visible[0].T.bool().cpu().numpy()

    def _tensor(self, values: np.ndarray) -> Tensor:
        import torch

        return torch.from_numpy(values).to(self._device)
