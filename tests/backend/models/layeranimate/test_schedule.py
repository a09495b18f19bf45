"""The noise schedule and the sampling step keep their mathematics."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.models.layeranimate.configs import SchedulerConfig
from backend.models.layeranimate.schedule import NoiseSchedule, guide
from shared.errors import AcetateError

SCHEDULE = NoiseSchedule(SchedulerConfig())


def test_the_last_training_step_holds_no_signal() -> None:
    shares = SCHEDULE.signal_shares
    assert shares[-1] == 0.0
    assert shares[-2] == pytest.approx(1.97e-7, rel=1e-2)
    assert (shares[:-1] > shares[1:]).all()


@given(st.integers(1, 1000))
def test_any_number_of_steps_starts_at_pure_noise_and_descends(steps: int) -> None:
    times = SCHEDULE.timesteps(steps)
    assert times[0] == 999
    assert len(times) == steps
    assert all(a > b for a, b in pairwise(times))
    assert times[-1] >= 0


def test_fifty_steps_are_the_official_ones() -> None:
    assert SCHEDULE.timesteps(50)[:2] == [999, 979]
    assert SCHEDULE.timesteps(50)[-1] == 19


@pytest.mark.parametrize("steps", [0, -1, 1001])
def test_an_impossible_number_of_steps_is_an_error_of_the_catalogue(steps: int) -> None:
    with pytest.raises(AcetateError):
        SCHEDULE.timesteps(steps)


@settings(deadline=None)
@given(st.integers(1, 999), st.integers(0, 998), st.integers(0, 100))
def test_a_step_with_the_true_v_lands_on_the_true_noisy_latents(
    timestep: int, following: int, seed: int
) -> None:
    following = min(following, timestep - 1)
    generator = torch.Generator().manual_seed(seed)
    clean, noise = torch.randn(2, 1, 4, 2, 3, 3, generator=generator)
    now, target = SCHEDULE.add_noise(clean, noise, torch.tensor([timestep]))
    then, _ = SCHEDULE.add_noise(clean, noise, torch.tensor([following]))
    result = SCHEDULE.step(target, now, timestep, following, eta=0.0, noise=None)
    torch.testing.assert_close(result.latents, then, rtol=0, atol=2e-5)
    torch.testing.assert_close(result.clean, clean, rtol=0, atol=2e-5)


def test_fresh_noise_keeps_unit_spread() -> None:
    generator = torch.Generator().manual_seed(0)
    clean = torch.zeros(1, 1, 1, 200, 200)
    noise, fresh = torch.randn(2, 1, 1, 1, 200, 200, generator=generator)
    now, target = SCHEDULE.add_noise(clean, noise, torch.tensor([799]))
    moved = SCHEDULE.step(target, now, 799, 399, eta=1.0, noise=fresh).latents
    expected = (1 - SCHEDULE.signal_shares[399]) ** 0.5
    assert float(moved.std()) == pytest.approx(expected, rel=0.02)


def test_guidance_of_scale_one_is_the_prompted_prediction() -> None:
    neutral, prompted = torch.randn(2, 1, 4, 2, 3, 3)
    torch.testing.assert_close(guide(neutral, prompted, 1.0, 0.7), prompted)


def test_full_rescale_restores_the_spread_of_the_prompted_prediction() -> None:
    neutral, prompted = torch.randn(2, 3, 4, 2, 3, 3)
    guided = guide(neutral, prompted, 7.5, 1.0)
    torch.testing.assert_close(guided.flatten(1).std(1), prompted.flatten(1).std(1))
