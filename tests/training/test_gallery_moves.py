"""How the gallery's things move and bend: tracks through knots, bones between joints."""

from __future__ import annotations

import math

import numpy as np
import pytest

from training.gallery.joints import along, spot_on, two_bones
from training.gallery.moves import track

KNOTS = ((1, 0.0), (3, -5.0), (4, -4.0), (11, 20.0), (13, 27.0), (21, 23.0))


def test_a_track_passes_every_knot_and_rests_beyond_its_ends() -> None:
    assert [track(frame, *KNOTS) for frame, _ in KNOTS] == [value for _, value in KNOTS]
    assert (track(-7, *KNOTS), track(30, *KNOTS)) == (0.0, 23.0)


@pytest.mark.parametrize(("first", "last"), [(1, 3), (3, 4), (4, 11), (11, 13), (13, 21)])
def test_a_track_turns_back_at_knots_only(first: int, last: int) -> None:
    steps = np.diff([track(frame, *KNOTS) for frame in np.linspace(first, last, 60)])
    assert (steps >= -1e-9).all() or (steps <= 1e-9).all()


def test_a_track_has_no_jerk_where_two_spans_meet() -> None:
    before, at, after = (track(frame, *KNOTS) for frame in (10.999, 11, 11.001))
    assert at - before == pytest.approx(after - at, rel=1e-2)


def test_bones_keep_their_lengths_and_reach_what_they_can() -> None:
    root, middle, end = two_bones((10.0, 20.0), (70.0, 60.0), 50, 40, 1.0)
    assert math.dist(root, middle) == pytest.approx(50)
    assert math.dist(middle, end) == pytest.approx(40)
    assert end == pytest.approx((70, 60))
    far = two_bones((0.0, 0.0), (500.0, 0.0), 50, 40, -1.0)[-1]
    assert far == pytest.approx((0.995 * 90, 0))


def test_an_elbow_points_to_the_side_that_was_asked_for() -> None:
    one, other = (two_bones((0.0, 0.0), (60.0, 0.0), 50, 40, bend)[1] for bend in (1.0, -1.0))
    assert one[1] > 0 > other[1]


def test_a_spot_on_a_turned_thing_lies_where_a_bone_would_end() -> None:
    assert spot_on((5, 6), 0.7, (20, 0)) == pytest.approx(along((5, 6), 20, 0.7))
    assert spot_on((5, 6), math.pi / 2, (0, 20)) == pytest.approx((-15, 6))
