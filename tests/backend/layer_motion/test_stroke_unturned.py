"""Promises for ovals that are squashed or turned: those around them tell which it was."""

from __future__ import annotations

import numpy as np
import pytest

from backend.layer_motion import affine
from backend.layer_motion.strokes.level import Line, resampled
from backend.layer_motion.strokes.match import pair_strokes
from backend.layer_motion.strokes.morph import Morph
from backend.layer_motion.strokes.unturned import unturned

from .drawn import outline, turned
from .puppet import drawing, line

MIDDLE = np.array([160.0, 120.0])


def oval(centre: tuple[float, float], wide: float, tall: float, count: int) -> Line:
    return resampled(line(outline(centre, (wide, tall), 0.0), cyclic=True), count)


def face(tall: float, more_points: int) -> list[Line]:
    """A head with nose and chin, and two eyes as tall as said."""
    head = [((160, 120), 80, 95), ((160, 130), 8, 14), ((160, 170), 24, 6), ((160, 200), 10, 4)]
    eyes = [((125, 100), 10, tall), ((195, 100), 10, tall)]
    ovals = enumerate([*head, *eyes])
    return [oval(*one, 40 + n + more_points * (n + 2)) for n, one in ovals]


def spread(drawn: np.ndarray) -> np.ndarray:
    """Covariance [2, 2] of points [n, 2]."""
    return np.cov(drawn.T)


def halfway(first: list[Line], last: list[Line], strokes: tuple[int, ...]) -> list[np.ndarray]:
    pair = pair_strokes(drawing(first), drawing(last))
    assert pair is not None
    pose = affine.interpolate(pair.matrix, 0.49, pair.first.points.mean(axis=0).astype(float))
    found = Morph(pair).at(pose, 0.49)
    return [found.stroke_points(stroke) for stroke in strokes]


@pytest.mark.parametrize("shut", [4.0, 2.0])
def test_eyes_that_shut_in_a_still_face_are_squashed_and_do_not_tip_over(shut: float) -> None:
    """Twice as tall as wide before, and flat behind: laid on its side, an oval fits better."""
    for eye in halfway(face(20.0, 0), face(shut, 1), (4, 5)):
        (across, aslant), (_, down) = spread(eye)
        assert abs(aslant) < 0.2 * min(across, down)
        assert 2 * np.sqrt(2 * down) == pytest.approx(20.0 + shut, rel=0.2)


def test_eyes_that_shut_in_a_head_that_turns_turn_with_it() -> None:
    first = face(20.0, 0)
    last = [one.placed(turned(one.points, MIDDLE, 50)) for one in face(3.0, 1)]
    for eye in halfway(first, last, (4, 5)):
        (across, aslant), (_, down) = spread(turned(eye, MIDDLE, -24.5))
        assert abs(aslant) < 0.2 * min(across, down)


def test_a_palm_that_turns_with_its_fingers_is_left_as_it_is() -> None:
    """On a body that stays it might as well be squashed, if it were alone."""
    spots = [(160 + 40 * np.cos(a), 120 - 60 * np.sin(a)) for a in np.linspace(0, np.pi, 5)]
    hand = [oval((160, 120), 24, 30, 60), *(oval(spot, 6, 9, 30) for spot in spots)]
    level = {
        (n, n): (one, one.placed(turned(one.points, MIDDLE, 80))) for n, one in enumerate(hand)
    }
    kept = unturned(level, level, affine.IDENTITY)
    assert kept[0, 0] is level[0, 0]
    alone = {(0, 0): level[0, 0]}
    assert unturned(alone, alone, affine.IDENTITY)[0, 0] is not level[0, 0]
