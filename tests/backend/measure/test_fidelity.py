"""The metrics against values that can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backend.measure.fidelity import PSNR_CAP_DB, edge_energy, psnr_db, ssim


def _noise(seed: int, height: int = 40, width: int = 60) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_psnr_of_a_constant_offset_is_known() -> None:
    truth = np.full((20, 30, 3), 100, np.uint8)
    assert psnr_db(truth + 10, truth) == pytest.approx(20 * math.log10(25.5))


def test_psnr_is_capped() -> None:
    frame = _noise(0)
    assert psnr_db(frame, frame) == PSNR_CAP_DB
    almost = frame.copy()
    almost[0, 0, 0] ^= 1
    assert psnr_db(almost, frame) == PSNR_CAP_DB


def test_psnr_ignores_alpha() -> None:
    frame = np.dstack([_noise(0), np.zeros((40, 60), np.uint8)])
    opaque = frame.copy()
    opaque[..., 3] = 255
    assert psnr_db(frame, opaque) == PSNR_CAP_DB


def test_ssim_is_one_for_equal_frames_and_symmetric() -> None:
    one, other = _noise(0), _noise(1)
    assert ssim(one, one) == pytest.approx(1.0)
    assert ssim(one, other) == pytest.approx(ssim(other, one))
    assert abs(ssim(one, other)) < 0.05


def test_ssim_of_flat_frames_follows_the_formula() -> None:
    dark, light = np.full((32, 32, 3), 50, np.uint8), np.full((32, 32, 3), 150, np.uint8)
    c1 = (0.01 * 255) ** 2
    expected = (2 * 50 * 150 + c1) / (50**2 + 150**2 + c1)
    assert ssim(dark, light) == pytest.approx(expected)


def test_ssim_of_inverted_contrast_is_negative() -> None:
    frame = _noise(2)
    assert ssim(255 - frame, frame) < -0.5


def test_edge_energy_measures_softness() -> None:
    truth = np.zeros((20, 20, 3), np.uint8)
    truth[:, 10:] = 200
    soft = truth.copy()
    soft[:, 9:11] = 100  # one step of 200 becomes 100, 0 and 100
    assert edge_energy(truth, truth) == pytest.approx(1.0)
    assert edge_energy(soft, truth) == pytest.approx(math.sqrt(0.5))


def test_edge_energy_of_flat_frames() -> None:
    flat = np.full((8, 8, 3), 7, np.uint8)
    assert edge_energy(flat, flat) == 1.0
    assert math.isinf(edge_energy(_noise(0, 8, 8), flat))
