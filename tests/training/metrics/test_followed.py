"""Followed points: a picture that strays from its track by so many pixels says so."""

from __future__ import annotations

import numpy as np
import pytest

from training.metrics.followed import follow, trajectory_error, window_px

from .texture import HEIGHT, WIDTH, shifted, texture

FRAMES = 6


def _asked(step_px: tuple[float, float]) -> np.ndarray:
    """Tracks of a grid of points, float32 [frames, n, 2], away from the border."""
    grid = np.stack(np.meshgrid(np.arange(50, WIDTH - 50, 15), np.arange(40, HEIGHT - 40, 10)), -1)
    starts = grid.reshape(-1, 2) + 0.5
    times = np.arange(FRAMES)[:, None, None]
    return (starts[None] + times * np.array(step_px)).astype(np.float32)


def _all_visible(asked: np.ndarray) -> np.ndarray:
    return np.ones(asked.shape[:2], np.bool_)


@pytest.mark.parametrize("step_px", [(0.0, 0.0), (1.5, -0.75), (-3.0, 2.0)])
def test_a_picture_that_obeys_has_no_error(step_px: tuple[float, float]) -> None:
    frames = [shifted(texture(), step_px[0] * f, step_px[1] * f) for f in range(FRAMES)]
    asked = _asked(step_px)
    error = trajectory_error(frames, asked, _all_visible(asked))
    assert error.error_px == pytest.approx(0, abs=0.1)
    assert error.kept > 0.95


@pytest.mark.parametrize("stray_px", [0.5, 2.0])
def test_a_picture_that_strays_is_wrong_by_that_much(stray_px: float) -> None:
    frames = [shifted(texture(), (1 + stray_px) * f, 0) for f in range(FRAMES)]
    asked = _asked((1.0, 0.0))
    error = trajectory_error(frames, asked, _all_visible(asked))
    expected = stray_px * np.arange(1, FRAMES).mean()
    assert error.error_px == pytest.approx(expected, abs=0.1)


def test_points_count_until_they_are_hidden() -> None:
    picture = texture()
    frames = [shifted(picture, 0, 0), *[shifted(picture, 5.0 * f, 0) for f in range(1, FRAMES)]]
    asked = _asked((0.0, 0.0))
    visible = _all_visible(asked)
    visible[2:] = False
    visible[4:] = True  # came back: no longer followed
    error = trajectory_error(frames, asked, visible)
    assert error.error_px == pytest.approx(5, abs=0.1)


def test_flat_pictures_and_noise_are_not_believed() -> None:
    asked = _asked((0.0, 0.0))
    flat = [np.full((HEIGHT, WIDTH, 3), 90, np.uint8)] * FRAMES
    assert trajectory_error(flat, asked, _all_visible(asked)).error_px is None
    noise = [texture(seed) for seed in range(FRAMES)]
    assert trajectory_error(noise, asked, _all_visible(asked)).kept < 0.5


def test_nothing_asked_means_nothing_kept() -> None:
    none = np.zeros((FRAMES, 0, 2), np.float32)
    error = trajectory_error([texture()] * FRAMES, none, _all_visible(none))
    assert (error.error_px, error.kept) == (None, 0.0)
    assert follow([texture()], np.zeros((0, 2), np.float32)).points.shape == (1, 0, 2)


def test_the_window_grows_with_the_picture() -> None:
    assert (window_px(512), window_px(160), window_px(1024)) == (31, 11, 63)
