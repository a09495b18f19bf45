"""COCO's compressed run lengths of a mask, as the official masklets hold them; and back."""

from __future__ import annotations

import numpy as np

from curation.dataset.damage import DamageError

_MAX_GROUPS = 8


def encode_mask(mask: np.ndarray) -> bytes:
    """Counts of a bool mask [h, w]: runs down the columns, zeros first, in characters of 5 bits.

    From the fourth run on, the difference to the run two before is written.
    """
    flat = mask.ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    bounds = np.concatenate([[0], edges, [flat.size]])
    runs = np.diff(bounds)
    if flat.size and flat[0]:
        runs = np.concatenate([[0], runs])
    values = runs.astype(np.int64)
    values[3:] = runs[3:] - runs[1:-2]
    return b"".join(_characters(int(value)) for value in values)


def _characters(value: int) -> bytes:
    out = bytearray()
    while True:
        group, value = value & 31, value >> 5
        # The sign is the last group's highest bit.
        more = value != -1 if group & 16 else value != 0
        out.append(48 + group + 32 * more)
        if not more:
            return bytes(out)


def decode_mask(counts: bytes, size: tuple[int, int]) -> np.ndarray:
    """The bool mask [h, w] of counts; `size`: width and height. Raises `DamageError`."""
    width, height = size
    runs = _runs(counts)
    if runs.size and (runs.min() < 0 or runs.max() > width * height):
        raise DamageError("runs longer than the mask")
    if int(runs.sum()) != width * height:
        raise DamageError(f"runs over {runs.sum()} of {width * height} pixels")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape((height, width), order="F")


def _runs(counts: bytes) -> np.ndarray:
    """int64 [runs]."""
    raw = np.frombuffer(counts, np.uint8).astype(np.int64) - 48
    if not raw.size:
        return raw
    if raw.min() < 0 or raw.max() > 63 or raw[-1] & 32:
        raise DamageError("characters that are no run lengths")
    ends = np.flatnonzero((raw & 32) == 0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    if (ends - starts).max() >= _MAX_GROUPS:
        raise DamageError("a run length of too many characters")
    place = np.arange(raw.size) - np.repeat(starts, ends - starts + 1)
    values = np.add.reduceat((raw & 31) << (5 * place), starts)
    negative = (raw[ends] & 16) > 0
    values -= np.where(negative, np.int64(1) << (5 * (ends - starts + 1)), 0)
    runs = values.copy()
    runs[1::2] = np.cumsum(values[1::2])
    runs[2::2] = np.cumsum(values[2::2])
    return runs
