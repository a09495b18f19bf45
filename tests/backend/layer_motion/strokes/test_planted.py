"""What stays at one place in both keys stays there in between; ends of lines are told apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.layer_motion import affine
from backend.layer_motion.strokes.layout.overlap import overlapped
from backend.layer_motion.strokes.layout.pointing import pointing_alike
from backend.layer_motion.strokes.morphing.planted import planted
from backend.layer_motion.strokes.shape.complex_points import as_points
from backend.layer_motion.strokes.shape.level import Line, reversed_line

from .boxes import GREEN, face, matched, off, on_the_way
from .puppet import line

FOOT = 200.0 + 250.0j


def hair(bend: float, count: int, *, tapered: bool = True) -> Line:
    """A line of 150 pixels from its foot up that bends by so many radians in all."""
    way = np.linspace(0.0, 1.0, count)
    fine = np.linspace(0.0, 1.0, 3000)
    steps = np.exp(1j * (bend * fine**1.5 - np.pi / 2)) * 150.0 / len(fine)
    drawn = line(as_points(FOOT + np.interp(way, fine, np.cumsum(steps))))
    if tapered:
        drawn.values[:, 2] = 2.5 - 1.8 * way
    return drawn


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("tapered", [False, True])
@pytest.mark.parametrize("bend", [2.0, 6.0, 10.0])
def test_a_hair_curls_about_its_root(bend: float, tapered: bool, back: bool) -> None:
    first, last = hair(0.2, 60, tapered=tapered), hair(bend, 71, tapered=tapered)
    pair = matched([first], [reversed_line(last) if back else last])
    for step in (0.25, 0.5, 0.75):
        drawn = on_the_way(pair, step)[0]
        assert abs(drawn[0] - FOOT) < 4.0
        meant = hair(0.2 + step * (bend - 0.2), 400)
        away = np.abs(drawn[:, None] - (meant.points @ (1, 1j))[None]).min(axis=1)
        assert away.max() < 18.0


def test_only_what_stays_is_planted() -> None:
    pair = matched([hair(0.2, 60)], [hair(4.0, 60)])
    points, firm = planted(pair)
    places = pair.first.points[points] @ (1, 1j)
    assert len(points) > 0
    assert np.abs(places - FOOT).max() < 40.0
    assert ((firm > 0.0) & (firm < 1.0)).all()


def test_what_moves_or_rests_as_a_whole_is_not_planted() -> None:
    still = hair(1.0, 60)
    carried = still.placed(still.points + 30.0)
    for last in (still, carried):
        assert len(planted(matched([still], [last]))[0]) == 0


@pytest.mark.parametrize("sides", [3, 5])
def test_a_flap_turns_on_the_edge_that_stays(sides: int) -> None:
    """Its edge is one side of it; the others come over evenly."""
    edge = np.linspace(150.0, 250.0, 20) + 200j
    rim = 200.0 + 200j + 50.0 * np.exp(1j * np.linspace(0.0, np.pi, 12 * sides)[1:-1])
    first = line(as_points(np.concatenate([edge, rim])), cyclic=True, fill=GREEN)
    points = first.points.copy()
    points[20:, 1] = 200.0 + 0.45 * (points[20:, 1] - 200.0)
    pair = matched([first], [first.placed(points)])
    drawn = on_the_way(pair, 0.5)[0]
    assert np.abs(drawn[:, None] - edge[None]).min(axis=0).max() < 4.0


@pytest.mark.parametrize("back", [False, True])
def test_ends_are_told_by_their_widths_and_places(back: bool) -> None:
    one, other = hair(0.2, 60), hair(7.0, 60)
    turned = reversed_line(other) if back else other
    found = pointing_alike(one, turned, affine.IDENTITY)
    assert np.allclose(found.points[0], as_points(np.array(FOOT)), atol=1.0)
    closed = line(one.points, cyclic=True)
    assert pointing_alike(closed, turned, affine.IDENTITY) is turned


@pytest.mark.parametrize("turn", [1.0, 2.0, 3.0])
def test_what_turns_about_a_point_of_its_outline_stays_round(turn: float) -> None:
    """Every turn has a still point; where it lies on a line by chance, nothing is rooted there."""
    angle = 2 * np.pi * np.arange(80) / 80
    head = 200 + 150j + 60.0 * np.exp(1j * angle)
    eyes = [head.mean() + side + 8.0 * np.exp(1j * angle[::4]) for side in (-20 - 10j, 20 - 10j)]
    first = [line(as_points(ring), cyclic=True, fill=GREEN) for ring in (head, *eyes)]
    lowest = 200 + 210j
    last = [
        one.placed(as_points(lowest + (one.points @ (1, 1j) - lowest) * np.exp(1j * turn)))
        for one in first
    ]
    ring = on_the_way(matched(first, last), 0.5)[0]
    assert np.ptp(np.abs(ring - ring.mean())) < 0.5


SHOULDER = 240.0 + 115.0j


def stick_arm(upper: float, elbow: float, count: int) -> Line:
    """Two bones of 45 pixels from the shoulder: angles of the upper arm and of its elbow."""
    bones = np.exp(1j * np.array([upper, upper + elbow])) * 45.0
    joints = SHOULDER + np.concatenate([[0.0], np.cumsum(bones)])
    places = np.linspace(0.0, 2.0, count)
    return line(as_points(np.interp(places, np.arange(3.0), joints)))


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("swing", [1.2, 1.6, 1.9, 2.3])
def test_a_stick_figures_arm_swings_about_its_shoulder(swing: float, back: bool) -> None:
    first, last = stick_arm(1.2, 0.2, 34), stick_arm(1.2 - swing, -0.6, 39)
    pair = matched([first], [reversed_line(last) if back else last])
    for step in (0.25, 0.5, 0.75):
        drawn = on_the_way(pair, step)[0]
        meant = stick_arm(1.2 - step * swing, 0.2 - 0.8 * step, 200).points @ (1, 1j)
        assert np.abs(drawn[:, None] - meant[None]).min(axis=1).max() < 6.0


def test_ends_that_come_near_each_other_are_no_roots() -> None:
    # A fish in one stroke from fin to fin: its tail swings by as much as its fins are apart.
    share = np.linspace(0.35, 2 * np.pi - 0.35, 160)
    body = 200.0 * np.cos(share) + 30.0j * np.sin(share)
    first, last = (line(as_points(300.0 + 200.0j + body * np.exp(1j * t))) for t in (0.0, 0.12))
    assert np.abs(first.points[0] - last.points[-1]).max() < 6.0
    found = pointing_alike(first, last, affine.IDENTITY)
    assert np.array_equal(found.points, last.points)


def ring_with_a_gap(gap: float) -> Line:
    """An open ring of 60 pixels; `gap`: the direction in radians in which it is open."""
    share = gap + np.linspace(0.25, 2 * np.pi - 0.25, 90)
    return line(as_points(300.0 + 200.0j + 60.0 * np.exp(1j * share)))


def test_a_gap_that_goes_on_by_its_own_width_does_not_turn_a_ring_over() -> None:
    first, last = ring_with_a_gap(0.0), reversed_line(ring_with_a_gap(0.5))
    assert np.abs(first.points[0] - last.points[-1]).max() > 25.0
    found = pointing_alike(first, last, affine.IDENTITY)
    assert np.array_equal(found.points, last.points[::-1])


def s_tail(side: float, count: int) -> Line:
    """A tail of 150 pixels that sways from its root, in two bends, to a side -1..1."""
    fine = np.linspace(0.0, 1.0, 3000)
    steps = np.exp(1j * (side * (0.9 + 1.1 * np.sin(2 * np.pi * fine)) - np.pi / 2))
    way = np.cumsum(steps) * 150.0 / len(fine)
    return line(as_points(FOOT + np.interp(np.linspace(0.0, 1.0, count), fine, way)))


def rope(sag: float, count: int) -> Line:
    share = np.linspace(0.0, 1.0, count)
    return line(np.stack([120.0 + 200.0 * share, 130.0 + sag * np.sin(np.pi * share)], axis=1))


@pytest.mark.parametrize("back", [False, True])
def test_a_tail_with_two_bends_sways_about_its_root(back: bool) -> None:
    first, last = s_tail(1.0, 61), s_tail(-1.0, 74)
    pair = matched([first], [reversed_line(last) if back else last])
    for step in (0.25, 0.5, 0.75):
        assert off(on_the_way(pair, step)[0], s_tail(1.0 - 2.0 * step, 400)) < 6.0


@pytest.mark.parametrize("back", [False, True])
def test_a_rope_that_is_held_at_both_ends_swings_up_in_its_place(back: bool) -> None:
    last = rope(-60.0, 74)
    pair = matched([rope(60.0, 61)], [reversed_line(last) if back else last])
    for step in (0.25, 0.5, 0.75):
        assert off(on_the_way(pair, step)[0], rope(60.0 - 120.0 * step, 400)) < 4.0


def test_the_root_of_a_lone_limb_stays_though_one_of_its_bones_leads() -> None:
    bones = 45.0, 85.0

    def limb(upper: float, elbow: float, count: int) -> Line:
        ways = np.exp(1j * np.array([upper, upper + elbow])) * bones
        joints = SHOULDER + np.concatenate([[0.0], np.cumsum(ways)])
        places = np.linspace(0.0, sum(bones), count)
        return line(as_points(np.interp(places, (0.0, bones[0], sum(bones)), joints)))

    pair = matched([limb(0.5, -0.4, 41)], [limb(2.5, -1.5, 57)])
    drawn = on_the_way(pair, 0.5)[0]
    assert abs(drawn[0] - SHOULDER) < 3.0


BODY = face([170 + 250j, 230 + 250j, 230 + 300j, 170 + 300j], fill=GREEN)


@pytest.mark.parametrize("bend", [4.0, 5.8])
def test_a_hair_curls_on_a_head_as_it_does_alone(bend: float) -> None:
    pair = matched([BODY, hair(0.2, 61)], [BODY, hair(bend, 74)])
    for step in (0.25, 0.5, 0.75):
        assert off(on_the_way(pair, step)[1], hair(0.2 + step * (bend - 0.2), 400)) < 4.0


def test_an_arm_folds_on_a_body_as_it_does_alone() -> None:
    def arm(elbow: float, count: int) -> Line:
        bones = np.exp(1j * np.array([-1.2, -1.2 + elbow])) * 70.0
        places = np.linspace(0.0, 2.0, count)
        joints = FOOT + np.concatenate([[0.0], np.cumsum(bones)])
        return line(as_points(np.interp(places, np.arange(3.0), joints)))

    pair = matched([BODY, arm(0.2, 61)], [BODY, arm(-2.2, 74)])
    for step in (0.25, 0.5, 0.75):
        assert off(on_the_way(pair, step)[1], arm(0.2 - 2.4 * step, 400)) < 6.0


def test_a_body_stands_still_where_an_arm_swings_beside_its_points() -> None:
    """Where the arm touches it is between two of the trunk's points, far from either."""
    trunk = line(np.array([[240.0, 100.0], [240.0, 107.0], [240.0, 134.0], [240.0, 180.0]]))
    around = 20.0 * np.exp(2j * np.pi * np.arange(40) / 40)
    body = [line(as_points(240.0 + 80.0j + around), cyclic=True), trunk]
    pair = matched([*body, stick_arm(1.2, 0.2, 34)], [*body, stick_arm(-0.7, -0.6, 39)])
    _, stands, swings = on_the_way(pair, 0.5)
    assert np.abs(np.real(stands) - 240.0).max() < 0.3
    assert abs(swings[0] - SHOULDER) < 0.3


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("swing", [1.6, 1.9])
def test_an_arm_that_swings_shows_no_other_part_of_a_line(swing: float, back: bool) -> None:
    first, last = stick_arm(1.2, 0.2, 34), stick_arm(1.2 - swing, -0.6, 39)
    goal = reversed_line(last) if back else last
    assert overlapped(first, goal, affine.IDENTITY) is None


@pytest.mark.parametrize("grown", [0.6, 0.8])
def test_a_cut_line_keeps_its_end_as_a_part_of_the_whole(grown: float) -> None:
    whole = hair(3.0, 90, tapered=False)
    shown = replace(whole, values=whole.values[: int(grown * len(whole.values))])
    found = overlapped(whole, shown, affine.IDENTITY)
    assert found is not None
    assert found.spans[1][0] == pytest.approx(0.0, abs=0.03)
