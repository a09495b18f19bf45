"""Still layers: a drift of so many pixels reads so, and change is put down to where it is."""

from __future__ import annotations

import numpy as np
import pytest

from training.metrics.stillness import leakage, static_drift_px

from .texture import HEIGHT, WIDTH, shifted, texture

LEFT = np.zeros((HEIGHT, WIDTH), np.bool_)
LEFT[:, : WIDTH // 2] = True


def test_a_held_layer_does_not_drift() -> None:
    frames = [texture()] * 4
    assert static_drift_px(frames, texture(), LEFT) == pytest.approx(0, abs=0.02)


def test_a_drifting_layer_drifts_by_its_shift() -> None:
    frames = [shifted(texture(), 0.6 * f, 0.8 * f) for f in range(1, 5)]
    assert static_drift_px(frames, texture(), LEFT) == pytest.approx(2.5, abs=0.1)


def test_what_moves_elsewhere_is_no_drift() -> None:
    frames = []
    for f in range(1, 5):
        frame = texture()
        frame[~LEFT] = shifted(texture(), 3.0 * f, 0)[~LEFT]
        frames.append(frame)
    assert static_drift_px(frames, texture(), LEFT) == pytest.approx(0, abs=0.05)


def test_a_flat_layer_tells_nothing() -> None:
    flat = np.full((HEIGHT, WIDTH, 3), 77, np.uint8)
    assert static_drift_px([flat], flat, LEFT) is None


def test_leakage_is_the_share_outside() -> None:
    first = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    asked = np.zeros((HEIGHT, WIDTH), np.bool_)
    asked[20:40, 20:60] = True
    inside, both = first.copy(), first.copy()
    inside[20:40, 20:60] += 50
    both[20:40, 20:60] += 50  # 800 px by 50
    both[80:90, 100:180] += 25  # 800 px by 25
    assert leakage([inside], first, asked) == 0
    assert leakage([both], first, asked) == pytest.approx(1 / 3)
    assert leakage([inside, both], first, asked) == pytest.approx(20000 / 100000)


def test_nothing_changed_leaks_nothing() -> None:
    first = texture()
    quiet = np.clip(first.astype(np.int16) + 2, 0, 255).astype(np.uint8)
    assert leakage([first, quiet], first, ~LEFT) == 0
