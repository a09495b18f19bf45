"""What follows the camera over many frames: the backdrop, told by looking far ahead and back.

One step tells little where things are slow or plain. Over several frames the backdrop still shows
the same picture, camera taken out, and what moves does not. The chain, the run and `masklets` call
this.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from curation.stages.elements import lab_gradient, to_lab
from curation.stages.flow import camera_modes
from curation.stages.plain import PlainSettings


@dataclass(frozen=True)
class RestSettings:
    """How the backdrop is told.

    `steps`: how many frames ahead and back are looked at. `alike`: Lab error up to which a pixel
    still shows the same. `edge`: least Lab gradient that tells motion. A region rests above a share
    of `still` of its telling pixels, and moves below `moving`; between them nothing is said.
    `plain`: what is told by its colour alone.
    """

    steps: tuple[int, ...] = (3, 5, 7, 9)
    alike: float = 6.0
    edge: float = 1.5
    still: float = 0.75
    moving: float = 0.55
    plain: PlainSettings = field(default_factory=PlainSettings)


def camera_path(flow: np.ndarray, textured: np.ndarray) -> np.ndarray:
    """Where the commonest motion has carried the backdrop, float64 [frames, 2], pixels.

    flow: [frames - 1, h, w, 2]; textured: bool [frames, h, w].
    """
    modes = [camera_modes(step, told, 1) for step, told in zip(flow, textured, strict=False)]
    steps = [mode[0] if len(mode) else np.zeros(2) for mode in modes]
    return np.cumsum(np.stack([np.zeros(2), *steps]), axis=0)


def resting(
    frames: np.ndarray, path: np.ndarray, settings: RestSettings | None = None
) -> np.ndarray:
    """How surely every pixel goes with the camera, float32 [frames, h, w]; NaN: cannot be told.

    frames: RGB uint8 [frames, h, w, 3]; path: of `camera_path`. The share of the looked-at frames
    that show the same there, ahead or back, whichever is more: what is hidden on one side is seen
    on the other.
    """
    settings = settings or RestSettings()
    looks = [_Look(to_lab(frame)) for frame in frames]
    result = np.full(frames.shape[:3], np.nan, np.float32)
    for index, look in enumerate(looks):
        for sign in (1, -1):
            others = [index + sign * step for step in settings.steps]
            seen = [k for k in others if 0 <= k < len(looks)]
            if len(seen) * 2 >= len(settings.steps):
                shown = [look.alike(looks[k], path[k] - path[index], settings) for k in seen]
                result[index] = np.fmax(result[index], _share(np.stack(shown)))
        result[index][lab_gradient(look.lab, 1.0) <= settings.edge] = np.nan
    return result


class _Look:
    """A picture in Lab [h, w, 3] and the values it takes within half a pixel."""

    def __init__(self, lab: np.ndarray) -> None:
        around = np.ones((3, 3), np.uint8)
        self.lab = lab
        # Half way to the neighbours: paths are no better than half a pixel.
        self.low = (cv2.erode(lab, around) + lab) / 2
        self.high = (cv2.dilate(lab, around) + lab) / 2

    def alike(self, other: _Look, way: np.ndarray, settings: RestSettings) -> np.ndarray:
        """1 where `other` shows the same `way` further, 0 where not, NaN outside; [h, w]."""
        shift = np.array([[1, 0, way[0]], [0, 1, way[1]]], np.float32)
        size = self.lab.shape[1], self.lab.shape[0]
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        outside = (np.nan,) * 3
        low, high = (
            cv2.warpAffine(bound, shift, size, None, how, cv2.BORDER_CONSTANT, outside)
            for bound in (other.low, other.high)
        )
        apart = np.maximum(np.maximum(low - self.lab, self.lab - high), 0.0)
        error = np.linalg.norm(apart, axis=2)
        same = (error < settings.alike).astype(np.float32)
        return np.where(np.isnan(error), np.float32(np.nan), same)


def _share(shown: np.ndarray) -> np.ndarray:
    """Mean over the first axis of what is known, NaN where nothing is."""
    known = ~np.isnan(shown)
    total = known.sum(axis=0)
    share = np.nansum(shown, axis=0) / np.maximum(total, 1)
    return np.where(total > 0, share, np.nan).astype(np.float32)


def region_rests(rests: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Share of each region's telling pixels that go with the camera, float64 [count], or NaN.

    rests: of `resting`; labels: int, of the same shape, below `count`.
    """
    known = ~np.isnan(rests)
    total = np.bincount(labels[known], minlength=count)
    share = np.bincount(labels[known], rests[known], count)
    return np.where(total > 0, share / np.maximum(total, 1), np.nan)
