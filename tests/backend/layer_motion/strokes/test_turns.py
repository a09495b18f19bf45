"""Promises of how far pieces of closed strokes turn: a finger's tip turns alike on both sides."""

from __future__ import annotations

import numpy as np
import pytest

from backend.layer_motion.strokes.morphing.turns import Turns

COUNT = 60
PHALANXES = 3


def finger(bend: float) -> np.ndarray:
    """Both sides of a finger from its tip round its base, bent by `bend` radians at each joint.

    Complex [2 * COUNT]; the inner side comes first: bent, it has no room for its middle part.
    """
    part = np.repeat(np.arange(PHALANXES)[::-1], COUNT // PHALANXES)
    ways = np.exp(1j * (bend * part - np.pi / 2))
    inner = np.where((part == 1) & (bend > 0.0), 0.0, ways)
    sides = [np.cumsum(side[::-1])[::-1] * 150 / COUNT for side in (inner, ways)]
    return np.concatenate([sides[0] + 6.0, (sides[1] - 6.0)[::-1]])


@pytest.mark.parametrize("bend", [0.6, 1.2, 1.64, 1.7])
def test_a_tip_turns_by_one_angle_on_both_sides(bend: float) -> None:
    straight, bent = finger(0.0), finger(bend)
    turns = Turns(np.array([0, 2 * COUNT]), straight, bent, np.ones(1, bool))
    inner, outer = turns.angle[:10], turns.angle[-10:]
    base = turns.angle[COUNT - 10 : COUNT + 10]
    assert inner.mean() - base.mean() == pytest.approx((PHALANXES - 1) * bend, abs=0.8)
    assert outer.mean() - base.mean() == pytest.approx((PHALANXES - 1) * bend, abs=0.8)
