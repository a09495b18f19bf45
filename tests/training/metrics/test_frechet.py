"""The Frechet distance equals closed forms and SciPy's root, and bears singular covariances."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm

from training.metrics.frechet import Gaussian, frechet_distance, is_enough


def _gaussian(mean: np.ndarray, covariance: np.ndarray) -> Gaussian:
    return Gaussian(mean, covariance, 1000)


def test_equal_sets_are_at_distance_zero() -> None:
    features = np.random.default_rng(0).standard_normal((200, 12))
    one = Gaussian.of(features)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-10)


def test_moved_means_give_the_squared_distance_between_them() -> None:
    features = np.random.default_rng(1).standard_normal((200, 5))
    offset = np.array([3.0, 0, -4, 0, 0])
    distance = frechet_distance(Gaussian.of(features), Gaussian.of(features + offset))
    assert distance == pytest.approx(25)


def test_one_dimension_has_the_closed_form() -> None:
    one = _gaussian(np.array([1.0]), np.array([[4.0]]))
    other = _gaussian(np.array([2.5]), np.array([[9.0]]))
    assert frechet_distance(one, other) == pytest.approx(1.5**2 + (2 - 3) ** 2)


def test_commuting_covariances_have_the_closed_form() -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((6, 6)))
    a, b = np.arange(1.0, 7), np.arange(2.0, 8) ** 2
    one = _gaussian(np.zeros(6), turn @ np.diag(a) @ turn.T)
    other = _gaussian(np.zeros(6), turn @ np.diag(b) @ turn.T)
    expected = ((np.sqrt(a) - np.sqrt(b)) ** 2).sum()
    assert frechet_distance(one, other) == pytest.approx(expected)


def test_any_covariances_agree_with_scipy() -> None:
    rng = np.random.default_rng(3)
    sets = [rng.standard_normal((300, 20)) @ rng.standard_normal((20, 20)) for _ in range(2)]
    one, other = (Gaussian.of(features) for features in sets)
    root = np.real(np.asarray(sqrtm(one.covariance @ other.covariance)))
    offset = one.mean - other.mean
    expected = offset @ offset + np.trace(one.covariance + other.covariance - 2 * root)
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(one, other) == pytest.approx(frechet_distance(other, one), rel=1e-9)


def test_singular_covariances_stay_finite_and_exact() -> None:
    line = np.outer(np.linspace(-1, 1, 50), np.ones(8))  # rank one
    distance = frechet_distance(Gaussian.of(line), Gaussian.of(2 * line))
    # along one axis: (sigma - 2 sigma)^2, the trace of the first covariance
    assert distance == pytest.approx(np.trace(Gaussian.of(line).covariance), rel=1e-6)


def test_too_few_samples_are_told() -> None:
    assert is_enough(49, 48)
    assert not is_enough(48, 48)
    with pytest.raises(ValueError, match="n > 1"):
        Gaussian.of(np.zeros((1, 3)))
