"""What a path tells of its pace."""

from __future__ import annotations

import numpy as np
import pytest

from backend.layer_motion import trajectory

TIMES = np.linspace(0.0, 1.0, 9)


def along(progress: np.ndarray, way_px: float = 100.0) -> np.ndarray:
    return np.stack([way_px * progress, np.zeros(len(progress))], axis=1)[:, None]


def test_an_even_path_has_its_mean_speed_at_both_ends() -> None:
    assert trajectory.end_speeds(along(TIMES), TIMES) == pytest.approx((1.0, 1.0))


def test_a_path_that_slows_down_comes_to_rest() -> None:
    assert trajectory.end_speeds(along(1 - (1 - TIMES) ** 2), TIMES) == pytest.approx((2.0, 0.0))


def test_moments_need_not_be_even() -> None:
    times = np.array([0.0, 0.1, 0.4, 1.0])
    assert trajectory.end_speeds(along(times), times) == pytest.approx((1.0, 1.0))


def test_a_short_path_or_a_single_step_tells_no_pace() -> None:
    assert trajectory.end_speeds(along(TIMES, 2.0), TIMES) is None
    assert trajectory.end_speeds(along(TIMES[::8]), TIMES[::8]) is None
