"""Points followed without weights: Lucas-Kanade on a grid; `spec/curation.md` 3.5."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from curation.backends.interfaces import Tracker
from curation.dataset.clip import Tracks
from curation.stages.refinement import first_shown


@dataclass(frozen=True)
class TrackSettings:
    """How points are followed and which are kept.

    `grid`: points per side of the picture. `window_px`, `levels`: of Lucas-Kanade. `back_px`:
    largest miss when followed back. `corner`: least texture (minimum eigenvalue). `inside`: share
    of its frames that a track must spend in the element it starts in, to be exceeded; `seen`:
    likewise the share of frames that show it (the official reader's 0.8 and 0.1).
    """

    grid: int = 60
    window_px: int = 31
    levels: int = 3
    back_px: float = 1.0
    corner: float = 3e-3
    inside: float = 0.8
    seen: float = 0.1


def grid_points(height: int, width: int, side: int) -> np.ndarray:
    """Points row by row, float32 [side * side, 2], x and y, half a step from the edges."""
    x = (np.arange(side) + 0.5) * width / side
    y = (np.arange(side) + 0.5) * height / side
    return np.stack(np.meshgrid(x, y), -1).reshape(-1, 2).astype(np.float32)


def follow(
    frames: np.ndarray, points: np.ndarray, settings: TrackSettings | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Follow points of the first frame: float32 [n, frames, 2], and bool [n, frames] trusted.

    frames: RGB uint8 [frames, h, w, 3]; points: float32 [n, 2], (0, 0) is the outer corner of the
    top-left pixel. From the first step that fails its check on, a point stays where it was last
    and is not trusted.
    """
    settings = settings or TrackSettings()
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    places = np.repeat(points[:, None].astype(np.float32), len(frames), 1)
    trusted = np.zeros(places.shape[:2], bool)
    trusted[:, 0] = _textured(grey[0], points, settings)
    for index in range(1, len(frames)):
        going = np.flatnonzero(trusted[:, index - 1])
        places[:, index] = places[:, index - 1]
        if not len(going):
            continue
        after, good = _step(grey[index - 1], grey[index], places[going, index - 1], settings)
        places[going[good], index] = after[good]
        trusted[going[good], index] = True
    return places, trusted


def _textured(grey: np.ndarray, points: np.ndarray, settings: TrackSettings) -> np.ndarray:
    """Points whose surroundings tell their motion both ways, bool [n]."""
    strength = cv2.cornerMinEigenVal(grey, settings.window_px, ksize=3)
    column, row = np.floor(points).astype(int).T
    height, width = grey.shape
    return strength[row.clip(0, height - 1), column.clip(0, width - 1)] > settings.corner


def _step(
    before: np.ndarray, after: np.ndarray, points: np.ndarray, settings: TrackSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Where points go from one frame to the next, and whether they find their way back."""
    if np.array_equal(before, after):
        return points, np.ones(len(points), bool)
    window = (settings.window_px, settings.window_px)
    start = (points - 0.5)[:, None]

    def flown(a: np.ndarray, b: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found, status, _ = cv2.calcOpticalFlowPyrLK(  # pyright: ignore[reportCallIssue]
            a,
            b,
            p,
            None,  # pyright: ignore[reportArgumentType]
            winSize=window,
            maxLevel=settings.levels,
        )
        return found, status.ravel() > 0

    there, ok = flown(before, after, start)
    back, returned = flown(after, before, there)
    miss = np.linalg.norm((back - start)[:, 0], axis=1)
    height, width = before.shape
    place = there[:, 0] + 0.5
    inside = ((place >= 0) & (place < (width, height))).all(axis=1)
    return place, ok & returned & inside & (miss < settings.back_px)


def find_tracks(
    frames: np.ndarray,
    labels: np.ndarray,
    settings: TrackSettings | None = None,
    tracker: Tracker | None = None,
) -> Tracks:
    """Tracks of a grid that stay in their element.

    The grid lies on the first frame, and for an element that enters later on the frame that first
    shows half of it: `Tracks` of these are not visible before. labels: int [frames, h, w], k > 0
    is element k - 1, as in `LayeredClip`.
    """
    settings = settings or TrackSettings()
    height, width = labels.shape[1:]
    grid = grid_points(height, width, settings.grid)
    column, row = np.floor(grid).astype(np.int64).T
    begins = first_shown(labels)
    begins[np.unique(labels[0])] = 0
    found = []
    for start in np.unique(begins).tolist():
        own = grid[begins[labels[start, row, column]] == start]
        if start and not len(own):
            continue
        places, trusted = (
            tracker(frames[start:], own)
            if tracker is not None
            else follow(frames[start:], own, settings)
        )
        keep, elements = in_element(places, trusted, labels[start:], settings)
        found.append(_from_start(places[keep], trusted[keep], elements[keep], start))
    return Tracks(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _from_start(
    places: np.ndarray, visible: np.ndarray, elements: np.ndarray, start: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tracks that begin at frame `start`, as long as the clip: before, they wait unseen."""
    before = ((0, 0), (start, 0))
    return (
        np.pad(places, (*before, (0, 0)), mode="edge"),
        np.pad(visible, before),
        elements.astype(np.uint16),
    )


def in_element(
    places: np.ndarray, visible: np.ndarray, labels: np.ndarray, settings: TrackSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Which tracks stay where they belong, bool [n], and their element, int64 [n] (-1: none).

    After the official reader (`spec/curation.md` 1.8): frames out of the picture do not count;
    both shares must be exceeded, not only reached.
    """
    frames, height, width = labels.shape
    cell = np.floor(places).astype(np.int64)  # [n, frames, 2]
    inside = ((cell >= 0) & (cell < (width, height))).all(axis=2)
    column, row = cell[..., 0].clip(0, width - 1), cell[..., 1].clip(0, height - 1)
    found = labels[np.arange(frames)[None], row, column].astype(np.int64) - 1
    found[~inside] = -1
    element = found[:, 0]
    counted = visible & inside
    own = ((found == element[:, None]) & counted).sum(axis=1)
    share = own / np.maximum(counted.sum(axis=1), 1)
    keep = (element >= 0) & (share > settings.inside) & (visible.mean(axis=1) > settings.seen)
    return keep, element
