"""What is known exactly of a vector clip: flow, point tracks and motion scores, nothing estimated.

Every piece of a vector clip maps material points to the picture at each frame, and back. A pixel's
motion is therefore that of the material point at its centre. Called by sources of training clips.
Scores after `spec/curation.md` 1.5.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from curation.dataset.clip import Tracks

_LEAST_AREA_PX = 12
_POINTS_PER_SMALL_ELEMENT = 3


class Movement(Protocol):
    """Where the material of a clip lies at each frame; pieces are counted from 0.

    `pieces` int [n]: the piece that each point belongs to. Points are pixels, float64 [n, 2];
    material points are in units of the piece's own, float64 [n, 2].
    """

    def moving(self, frame: int, other: int) -> np.ndarray:
        """Which pieces may lie elsewhere at `other`: bool [pieces]."""
        ...

    def to_material(self, pieces: np.ndarray, points: np.ndarray, frame: int) -> np.ndarray:
        """The material that lies at `points` of a frame."""
        ...

    def to_picture(self, pieces: np.ndarray, material: np.ndarray, frame: int) -> np.ndarray:
        """Where material lies at a frame."""
        ...

    def shift(self, pieces: np.ndarray, points: np.ndarray, frame: int, other: int) -> np.ndarray:
        """How far what lies at `points` of a frame has gone by `other`: float [n, 2] pixels."""
        ...


def dense_flow(pieces: np.ndarray, movement: Movement) -> np.ndarray:
    """Motion of what each pixel shows to the next frame: float32 [frames - 1, h, w, 2] pixels.

    `pieces` uint16 [frames, h, w]: the topmost piece at each pixel's centre.
    """
    frames, height, width = pieces.shape
    centres = pixel_centres(height, width)
    flow = np.zeros((frames - 1, height * width, 2), np.float32)
    for frame in range(frames - 1):
        shown = pieces[frame].ravel()
        moved = np.flatnonzero(movement.moving(frame, frame + 1)[shown])
        if moved.size:
            shown, start = shown[moved], centres[moved]
            flow[frame, moved] = movement.shift(shown, start, frame, frame + 1)
    return flow.reshape(frames - 1, height, width, 2)


def pixel_centres(height: int, width: int) -> np.ndarray:
    """Centres of all pixels, row by row: float64 [height * width, 2]."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x.ravel() + 0.5, y.ravel() + 0.5], axis=1)


def element_scores(flow: np.ndarray, elements: np.ndarray, count: int) -> np.ndarray:
    """Mean length of each element's motion: float64 [count], pixels per frame.

    The mean over an element's pixels of each frame, then over the frames that show it; 0 for one
    that is never seen before the last frame. `elements` int [frames, h, w], from 0.
    """
    lengths = np.hypot(flow[..., 0], flow[..., 1])
    sums, shown = np.zeros(count), np.zeros(count)
    for frame, length in enumerate(lengths):
        row = elements[frame].ravel()
        area = np.bincount(row, minlength=count)
        moved = np.flatnonzero(length)
        total = np.bincount(row[moved], weights=length.ravel()[moved], minlength=count)
        sums += total / np.maximum(area, 1)
        shown += area > 0
    return sums / np.maximum(shown, 1)


def grid_tracks(
    pieces: np.ndarray, element_of: np.ndarray, movement: Movement, spacing_px: float
) -> Tracks:
    """A grid of material points on everything that is seen, followed through the whole clip.

    Points start at the centres of pixels of the first, middle and last frame, so that what enters
    later has tracks too; an element that the grid misses gets a few of its own. A point is visible
    where the pixel it falls on shows its piece. `element_of` uint16 [pieces].
    """
    frames, height, width = pieces.shape
    starts = sorted({0, frames // 2, frames - 1})
    chosen = [_seeds(pieces[start], element_of, spacing_px, start == 0) for start in starts]
    every = [np.zeros((0, frames, 2)), *(
        _followed(pieces, movement, seeds, start)
        for start, seeds in zip(starts, chosen, strict=True)
    )]  # fmt: skip
    owners = np.concatenate(
        [pieces[start].ravel()[seeds] for start, seeds in zip(starts, chosen, strict=True)]
    )
    points = np.concatenate(every)  # [n, frames, 2]
    visible = _visible(pieces, owners, points, (height, width))
    return Tracks(points.astype(np.float32), visible, element_of[owners].astype(np.uint16))


def _seeds(
    pieces: np.ndarray, element_of: np.ndarray, spacing_px: float, whole_grid: bool
) -> np.ndarray:
    """Flat pixel indices of one frame's starting points; later frames only add a thinner grid."""
    height, width = pieces.shape
    step = max(2, round(spacing_px if whole_grid else 2 * spacing_px))
    rows = np.arange(step // 2, height, step)
    columns = np.arange(step // 2, width, step)
    grid = (rows[:, None] * width + columns).ravel()
    elements = element_of[pieces].ravel()
    found = np.bincount(elements[grid], minlength=len(element_of))
    areas = np.bincount(elements, minlength=len(element_of))
    poor = np.flatnonzero((found < _POINTS_PER_SMALL_ELEMENT) & (areas >= _LEAST_AREA_PX))
    more = [_spread(np.flatnonzero(elements == element)) for element in poor]
    return np.unique(np.concatenate([grid, *more]))


def _spread(pixels: np.ndarray) -> np.ndarray:
    """A few of an element's pixels, evenly spread in reading order."""
    places = (np.arange(_POINTS_PER_SMALL_ELEMENT) + 0.5) / _POINTS_PER_SMALL_ELEMENT
    return pixels[(places * len(pixels)).astype(int)]


def _followed(pieces: np.ndarray, movement: Movement, seeds: np.ndarray, start: int) -> np.ndarray:
    """Paths of the material at pixels `seeds` of frame `start`: [n, frames, 2]."""
    frames, height, width = pieces.shape
    origin = pixel_centres(height, width)[seeds]
    owners = pieces[start].ravel()[seeds]
    material = movement.to_material(owners, origin, start)
    return np.stack([movement.to_picture(owners, material, f) for f in range(frames)], axis=1)


def _visible(
    pieces: np.ndarray, owners: np.ndarray, points: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    cells = np.floor(points).astype(np.int64)  # [n, frames, 2]
    limit = np.array([size[1] - 1, size[0] - 1])
    inside = ((cells >= 0) & (cells <= limit)).all(axis=2)
    cells = np.clip(cells, 0, limit)
    shown = pieces[np.arange(len(pieces)), cells[..., 1], cells[..., 0]]  # [n, frames]
    return inside & (shown == owners[:, None])
