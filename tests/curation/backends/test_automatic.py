"""Promises of masks on a grid: doubtful ones go, doubles go, and the rest become regions."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from curation.backends.automatic import (
    MaskMaker,
    SamSettings,
    as_regions,
    best_boxes,
    boxes_of,
    tidied,
)


class _Discs:
    """Answers each point with a disc, its half, and noise that it does not believe in."""

    def __init__(self, height: int, width: int) -> None:
        y, x = np.mgrid[:height, :width]
        self._disc = torch.from_numpy(np.hypot(x - 40, y - 30) < 18)
        self._half = self._disc & torch.from_numpy(x < 40)

    def look(self, picture: np.ndarray) -> None:
        del picture

    def ask(self, points: np.ndarray) -> tuple[Tensor, Tensor]:
        steep = [torch.where(mask, 9.0, -9.0) for mask in (self._disc, self._half)]
        shallow = torch.where(self._disc, 0.4, -0.4)  # all changes with its threshold
        answer = torch.stack([*steep, shallow])
        quality = torch.tensor([0.95, 0.5, 0.99])
        return answer.repeat(len(points), 1, 1, 1), quality.repeat(len(points), 1)

    def enlarged(self, logits: Tensor) -> Tensor:
        return logits


def test_doubtful_unstable_and_double_masks_go() -> None:
    maker = MaskMaker(_Discs(64, 96), SamSettings(points=3, batch=4, least_px=20), 0.88)
    picture = np.zeros((64, 96, 3), np.uint8)
    assert maker.masks(picture).sum(axis=(1, 2)).tolist() == [int(_Discs(64, 96)._disc.sum())]
    labels = maker(picture)
    assert labels.dtype == np.int32
    assert np.array_equal(labels == 1, _Discs(64, 96)._disc.numpy())


def test_the_smaller_mask_lies_on_top_and_the_rest_is_one_region() -> None:
    masks = np.zeros((3, 40, 40), bool)
    masks[0, 10:20, 10:20] = True
    masks[1, 5:35, 5:35] = True
    masks[2, 10:20, 10:21] = True  # all but one column of it is hidden
    labels = as_regions(masks, (40, 40), 20)
    assert labels.max() == 2
    assert len({labels[0, 0], labels[6, 6], labels[15, 15]}) == 3
    assert labels[15, 20] == labels[6, 6]


def test_a_picture_without_masks_is_one_region() -> None:
    assert not as_regions(np.zeros((0, 8, 8), bool), (8, 8), 5).any()


def test_islands_and_holes_go_but_a_sole_island_stays() -> None:
    mask = np.zeros((30, 30), bool)
    mask[5:20, 5:20] = True
    mask[10, 10] = False
    mask[25, 25] = True
    clean = tidied(mask, 9)
    assert clean[10, 10]
    assert not clean[25, 25]
    assert clean.sum() == 15 * 15
    speck = np.zeros((30, 30), bool)
    speck[3, 3] = True
    assert tidied(speck, 9).sum() == 1


def test_of_overlapping_boxes_the_best_stays() -> None:
    masks = np.zeros((4, 20, 20), bool)
    masks[0, 2:10, 2:10] = masks[1, 2:10, 2:11] = masks[2, 12:18, 12:18] = True
    boxes = boxes_of(masks)
    assert boxes.tolist() == [[2, 2, 10, 10], [2, 2, 11, 10], [12, 12, 18, 18], [0, 0, 0, 0]]
    assert best_boxes(boxes[:3], np.array([0.9, 0.95, 0.8]), 0.7).tolist() == [1, 2]
    assert best_boxes(boxes[:3], np.array([0.9, 0.95, 0.8]), 0.9).tolist() == [1, 0, 2]
