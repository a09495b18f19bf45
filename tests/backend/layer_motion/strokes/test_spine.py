"""Promises of limbs that curl: both sides turn with their axis, and the body stays whole."""

from __future__ import annotations

import numpy as np
import pytest

from backend.layer_motion.strokes.morphing.spine import turned_along
from backend.layer_motion.strokes.shape.complex_points import as_points
from backend.layer_motion.strokes.shape.level import Line

from .boxes import matched, on_the_way
from .puppet import line

LENGTH, HALF_WIDTH = 150.0, 9.0


def finger(curl: float, count: int = 140, middle: float = 0.5) -> np.ndarray:
    """A finger from its root round its tip, complex [count]; bends by `curl` radians in between.

    Where it bends far, its inner side crosses itself, as that of a drawn fist does.
    """
    share = np.linspace(0.0, 1.0, 400)
    heading = -np.pi / 2 + curl / (1.0 + np.exp(-(share - middle) * 16.0))
    axis = 300.0 + 250.0j + np.cumsum(np.exp(1j * heading)) * LENGTH / len(share)
    side = 1j * np.exp(1j * heading) * HALF_WIDTH * np.sqrt(1.0 - (2.0 * share - 1.0) ** 8)
    ring = np.concatenate([axis + side, (axis - side)[::-1]])
    return ring[np.linspace(0, len(ring) - 1, count).astype(int)]


def closed(points: np.ndarray) -> Line:
    return line(as_points(points), cyclic=True)


@pytest.mark.parametrize("curl", [0.8, 1.5, 2.2])
def test_a_curled_finger_turns_alike_on_both_sides(curl: float) -> None:
    straight, bent = finger(0.0), finger(curl)
    found = turned_along((straight, bent))
    assert found is not None
    angle = found
    ahead, back = angle[:70], angle[70:][::-1]
    assert np.abs(ahead - back).mean() < 0.1
    assert abs(angle[[0, -1]]).max() < 0.35
    assert angle[[69, 70]] == pytest.approx([curl, curl], abs=0.35)


def test_what_is_round_or_dots_has_no_axis() -> None:
    disc = np.exp(1j * np.linspace(0.0, 2 * np.pi, 60, endpoint=False)) * 40.0
    assert turned_along((disc, 1.2 * disc)) is None
    assert turned_along((np.zeros(30, complex), np.zeros(30, complex))) is None
    assert turned_along((disc[:6], disc[:6])) is None


@pytest.mark.parametrize("start", [0, 37])
def test_a_finger_on_a_hand_stays_whole_as_it_curls(start: int) -> None:
    palm = 300.0 + 290.0j + 60.0 * np.exp(1j * np.linspace(0.0, 2 * np.pi, 80, endpoint=False))
    first = [closed(palm), closed(finger(0.0))]
    last = [closed(palm), closed(np.roll(finger(2.8, 155, 0.6), start))]
    pair = matched(first, last)
    for step in (0.3, 0.5, 0.7):
        drawn = on_the_way(pair, step)[1]
        meant = finger(step * 2.8, 400, 0.6)
        away = np.abs(drawn[:, None] - meant[None])
        assert away.min(axis=1).max() < 14.0
        assert away.min(axis=0).max() < 14.0
