"""Promises of the look that tells a cycle: the first drawing again, however drawn and wherever."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.layer_motion.strokes.cycle import comes_round

from .puppet import drawing, puppet, redrawn


def test_the_same_drawing_comes_round_where_it_was() -> None:
    shift = comes_round(drawing(puppet(0.0)), drawing(puppet(0.0)))
    assert shift is not None
    assert not shift.any()


@pytest.mark.parametrize("away", [(0.0, 0.0), (120.0, -35.0)])
def test_a_drawing_done_anew_comes_round_wherever_it_went(away: tuple[float, float]) -> None:
    again = drawing(redrawn(puppet(0.0), 4))
    moved = replace(again, points=(again.points + np.array(away)).astype(np.float32))
    shift = comes_round(drawing(puppet(0.0)), moved)
    assert shift is not None
    assert np.abs(shift - away).max() < 1.0


def test_another_pose_does_not_come_round() -> None:
    assert comes_round(drawing(puppet(0.0)), drawing(puppet(0.3))) is None


def test_a_drawing_that_lost_a_stroke_does_not_come_round() -> None:
    assert comes_round(drawing(puppet(0.0)), drawing(puppet(0.0)[:-1])) is None


def test_broken_numbers_do_not_come_round() -> None:
    whole = drawing(puppet(0.0))
    points = whole.points.copy()
    points[3] = np.nan
    assert comes_round(whole, replace(whole, points=points)) is None
