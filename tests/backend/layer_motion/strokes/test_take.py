"""Promises of in-betweens as editable strokes: what is drawn, held keys, none for pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend import raster
from backend.layer_motion.engine import animate_gap
from backend.layer_motion.strokes.shape.level import Line
from backend.layer_motion.task import GapTask
from shared.strokes import drawing_from_bytes, drawing_to_bytes

from .puppet import drawing, puppet, redrawn

WIDTH, HEIGHT = 320, 240


def task(first: list[Line], last: list[Line]) -> GapTask:
    """A gap of two drawings between two stroke keys."""
    one, other = drawing(first), drawing(last)
    shown = [raster.draw(d, width=WIDTH, height=HEIGHT, margin_px=160) for d in (one, other)]
    return GapTask(
        WIDTH, HEIGHT, shown[0], shown[1], (0.3, 0.7), first_strokes=one, last_strokes=other
    )


def test_strokes_of_a_take_are_those_that_are_drawn() -> None:
    gap = task(puppet(0.0), redrawn(puppet(0.4), 1))
    result = animate_gap(gap)
    for strokes, picture in zip(result.strokes, result.pictures, strict=True):
        assert strokes is not None
        again = drawing_from_bytes(drawing_to_bytes(strokes))
        drawn = raster.draw(again, width=WIDTH, height=HEIGHT, margin_px=160)
        assert np.array_equal(drawn.pixels, picture.pixels)


def test_a_held_drawing_is_the_keys_own_strokes() -> None:
    gap = task(puppet(0.0), puppet(0.0))
    assert animate_gap(gap).strokes == (gap.first_strokes, gap.first_strokes)


def test_drawings_made_of_pixels_have_no_strokes() -> None:
    gap = replace(task(puppet(0.0), puppet(0.4)), last_strokes=None)
    assert animate_gap(gap).strokes == (None, None)
    assert animate_gap(replace(gap, times=())).strokes == ()
