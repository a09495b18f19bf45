"""Promises of steadying: tremble goes, motion stays, short runs are left alone."""

from __future__ import annotations

import numpy as np

from backend.layer_motion.steady import steadied, tremble_px


def swinging(moments: int) -> np.ndarray:
    """Forty points that slide and swing: [moments, 40, 2]."""
    time = np.linspace(0, 1, moments)[:, None]
    phase = np.linspace(0, 1, 40)[None]
    x = 60 * time**2 + 0 * phase
    y = 8 * np.sin(2 * np.pi * (0.5 * time + 0.1 * phase))
    return np.stack([x, y], axis=2)


def wobbling(path: np.ndarray, rms_px: float) -> np.ndarray:
    """Every ten neighbouring points, one line of the drawing, tremble together."""
    shifts = np.random.default_rng(5).normal(0, rms_px, (len(path), path.shape[1] // 10, 2))
    return path + np.repeat(shifts, 10, axis=1)


def trembling(path: np.ndarray, rms_px: float) -> np.ndarray:
    """The same points with a hand's tremble that differs from moment to moment."""
    return path + np.random.default_rng(3).normal(0, rms_px, path.shape)


def test_smooth_motion_comes_back_as_it_is() -> None:
    path = swinging(15)
    assert np.abs(steadied(path) - path).max() < 0.05
    assert tremble_px(path) < 0.05


def test_the_amount_of_tremble_is_found() -> None:
    assert abs(tremble_px(trembling(swinging(15), 0.5)) - 0.5) < 0.08


def test_tremble_is_two_fifths_less() -> None:
    path = swinging(15)
    rough = trembling(path, 0.5)
    left = np.sqrt(np.mean((steadied(rough) - path) ** 2))
    assert left < 0.6 * np.sqrt(np.mean((rough - path) ** 2))


def test_a_few_moments_are_left_alone() -> None:
    assert tremble_px(trembling(swinging(4), 2.0)) == 0.0


def test_lines_that_tremble_as_a_whole_come_to_rest_too() -> None:
    path = swinging(15)
    rough = wobbling(path, 0.5)
    left = np.sqrt(np.mean((steadied(rough) - path) ** 2))
    assert left < 0.65 * np.sqrt(np.mean((rough - path) ** 2))


def test_moments_that_are_known_exactly_stay_and_hold_the_others() -> None:
    path = swinging(15)
    rough = trembling(path, 0.5)
    rough[[0, -1]] = path[[0, -1]]
    known = [True] + [False] * 13 + [True]
    held = steadied(rough, known)
    assert np.abs(held[[0, -1]] - path[[0, -1]]).max() < 1e-3
    assert np.mean((held - path) ** 2) < np.mean((steadied(rough) - path) ** 2)
