"""Strokes that part or gather while they shrink or grow, and those that go with their material."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.layer_motion import affine
from backend.layer_motion.strokes.matching.gathered import gathering
from backend.layer_motion.strokes.matching.match import pair_strokes
from backend.layer_motion.strokes.shape.complex_points import as_points
from backend.layer_motion.strokes.shape.level import Line

from .boxes import GREEN, RED, matched, on_the_way, partners
from .puppet import drawing, line, puppet

STEPS = (0.25, 0.5, 0.75)


def puff(middle: complex, radius: float, count: int, start: int = 0) -> Line:
    rim = np.exp(2j * np.pi * np.roll(np.arange(count), start) / count)
    return line(as_points(middle + radius * rim), cyclic=True, fill=GREEN)


def puffs(parted: float, radius: float, count: int) -> list[Line]:
    """Five of them, on half a circle."""
    ways = 240.0 + 215.0j + parted * np.exp(1j * np.linspace(-3.0, -0.15, 5))
    return [puff(way, radius, count) for way in ways]


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (3, 0, 4, 2, 1)])
@pytest.mark.parametrize("back", [False, True])
def test_puffs_part_as_they_dwindle(back: bool, order: tuple[int, ...]) -> None:
    keys = (35.0, 23.0), (95.0, 8.0)
    (parted, radius), (later, small) = keys[::-1] if back else keys
    goals = puffs(later, small, 34)
    pair = matched(puffs(parted, radius, 28), [goals[number] for number in order])
    assert partners(pair) == {number: place for place, number in enumerate(order)}
    for step in STEPS:
        parts = np.array([parted, radius]) + step * np.array([later - parted, small - radius])
        meant = puffs(float(parts[0]), float(parts[1]), 28)
        drawn = sorted((complex(one.mean()) for one in on_the_way(pair, step)), key=np.angle)
        there = sorted((complex(*one.points.mean(axis=0)) for one in meant), key=np.angle)
        assert drawn == pytest.approx(there, abs=1.0)


@pytest.mark.parametrize("gone", [0, 4])
def test_one_puff_may_dwindle_away_while_the_others_part(gone: int) -> None:
    left = [number for number in range(5) if number != gone]
    goals = puffs(95.0, 8.0, 34)
    pair = matched(puffs(35.0, 23.0, 28), [goals[number] for number in left])
    assert partners(pair) == {number: place for place, number in enumerate(left)} | {gone: -1}


def test_a_path_carries_puffs_while_they_part() -> None:
    way = affine.rotation_about(np.array([240.0, 215.0]), 30.0) @ affine.translation(90.0, -20.0)
    goals = [one.placed(affine.apply(way, one.points)) for one in puffs(95.0, 8.0, 34)]
    pair = pair_strokes(drawing(puffs(35.0, 23.0, 28)), drawing(goals), way)
    assert pair is not None
    assert partners(pair) == {number: number for number in range(5)}
    assert np.degrees(affine.turn(pair.matrix)) == pytest.approx(30.0, abs=2.0)


def test_other_things_of_other_counts_do_not_gather() -> None:
    """Whatever lies about at one key fits some part of what lies closer at the other."""
    walls = [
        line(
            np.array([[220, 200], [340, 200], [340, 110], [220, 110]], float), cyclic=True, fill=RED
        ),
        line(np.array([[210, 110], [280, 60], [350, 110]], float), cyclic=True, fill=RED),
    ]
    boards = [line(np.array([[225 + 14 * i, 198], [225 + 14 * i, 112]], float)) for i in range(8)]
    assert pair_strokes(drawing(puppet(1.0)), drawing([*walls, *boards])) is None


def test_what_grows_as_its_distances_do_is_not_taken_apart() -> None:
    assert gathering(puffs(35.0, 12.0, 28), puffs(70.0, 24.0, 28), affine.IDENTITY) is None
    assert gathering(puffs(35.0, 12.0, 28)[:1], puffs(70.0, 4.0, 28)[:1], affine.IDENTITY) is None
    still = [puff(240.0 + 135.0j, 20.0, 20)] * 2
    assert gathering(still, puffs(9e9, 1.0, 28), affine.IDENTITY) is None


def lid(bend: float, count: int) -> Line:
    across = np.linspace(-1.0, 1.0, count)
    return line(np.stack([240 + 26 * across, 135 - bend * (1 - across**2)], axis=1))


def pupil() -> Line:
    return replace(puff(240.0 + 130.0j, 7.0, 20), material=1)


@pytest.mark.parametrize("back", [False, True])
def test_a_lid_goes_down_over_the_pupil_that_it_hides(back: bool) -> None:
    keys = [lid(18.0, 24), pupil()], [lid(-10.0, 31)]
    pair = matched(*(keys[::-1] if back else keys))
    rows = sorted(zip(*pair.numbers.tolist(), strict=True))
    assert rows == ([(-1, 1), (0, 0)] if back else [(0, 0), (1, -1)])
    (drawn,) = [one for one in on_the_way(pair, 0.1 if back else 0.9) if len(one)]
    corner = complex(drawn[np.argmax(np.real(drawn))])
    assert abs(corner - (266.0 + 135.0j)) < 1.5


def test_what_only_has_a_few_lines_in_common_is_no_eye_that_closes() -> None:
    """In the next key other things of other materials have come, too."""
    new = replace(puff(200.0 + 60.0j, 15.0, 20), material=2, colours=line(np.zeros((2, 2)),
                  fill=RED).colours)  # fmt: skip
    assert pair_strokes(drawing([lid(18.0, 24), pupil()]), drawing([lid(-10.0, 31), new])) is None


def test_half_a_drawing_in_one_material_is_no_eye_that_closes() -> None:
    lost = puff(120.0 + 60.0j, 8.0, 20)
    assert pair_strokes(drawing([lid(18.0, 24), lost]), drawing([lid(-10.0, 31)])) is None
