"""Frechet distance between two sets of features; called by whoever reports FID or FVD.

After Heusel et al. 2017 (FID) and Unterthiner et al. 2019 (FVD): the squared 2-Wasserstein
distance between the Gaussians with the mean and covariance of each set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Gaussian:
    """Mean [d] and covariance [d, d], float64, of `count` features."""

    mean: np.ndarray
    covariance: np.ndarray
    count: int

    @classmethod
    def of(cls, features: np.ndarray) -> Gaussian:
        """The Gaussian of features [n, d], unbiased covariance. Raises ValueError for n < 2."""
        if features.ndim != 2 or len(features) < 2:
            raise ValueError(f"features [n, d] with n > 1 are needed, not {features.shape}")
        values = features.astype(np.float64)
        mean = values.mean(axis=0)
        centred = values - mean
        return cls(mean, centred.T @ centred / (len(values) - 1), len(values))


def is_enough(samples: int, dimensions: int) -> bool:
    """Whether a covariance of so many dimensions has full rank: more samples than dimensions.

    With fewer the distance says more about the number of samples than about the pictures.
    """
    return samples > dimensions


def frechet_distance(one: Gaussian, other: Gaussian) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), at least 0.

    The trace of the root is that of (R C2 R)^(1/2) with R the root of C1: a symmetric matrix, so
    that two eigendecompositions do and nothing turns complex where a covariance is singular.
    """
    offset = one.mean - other.mean
    root = _root(one.covariance)
    inner = root @ other.covariance @ root
    values = np.linalg.eigvalsh((inner + inner.T) / 2)
    overlap = np.sqrt(np.clip(values, 0, None)).sum()
    traces = np.trace(one.covariance) + np.trace(other.covariance)
    return max(0.0, float(offset @ offset + traces - 2 * overlap))


def _root(matrix: np.ndarray) -> np.ndarray:
    """The symmetric root of a positive semi-definite matrix; rounding below zero counts as zero."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
