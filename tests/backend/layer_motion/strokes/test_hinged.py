"""A face that one key alone shows shuts onto the edge that it shares with what both show."""

from __future__ import annotations

import numpy as np
import pytest

from backend.layer_motion.strokes.shape.level import Line

from .boxes import BLUE, GREEN, area, face, matched, on_the_way

STEPS = (0.1, 0.3, 0.49, 0.7, 0.95)


def cube(side_px: float, count: int, start: int) -> list[Line]:
    """Front and top of a box, and so much of its right side; without it where that is nothing."""
    shift = 140.0 - side_px
    front = [shift + 120j, shift + 120 + 120j, shift + 120 + 230j, shift + 230j]
    top = [front[0], front[0] + 20 - 40j, front[1] + side_px - 40j, front[1]]
    side = [front[1], top[2], front[2] + side_px - 40j, front[2]]
    faces = [face(front, count, start=start), face(top, count, start=start, fill=GREEN)]
    if side_px > 0:
        faces.append(face(side, count, start=start, fill=BLUE))
    return faces


def side_areas(first: list[Line], last: list[Line], steps: tuple[float, ...]) -> list[float]:
    """Area of the third face at each step, 0 where it is not to be seen."""
    pair = matched(first, last)
    return [abs(area(on_the_way(pair, step)[2])) for step in steps]


@pytest.mark.parametrize("start", [0, 17])
def test_the_side_of_a_box_that_turns_out_of_sight_gets_narrower_to_the_end(start: int) -> None:
    areas = side_areas(cube(30, 12, 0), cube(0, 10, start), STEPS)
    assert (np.diff(areas) < 0).all()
    assert areas == pytest.approx([30 * 110 * (1 - step) for step in STEPS], rel=0.2, abs=40)


@pytest.mark.parametrize("start", [0, 17])
def test_the_side_of_a_box_that_comes_into_sight_opens_from_the_start(start: int) -> None:
    areas = side_areas(cube(0, 12, 0), cube(30, 10, start), STEPS)
    assert (np.diff(areas) > 0).all()
    assert areas == pytest.approx([30 * 110 * step for step in STEPS], rel=0.2, abs=40)


def test_a_side_that_shuts_stays_on_its_edge() -> None:
    pair = matched(cube(30, 12, 0), cube(0, 10, 17))
    for step in STEPS:
        front, _, side = on_the_way(pair, step)
        right = np.real(front).max()
        assert np.real(side).min() == pytest.approx(right, abs=1.5)


def flap(up: bool) -> list[Line]:
    """A box with a flap at its top edge, whose inside is of another material than its outside."""
    box = [120 + 130j, 300 + 130j, 300 + 300j, 120 + 300j]
    stands = [120 + 130j, 300 + 130j, 280 + 95j, 140 + 95j]
    hangs = [120 + 130j, 300 + 130j, 280 + 165j, 140 + 165j]
    table = [20 + 240j, 400 + 240j, 400 + 320j, 20 + 320j]
    if up:
        return [face(table), face(box), face(stands, fill=GREEN, material=1)]
    return [face(table, 9), face(box, 10, start=7), face(hangs, 11, start=9, fill=BLUE, material=2)]


@pytest.mark.parametrize("up", [True, False])
def test_a_flap_turns_to_its_other_side_at_half_way(up: bool) -> None:
    pair = matched(flap(up), flap(not up))
    assert sorted(zip(*pair.numbers.tolist(), strict=True)) == [(0, 0), (1, 1), (2, 2)]
    heights: list[float] = []
    for step in (0.1, 0.3, 0.49, 0.51, 0.7, 0.9):
        (shown,) = [ring for ring in on_the_way(pair, step)[2:] if len(ring)]
        heights.append(float(np.imag(shown).mean()) - 130.0)
    expected = [-17.5 * (1 - 2 * step) for step in (0.1, 0.3, 0.49, 0.51, 0.7, 0.9)]
    assert heights == pytest.approx([height if up else -height for height in expected], abs=1.5)


@pytest.mark.parametrize(("turn", "growth"), [(40, 1.0), (0, 1.5), (70, 1.3)])
def test_a_flap_on_a_box_that_turns_and_grows_shows_its_other_colour_when_it_is_edge_on(
    turn: float, growth: float
) -> None:
    moved = growth * np.exp(1j * np.radians(turn))
    pair = matched(flap(up=True), [_moved(one, moved) for one in flap(up=False)])
    edge_on = 1 / (1 + growth)  # its height grows evenly from what it is up to what it is down
    assert pair.change[2] == pytest.approx(edge_on, abs=0.02)
    (shown,) = [ring for ring in on_the_way(pair, edge_on)[2:] if len(ring)]
    assert abs(area(shown)) < 0.02 * 180 * 35


def test_what_only_changes_its_colour_stays_as_it_is() -> None:
    """A shadow on a face, drawn in another material at the next key."""
    head = [100 + 80j, 260 + 80j, 260 + 240j, 100 + 240j]
    shadow = [180 + 80j, 260 + 80j, 260 + 240j, 180 + 240j]
    wall = [20 + 20j, 400 + 20j, 400 + 280j, 20 + 280j]
    pair = matched(
        [face(wall), face(head), face(shadow, fill=GREEN, material=1)],
        [
            face(wall, 11, start=3),
            face(head, 10, start=5),
            face(shadow, 9, start=8, fill=BLUE, material=2),
        ],
    )
    for step in STEPS:
        (shown,) = [ring for ring in on_the_way(pair, step)[2:] if len(ring)]
        assert abs(area(shown)) == pytest.approx(80 * 160, rel=0.02)


def _moved(one: Line, factor: complex) -> Line:
    """The stroke turned and grown around a place."""
    places = 200 + 150j + factor * (one.points[:, 0] + 1j * one.points[:, 1] - 200 - 150j)
    return one.placed(np.stack([np.real(places), np.imag(places)], axis=1))
