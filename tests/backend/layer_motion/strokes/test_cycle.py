"""Promises of the look that tells a cycle: the first drawing again, however drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.layer_motion.strokes.cycle import comes_round

from .puppet import drawing, puppet, redrawn


def test_the_same_drawing_comes_round() -> None:
    assert comes_round(drawing(puppet(0.0)), drawing(puppet(0.0)))


def test_a_drawing_done_anew_comes_round() -> None:
    assert comes_round(drawing(puppet(0.0)), drawing(redrawn(puppet(0.0), 4)))


def test_what_went_away_does_not_come_round() -> None:
    whole = drawing(puppet(0.0))
    moved = replace(whole, points=whole.points + np.float32(6.0))
    assert not comes_round(whole, moved)


def test_another_pose_does_not_come_round() -> None:
    assert not comes_round(drawing(puppet(0.0)), drawing(puppet(0.3)))


def test_a_drawing_that_lost_a_stroke_does_not_come_round() -> None:
    assert not comes_round(drawing(puppet(0.0)), drawing(puppet(0.0)[:-1]))


def test_broken_numbers_do_not_come_round() -> None:
    whole = drawing(puppet(0.0))
    points = whole.points.copy()
    points[3] = np.nan
    assert not comes_round(whole, replace(whole, points=points))
