"""Promises of the tiers in memory: the same bits, the byte budget, the order of leaving."""

from __future__ import annotations

import pytest
import torch

from backend.pipeline.feature_store.budget import (
    GB,
    MAX_HOST_BYTES,
    SAMPLING_BYTES,
    StoreBudget,
    bytes_of_gigabytes,
    default_budget,
    spare_device_bytes,
)
from backend.pipeline.feature_store.contract import NoStore
from backend.pipeline.feature_store.store import FeatureStore, open_store
from shared.errors import AcetateError
from tests.backend.pipeline.feature_store.made import CPU, MB, features, key, same

ENTRY_BYTES = 4000  # of `features` with its defaults


def in_memory(entries: int) -> FeatureStore:
    return FeatureStore(StoreBudget(host_bytes=entries * ENTRY_BYTES))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_tensors_come_back_bit_equal(dtype: torch.dtype) -> None:
    store = in_memory(1)
    odd = [torch.tensor([float("nan"), -0.0, float("inf"), 1e-40], dtype=dtype)]
    store.put(key(1), odd)
    assert same(store.get(key(1), CPU), odd)


def test_the_layout_in_memory_comes_back_too() -> None:
    store = FeatureStore(StoreBudget(host_bytes=MB))
    batch = torch.randn(3, 8, 5, 6).to(memory_format=torch.channels_last)
    store.put(key(1), [batch[1:2], batch.transpose(1, 2), batch[:, ::2]])
    found = store.get(key(1), CPU)
    assert found is not None
    assert found[0].is_contiguous(memory_format=torch.channels_last)
    assert found[1].stride() == batch.transpose(1, 2).stride()
    assert torch.equal(found[2], batch[:, ::2])


def test_a_slice_does_not_keep_its_whole_batch_alive() -> None:
    store = FeatureStore(StoreBudget(host_bytes=MB))
    store.put(key(1), [torch.zeros(100, 1000)[:1]])
    found = store.get(key(1), CPU)
    assert found is not None
    assert found[0].untyped_storage().nbytes() == 4000
    assert store.stats.host.bytes == 4000


def test_the_longest_unused_leaves_first_and_the_budget_holds() -> None:
    store = in_memory(3)
    for number in (1, 2, 3):
        store.put(key(number), features(number))
    assert store.get(key(1), CPU) is not None
    store.put(key(4), features(4))
    held = [number for number in (1, 2, 3, 4) if store.get(key(number), CPU) is not None]
    assert held == [1, 3, 4]
    stats = store.stats
    assert (stats.host.bytes, stats.host.evicted, stats.misses) == (3 * ENTRY_BYTES, 1, 1)
    assert stats.hits == stats.host.hits == 4


def test_what_is_larger_than_the_budget_is_not_kept_and_pushes_nothing_out() -> None:
    store = in_memory(1)
    store.put(key(1), features(1))
    store.put(key(2), features(2, values=2000))
    assert store.get(key(2), CPU) is None
    assert same(store.get(key(1), CPU), features(1))


def test_putting_again_replaces() -> None:
    store = in_memory(2)
    store.put(key(1), features(1))
    store.put(key(1), features(7))
    assert same(store.get(key(1), CPU), features(7))
    assert store.stats.host.bytes == ENTRY_BYTES


def test_an_announced_run_larger_than_the_budget_finds_its_beginning_again() -> None:
    store = in_memory(4)
    store.put(key(99), features(99))
    run = [key(number) for number in range(10)]
    for _ in range(2):
        store.announce(run)
        for number in range(10):
            if store.get(key(number), CPU) is None:
                store.put(key(number), features(number))
    assert store.stats.host.hits == 4
    assert store.get(key(99), CPU) is None


def test_the_next_run_may_push_out_the_one_before() -> None:
    store = in_memory(2)
    for first in (0, 10):
        run = range(first, first + 2)
        store.announce(key(number) for number in run)
        for number in run:
            store.put(key(number), features(number))
        assert all(same(store.get(key(number), CPU), features(number)) for number in run)


def test_computing_with_what_was_handed_out_changes_nothing() -> None:
    store = in_memory(1)
    with torch.inference_mode():
        store.put(key(1), features(1))
        for _ in range(3):
            found = store.get(key(1), CPU)
            assert found is not None
            x = torch.ones(500)
            x = x + found[0]
            x += found[0]
            torch.cat([found[0], x])
    assert same(store.get(key(1), CPU), features(1))
    assert store.stats.notes == ()


@pytest.mark.parametrize("inference", [True, False])
def test_writing_into_what_was_handed_out_is_found_out(inference: bool) -> None:
    store = in_memory(1)
    store.put(key(1), features(1))
    found = store.get(key(1), CPU)
    assert found is not None
    with torch.inference_mode(inference):
        found[1].view(-1)[3:5].add_(1)
    assert store.get(key(1), CPU) is None
    assert len(store.stats.notes) == 1


def test_writing_into_what_was_put_does_not_reach_the_store() -> None:
    store = in_memory(1)
    mine = features(1)
    store.put(key(1), mine)
    mine[0].zero_()
    assert same(store.get(key(1), CPU), features(1))


@pytest.mark.parametrize("bad", ["", "a" * 63, "A" * 64, "../" + "a" * 61, "a" * 64 + "\n"])
def test_only_hexadecimal_keys_are_taken(bad: str) -> None:
    for store in (in_memory(1), NoStore()):
        with pytest.raises(ValueError, match="not a key"):
            store.get(bad, CPU)
        with pytest.raises(ValueError, match="not a key"):
            store.put(bad, features(1))
        with pytest.raises(ValueError, match="not a key"):
            store.prefetch([bad], CPU)
        with pytest.raises(ValueError, match="not a key"):
            store.announce([bad])


@pytest.mark.parametrize(
    "tensors", [[], [torch.zeros(2, dtype=torch.int64)], [torch.zeros((1,) * 9)]]
)
def test_other_things_than_features_are_refused(tensors: list[torch.Tensor]) -> None:
    with pytest.raises(ValueError, match="feature store takes"):
        in_memory(1).put(key(1), tensors)


def test_a_budget_of_zeros_keeps_nothing() -> None:
    for store in (NoStore(), FeatureStore(StoreBudget()), open_store(StoreBudget())):
        store.announce([key(1)])
        store.put(key(1), features(1))
        store.prefetch([key(1)], CPU)
        assert store.get(key(1), CPU) is None
        assert store.stats.hits == store.stats.host.bytes == 0
        store.close()


def test_prefetch_is_harmless_on_a_cpu() -> None:
    store = in_memory(1)
    store.put(key(1), features(1))
    store.prefetch([key(1), key(2)], CPU)
    assert same(store.get(key(1), CPU), features(1))
    assert store.stats.host.bytes == ENTRY_BYTES


def test_tensors_without_bytes_can_be_planned_with() -> None:
    store = FeatureStore(StoreBudget(host_bytes=40 * GB))
    large = torch.empty(320, 16, 40, 64, 500, device="meta")
    store.put(key(1), [large])
    found = store.get(key(1), torch.device("meta"))
    assert found is not None
    assert found[0].shape == large.shape
    assert store.stats.host.bytes == large.nbytes
    assert store.get(key(1), CPU) is None


def test_the_usual_budget_leaves_most_memory_alone() -> None:
    budget = default_budget(CPU, None, device_share=0.5, disk_bytes=GB)
    assert (budget.device_bytes, budget.disk_bytes) == (0, 0)
    assert 0 < budget.host_bytes <= MAX_HOST_BYTES
    assert default_budget(CPU, None, host_bytes=0).is_empty


@pytest.mark.parametrize(
    ("free", "taken", "allowed", "spare"),
    [
        (130 * GB, 7 * GB, None, 130 * GB - SAMPLING_BYTES),
        (130 * GB, 7 * GB, 40 * GB, 33 * GB - SAMPLING_BYTES),
        (130 * GB, 7 * GB, 12 * GB, 0),
        (9 * GB, 7 * GB, 40 * GB, 0),
    ],
)
def test_the_store_takes_no_more_of_a_device_than_the_process_may(
    free: int, taken: int, allowed: int | None, spare: int
) -> None:
    assert spare_device_bytes(free, taken, allowed) == spare


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf")])
def test_gigabytes_that_make_no_sense_are_refused(wrong: float) -> None:
    with pytest.raises(AcetateError) as caught:
        bytes_of_gigabytes("--feature-store-ram", wrong)
    assert caught.value.name == "usage"
    assert bytes_of_gigabytes("--feature-store-ram", 1.5) == 1_500_000_000
