"""What any tool could do without us: hold, cross-fade, flow warp, rigid layer warp.

Names as in the bundled-model specification 1.3. Each returns uint8 RGBA composites [h, w, 4] of
the asked frames; used by the evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from shared.pictures import Picture
from training.procedural import RenderedClip


def hold(clip: RenderedClip, frames: Sequence[int]) -> list[np.ndarray]:
    """The first frame, again and again."""
    return [clip.composites[0] for _ in frames]


def cross_fade(clip: RenderedClip, frames: Sequence[int]) -> list[np.ndarray]:
    """First and last composite mixed by time."""
    times = [clip.clip.time(frame) for frame in frames]
    return fade_between(clip.composites[0], clip.composites[-1], times)


def fade_between(first: np.ndarray, last: np.ndarray, times: Sequence[float]) -> list[np.ndarray]:
    """Two composites mixed at `times` 0..1."""
    one, other = first.astype(np.float32), last.astype(np.float32)
    return [_bytes(one * (1 - time) + other * time) for time in times]


def flow_warp(clip: RenderedClip, frames: Sequence[int]) -> list[np.ndarray]:
    """Dense inverse search flow between the key composites, both warped and mixed by time."""
    times = [clip.clip.time(frame) for frame in frames]
    return flow_between(clip.composites[0], clip.composites[-1], times)


def flow_between(first: np.ndarray, last: np.ndarray, times: Sequence[float]) -> list[np.ndarray]:
    """Two composites warped along their dense flow and mixed, at `times` 0..1."""
    forward, backward = _flow(first, last), _flow(last, first)
    results: list[np.ndarray] = []
    for time in times:
        from_first = _pull(first, forward * -time)
        from_last = _pull(last, backward * -(1 - time))
        results.append(_bytes(from_first * (1 - time) + from_last * time))
    return results


@dataclass(frozen=True, eq=False)
class RigidLayer:
    """A layer's art at both keys and the way of one of its points, float32 [frames, 2]."""

    first: Picture
    last: Picture
    path: np.ndarray


def rigid_warp(clip: RenderedClip, frames: Sequence[int], *, two_keys: bool) -> list[np.ndarray]:
    """Every layer shifted along its first tracked point over the clean plate, bicubic.

    With `two_keys` the layer is taken from both keys and mixed by time.
    """
    layers = [
        RigidLayer(pictures[0], pictures[-1], tracks[:, 0])
        for pictures, tracks in zip(clip.layers, clip.tracks, strict=True)
    ]
    return [
        rigid_frame(clip.plate, layers, frame, clip.clip.time(frame), two_keys=two_keys)
        for frame in frames
    ]


def rigid_frame(
    plate: np.ndarray,
    layers: Sequence[RigidLayer],
    frame: int,
    time: float,
    *,
    two_keys: bool,
) -> np.ndarray:
    """One frame of `rigid_warp` at `time` 0..1, over an opaque plate uint8 [h, w, 4]."""
    result = plate[..., :3].astype(np.float32)
    size = (plate.shape[1], plate.shape[0])
    for layer in layers:
        path = layer.path
        art = _shifted(layer.first, path[frame] - path[0], size)
        if two_keys:
            other = _shifted(layer.last, path[frame] - path[-1], size)
            art = art * (1 - time) + other * time
        result = art[..., :3] + result * (1 - art[..., 3:] / 255)
    opaque = np.full((*result.shape[:2], 1), 255, np.float32)
    return _bytes(np.concatenate([result, opaque], axis=2))


def _shifted(picture: Picture, shift_px: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture moved on a canvas of (width, height): premultiplied float32 [h, w, 4], 0..255."""
    art = picture.pixels.astype(np.float32)
    art[..., :3] *= art[..., 3:] / 255
    x, y = picture.x + float(shift_px[0]), picture.y + float(shift_px[1])
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float64)
    moved = cv2.warpAffine(art, matrix, size, flags=cv2.INTER_CUBIC)
    moved = np.clip(moved, 0, 255)
    moved[..., :3] = np.minimum(moved[..., :3], moved[..., 3:])
    return moved


def _flow(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Displacement float32 [h, w, 2] from each source pixel to its place in the target."""
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGBA2GRAY) for frame in (source, target)]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    start = np.zeros((*grey[0].shape, 2), np.float32)
    return search.calc(grey[0], grey[1], start)


def _pull(frame: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Sample a frame at each pixel plus its offset: float32 [h, w, 4]."""
    height, width = frame.shape[:2]
    columns, rows = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    return cv2.remap(
        frame.astype(np.float32),
        columns + offset[..., 0],
        rows + offset[..., 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
