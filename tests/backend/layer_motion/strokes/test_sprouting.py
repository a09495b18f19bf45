"""Shapes that one key alone shows grow out of what they hang on, and shrink back into it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from backend.layer_motion.strokes.matching.match import pair_strokes
from backend.layer_motion.strokes.shape.level import Line

from .boxes import BLUE, GREEN, RED, matched, on_the_way
from .puppet import drawing, line

Colour = tuple[float, float, float, float]
SHIFT = np.array([30.0, 12.0])
FOOT = 168 + 140j


def ring(
    middle: complex, wide: float, tall: float, fill: tuple[float, float, float, float]
) -> Line:
    angle = 2 * np.pi * np.arange(48) / 48
    points = np.stack([middle.real + wide * np.cos(angle), middle.imag + tall * np.sin(angle)], 1)
    return line(points, cyclic=True, fill=fill)


def stem() -> Line:
    return ring(160 + 140j, 9, 80, GREEN)


def leaf() -> Line:
    """At the right of the stem, rooted just within it."""
    return ring(FOOT + 30, 30, 12, RED)


def moved(lines: Sequence[Line]) -> list[Line]:
    return [one.placed(one.points + SHIFT) for one in lines]


@pytest.mark.parametrize("dies", [False, True])
def test_a_leaf_grows_evenly_out_of_its_stem_which_moves(dies: bool) -> None:
    keys = [stem()], moved([stem(), leaf()])
    if dies:
        keys = moved([stem(), leaf()]), [stem()]
    pair = matched(*keys)
    for step in (0.1, 0.25, 0.49, 0.51, 0.75, 0.9):
        grown = 1 - step if dies else step
        shown = on_the_way(pair, step)[1]
        assert np.ptp(np.real(shown)) == pytest.approx(60 * grown, abs=2.5)
        foot = FOOT + complex(*SHIFT) * grown
        assert np.abs(shown - foot).min() < 3.0


def test_what_lies_in_another_shape_or_apart_from_all_is_there_at_half_way() -> None:
    head = ring(160 + 120j, 60, 70, GREEN)
    for new in (ring(150 + 110j, 9, 6, BLUE), ring(300 + 60j, 20, 14, BLUE)):
        pair = matched([head], [head, new])
        before, behind = (on_the_way(pair, step)[1] for step in (0.4, 0.6))
        assert not len(before)
        assert np.ptp(np.real(behind)) == pytest.approx(np.ptp(new.points[:, 0]), abs=0.5)


def test_a_ball_on_a_table_only_touches_it() -> None:
    table, ball = ring(160 + 200j, 90, 30, GREEN), ring(160 + 149j, 20, 20, RED)
    pair = matched([table], [table, ball])
    before, behind = (on_the_way(pair, step)[1] for step in (0.4, 0.6))
    assert not len(before)
    assert np.ptp(np.real(behind)) == pytest.approx(40, abs=0.5)


def test_a_crease_that_one_key_lacks_is_whole_or_not_there() -> None:
    crease = line(np.stack([np.linspace(168, 200, 12), np.linspace(140, 130, 12)], axis=1))
    pair = matched([stem(), leaf()], [stem(), leaf(), crease])
    before, behind = (on_the_way(pair, step)[2] for step in (0.4, 0.6))
    assert not len(before)
    assert np.ptp(np.real(behind)) == pytest.approx(32, abs=0.5)


def test_more_may_grow_than_may_change_but_not_most_of_a_drawing() -> None:
    small, large = ring(FOOT + 42, 42, 18, RED), ring(FOOT + 90, 90, 50, RED)
    assert pair_strokes(drawing([stem()]), drawing([stem(), small])) is not None
    assert pair_strokes(drawing([stem()]), drawing([stem(), large])) is None
    apart = ring(FOOT + 150, 42, 18, RED)
    assert pair_strokes(drawing([stem()]), drawing([stem(), apart])) is None
