"""The order of samples depends on a seed and a number alone."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import AcetateError
from training.data.order import SampleOrder, share


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 300), st.integers(0, 2**64 - 1), st.integers(0, 5))
def test_every_sample_comes_once_per_epoch(length: int, seed: int, epoch: int) -> None:
    order = SampleOrder(length, seed)
    seen = [order.index(number) for number in range(epoch * length, (epoch + 1) * length)]
    assert sorted(seen) == list(range(length))


def test_epochs_and_seeds_have_their_own_order() -> None:
    first = [SampleOrder(50, 1).index(n) for n in range(50)]
    assert first != [SampleOrder(50, 1).index(n) for n in range(50, 100)]
    assert first != [SampleOrder(50, 2).index(n) for n in range(50)]


def test_the_order_is_the_same_on_every_machine() -> None:
    assert [SampleOrder(10, 7).index(n) for n in range(10)] == [8, 4, 1, 6, 3, 2, 7, 5, 9, 0]


def test_a_number_alone_gives_the_random_stream() -> None:
    order = SampleOrder(10, 3)
    copy = pickle.loads(pickle.dumps(order))  # noqa: S301 - made on this very line
    assert np.array_equal(order.generator(12).random(5), copy.generator(12).random(5))
    streams = {order.generator(n).integers(2**63) for n in range(200)}
    assert len(streams) == 200


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100), st.integers(1, 8), st.sampled_from([1, 2, 4]))
def test_processes_share_a_step_without_gap_or_overlap(step: int, part: int, world: int) -> None:
    batch = part * 4
    numbers = [n for rank in range(world) for n in share(step, batch, rank, world)]
    assert numbers == list(share(step, batch, 0, 1))
    assert numbers[0] == step * batch


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    with pytest.raises(AcetateError) as caught:
        share(0, 4, 0, 3)
    assert caught.value.spec.name == "usage"


def test_an_empty_source_is_refused() -> None:
    with pytest.raises(AcetateError):
        SampleOrder(0, 1)
