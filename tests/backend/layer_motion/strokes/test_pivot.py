"""What swings turns around what stays, and what hangs on a limb's tip stays on that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend import raster
from backend.layer_motion import affine
from backend.layer_motion.engine import animate_gap
from backend.layer_motion.strokes.layout.unturned import unturned
from backend.layer_motion.strokes.matching.match import pair_strokes
from backend.layer_motion.strokes.shape.level import Line
from backend.layer_motion.task import GapTask
from shared.strokes import Drawing

from .puppet import drawing, line

WIDTH, HEIGHT = 320, 240
SHOULDER = np.array([150.0, 120.0])
SKIN = (0.9, 0.7, 0.6, 1.0)


def limb(start: np.ndarray, end: np.ndarray, wide: float, count: int) -> Line:
    """A long round-ended shape."""
    way = (end - start) @ (1, 1j)
    cap = np.exp(1j * np.linspace(np.pi / 2, 3 * np.pi / 2, count))
    unit = way / abs(way)
    rim = np.concatenate([cap * wide * unit, way - cap * wide * unit]) + start @ (1, 1j)
    points = np.stack([np.real(rim), np.imag(rim)], axis=1)
    return line(points, cyclic=True, fill=SKIN)


def arm(degrees: float, count: int) -> Drawing:
    """An arm and its hand, swung up from the shoulder."""
    out = np.array([np.cos(np.radians(degrees)), -np.sin(np.radians(degrees))])
    tip = SHOULDER + 70 * out
    hand = limb(tip, tip + 14 * out, 12, count // 2)
    return drawing([limb(SHOULDER, tip, 9, count), hand])


def task(first: Drawing, last: Drawing) -> GapTask:
    """A gap of three drawings between two keys alone."""
    art = [raster.draw(d, width=WIDTH, height=HEIGHT, margin_px=40) for d in (first, last)]
    return GapTask(
        WIDTH, HEIGHT, art[0], art[1], (0.25, 0.5, 0.75), first_strokes=first, last_strokes=last
    )


@pytest.mark.parametrize("swing", [60.0, 110.0])
@pytest.mark.parametrize("count", [24, 31])
def test_an_arm_swings_around_the_shoulder_that_stays(swing: float, count: int) -> None:
    result = animate_gap(task(arm(-20.0, 24), arm(swing - 20.0, count)))
    for drawn in result.strokes:
        assert drawn is not None
        sleeve = drawn.stroke_points(0).astype(float)
        from_shoulder = np.linalg.norm(sleeve - SHOULDER, axis=1)
        assert from_shoulder.min() == pytest.approx(9.0, abs=2.0)
        assert from_shoulder.max() == pytest.approx(79.0, abs=3.0)


def test_what_turns_and_moves_on_keeps_its_middle_on_a_straight_way() -> None:
    first, last = arm(0.0, 24), arm(40.0, 24)
    last = replace(last, points=last.points + np.array([110, 60], np.float32))
    middles = [d.points.mean(axis=0) for d in (first, last)]
    halfway = animate_gap(task(first, last)).strokes[1]
    assert halfway is not None
    assert halfway.points.mean(axis=0) == pytest.approx(np.mean(middles, axis=0), abs=3.0)


def legs(step: float, count: int) -> list[Line]:
    """Two legs from one hip, each of its own material, and a like shoe on each.

    `step` -1..1 tells which is in front.
    """
    hip = np.array([160.0, 90.0])
    parts: list[Line] = []
    for side in (-1, 1):
        foot = hip + np.array([side * step * 34.0, 100.0])
        shoe = limb(foot, foot + np.array([13.0, 2.0]), 6, count // 2)
        parts += [shoe, replace(limb(hip, foot, 9, count), material=2 + side)]
    return parts


def test_shoes_stay_on_their_legs_when_these_change_places() -> None:
    pair = pair_strokes(drawing(legs(-1.0, 24)), drawing(legs(1.0, 30)[::-1]))
    assert pair is not None
    partner = dict(zip(*pair.numbers.tolist(), strict=True))
    assert partner == {0: 3, 1: 2, 2: 1, 3: 0}


def test_ink_on_its_paint_does_not_tell_twice_how_all_turn() -> None:
    """An arm, its ink and a belt are no three places around a sack that is pressed flat."""
    square = np.array([[0, 0], [30, 0], [60, 0], [60, 40], [60, 80], [30, 80], [0, 80], [0, 40]])

    def sack(high: float) -> Line:
        points = square * np.array([1.0, high]) + np.array([100.0, 160 - 80 * high])
        return line(points, cyclic=True, fill=SKIN)

    def sleeve(degrees: float) -> Line:
        way = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
        return limb(SHOULDER + 20 * way, SHOULDER + 60 * way, 6, 16)

    belt = line(square[:3] + np.array([100.0, 150.0]))
    arm_and_ink = [(sleeve(0.0), sleeve(85.0))] * 2
    given = dict(enumerate([(sack(1.0), sack(0.4)), *arm_and_ink, (belt, belt)]))
    level = {(number, number): pair for number, pair in given.items()}
    found = unturned(level, list(level), lambda: affine.IDENTITY)
    assert found[0, 0][1].points[0] == pytest.approx(sack(0.4).points[0], abs=6.0)


def test_a_ball_that_rolls_in_a_gap_alone_stays_on_the_ground() -> None:
    ground, radius = 150.0, 40.0

    def ball(turn: float) -> Drawing:
        middle = np.array([90 + turn * radius, ground - radius])
        rim = np.exp(2j * np.pi * np.arange(60) / 60 + 1j * turn)
        points = middle + radius * np.stack([np.real(rim), np.imag(rim)], axis=1)
        mark = middle + radius * np.array([[0.2, 0.5], [0.5, 0.4], [0.6, 0.1]]) @ np.array(
            [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
        )
        return drawing([line(points, cyclic=True, fill=SKIN), line(mark)])

    for drawn in animate_gap(task(ball(0.0), ball(1.5))).strokes:
        assert drawn is not None
        assert drawn.stroke_points(0)[:, 1].max() == pytest.approx(ground, abs=3.0)


def hands(apart: float, more: int) -> list[Line]:
    """Two arms from shoulders that stay, and on each a hand of many small strokes."""
    drawn: list[Line] = []
    for side in (-1.0, 1.0):
        shoulder = np.array([200.0 + 60 * side, 80.0])
        wrist = np.array([200.0 + apart * side, 190.0])
        drawn.append(limb(shoulder, wrist, 9.0, 30 + more))
        for finger in range(9):
            tip = wrist + 4.0 * np.array([(finger % 3) - 1.0, finger // 3])
            ring = np.exp(2j * np.pi * np.arange(14 + more) / (14 + more))
            outline = tip + np.stack([8 * np.real(ring), 11 * np.imag(ring)], axis=1)
            drawn.append(line(outline, cyclic=True))
    return drawn


def test_hands_that_meet_do_not_make_all_else_shrink() -> None:
    """Most of the ink comes to one place; but no stroke gets smaller."""
    pair = pair_strokes(drawing(hands(130.0, 0)), drawing(hands(10.0, 3)))
    assert pair is not None
    assert np.hypot(pair.matrix[0, 0], pair.matrix[1, 0]) > 0.6
