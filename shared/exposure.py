"""Exposure arithmetic: which scene frames get a drawing of their own, and who holds which."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise


def exposed_frames(start: int, end: int, exposure: int, keys: Iterable[int] = ()) -> list[int]:
    """Scene frames in `start..end` (inclusive) that carry a new drawing.

    On ones (`exposure` 1) every frame, on twos every second one counted from `start`, and so on;
    key frames always carry their own drawing. The phase restarts at each key, as on an exposure
    sheet. Raises `ValueError` for an exposure below 1.
    """
    if exposure < 1:
        raise ValueError(f"exposure must be at least 1, not {exposure}")
    anchors = sorted({start, *(key for key in keys if start <= key <= end)})
    frames: list[int] = []
    for anchor, stop in zip(anchors, [*anchors[1:], end + 1], strict=True):
        frames.extend(range(anchor, stop, exposure))
    return frames


def held_frame(exposed: Sequence[int], frame: int) -> int | None:
    """The exposed frame whose drawing is shown at `frame`, or None before the first one."""
    position = bisect_right(exposed, frame)
    return exposed[position - 1] if position else None


def gaps_between(keys: Iterable[int]) -> list[tuple[int, int]]:
    """Neighbouring pairs of sorted key frames: the gaps that in-betweens fill."""
    return list(pairwise(sorted(set(keys))))
