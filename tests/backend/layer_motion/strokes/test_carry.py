"""Promises for points carried on to further keys: they stay on their own stroke."""

from __future__ import annotations

import numpy as np
import pytest

from backend.layer_motion.strokes.course.carry import Side, carried, sides
from backend.layer_motion.strokes.layout.pair import StrokePair
from backend.layer_motion.strokes.matching.match import pair_strokes
from backend.layer_motion.strokes.shape.level import Line, resampled

from ..drawn import outline
from .puppet import drawing, line


def leg(across: float, count: int) -> Line:
    """A closed outline, drawn with so many points."""
    return resampled(line(outline((across, 120), (9, 60), 0.1), cyclic=True), count)


def paired(first: list[Line], last: list[Line]) -> StrokePair:
    pair = pair_strokes(drawing(first), drawing(last))
    assert pair is not None
    return pair


@pytest.mark.parametrize("back", [False, True])
def test_two_legs_that_meet_at_a_key_are_not_mixed_up(*, back: bool) -> None:
    """At the middle key they lie on each other, all but half a pixel."""
    body = resampled(line(outline((160, 40), (60, 14)), cyclic=True), 80)
    apart = [body, leg(130, 70), leg(190, 64)]
    meeting = [resampled(body, 77), leg(159.7, 66), leg(160.3, 71)]
    passed = [resampled(body, 83), leg(132, 61), leg(188, 75)]
    if back:
        own, next_pair = sides(paired(meeting, passed))[0], sides(paired(apart, meeting))[::-1]
    else:
        own, next_pair = sides(paired(apart, meeting))[1], sides(paired(meeting, passed))
    found = carried(own.marks, *next_pair)
    for number in (1, 2):
        across = found.places[own.by_point == number, 0]
        there = next_pair[1].drawing.points[next_pair[1].by_point == number, 0]
        assert across.mean() == pytest.approx(there.mean(), abs=1.0)
        assert np.ptp(across) == pytest.approx(np.ptp(there), abs=1.0)


def test_points_near_the_seam_of_a_closed_stroke_are_found_between_its_ends() -> None:
    ring = line(outline((100, 100), (40, 40), 0.0)[::10], cyclic=True)
    side = Side(drawing([ring]), np.array([0]))
    last, first = ring.points[-1], ring.points[0]
    marks = Side(drawing([line(np.array([0.5 * (last + first)] * 3))]), np.array([0])).marks
    found = carried(
        marks, side, Side(drawing([line(ring.points + 7.0, cyclic=True)]), side.numbers)
    )
    assert found.places == pytest.approx(np.array([0.5 * (last + first) + 7.0] * 3), abs=0.01)


def test_a_point_of_a_stroke_that_is_not_there_is_looked_for_on_the_others() -> None:
    one, other = (drawing([leg(100, 60), leg(across, 60)]) for across in (200, 210))
    here, there = (Side(key, np.array([0, 1])) for key in (one, other))
    marks = Side(drawing([leg(200, 60)]), np.array([-1])).marks
    assert carried(marks, here, there).places[:, 0].mean() == pytest.approx(
        there.drawing.points[60:, 0].mean(), abs=0.5
    )
