"""A clip as the suites see it: the truth, its layers as an artist would have them, and controls.

Made by procedural.py and layered.py; read by methods and figures.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from shared.pictures import Picture

SCORE_WIDTH_PX = 512
"""Motion scores are told in pixels per frame of a picture of this width, the model's own."""

STATIC_SCORE = 0.1
"""Below it a layer counts as still (the papers' threshold, ICCV version)."""

HIGH_SCORE = 20.0
"""The score that the model knows as 1 (the papers' upper end)."""

ASKED_TRACKS = 3
"""So many points of a layer are asked to follow their true tracks (training draws 1 to 3)."""

RIM_PX = 2


@dataclass(frozen=True, eq=False)
class SuiteLayer:
    """A layer with what may steer it.

    `first`, `last`: its art at the keys, straight alpha. `score`: mean motion in pixels per frame
    at `SCORE_WIDTH_PX`. `tracks` float32 [frames, p, 2] canvas pixels, `visible` bool [frames, p],
    p up to `ASKED_TRACKS`. `sketches` uint8 [frames, h, w], 255 on a stroke.
    """

    name: str
    score: float
    first: Picture
    last: Picture
    tracks: np.ndarray
    visible: np.ndarray
    sketches: np.ndarray

    @property
    def is_static(self) -> bool:
        """Whether it stays still; nothing steers it then."""
        return self.score < STATIC_SCORE

    @property
    def normal_score(self) -> float:
        """The score as the model wants it, 0..1; 0 for a still layer."""
        return 0.0 if self.is_static else min(self.score / HIGH_SCORE, 1.0)


@dataclass(frozen=True, eq=False)
class SuiteClip:
    """The truth and everything that a task may give away.

    frames    uint8 [frames, h, w, 3]
    labels    uint8 [frames, h, w]: k > 0 shows `layers[k - 1]`, 0 the backdrop
    backdrop  uint8 [h, w, 4], opaque: what lies below all layers, as known from the first frame
    backdrop_of_two  the same where the last frame is given too
    layers    lowest first
    identity  changes whenever anything of the clip does
    """

    clip_id: str
    identity: str
    stratum: str
    fps: float
    caption: str
    frames: np.ndarray
    labels: np.ndarray
    backdrop: np.ndarray
    backdrop_of_two: np.ndarray
    layers: tuple[SuiteLayer, ...]

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.frames.shape[1])

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.frames.shape[2])

    @property
    def is_static(self) -> bool:
        """Whether nothing moves at all; such a clip is left out of every figure."""
        return all(layer.is_static for layer in self.layers)

    def backdrop_for(self, *, last_key: bool) -> np.ndarray:
        """What is known of the backdrop, by the keys that are given: uint8 [h, w, 4]."""
        return self.backdrop_of_two if last_key else self.backdrop

    def moving(self) -> np.ndarray:
        """Where a layer that may move shows: bool [frames, h, w]."""
        table = np.array([False, *(not layer.is_static for layer in self.layers)])
        return table[self.labels]

    def time(self, frame: int) -> float:
        """Position of a frame between the first (0) and the last (1)."""
        return frame / (len(self.frames) - 1)


def opaque(frame: np.ndarray) -> np.ndarray:
    """A picture uint8 [h, w, 3] with full alpha: uint8 [h, w, 4]."""
    return np.concatenate([frame, np.full_like(frame[..., :1], 255)], axis=2)


def grown(region: np.ndarray, by_px: int = RIM_PX) -> np.ndarray:
    """A region bool [h, w] with a rim around it."""
    side = 2 * by_px + 1
    return cv2.dilate(region.astype(np.uint8), np.ones((side, side), np.uint8)).astype(np.bool_)


def spread_out(points: np.ndarray, count: int) -> np.ndarray:
    """Indices of up to `count` points [n, 2] far from each other, the most central one first."""
    if not len(points):
        return np.zeros(0, np.int64)
    away = np.linalg.norm(points - points.mean(axis=0), axis=1)
    chosen = [int(away.argmin())]
    while len(chosen) < min(count, len(points)):
        gaps = np.linalg.norm(points[:, None] - points[chosen], axis=2).min(axis=1)
        if gaps.max() == 0:
            break
        chosen.append(int(gaps.argmax()))
    return np.array(chosen, np.int64)
