"""Clips that show the same as another: openings repeat in every episode, and one of them is enough.

Perceptual hashes of three frames (`spec/curation.md` 4.2): the signs of the lowest frequencies.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

_SIDE, _LOW = 32, 8
_MOST_BITS = 6
_MOMENTS = 3


def clip_hashes(frames: np.ndarray) -> np.ndarray:
    """uint8 [3, 8]: 64 bits for the first, middle and last frame of uint8 [frames, h, w, 3]."""
    moments = np.linspace(0, len(frames) - 1, _MOMENTS).round().astype(int)
    return np.stack([picture_hash(frames[moment]) for moment in moments])


def picture_hash(picture: np.ndarray) -> np.ndarray:
    """64 bits of a picture uint8 [h, w, 3], as uint8 [8]; pictures that look alike share most."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:_LOW, :_LOW].ravel()
    return np.packbits(low > np.median(low[1:]))


def find_duplicates(hashes: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Clip id -> the clip it repeats; of alike clips the first by id is the one that stays.

    Two clips are alike when each of their three hashes differs in at most 6 of 64 bits.
    """
    kept: list[str] = []
    table = np.zeros((0, _MOMENTS, 8), np.uint8)
    found: dict[str, str] = {}
    for clip_id in sorted(hashes):
        bits = hashes[clip_id]
        apart = np.unpackbits(table ^ bits, axis=-1).sum(axis=-1)  # [kept, 3]
        alike = np.flatnonzero((apart <= _MOST_BITS).all(axis=1))
        if len(alike):
            found[clip_id] = kept[int(alike[0])]
            continue
        kept.append(clip_id)
        table = np.concatenate([table, bits[None]])
    return found
