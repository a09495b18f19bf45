"""Random features are the same everywhere and tell spoiled pictures from true ones."""

from __future__ import annotations

import numpy as np
import pytest

from training.metrics.features import (
    CLIP_DIMENSIONS,
    FRAME_DIMENSIONS,
    RandomClipFeatures,
    RandomFrameFeatures,
)
from training.metrics.frechet import Gaussian, frechet_distance

from .texture import shifted, texture


def test_frames_and_clips_have_the_promised_shapes() -> None:
    frames = np.stack([texture(seed, 48, 64) for seed in range(4)])
    assert RandomFrameFeatures()(frames).shape == (4, FRAME_DIMENSIONS)
    assert RandomClipFeatures()(frames).shape == (1, CLIP_DIMENSIONS)


def test_features_are_the_same_every_time() -> None:
    frames = np.stack([texture(5, 48, 64)])
    one, other = RandomFrameFeatures()(frames), RandomFrameFeatures()(frames)
    np.testing.assert_array_equal(one, other)
    # a value of today: whoever changes the filters must change the identity too
    assert float(one.sum()) == pytest.approx(6.89112, rel=1e-4)


def test_more_noise_is_farther_away() -> None:
    rng = np.random.default_rng(0)
    truth = np.stack([texture(seed, 48, 64) for seed in range(60)])
    features = RandomFrameFeatures()
    true = Gaussian.of(features(truth))

    def distance(spread: float) -> float:
        noisy = np.clip(truth + rng.normal(0, spread, truth.shape), 0, 255).astype(np.uint8)
        return frechet_distance(true, Gaussian.of(features(noisy)))

    assert distance(2) < distance(15) < distance(60)


def test_clip_features_see_the_order_of_frames() -> None:
    picture = texture(1, 48, 64)
    smooth = np.stack([shifted(picture, 2.0 * f, 0) for f in range(8)])
    features = RandomClipFeatures()
    shaken = smooth[[0, 4, 1, 6, 2, 7, 3, 5]]
    moved, torn = features(smooth), features(shaken)
    assert np.abs(moved - torn).max() > 1e-3 * np.abs(moved).max()
