"""Sketches of whole pictures: a layer's own lines are found in them and followed."""

from __future__ import annotations

import cv2
import numpy as np

from backend.pipeline.demo_matte import around
from backend.pipeline.demo_sketch import lines_of_layer

HEIGHT, WIDTH = 160, 256


def layer_at(index: int) -> np.ndarray:
    """Line alpha of a lopsided thing with two marks, moving right: uint8 [h, w]."""
    canvas = np.zeros((HEIGHT, WIDTH), np.uint8)
    x, y = 70 + 5 * index, 80 + index
    cv2.ellipse(canvas, (x, y), (34, 22), 2 * index, 0, 360, (255,), 1, cv2.LINE_AA)
    cv2.circle(canvas, (x + 12, y - 5), 7, (255,), 1, cv2.LINE_AA)
    cv2.line(canvas, (x - 22, y - 8), (x - 4, y + 9), (255,), 1, cv2.LINE_AA)
    return canvas


def scenery(index: int) -> np.ndarray:
    """Lines of a backdrop that slides to the left: uint8 [h, w]."""
    canvas = np.zeros((HEIGHT, WIDTH), np.uint8)
    for height in (24, 128, 146):
        cv2.line(canvas, (0, height), (WIDTH, height + 6), (255,), 1, cv2.LINE_AA)
    for x in range(20, WIDTH + 40, 60):
        cv2.line(canvas, (x - index, 0), (x - index, 40), (255,), 1, cv2.LINE_AA)
    return canvas


def mask() -> np.ndarray:
    """The layer at frame 0: bool [h, w]."""
    canvas = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(canvas, (70, 80), (35, 23), 0, 0, 360, (1,), -1)
    return canvas > 0


def test_a_layers_lines_are_followed_through_sketches_of_whole_pictures() -> None:
    whole = {index: np.maximum(layer_at(index), scenery(index)) for index in range(12)}
    found = lines_of_layer(whole, mask())
    assert sorted(found) == list(range(12))
    for index, lines in found.items():
        own = layer_at(index) > 128
        assert (lines[own] > 128).mean() > 0.97
        assert not lines[~around(own, 12)].any()


def test_sketches_of_one_layer_stay_as_they_are() -> None:
    alone = {index: layer_at(index) for index in range(0, 12, 5)}
    found = lines_of_layer(alone, mask())
    assert found.keys() == alone.keys()
    assert all(np.array_equal(found[index], alone[index]) for index in alone)


def test_sketches_stay_whole_where_the_layer_is_lost_at_once() -> None:
    sudden = {0: np.maximum(layer_at(0), scenery(0)), 9: scenery(9)}
    assert lines_of_layer(sudden, mask()).keys() == sudden.keys()
