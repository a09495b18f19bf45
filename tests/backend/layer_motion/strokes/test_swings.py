"""Waves and swings that pass their keys, beside parts that rest there."""

from __future__ import annotations

import numpy as np
import pytest

from backend.layer_motion.strokes.course.swings import swings, waves

_ALONG = np.linspace(0.0, 1.0, 41)


def _speeds(phase: np.ndarray, key: float, period: float = 4.0) -> np.ndarray:
    """Mean speeds [P, 2] in the gap behind a key of points that go up and down by `phase` [P]."""
    place = np.sin(2 * np.pi * ((key + np.array([0.0, 1.0]))[:, None] / period - phase))
    return np.stack([np.zeros(len(phase)), 10 * (place[1] - place[0])], axis=1)


def test_a_wave_along_a_stroke_is_told_from_a_stroke_that_comes_to_rest() -> None:
    offsets = np.array([0, 41, 82])
    phase = np.concatenate([_ALONG, np.zeros(41)])
    found = waves(_speeds(phase, 0.0), _speeds(phase, 1.0), offsets)
    assert found[:41].mean() > 0.85  # at its crests some points stand still on one side
    assert found[41:].max() < 0.5
    assert waves(_speeds(np.zeros(41), 0.0), _speeds(np.zeros(41), 1.0), offsets[:2]).max() == 0.0


def test_a_wave_through_short_strokes_is_one_of_them_all() -> None:
    offsets = np.arange(0, 42, 8)
    phase = _ALONG[: offsets[-1]]
    found = waves(_speeds(phase, 0.0), _speeds(phase, 1.0), offsets)
    assert found.mean() > 0.85


def test_fingers_that_move_one_after_the_other_rest_in_between() -> None:
    offsets = np.array([0, 20, 41])
    coming, going = np.zeros((41, 2)), np.zeros((41, 2))
    coming[:20], going[20:] = (0.0, 8.0), (0.0, 8.0)
    assert waves(coming, going, offsets) == pytest.approx(0.0)


def test_nothing_that_moves_is_no_wave() -> None:
    still = np.zeros((41, 2))
    assert np.isfinite(waves(still, still, np.array([0, 41]))).all()


def test_a_stroke_that_turns_back_at_every_key_does_not_swing_through_them() -> None:
    offsets = np.array([0, 41])
    there_and_back = np.array([np.full((41, 2), side) for side in (5.0, -5.0, 5.0)])
    round_and_round = np.stack([_speeds(_ALONG, key, 5.0) for key in range(4)])
    assert swings(there_and_back, 1, offsets) == pytest.approx(0.0)
    assert swings(round_and_round, 2, offsets) == pytest.approx(1.0)


def test_a_few_points_that_cross_over_do_not_speak_for_all() -> None:
    """Fingers that hardly move while the other one does, and a web of skin between them."""
    offsets = np.array([0, 18, 22, 41])
    coming, going = np.full((41, 2), (0.0, 0.8)), np.full((41, 2), (0.0, 0.8))
    coming[:20], going[20:] = (0.0, 8.0), (0.0, 8.0)
    found = waves(coming, going, offsets)
    assert found[:18].max() < 0.2
    assert found[22:].max() < 0.2


@pytest.mark.parametrize(
    ("speeds", "key"),
    [
        pytest.param((40.0, 40.0, -5.0, 5.0, -5.0), 4, id="on the whole alone"),
        pytest.param((-40.0, 40.0, 5.0, -5.0, -5.0), 3, id="around the key alone"),
    ],
)
def test_a_stroke_swings_through_a_key_where_it_does_so_on_the_whole_and_around_it(
    speeds: tuple[float, ...], key: int
) -> None:
    steps = np.array([np.full((41, 2), speed) for speed in speeds])
    assert swings(steps, key, np.array([0, 41])) == pytest.approx(0.0)
