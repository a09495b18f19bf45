"""Which strokes go round from key to key, so that no straight path may cut through their way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from backend.layer_motion.strokes.course.own_way import OwnWay

LIMB = np.stack([np.linspace(0.0, 60.0, 16), np.zeros(16)], axis=1)
OFFSETS = np.array([0, 16])


def way(turned: Callable[[float], float], bent: float = 0.4, points: np.ndarray = LIMB) -> OwnWay:
    """Of a limb that is `turned` by so many degrees at a progress, and `bent` meanwhile."""

    def still(progress: float) -> np.ndarray:
        bend = bent * progress * np.abs(points[:, :1] - points[:, 0].mean()) * (0.0, 1.0)
        angle = np.deg2rad(turned(progress))
        cos, sin = np.cos(angle), np.sin(angle)
        return (points + bend) @ np.array([[cos, sin], [-sin, cos]])

    return OwnWay.of(still, (still(0.0), still(1.0)), OFFSETS)


def arc(turned: Callable[[float], float], bent: float = 0.4, points: np.ndarray = LIMB) -> float:
    return float(way(turned, bent, points).arc.mean())


@pytest.mark.parametrize("degrees", [100, -150, 340])
def test_what_turns_far_goes_round_though_it_bends(degrees: float) -> None:
    assert arc(lambda progress: degrees * progress) == 1.0


def test_what_bends_and_turns_a_little_goes_straight() -> None:
    assert arc(lambda progress: 25 * progress**2) == 0.0


def test_what_turns_there_and_back_has_not_turned() -> None:
    assert arc(lambda progress: 360 * progress * (1 - progress)) < 0.2


def test_a_dot_has_no_turn() -> None:
    assert arc(lambda progress: 150 * progress**2, points=0.01 * LIMB) == 0.0
