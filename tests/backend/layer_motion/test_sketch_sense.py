"""Promises about sketches that belong elsewhere: left aside with a note; right ones are kept."""

from __future__ import annotations

import numpy as np
import pytest

from backend.layer_motion.engine import animate_gap
from backend.layer_motion.notes import UNRELATED
from backend.layer_motion.task import GapTask

from .drawn import HEIGHT, WIDTH, outline, painted, sketched, turned

TIMES = tuple(i / 6 for i in range(1, 6))
BLOB = outline((50.0, 50.0), (18.0, 14.0))
CENTRE = np.array([50.0, 50.0])
OTHER = outline((120.0, 30.0), (20.0, 8.0))


def moved(shape: np.ndarray, moment: int) -> np.ndarray:
    """A shape on its way to the right, turning."""
    return turned(shape, shape.mean(axis=0), 4.0 * moment) + np.array([3.0 * moment, 0.0])


def task(shape: np.ndarray, moments: tuple[int, ...], *, score: float | None = None) -> GapTask:
    """The blob with sketches of a shape at these moments."""
    sketches = {moment: sketched(moved(shape, moment)) for moment in moments}
    first = painted(BLOB)
    return GapTask(WIDTH, HEIGHT, first, None, TIMES, sketches=sketches, motion_score=score)


@pytest.mark.parametrize("moments", [(0, 2, 4), (2, 4), (1, 2, 3, 4, 5)])
def test_sketches_of_the_drawing_itself_are_followed(moments: tuple[int, ...]) -> None:
    result = animate_gap(task(BLOB, moments))
    assert result.method == "sketch"
    assert not result.notes


def test_half_of_a_drawing_is_enough() -> None:
    sketches = {moment: sketched(moved(BLOB, moment)) for moment in (0, 2, 4)}
    for moment, lines in sketches.items():
        lines[:, int(50 + 3 * moment) :] = 0
    result = animate_gap(GapTask(WIDTH, HEIGHT, painted(BLOB), None, TIMES, sketches=sketches))
    assert result.method == "sketch"


def test_sketches_of_another_layer_are_left_aside_with_a_note() -> None:
    result = animate_gap(task(OTHER, (0, 2, 4)))
    assert result.method == "hold"
    assert result.notes == (UNRELATED,)
    assert not any(result.fit_errors_px)


def test_a_layer_with_a_foreign_sketch_idles_as_its_score_says() -> None:
    result = animate_gap(task(OTHER, (0, 2, 4), score=0.5))
    assert result.method == "idle"
    assert result.notes == (UNRELATED,)
