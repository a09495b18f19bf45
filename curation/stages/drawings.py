"""Which frames show a new drawing, and which part of the frame is picture at all."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class DrawingSettings:
    """`still`: largest mean difference, of 255, within a hold, noise smoothed away.

    `black`: brightest value of a bar; `bar_frames`: share of the frames in which it must be dark.
    """

    still: float = 1.0
    black: int = 16
    bar_frames: float = 0.95


def drawing_numbers(frames: np.ndarray, settings: DrawingSettings | None = None) -> np.ndarray:
    """Number of the drawing that every frame shows, int64 [frames], from 0.

    Animation on twos or threes holds each drawing; frames are compared with the first of their
    hold, so that a slow drift does not pass as one. A drawing is told from noise by its largest
    change too: a small thing may move where all else is still.
    """
    settings = settings or DrawingSettings()
    numbers = np.zeros(len(frames), np.int64)
    soft = [cv2.GaussianBlur(frame, (0, 0), 1.5).astype(np.float32) for frame in frames]
    first = 0
    for index in range(1, len(frames)):
        apart = np.abs(soft[index] - soft[first])
        same = apart.mean() < settings.still and apart.max() < _MOVED * settings.still
        numbers[index] = numbers[index - 1] + (not same)
        first = first if same else index
    return numbers


_MOVED = 16.0
"""A change this many times `still` anywhere is a drawing, not noise."""


def usual_hold(numbers: np.ndarray) -> int:
    """How many frames a drawing stays, usually: 1 on ones, 2 on twos; 0 where nothing changes."""
    lengths = np.bincount(numbers)
    if len(lengths) < 2:
        return 0
    inner = lengths[1:-1] if len(lengths) > 2 else lengths
    return int(np.median(inner))


def active_rect(
    frames: np.ndarray, settings: DrawingSettings | None = None
) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is not black bars; the whole where all is dark."""
    settings = settings or DrawingSettings()
    bright = frames.max(axis=3)
    height, width = bright.shape[1:]
    sides = []
    for axis, size in ((1, width), (2, height)):
        lit = bright.max(axis=axis) >= settings.black  # [frames, size]
        used = np.flatnonzero(lit.mean(axis=0) > 1.0 - settings.bar_frames)
        sides.append((int(used[0]), int(used[-1]) + 1) if len(used) else (0, size))
    (left, right), (top, bottom) = sides
    return left, top, right, bottom
