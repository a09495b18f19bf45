"""Completes a backdrop behind what covers it, from both key frames; used by `demo_stack`."""

from __future__ import annotations

import cv2
import numpy as np

from backend.layer_motion.registration import register
from backend.layer_motion.warp import prepare
from backend.pipeline.fill import fill_from
from shared.pictures import Picture

_SAME_LEVELS = 12.0
_COMPARED = 0.2
_BETTER = 0.8


def complete_ground(
    frames: np.ndarray, sure: np.ndarray, bars: np.ndarray, *, is_still: bool
) -> np.ndarray:
    """The whole backdrop at each key: uint8 [keys, h, w, 3].

    `frames` uint8 [keys, h, w, 3]; `sure` bool [keys, h, w]: where a key surely shows the
    backdrop; `bars` bool [h, w] stay as they are. What is covered comes from the other key, from
    the place that it has there where the backdrop moved as a whole, and else is continued from
    around.
    """
    alone = [_continued(*pair, bars) for pair in zip(frames, sure, strict=True)]
    if len(frames) < 2 or not sure.any(axis=(1, 2)).all():
        return np.stack(alone)
    forward = np.eye(3) if is_still else _move(alone, frames, sure)
    if forward is None:
        return np.stack(alone)
    completed = []
    for key, to_key in ((0, np.linalg.inv(forward)), (1, forward)):
        other, there = _moved(frames[1 - key], sure[1 - key], to_key)
        fresh = there & ~sure[key]
        picture = frames[key].copy()
        picture[fresh] = other[fresh]
        completed.append(_continued(picture, sure[key] | fresh, bars))
    return np.stack(completed)


def _continued(picture: np.ndarray, known: np.ndarray, bars: np.ndarray) -> np.ndarray:
    return fill_from(picture, known, ~(known | bars)) if known.any() else picture


def _move(alone: list[np.ndarray], frames: np.ndarray, sure: np.ndarray) -> np.ndarray | None:
    """The map from the first key's backdrop to the last's; None where none makes them alike."""
    height, width = sure.shape[1:]
    first, last = (prepare(Picture(_opaque(picture)), width, height) for picture in alone)
    forward = register(first, last, width, height).matrix
    moved, there = _moved(frames[0], sure[0], forward)
    both = there & sure[1]
    if both.mean() < _COMPARED:
        return None
    before = _difference(frames[0], frames[1], sure[0] & sure[1])
    after = _difference(moved, frames[1], both)
    return forward if after < min(_SAME_LEVELS, _BETTER * before) else None


def _moved(
    picture: np.ndarray, known: np.ndarray, forward: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    if np.array_equal(forward, np.eye(3)):
        return picture, known
    size = (picture.shape[1], picture.shape[0])
    pixels = cv2.warpAffine(picture, forward[:2], size, flags=cv2.INTER_CUBIC)
    share = cv2.warpAffine(known.astype(np.float32), forward[:2], size, flags=cv2.INTER_LINEAR)
    return pixels, share > 0.99


def _difference(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    """Mean difference in levels of 255 over a mask; infinite over an empty one."""
    if not where.any():
        return float("inf")
    return float(np.abs(one[where].astype(np.int16) - other[where]).mean())


def _opaque(picture: np.ndarray) -> np.ndarray:
    return np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
