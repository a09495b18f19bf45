"""Flicker: alternating brightness is told by its strength, smooth motion is none."""

from __future__ import annotations

import numpy as np
import pytest

from training.metrics.flicker import flicker, unexplained_change

from .texture import shifted, texture


def _moving(step_px: float) -> list[np.ndarray]:
    return [shifted(texture(), step_px * f, 0) for f in range(6)]


def _flickering(levels: int) -> list[np.ndarray]:
    still = np.clip(texture(), 20, 235)
    return [still + np.uint8(levels * (f % 2)) for f in range(6)]


def test_the_truth_itself_does_not_flicker() -> None:
    assert flicker(_moving(1.5), _moving(1.5)) == 0


@pytest.mark.parametrize("levels", [4, 10])
def test_alternating_brightness_is_told_by_its_strength(levels: int) -> None:
    still = [np.clip(texture(), 20, 235)] * 6
    assert flicker(_flickering(levels), still) == pytest.approx(levels, rel=0.1)


def test_smooth_motion_is_explained() -> None:
    torn = [shifted(texture(), 2.0 * f, 0) for f in (0, 3, 1, 4, 2, 5)]
    assert unexplained_change(_moving(2.0)) < 0.35 * unexplained_change(torn) + 1
    assert unexplained_change(_moving(2.0)) < 3


def test_one_frame_cannot_flicker() -> None:
    assert flicker([texture()], [texture()]) == 0
