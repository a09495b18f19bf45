"""Masks of a whole picture by prompts on a grid, and these as regions; SAM and SAM 2 share it.

The steps and their figures are those of the published mask makers (`spec/curation.md` 1.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from curation.stages.tracks import grid_points

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class SamSettings:
    """Of the makers of masks, as published, but for `least_px`.

    `points`: per side of the grid; `batch`: prompts at a time. `quality`: least IoU that the
    network expects of its mask; None: .88 of SAM, .8 of SAM 2. `stability`: least IoU of the mask
    with its logits' threshold `offset` up and down. `overlap`: of two masks whose boxes' IoU is
    above it the better one stays. `least_px`: masks, holes and islands below it go, at 512 pixels
    of width; cartoons need it. `uncovered`: share of a later keyframe's region that nothing
    followed covers, so that it is new; `newcomer`: least area of one, share of the picture.
    """

    points: int = 32
    batch: int = 64
    quality: float | None = None
    stability: float = 0.95
    offset: float = 1.0
    overlap: float = 0.7
    least_px: int = 150
    uncovered: float = 0.5
    newcomer: float = 0.002


class Prompted(Protocol):
    """A network that makes masks of points on the picture it looks at."""

    def look(self, picture: np.ndarray) -> None:
        """Take an RGB uint8 picture [h, w, 3] in."""
        ...

    def ask(self, points: np.ndarray) -> tuple[Tensor, Tensor]:
        """Small logits [n, k, a, b] and expected IoU [n, k] for points float32 [n, 2], pixels."""
        ...

    def enlarged(self, logits: Tensor) -> Tensor:
        """Logits [m, a, b] at the picture's size [m, h, w]."""
        ...


class MaskMaker:
    """A `Segmenter` by a prompted network. `quality`: what counts where settings say nothing."""

    def __init__(self, network: Prompted, settings: SamSettings, quality: float) -> None:
        self._network = network
        self._settings = settings
        self._quality = settings.quality if settings.quality is not None else quality

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """RGB uint8 [h, w, 3] to regions, int32 [h, w] from 0 without gaps."""
        height, width = picture.shape[:2]
        least = max(1, round(self._settings.least_px * (width / 512) ** 2))
        return as_regions(self.masks(picture), (height, width), least)

    def masks(self, picture: np.ndarray) -> np.ndarray:
        """Masks that the network stands by, each once, bool [n, h, w]."""
        height, width = picture.shape[:2]
        self._network.look(picture)
        points = grid_points(height, width, self._settings.points)
        masks: list[np.ndarray] = [np.zeros((0, height, width), bool)]
        scores: list[np.ndarray] = [np.zeros(0, np.float32)]
        for start in range(0, len(points), self._settings.batch):
            found = self._sure(points[start : start + self._settings.batch])
            masks.append(found[0])
            scores.append(found[1])
        every, score = np.concatenate(masks), np.concatenate(scores)
        return every[best_boxes(boxes_of(every), score, self._settings.overlap)]

    def _sure(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Masks of these prompts that are good and stable, bool [n, h, w], and how good."""
        logits, quality = self._network.ask(points)
        good = quality > self._quality
        large = self._network.enlarged(logits[good])
        offset = self._settings.offset
        inner = (large > offset).flatten(1).sum(1)
        outer = (large > -offset).flatten(1).sum(1)
        stable = (inner >= self._settings.stability * outer) & (outer > 0)
        masks = (large[stable] > 0).cpu().numpy()
        return masks, quality[good][stable].float().cpu().numpy()


def boxes_of(masks: np.ndarray) -> np.ndarray:
    """Left, top, right, bottom of masks bool [n, h, w], outer edges, int64 [n, 4]; 0 if empty."""
    sides = []
    for axis in (1, 2):  # columns, rows
        shown = np.asarray(masks.any(axis=axis))
        low = shown.argmax(axis=1)
        high = shown.shape[1] - shown[:, ::-1].argmax(axis=1)
        sides.append((low, np.where(shown.any(axis=1), high, low)))
    (left, right), (top, bottom) = sides
    return np.stack([left, top, right, bottom], 1).astype(np.int64)


def best_boxes(boxes: np.ndarray, scores: np.ndarray, overlap: float) -> np.ndarray:
    """Indices of boxes [n, 4], best first, none of which overlaps a better one by more IoU."""
    waiting = np.argsort(-scores, kind="stable")
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept: list[int] = []
    while len(waiting):
        best, waiting = waiting[0], waiting[1:]
        kept.append(int(best))
        low = np.maximum(boxes[best, :2], boxes[waiting, :2])
        high = np.minimum(boxes[best, 2:], boxes[waiting, 2:])
        shared = np.maximum(high - low, 0).prod(axis=1)
        joint = area[best] + area[waiting] - shared
        waiting = waiting[shared <= overlap * np.maximum(joint, 1)]
    return np.array(kept, np.int64)


def tidied(mask: np.ndarray, least_px: int) -> np.ndarray:
    """A mask bool [h, w] without holes and islands below `least_px`; a sole island stays."""
    for value in (False, True):
        count, labels, figures, _ = cv2.connectedComponentsWithStats(
            (mask == value).astype(np.uint8), connectivity=8
        )
        area = figures[:, cv2.CC_STAT_AREA]
        small = area < least_px
        small[0] = False
        if value and count > 1 and small[1:].all():
            small[1 + int(area[1:].argmax())] = False
        mask = mask ^ small[labels]
    return mask


def as_regions(masks: np.ndarray, size: tuple[int, int], least_px: int) -> np.ndarray:
    """Masks bool [n, h, w] as regions int32 [h, w] without gaps: the smaller on top.

    What no mask covers is one region more, the first. A mask of which less than `least_px` shows
    is left to what lies below it.
    """
    clean = [tidied(mask, least_px) for mask in masks]
    clean = [mask for mask in clean if mask.sum() >= least_px]
    labels = _painted(clean, size)
    shown = np.bincount(labels.ravel(), minlength=len(clean) + 1)[1:] >= least_px
    ordered = sorted(clean, key=lambda mask: -int(mask.sum()))
    labels = _painted([mask for mask, seen in zip(ordered, shown, strict=True) if seen], size)
    return np.unique(labels, return_inverse=True)[1].reshape(size).astype(np.int32)


def _painted(masks: list[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Labels int32 [h, w], 0 where there is none; masks by falling area, later ones on top."""
    labels = np.zeros(size, np.int32)
    for number, mask in enumerate(sorted(masks, key=lambda mask: -int(mask.sum())), 1):
        labels[mask] = number
    return labels
