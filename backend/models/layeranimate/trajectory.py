"""Trajectory maps (spec 4): tracks in pixels to heat and offsets; used by condition and training.

Stamps each point sparsely instead of filtering
whole pictures, with mirrored stamps where the official border mode would reflect.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
ByteArray = NDArray[np.uint8]

TEMPLATE_SIZE = 200
TEMPLATE_SIGMA = 40.0
DEFAULT_RADIUS_PX = 20


@lru_cache(maxsize=1)
def blob_template() -> ByteArray:
    """A Gaussian cut off by a disc, [200, 200], largest value 255."""
    centre = TEMPLATE_SIZE // 2
    offset = np.arange(TEMPLATE_SIZE, dtype=np.float64) - centre
    squared = offset[:, None] ** 2 + offset[None] ** 2
    blob = np.exp(-squared / (2 * TEMPLATE_SIGMA**2)) * (squared <= centre**2)
    template = (blob / blob.max() * 255).astype(np.uint8)
    template.setflags(write=False)
    return template


@lru_cache(maxsize=4096)
def blob(width: int, height: int) -> ByteArray:
    """The whole template squeezed into a box, [height, width]."""
    return np.asarray(cv2.resize(blob_template(), (width, height)), dtype=np.uint8)


@lru_cache(maxsize=8)
def spread_kernel(radius_px: int) -> FloatArray:
    """How far an offset is felt around its point: [2 r + 1, 2 r + 1], centre 1."""
    side = 2 * radius_px + 1
    scaled = (blob_template() / 255.0).astype(np.float32)
    kernel = np.asarray(cv2.resize(scaled, (side, side)), dtype=np.float32)
    return kernel / kernel[radius_px, radius_px]


def raw_maps(
    tracks: Sequence[FloatArray],
    frames: int,
    width: int,
    height: int,
    radius_px: int = DEFAULT_RADIUS_PX,
) -> FloatArray:
    """Maps [frames, layers, 3, height, width] of one [frames, points, 2] track array per layer.

    Channel 0 is heat in 0..255; channels 1 and 2 are the x and y displacement to the next frame
    in pixels, spread around each point. A point outside the picture leaves no mark in its frame.
    """
    maps = np.zeros((frames, len(tracks), 3, height, width), np.float32)
    for layer, track in enumerate(tracks):
        for frame in range(frames):
            _draw_frame(maps[frame, layer], track, frame, radius_px)
    return maps


def _draw_frame(target: FloatArray, track: FloatArray, frame: int, radius_px: int) -> None:
    """Draws the points of one frame of one layer into [3, height, width]."""
    height, width = target.shape[1:]
    sources: dict[tuple[int, int], tuple[float, float]] = {}
    last = frame + 1 >= track.shape[0]
    for point in range(track.shape[1]):
        x, y = (float(v) for v in track[frame, point])
        if x < 0 or y < 0 or x >= width or y >= height:
            continue
        _stamp_heat(target[0], x, y, radius_px)
        move = (0.0, 0.0) if last else _move(track, frame, point)
        sources[int(y), int(x)] = move  # a later point replaces an earlier one
    for (row, column), (dx, dy) in sources.items():
        if dx != 0 or dy != 0:
            _stamp_offset(target[1:], row, column, (dx, dy), radius_px)


def _move(track: FloatArray, frame: int, point: int) -> tuple[float, float]:
    change = track[frame + 1, point] - track[frame, point]
    return float(change[0]), float(change[1])


def _stamp_heat(heat: FloatArray, x: float, y: float, radius_px: int) -> None:
    height, width = heat.shape
    x1, x2 = int(max(x - radius_px, 0)), int(min(x + radius_px, width - 1))
    y1, y2 = int(max(y - radius_px, 0)), int(min(y + radius_px, height - 1))
    if x2 - x1 < 1 or y2 - y1 < 1:
        return
    box = heat[y1:y2, x1:x2]
    np.maximum(box, blob(x2 - x1, y2 - y1), out=box)


def _stamp_offset(
    offsets: FloatArray, row: int, column: int, move: tuple[float, float], radius_px: int
) -> None:
    """Adds the kernel, mirrored as in a correlation, at a point and at its reflections."""
    height, width = offsets.shape[1:]
    kernel = spread_kernel(radius_px)[::-1, ::-1]
    for y in _reflections(row, height, radius_px):
        rows, kernel_rows = _overlap(y, height, radius_px)
        for x in _reflections(column, width, radius_px):
            columns, kernel_columns = _overlap(x, width, radius_px)
            stamp = kernel[kernel_rows, kernel_columns]
            offsets[0, rows, columns] += stamp * np.float32(move[0])
            offsets[1, rows, columns] += stamp * np.float32(move[1])


def _reflections(at: int, size: int, reach: int) -> Iterator[int]:
    """A coordinate and its mirror images within reach, where the edge itself is not repeated."""
    yield at
    if 1 <= at <= reach:
        yield -at
    if size - 1 - reach <= at <= size - 2:
        yield 2 * (size - 1) - at


def _overlap(at: int, size: int, reach: int) -> tuple[slice, slice]:
    """Which part of a line of `size` a stamp around `at` covers, and which part of the stamp."""
    first, last = max(at - reach, 0), min(at + reach, size - 1)
    return slice(first, last + 1), slice(first - (at - reach), last - (at - reach) + 1)


def normalised(raw: FloatArray) -> FloatArray:
    """Raw maps to the model's range: heat to -1..1, offsets to the unit disc of the whole clip.

    One factor for all layers and frames: the fastest spot has length 1 (spec 4).
    """
    maps = np.empty_like(raw)
    maps[:, :, 0] = raw[:, :, 0] / 255.0 * 2.0 - 1.0
    offsets = raw[:, :, 1:]
    longest = float(np.sqrt((offsets.astype(np.float64) ** 2).sum(axis=2)).max(initial=0.0))
    maps[:, :, 1:] = offsets / np.float32(longest + 1e-5)
    return maps
