"""What a path tells of its pace."""

from __future__ import annotations

import numpy as np
import pytest

from backend.layer_motion import trajectory

TIMES = np.linspace(0.0, 1.0, 9)


def along(progress: np.ndarray, way_px: float = 100.0) -> np.ndarray:
    return np.stack([way_px * progress, np.zeros(len(progress))], axis=1)[:, None]


def speeds(
    progress: np.ndarray, times: np.ndarray = TIMES, way_px: float = 100.0
) -> tuple[float, ...]:
    ends = trajectory.end_speeds(along(progress, way_px), times)
    return tuple(end.speed for end in ends)


def told(progress: np.ndarray, times: np.ndarray = TIMES, way_px: float = 100.0) -> float:
    return trajectory.end_speeds(along(progress, way_px), times)[0].told


def test_an_even_path_has_its_mean_speed_at_both_ends() -> None:
    assert speeds(TIMES) == pytest.approx((1.0, 1.0))
    assert told(TIMES) == 1.0


def test_a_path_that_slows_down_comes_to_rest() -> None:
    assert speeds(1 - (1 - TIMES) ** 2) == pytest.approx((2.0, 0.0), abs=0.04)


def test_moments_need_not_be_even() -> None:
    times = np.array([0.0, 0.1, 0.4, 1.0])
    assert speeds(times, times) == pytest.approx((1.0, 1.0))
    times = np.array([0.0, 0.1, 0.3, 0.5, 0.7, 0.95, 1.0])
    assert speeds(times**2, times) == pytest.approx((0.0, 2.0), abs=0.15)


def test_a_tracker_that_trembles_on_a_still_layer_tells_nothing() -> None:
    noise = np.random.default_rng(5).normal(0.0, 0.15, (25, 3, 2))
    ends = trajectory.end_speeds(noise, np.linspace(0.0, 1.0, 25))
    assert max(end.told for end in ends) < 0.1


def test_the_longer_a_path_the_more_it_tells() -> None:
    shares = [told(TIMES, way_px=way_px) for way_px in (2.9, 3.1, 7.5, 12.0)]
    assert shares == pytest.approx([0.0, 0.01, 0.5, 1.0], abs=0.02)


def test_a_single_step_or_moments_at_once_tell_no_pace() -> None:
    assert told(TIMES[::8], TIMES[::8]) == 0.0
    assert told(np.array([0.0, 0.5, 0.5, 1.0]), np.array([0.0, 0.5, 0.5, 1.0])) == 0.0
