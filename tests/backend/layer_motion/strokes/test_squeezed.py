"""Drawings that get flatter or narrower as a whole are squashed, not wheeled round."""

from __future__ import annotations

import numpy as np
import pytest

from backend.layer_motion import affine
from backend.layer_motion.strokes.matching.match import pair_strokes
from backend.layer_motion.strokes.matching.squeezed import released, squeeze
from backend.layer_motion.strokes.shape.level import Line, begun_at, resampled, reversed_line

from ..drawn import turned
from .boxes import BLUE, GREEN, RED, area, became, face, matched, on_the_way, places
from .puppet import drawing, line

BOX = (200.0, 160.0)


def egg(wide: float, tall: float, count: int, start: float = 0.0) -> Line:
    """A body with a narrow top and a flat foot, in the middle of the picture."""
    angle = 2 * np.pi * np.arange(count) / count
    across = wide * np.cos(angle) * (1.0 + 0.25 * np.sin(angle))
    down = tall * np.minimum(np.sin(angle), 0.8)
    return begun_at(
        line(np.stack([BOX[0] + across, BOX[1] + down], 1), cyclic=True, fill=RED), start
    )


def spot(x: float, y: float, wide: float, tall: float, count: int) -> Line:
    angle = 2 * np.pi * np.arange(count) / count
    ring = np.stack([BOX[0] + x + wide * np.cos(angle), BOX[1] + y + tall * np.sin(angle)], 1)
    return line(ring, cyclic=True, fill=BLUE)


def character(wide: float, tall: float, more: int) -> list[Line]:
    """An egg with two eyes at its top; `more` points on each line, begun elsewhere."""
    eyes = [
        spot(side * 0.4 * wide, -0.5 * tall, 0.15 * wide, 0.15 * tall, 24 + more)
        for side in (-1, 1)
    ]
    return [egg(wide, tall, 80 + more, 0.31 if more else 0.0), *eyes]


def turn_deg(matrix: np.ndarray) -> float:
    return float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])))


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("back", [False, True])
def test_a_character_that_squashes_stays_upright(alone: bool, back: bool) -> None:
    """Tall, then flat: laid on its side it would fit nearly as well."""
    first, last = character(38.0, 80.0, 0), character(76.0, 32.0, 9)
    if back:
        last = [reversed_line(one) for one in last]
    pair = matched(first[: 1 if alone else 3], last[: 1 if alone else 3])
    assert abs(turn_deg(pair.matrix)) < 5
    top, foot = 200 + 80j, 200 + 224j
    assert abs(became(pair, 0, top) - (200 + 128j)) < 8
    assert abs(became(pair, 0, foot) - (200 + 185.6j)) < 12
    body = on_the_way(pair, 0.49)[0]
    tall, wide = np.ptp(np.imag(body)), np.ptp(np.real(body))
    assert wide == pytest.approx(114.0, rel=0.1)
    assert tall == pytest.approx(100.8, rel=0.1)


@pytest.mark.parametrize("start", [0, 7, 19, 40])
@pytest.mark.parametrize("marked", [False, True])
def test_a_card_that_narrows_keeps_its_edges_upright(start: int, marked: bool) -> None:
    wide = [100 + 90j, 300 + 90j, 300 + 210j, 100 + 210j]
    slim = [170 + 90j, 230 + 90j, 230 + 210j, 170 + 210j]
    first, last = [face(wide)], [face(slim, 11, start=start)]
    if marked:
        first.append(spot(0.0, -40.0, 40.0, 15.0, 30))
        last.append(spot(0.0, -40.0, 12.0, 15.0, 37))
    pair = matched(first, last)
    for here, there in zip(wide, slim, strict=True):
        assert abs(became(pair, 0, here) - there) < 2.5
    ring = on_the_way(pair, 0.49)[0]
    assert np.ptp(np.real(ring)) * np.ptp(np.imag(ring)) == pytest.approx(abs(area(ring)), rel=0.03)


@pytest.mark.parametrize("start", [0, 10, 25])
def test_a_lone_flap_that_is_turned_away_stays_on_its_hinge(start: int) -> None:
    stands = [120 + 150j, 280 + 150j, 330 + 60j, 170 + 60j]
    lies = [120 + 150j, 280 + 150j, 245 + 132j, 85 + 132j]
    pair = matched([face(stands)], [face(lies, 11, start=start)])
    for here, there in zip(stands, lies, strict=True):
        assert abs(became(pair, 0, here) - there) < 1.5


@pytest.mark.parametrize("degrees", [60, 90, -75])
def test_a_character_that_falls_over_does_turn(degrees: float) -> None:
    middle = np.array(BOX)
    last = [one.placed(turned(one.points, middle, degrees)) for one in character(38.0, 80.0, 9)]
    pair = matched(character(38.0, 80.0, 0), last)
    assert turn_deg(pair.matrix) == pytest.approx(degrees, abs=5)


@pytest.mark.parametrize("degrees", [50, 80])
def test_a_lone_arm_that_swings_does_turn(degrees: float) -> None:
    def arm(more: int) -> Line:
        side = np.linspace(-60.0, 60.0, 30 + more)
        cap = np.linspace(-np.pi / 2, np.pi / 2, 10)
        right = np.stack([60 + 14 * np.cos(cap), 14 * np.sin(cap)], 1)
        ring = [
            np.stack([side, 0 * side - 14], 1),
            right,
            np.stack([side[::-1], 0 * side + 14], 1),
            -right,
        ]
        return line(np.concatenate(ring) + BOX, cyclic=True, fill=GREEN)

    last = arm(8).placed(turned(arm(8).points, np.array([140.0, 160.0]), degrees))
    pair = matched([arm(0)], [begun_at(last, 0.4)])
    assert turn_deg(pair.matrix) == pytest.approx(degrees, abs=6)


def test_what_squeezes_does_not_turn_and_fits() -> None:
    lines, goals = character(38.0, 80.0, 0), character(76.0, 32.0, 9)
    matrix = squeeze(lines, goals)
    assert matrix is not None
    assert matrix[0, 1] == pytest.approx(matrix[1, 0], abs=1e-9)
    assert np.linalg.eigvalsh(matrix[:2, :2]) == pytest.approx([0.4, 2.0], rel=0.12)


@pytest.mark.parametrize("degrees", [0, 130])
def test_a_path_tells_the_turn_and_the_keys_the_squash(degrees: float) -> None:
    first, last = character(38.0, 80.0, 0), character(76.0, 32.0, 9)
    last = [one.placed(turned(one.points, np.array(BOX), degrees)) for one in last]
    hint = affine.rotation_about(np.array(BOX), degrees)
    pair = pair_strokes(drawing(first), drawing(last), hint)
    assert pair is not None
    assert turn_deg(pair.matrix) == pytest.approx(degrees, abs=4)
    top = turned(np.array([[200.0, 128.0]]), np.array(BOX), degrees)[0]
    assert abs(became(pair, 0, 200 + 80j) - complex(*top)) < 8


def test_open_lines_and_even_growth_are_not_squeezed() -> None:
    lines = character(38.0, 80.0, 0)
    grown = [one.placed(1.7 * one.points) for one in lines]
    assert squeeze(lines, grown) is None
    stick = [line(np.stack([np.linspace(0, 90, 20), np.full(20, 50.0)], 1))]
    bent = [line(np.stack([np.linspace(0, 90, 20), np.linspace(0, 80, 20) ** 1.2], 1))]
    assert squeeze(stick, bent) is None


def test_a_released_pair_begins_where_the_first_key_was() -> None:
    first, last = character(38.0, 80.0, 0), character(76.0, 32.0, 9)
    matrix = squeeze(first, last)
    assert matrix is not None
    laid = [one.placed(affine.apply(matrix, one.points)) for one in first]
    pair = released(matched(laid, last), matrix)
    for stroke, one in enumerate(first):
        ring = places(pair, stroke)[0]
        away = np.abs(ring[:, None] - (one.points @ (1, 1j))[None]).min(axis=1)
        assert away.max() < 4.0
        assert abs(ring.mean() - complex(*resampled(one, 64).points.mean(axis=0))) < 4.0
