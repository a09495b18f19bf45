"""Watershed, absorption and the partition tree: what they keep apart and what they join."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from curation.stages.elements import ElementSettings, region_labels, segment
from curation.stages.regions import measure
from curation.stages.tree import absorb_small, partition_tree
from curation.stages.watershed import watershed


def _figure() -> np.ndarray:
    """Two-tone backdrop with a disc inked in black; RGB [180, 240, 3]."""
    picture = np.empty((180, 240, 3), np.uint8)
    picture[:90], picture[90:] = (200, 220, 240), (120, 150, 90)
    radius = _radius()
    picture[radius < 62] = (20, 20, 20)
    picture[radius < 60] = (230, 120, 60)
    return picture


def _radius() -> np.ndarray:
    x, y = np.meshgrid(np.arange(240.0), np.arange(180.0))
    return np.hypot(x - 120, y - 90)


def test_two_valleys_stay_apart_when_the_ridge_is_high_enough() -> None:
    x = np.abs(np.arange(21, dtype=np.float32) - 10)
    valleys = np.tile(5 - np.abs(x - 5), (4, 1)) * -1 + 5
    assert watershed(valleys, 4.0).max() == 1
    assert watershed(valleys, 6.0).max() == 0


def test_a_flat_picture_is_one_region() -> None:
    assert not region_labels(np.full((40, 60, 3), 128, np.uint8)).any()


def test_every_pixel_belongs_to_a_connected_region() -> None:
    labels = region_labels(_figure())
    assert labels.min() == 0
    for region in range(int(labels.max()) + 1):
        mask = (labels == region).astype(np.uint8)
        assert cv2.connectedComponents(mask, connectivity=4)[0] == 2


def test_the_disc_is_one_node_of_the_tree() -> None:
    elements = segment(_figure())
    disc: np.ndarray = _radius() < 62
    inside = np.bincount(elements.labels.ravel(), disc.ravel(), len(elements.regions))
    totals = elements.tree.totals(np.stack([inside, elements.regions.area], 1))
    iou = totals[:, 0] / (totals[:, 1] + disc.sum() - totals[:, 0])
    assert iou.max() > 0.9
    node = int(iou.argmax())
    assert elements.mask(node).sum() == totals[node, 1]


def test_a_click_offers_growing_nodes_that_hold_it() -> None:
    elements = segment(_figure())
    nodes = elements.click(120, 90)
    masks = [elements.mask(node) for node in nodes]
    assert len(nodes) >= 2
    assert all(mask[90, 120] for mask in masks)
    assert all((a <= b).all() for a, b in pairwise(masks))


def test_small_regions_join_the_neighbour_of_nearest_colour() -> None:
    labels = np.zeros((10, 30), np.int32)
    labels[:, 20:] = 1
    labels[4:6, 18:20] = 2
    lab = np.zeros((10, 30, 3), np.float32)
    lab[labels == 1] = 50.0
    lab[labels == 2] = 45.0
    numbers = absorb_small(measure(labels, lab, np.zeros((10, 30), np.float32)), 10)
    assert numbers.tolist() == [0, 1, 1]


def test_no_more_regions_than_asked_for() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (90, 120, 3), np.uint8)
    settings = ElementSettings(least_px=4, most_regions=37)
    assert region_labels(noise, settings).max() == 36


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 9, 3), (7, 1, 3)])
def test_tiny_pictures_do_not_break(shape: tuple[int, int, int]) -> None:
    elements = segment(np.full(shape, 30, np.uint8))
    assert elements.tree.leaves == len(elements.regions) == 1


def test_the_tree_joins_everything_once() -> None:
    elements = segment(_figure())
    tree = partition_tree(elements.regions)
    assert sorted(tree.children.ravel()) == list(range(2 * tree.leaves - 2))
    assert tree.totals(elements.regions.area)[-1] == 180 * 240
