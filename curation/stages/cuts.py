"""Hard cuts, by what flow cannot explain; `spec/curation.md` 1.2, 1.6."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from curation.stages.flow import dis_flow, seen_along


@dataclass(frozen=True)
class CutSettings:
    """A cut leaves more than `residual` of 255 after warping, and `times` what is usual.

    12 is what the specification found between a cut (21 and more) and motion (6.4 and less);
    between shots of one palette it is down to 11, so that the bound lies lower here. A cut that a
    shot detector proposes counts from `proposed`, where it stands `times` / 2 above its neighbours.

    `flash`: most frames of a flash or impact, after which the old picture is back. `shortest`,
    `longest`: frames of a piece. `width_px`: pictures are compared at this width.
    """

    residual: float = 8.0
    times: float = 3.0
    proposed: float = 5.0
    flash: int = 3
    shortest: int = 16
    longest: int = 128
    width_px: int = 512


@dataclass(frozen=True)
class Piece:
    """Frames `first` .. `end` - 1."""

    first: int
    end: int


def residuals(frames: np.ndarray, settings: CutSettings | None = None) -> np.ndarray:
    """Mean difference of 255 that is left when each frame is warped to the one before.

    frames: RGB uint8 [frames, h, w, 3]; float64 [frames - 1].
    """
    small = _small(frames, settings or CutSettings())
    return np.array([unexplained(a, b) for a, b in pairwise(small)], np.float64)


def find_cuts(
    frames: np.ndarray,
    settings: CutSettings | None = None,
    *,
    left: np.ndarray | None = None,
    proposed: Collection[int] = (),
) -> list[int]:
    """First frames of new shots, rising. `left`: of `residuals`, where they are known.

    `proposed`: first frames of shots as another detector sees them, which are confirmed here.
    """
    settings = settings or CutSettings()
    small = _small(frames, settings)
    left = residuals(frames, settings) if left is None else left
    bound = max(settings.residual, settings.times * float(np.median(left))) if len(left) else 0.0
    cuts = []
    index = 0
    while index < len(left):
        confirmed = index + 1 in proposed and _stands_out(left, index, settings)
        if left[index] <= bound and not confirmed:
            index += 1
            continue
        like = bound if left[index] > bound else float(left[index]) / 2
        back = _flash_end(small, index, like, settings.flash)
        if back is None:
            cuts.append(index + 1)
        index = index + 1 if back is None else back
    return cuts


def _stands_out(left: np.ndarray, index: int, settings: CutSettings) -> bool:
    around = np.concatenate([left[max(0, index - 3) : index], left[index + 1 : index + 4]])
    usual = float(around.max()) if len(around) else 0.0
    return float(left[index]) > max(settings.proposed, settings.times / 2 * usual)


def pieces(
    count: int,
    cuts: Sequence[int],
    settings: CutSettings | None = None,
    gone: Sequence[Piece] = (),
) -> list[Piece]:
    """The clip cut apart, long pieces divided; what is shorter than `shortest` is left out.

    `gone`: frames that belong to no shot, rising.
    """
    settings = settings or CutSettings()
    borders = sorted([0, count, *cuts, *(edge for part in gone for edge in (part.first, part.end))])
    found = []
    for first, end in pairwise(borders):
        if any(part.first <= first and end <= part.end for part in gone):
            continue
        for start in range(first, end, settings.longest):
            piece = Piece(start, min(end, start + settings.longest))
            if piece.end - piece.first >= settings.shortest:
                found.append(piece)
    return found


def is_coherent(flow: np.ndarray, limit_px: float = 85.0, *, width_px: int = 512) -> bool:
    """The first paper's own rule, for parity: the 75th percentile of motion never leaps.

    flow: float [steps, h, w, 2]. `limit_px` is meant at `width_px`; the paper names no resolution.
    """
    fast = np.array([np.percentile(np.linalg.norm(step, axis=2), 75) for step in flow])
    scale = width_px / flow.shape[2]
    return len(fast) < 2 or float(np.abs(np.diff(fast)).max()) * scale <= limit_px


def _flash_end(small: list[np.ndarray], index: int, bound: float, flash: int) -> int | None:
    """The frame after a leap at `index` that shows the old picture again, if any."""
    for later in range(index + 2, min(index + flash + 2, len(small))):
        if unexplained(small[index], small[later]) <= bound:
            return later
    return None


def _small(frames: np.ndarray, settings: CutSettings) -> list[np.ndarray]:
    height, width = frames.shape[1:3]
    if width <= settings.width_px:
        return list(frames)
    size = (settings.width_px, max(1, round(height * settings.width_px / width)))
    return [cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames]


def unexplained(before: np.ndarray, after: np.ndarray) -> float:
    """Mean difference of 255 between a picture and the next one warped onto it."""
    if np.array_equal(before, after):
        return 0.0
    warped = seen_along(dis_flow(before, after, preset=1), after)
    return float(cv2.absdiff(warped, before).mean())
