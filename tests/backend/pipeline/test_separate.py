"""Promises of separating a painted picture into layers."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.pipeline.separate import over_paper, separate, visible_weights


def noise(random: np.random.Generator, *, opaque: bool = False) -> np.ndarray:
    pixels = random.integers(0, 256, (6, 7, 4)).astype(np.uint8)
    if opaque:
        pixels[..., 3] = 255
    return pixels


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
@settings(deadline=None)
def test_weights_and_paper_add_up_to_one(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    alphas = [random.random((4, 5)).astype(np.float32) for _ in range(count)]
    rest = np.prod([1 - alpha for alpha in alphas], axis=0)
    assert np.allclose(np.sum(visible_weights(alphas), axis=0) + rest, 1, atol=1e-5)


@given(st.integers(0, 2**32 - 1), st.lists(st.booleans(), min_size=1, max_size=4))
@settings(deadline=None)
def test_alpha_and_held_layers_never_change(seed: int, is_free: list[bool]) -> None:
    random = np.random.default_rng(seed)
    layers = [noise(random) for _ in is_free]
    painted = random.random((6, 7, 3)).astype(np.float32) * 255
    for before, after, free in zip(
        layers, separate(painted, layers, is_free), is_free, strict=True
    ):
        assert np.array_equal(before[..., 3], after[..., 3])
        assert free or np.array_equal(before, after)


def test_what_is_painted_already_changes_nothing() -> None:
    random = np.random.default_rng(2)
    layers = [noise(random, opaque=True), noise(random)]
    result = separate(over_paper(layers), layers, [True, True])
    for before, after in zip(layers, result, strict=True):
        assert np.array_equal(before, after)


def test_an_opaque_layer_takes_the_painted_colour_and_hides_it_from_those_below() -> None:
    random = np.random.default_rng(4)
    layers = [noise(random, opaque=True), noise(random, opaque=True)]
    painted = random.integers(0, 256, (6, 7, 3)).astype(np.float32)
    below, above = separate(painted, layers, [True, True])
    assert np.array_equal(above[..., :3], painted.astype(np.uint8))
    assert np.array_equal(below, layers[0])


def test_a_held_layer_in_front_keeps_the_paint_away() -> None:
    random = np.random.default_rng(5)
    layers = [noise(random, opaque=True), noise(random, opaque=True)]
    below, above = separate(np.zeros((6, 7, 3), np.float32), layers, [True, False])
    assert np.array_equal(below, layers[0])
    assert np.array_equal(above, layers[1])
