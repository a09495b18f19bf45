"""Cuts a stretch of a shot into calls of a model with a fixed clip length; pure arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Stretch:
    """Scene frames to paint from one shot key on.

    `last`: the shot key at the far end, None in a stretch that moves on from `first` alone.
    `frames`: the drawings wanted, ascending, behind `first` and before `last`.
    """

    first: int
    last: int | None
    frames: tuple[int, ...]


@dataclass(frozen=True)
class Window:
    """One call of the model. `times` [clip]: the scene time of each of its frames.

    `frames` are taken from it, each from the model frame nearest in time. A window's own key
    frames are `first` and `last`: shot keys, or drawings that an earlier window painted.
    """

    first: int
    last: int | None
    times: tuple[float, ...]
    frames: tuple[int, ...]

    def index_of(self, frame: int) -> int:
        """Number of the model frame that shows a drawing; ends are kept for the keys."""
        low = 1 if len(self.times) > 2 else 0
        high = len(self.times) - (1 if self.last is None else 2)
        nearest = int(np.argmin(np.abs(np.asarray(self.times) - frame)))
        return min(max(nearest, low), max(high, low))


def cut(stretch: Stretch, clip_frames: int) -> tuple[Window, ...]:
    """Windows in the order in which they must run; every wanted drawing is in exactly one.

    A stretch that fits one clip is stretched over it evenly. Between two keys a longer one is
    painted coarsely first, and those drawings are the keys of the windows in between; from one key
    on, each window starts at the last drawing of the one before.
    """
    if not stretch.frames:
        return ()
    if stretch.last is None:
        return _onward(stretch, clip_frames)
    return _between(stretch.first, stretch.last, stretch.frames, clip_frames)


def _onward(stretch: Stretch, clip_frames: int) -> tuple[Window, ...]:
    windows = []
    first = stretch.first
    step = clip_frames - 1
    for start in range(0, len(stretch.frames), step):
        frames = stretch.frames[start : start + step]
        windows.append(_window(first, None, frames[-1], frames, clip_frames))
        first = frames[-1]
    return tuple(windows)


def _between(first: int, last: int, frames: Sequence[int], clip_frames: int) -> tuple[Window, ...]:
    if len(frames) + 2 <= clip_frames:
        return (_window(first, last, last, frames, clip_frames),)
    points = [first, *frames, last]
    parts = -(-(len(points) - 1) // (clip_frames - 1))
    marks = np.rint(np.linspace(0, len(points) - 1, parts + 1)).astype(int)
    anchors = [points[mark] for mark in marks]
    windows = list(_between(first, last, anchors[1:-1], clip_frames))
    for low, high in pairwise(marks):
        inside = points[low + 1 : high]
        if inside:
            windows += _between(points[low], points[high], inside, clip_frames)
    return tuple(windows)


def _window(
    first: int, last: int | None, stop: int, frames: Sequence[int], clip_frames: int
) -> Window:
    times = tuple(float(time) for time in np.linspace(first, stop, clip_frames))
    return Window(first, last, times, tuple(frames))
