"""Picks a clip's frames and brings them to the training size; called by the sample source.

A picture is scaled until it covers the training size, with one factor for both directions, and is
cut at the centre: so a portrait source is enlarged, never padded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from curation.dataset.clip import LayeredClip, Tracks
from shared.errors import AcetateError


@dataclass(frozen=True)
class Picks:
    """Frames of a clip in order, and their mean distance."""

    frames: tuple[int, ...]
    stride: float


def pick_frames(count: int, wanted: int, max_stride: int, rng: np.random.Generator) -> Picks:
    """`wanted` of `count` frames, evenly spaced.

    With `max_stride` 0 they span the clip (official rule for 16 frames); else stride and start are
    drawn, uniformly among what fits. Raises `clip_too_short`.
    """
    if count < wanted:
        raise AcetateError("clip_too_short", frames=count, needed=wanted)
    if max_stride == 0:
        spread = np.linspace(0, count - 1, wanted).astype(int)
        return Picks(tuple(int(i) for i in spread), (count - 1) / max(wanted - 1, 1))
    largest = min(max_stride, (count - 1) // max(wanted - 1, 1))
    stride = int(rng.integers(1, max(largest, 1) + 1))
    start = int(rng.integers(0, count - stride * (wanted - 1)))
    return Picks(tuple(start + stride * i for i in range(wanted)), float(stride))


@dataclass(frozen=True)
class Fitted:
    """A clip at training size; `scale` is training pixels per source pixel.

    video    uint8 [T, H, W, 3]
    labels   uint8 [T, H, W], by layer: k > 0 is `layers[k - 1]`
    sketch   uint8 [T, H, W], or None
    tracks   in pixels of H x W
    """

    video: np.ndarray
    labels: np.ndarray
    sketch: np.ndarray | None
    tracks: Tracks
    scale: float


def fit(clip: LayeredClip, height: int, width: int, mirrored: bool) -> Fitted:
    """The whole clip in training size."""
    box = _Box.covering(clip.frames.shape[1], clip.frames.shape[2], height, width)
    labels = clip.layer_labels()
    video = np.stack([box.picture(frame) for frame in clip.frames])
    regions = np.stack([box.labels(frame, len(clip.layers)) for frame in labels])
    sketch = None if clip.sketch is None else np.stack([box.picture(f) for f in clip.sketch])
    points = clip.tracks.points * np.array([box.scale_x, box.scale_y]) - (box.left, box.top)
    if mirrored:
        video, regions = video[:, :, ::-1], regions[:, :, ::-1]
        sketch = None if sketch is None else sketch[:, :, ::-1]
        points = points * (-1.0, 1.0) + (width, 0.0)
    tracks = replace(clip.tracks, points=points.astype(np.float32))
    return Fitted(video, regions, sketch, tracks, box.scale_x)


@dataclass(frozen=True)
class _Box:
    """The size that is scaled to, and what is cut of it."""

    scaled: tuple[int, int]  # width, height
    left: int
    top: int
    height: int
    width: int
    scale_x: float
    scale_y: float

    @classmethod
    def covering(cls, height: int, width: int, to_height: int, to_width: int) -> _Box:
        scale = max(to_height / height, to_width / width)
        wide, high = max(round(width * scale), to_width), max(round(height * scale), to_height)
        left, top = (wide - to_width) // 2, (high - to_height) // 2
        return cls((wide, high), left, top, to_height, to_width, wide / width, high / height)

    def picture(self, pixels: np.ndarray) -> np.ndarray:
        """[h, w] or [h, w, 3] bytes in training size."""
        is_same = self.scaled == (pixels.shape[1], pixels.shape[0])
        way = cv2.INTER_AREA if self.scale_x < 1 else cv2.INTER_LINEAR
        return self._cut(pixels if is_same else cv2.resize(pixels, self.scaled, interpolation=way))

    def labels(self, labels: np.ndarray, count: int) -> np.ndarray:
        """The label with the largest share of each pixel, so that no seams open between layers."""
        if self.scaled == (labels.shape[1], labels.shape[0]):
            return self._cut(labels)
        way = cv2.INTER_AREA if self.scale_x < 1 else cv2.INTER_LINEAR
        shares = [
            cv2.resize((labels == k).astype(np.float32), self.scaled, interpolation=way)
            for k in range(count + 1)
        ]
        return self._cut(np.argmax(shares, axis=0).astype(np.uint8))

    def _cut(self, pixels: np.ndarray) -> np.ndarray:
        return pixels[self.top : self.top + self.height, self.left : self.left + self.width]
