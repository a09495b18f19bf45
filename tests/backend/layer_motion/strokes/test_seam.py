"""Promises of sewing partners point by point: corners meet corners."""

from __future__ import annotations

import numpy as np
import pytest

from backend.layer_motion.strokes.layout.seam import sewn
from backend.layer_motion.strokes.matching.match import pair_strokes
from backend.layer_motion.strokes.shape.level import Line, begun_at, resampled

from .puppet import drawing, line


def sail(belly_px: float, begin: int) -> Line:
    """A closed sail of three corners whose outer side bulges, drawn from its point `begin`."""
    side = np.linspace(0, 1, 24)
    outer = np.stack([60 * side + belly_px * np.sin(np.pi * side), 100 * side], axis=1)
    foot = np.stack([60 - 60 * side, np.full(24, 100.0)], axis=1)
    mast = np.stack([np.zeros(24), 100 - 100 * side], axis=1)
    ring = np.concatenate([outer[:-1], foot[:-1], mast[:-1]])
    return line(np.roll(ring, -begin, axis=0), cyclic=True)


CORNERS = ((0.0, 0.0), (60.0, 100.0), (0.0, 100.0))


def apart(one: Line, other: Line) -> float:
    """How far the other's points lie from the corners that the one has there, on average."""
    index = [int(np.argmin(np.linalg.norm(one.points - corner, axis=1))) for corner in CORNERS]
    return float(np.linalg.norm(other.points[index] - np.array(CORNERS), axis=1).mean())


def test_corners_meet_more_nearly_than_by_even_length() -> None:
    first, last = sail(0.0, 0), sail(15.0, 3)
    even = apart(resampled(first, 200), resampled(last, 200))
    assert apart(*sewn(first, last)) < 0.5 * even


def flag(wave: float, phase: float, count: int) -> Line:
    """A closed flag, 300 px long, with a wave along it; of its four corners two flap."""
    along = np.linspace(0, 300, count)
    top = np.stack([along, wave * along * np.sin(along / 40 - phase)], axis=1)
    bottom = top[::-1] + np.array([0.0, 150.0])
    return line(np.concatenate([top, bottom]), cyclic=True)


def test_corners_of_a_long_outline_meet_to_the_pixel() -> None:
    """Samples are 13 px apart: a corner off by half of that is a chamfer in between."""
    first, last = flag(0.03, 0.0, 61), flag(0.1, 1.2, 53)
    one, other = sewn(first, last)
    for corner in (0, 60, 61, 121):
        place = first.points[corner]
        partner = last.points[{0: 0, 60: 52, 61: 53, 121: 105}[corner]]
        found = int(np.argmin(np.linalg.norm(one.points - place, axis=1)))
        assert np.linalg.norm(other.points[found] - partner) < 1.0


def test_every_point_of_either_stroke_is_kept() -> None:
    first, last = sail(0.0, 0), resampled(sail(10.0, 0), 50)
    one, other = sewn(first, last)
    assert len(one.values) == len(other.values) <= len(first.values) + len(last.values) + 4
    for given, found in ((first, one), (last, other)):
        away = np.linalg.norm(given.points[:, None] - found.points[None], axis=2).min(axis=1)
        assert away.max() < 0.05


def test_a_closed_stroke_may_begin_anywhere() -> None:
    turned = begun_at(sail(10.0, 0), 0.37)
    assert abs(turned.way[-1] - sail(10.0, 0).way[-1]) < 0.05


def test_where_a_pen_went_slowly_its_points_are_thinned_but_none_of_its_way_is_lost() -> None:
    around = np.linspace(0, 2 * np.pi, 40_000, endpoint=False)
    slow = np.concatenate([np.linspace(0.0, 0.6, 36_000), np.linspace(0.6, 2 * np.pi, 200)[:-1]])
    rings = [
        line(100 * np.column_stack([np.cos(a), np.sin(a)]), cyclic=True) for a in (around, slow)
    ]
    for first in rings:
        for one in sewn(first, resampled(rings[0], 60)):
            assert float(np.diff(one.way).max()) < 12.0
            assert np.ptp(one.points, axis=0).min() > 199.0


@pytest.mark.parametrize("cyclic", [False, True])
@pytest.mark.parametrize(("one", "other"), [(1, 3), (2, 3), (3, 2)])
def test_strokes_of_two_points_get_equal_counts(one: int, other: int, *, cyclic: bool) -> None:
    lines = [
        line(np.array([[30.0, 30], [45, 44], [60, 61]])[:n], cyclic=cyclic) for n in (one, other)
    ]
    first, last = sewn(*lines)
    assert len(first.values) == len(last.values)
    body = sail(0.0, 0)
    pair = pair_strokes(drawing([body, lines[0]]), drawing([resampled(body, 55), lines[1]]))
    assert pair is not None
