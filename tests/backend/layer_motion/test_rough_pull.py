"""Promises of what a run of rough sketches says of lines: each line speaks for the nearest one."""

from __future__ import annotations

import numpy as np
import pytest

from backend.layer_motion.line_points import LinePoints
from backend.layer_motion.rough_pull import Run, RunLines

from .oval import AROUND, FRAME, OVAL, line

EYE = np.stack([np.cos(AROUND), np.sin(AROUND)], axis=1)


def pulled(source: LinePoints, target: LinePoints) -> tuple[np.ndarray, np.ndarray]:
    """Distance and weight [n] of what one sketch says of the source where it lies."""
    run = Run(source.place, source.heading, {0: source, 1: target}, 0, frozenset({0}), FRAME)
    own, pull = RunLines(run, (0, 1)).pulls(np.stack([source.place, source.place]), 3.0)
    assert own is None
    assert pull is not None
    return pull.distance, pull.weight


def rings(*radii: float) -> LinePoints:
    """Rings about one centre, the outermost first."""
    circles = [line(np.array([60.0, 40.0]) + radius * EYE) for radius in radii]
    return LinePoints(
        np.concatenate([circle.place for circle in circles]),
        np.concatenate([circle.heading for circle in circles]),
    )


def test_a_gap_in_the_eye_is_not_closed_by_its_pupil() -> None:
    source = rings(5.0, 3.0)
    kept = np.arange(len(source)) >= 40  # of the eye's 180
    distance, weight = pulled(source, LinePoints(source.place[kept], source.heading[kept]))
    strength = np.abs(distance) * weight
    assert strength[5:35].max() < 0.7  # 1.97 where a line pulls all points in reach
    assert strength[60:].max() < 0.05  # .18


def test_a_line_that_strayed_pulls_as_far_as_it_strayed() -> None:
    source = line(OVAL)
    distance, weight = pulled(source, line(OVAL + np.array([1.5, 0.0])))
    middle = np.argmin(np.abs(OVAL[:, 1] - 48.0) - OVAL[:, 0])  # the rightmost point
    assert abs(abs(distance[middle]) - 1.5) < 0.1
    assert weight[middle] > 0.9


@pytest.mark.parametrize(("axis", "side"), [(0, -70.0), (0, 90.0), (1, -48.0), (1, 48.0)])
def test_lines_beyond_the_frame_are_told_by_nothing(axis: int, side: float) -> None:
    beyond = line(OVAL + side * np.eye(2)[axis])
    _, weight = pulled(beyond, beyond)
    inside = (beyond.place[:, axis] > -0.5) & (beyond.place[:, axis] < FRAME[axis] + 0.5)
    assert np.array_equal(weight > 0, inside)
