"""The guard keeps broad opaque art whatever the network wants."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.layer_motion.task import GapResult, GapTask
from backend.mini.expert import Expert, refine_gap
from backend.mini.frames import LayerFrame, layer_frame
from backend.mini.guard import LIMITS, Limits, guarded
from shared.pictures import Picture

_DARK = (38, 20, 16, 255)
_SIZE = (160, 96)


def _figure(size: tuple[int, int], fill: tuple[int, int, int, int] = _DARK) -> Picture:
    """A filled disc in the middle of the frame, as straight RGBA."""
    pixels = np.zeros((size[1], size[0], 4), np.uint8)
    cv2.circle(pixels, (size[0] // 2, size[1] // 2), size[1] // 3, fill, -1)
    return Picture(pixels)


def _outline(size: tuple[int, int], shift: int = 2, *, closed: bool = True) -> np.ndarray:
    """The disc's outline, a little beside it; the open one lacks its upper half."""
    sketch = np.zeros((size[1], size[0]), np.float32)
    centre = (size[0] // 2 + shift, size[1] // 2)
    radius = size[1] // 3
    cv2.ellipse(sketch, centre, (radius, radius), 0, 0, 360 if closed else 180, 1.0, 2)
    return sketch


def _frame(sketch: np.ndarray) -> LayerFrame:
    frame = layer_frame(_figure(_SIZE), sketch)
    assert frame is not None
    return frame


def _erasing(frame: LayerFrame, where: np.ndarray) -> np.ndarray:
    """The change that empties the art of a mask."""
    return -frame.art * where[..., None].astype(np.float32)


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("size", [_SIZE, (512, 320)])
def test_the_interior_of_a_dark_figure_stays_bit_equal(
    eager: Expert, size: tuple[int, int], closed: bool
) -> None:
    picture, sketch = _figure(size), _outline(size, closed=closed)
    task = GapTask(*size, first=_figure(size, (1, 2, 3, 255)), last=None, times=(0.5,), tracks=None,
                   sketches={1: sketch})  # fmt: skip
    refined = refine_gap(task, GapResult((picture,), "sketch", (2.0,)), eager)
    solid = (picture.pixels[..., 3] > 0) & (sketch == 0)
    depth = cv2.distanceTransform(solid.astype(np.uint8), cv2.DIST_L2, 3)
    inside = depth > 0.06 * size[1]
    assert inside.sum() > 0.2 * solid.sum()
    drawn = refined.pictures[0].on_canvas(*size)
    assert np.array_equal(drawn[inside], picture.pixels[inside])


@pytest.mark.parametrize("closed", [True, False])
def test_an_expert_that_erases_everything_is_overruled(closed: bool) -> None:
    frame = _frame(_outline(_SIZE, closed=closed))
    assert not guarded(frame, -frame.art).any()


def test_an_area_torn_by_thin_lines_counts_as_one() -> None:
    frame = _frame(_outline(_SIZE))
    stripes = np.ones(frame.sketch.shape, bool)
    stripes[:, ::6] = False
    change = _erasing(frame, stripes)
    kept = guarded(frame, change, Limits(area=1.0, depth=1.0))
    assert np.abs(change).sum() > 100
    assert not kept[frame.art[..., 3] > 0.5].any()


def test_slivers_along_the_outline_are_taken_away() -> None:
    frame = _frame(_outline(_SIZE))
    opaque = (frame.art[..., 3] > 0.5).astype(np.uint8)
    rim = (opaque > 0) & (cv2.erode(opaque, np.ones((3, 3), np.uint8)) == 0)
    change = _erasing(frame, rim)
    assert np.array_equal(guarded(frame, change), change)


def test_missing_art_is_added_within_reach() -> None:
    frame = _frame(_outline(_SIZE))
    opaque = (frame.art[..., 3] > 0.5).astype(np.uint8)
    new = (opaque == 0) & (cv2.dilate(opaque, np.ones((3, 3), np.uint8)) > 0)
    change = new[..., None] * np.array([0.2, 0.1, 0.1, 1.0], np.float32)
    assert np.array_equal(guarded(frame, change), change)


def test_lone_lines_far_from_all_art_are_not_added() -> None:
    sketch = _outline(_SIZE)
    cv2.line(sketch, (12, 8), (12, 80), 1.0, 1)
    frame = _frame(sketch)
    far = np.zeros(frame.sketch.shape, bool)
    far[:, 12 - frame.window.left] = frame.sketch[:, 12 - frame.window.left] > 0
    change = far[..., None] * np.array([0, 0, 0, 1], np.float32)
    assert change.any()
    assert not guarded(frame, change).any()


def test_a_large_share_of_changes_leaves_the_drawing_alone() -> None:
    frame = _frame(_outline(_SIZE))
    opaque = (frame.art[..., 3] > 0.5).astype(np.uint8)
    rim = (opaque > 0) & (cv2.erode(opaque, np.ones((3, 3), np.uint8)) == 0)
    change = _erasing(frame, rim)
    assert guarded(frame, change, LIMITS).any()
    assert not guarded(frame, change, Limits(area=0.01)).any()
