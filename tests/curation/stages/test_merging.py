"""Merging by score equals the official behaviour, its traps included; gathering does better."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.hierarchy import linkage

from curation.stages.gathering import GatherSettings, gather
from curation.stages.merging import MergeSettings, merge_by_score, pre_merge


def _official(scores: np.ndarray, capacity: int, threshold: float) -> list[list[int]]:
    """The reader's walk over scipy's linkage, as `spec/curation.md` 1.5 tells it."""
    groups = {index: [index] for index in range(len(scores))}
    if len(scores) > 1:
        for step, (a, b, distance, _) in enumerate(linkage(scores[:, None], "ward")):
            if len(groups) <= capacity and (distance > threshold or len(groups) <= 2):
                break
            groups[len(scores) + step] = groups.pop(int(a)) + groups.pop(int(b))
    return sorted(sorted(group) for group in groups.values())


def _parts(labels: np.ndarray) -> list[list[int]]:
    return sorted(np.flatnonzero(labels == k).tolist() for k in range(int(labels.max()) + 1))


def test_ten_thousand_score_vectors_merge_as_scipy_does() -> None:
    rng = np.random.default_rng(0)
    for number in range(10_000):
        count = int(rng.integers(1, 13))
        ties = rng.choice([0, 0, 0.5, 1, 2, 5], count)
        scores = ties.astype(float) if number % 5 == 0 else rng.gamma(1.0, 3.0, count)
        capacity, threshold = int(rng.integers(2, 9)), float(rng.choice([0.5, 1.0, 3.0]))
        found = merge_by_score(scores, MergeSettings(capacity=capacity, threshold=threshold))
        assert _parts(found) == _official(scores, capacity, threshold)


def test_equal_weights_merge_as_no_weights() -> None:
    rng = np.random.default_rng(1)
    for _ in range(300):
        scores = rng.gamma(1.0, 3.0, int(rng.integers(1, 40)))
        weighted = merge_by_score(scores, weights=np.ones(len(scores)))
        assert weighted.tolist() == merge_by_score(scores).tolist()


@pytest.mark.parametrize(
    ("scores", "layers"),
    [
        ([0.0], [0]),
        ([0, 0, 0, 0, 0], [0, 0, 0, 0, 1]),
        ([0, 0.01], [0, 1]),
        ([0, 0.1, 0.2, 8], [0, 0, 0, 1]),
        ([0, 3, 6, 9, 12, 30], [0, 0, 1, 1, 2, 3]),
    ],
)
def test_the_official_traps_are_kept(scores: list[float], layers: list[int]) -> None:
    assert merge_by_score(np.array(scores, float)).tolist() == layers


def test_layers_are_runs_of_the_sorted_scores() -> None:
    scores = np.random.default_rng(2).gamma(1.0, 3.0, 200)
    layers = merge_by_score(scores)
    assert layers.max() <= 3
    assert (np.diff(layers[np.argsort(scores)]) >= 0).all()


def _series(x: float, y: float, steps: int = 8) -> np.ndarray:
    return np.tile([x, y], (steps, 1)).astype(float)


def test_touching_elements_of_one_way_are_joined_before() -> None:
    motion = np.stack([_series(0, 0), _series(3, 0), _series(3.2, 0), _series(-3, 0)])
    pairs = np.array([[0, 1], [1, 2], [2, 3]])
    joined = pre_merge(motion, np.full(4, 100.0), pairs, 0.5)
    assert joined.tolist() == [0, 1, 1, 2]


def test_gathering_tells_apart_what_goes_opposite_ways_equally_fast() -> None:
    motion = np.stack([_series(0, 0), _series(3, 0), _series(3.2, 0), _series(-3, 0)])
    pairs = np.array([[0, 1], [1, 2], [0, 3]])
    layers = gather(motion, np.array([9000.0, 900, 400, 800]), pairs)
    assert layers[1] == layers[2]
    assert len({int(layers[0]), int(layers[1]), int(layers[3])}) == 3
    assert layers[0] == 0


def test_gathering_never_gives_more_layers_than_asked_for() -> None:
    motion = np.stack([_series(4.0 * k, 0) for k in range(9)])
    motion[4, 2:5] = np.nan
    pairs = np.stack([np.arange(8), np.arange(1, 9)], 1)
    assert gather(motion, np.full(9, 50.0), pairs, GatherSettings(capacity=3)).max() <= 2


def test_a_still_picture_is_one_layer() -> None:
    motion = np.zeros((6, 8, 2))
    pairs = np.stack([np.arange(5), np.arange(1, 6)], 1)
    assert not gather(motion, np.full(6, 50.0), pairs).any()
