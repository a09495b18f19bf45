"""Promises of the device tier, page-locked memory and side streams; need a CUDA device."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from backend.pipeline.feature_store.budget import StoreBudget
from backend.pipeline.feature_store.store import FeatureStore
from tests.backend.pipeline.feature_store.made import CPU, MB, features, key, on_disk, same

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]
GPU = torch.device("cuda")
VALUES = 1_000_000
"""Of one entry, which makes 4 MB: large enough to be page-locked."""
ENTRY_BYTES = 4 * VALUES


def wanted(number: int) -> list[torch.Tensor]:
    return features(number, values=VALUES)


def put(store: FeatureStore, number: int) -> None:
    mine = [tensor.to(GPU) for tensor in wanted(number)]
    store.put(key(number), mine)
    for tensor in mine:
        tensor.zero_()  # the copy must not be overtaken by what the sampler does next


def is_right(store: FeatureStore, number: int, device: torch.device = GPU) -> bool:
    found = store.get(key(number), device)
    assert found is not None
    assert all(tensor.device.type == device.type for tensor in found)
    return same(tuple(tensor.cpu() for tensor in found), wanted(number))


@pytest.mark.parametrize("device_entries", [0, 3, 20])
def test_tensors_come_back_bit_equal_from_every_tier(device_entries: int) -> None:
    # A quarter of the device's budget is kept for what comes ahead of its use.
    device_bytes = device_entries * ENTRY_BYTES * 4 // 3 + (device_entries and 1000)
    budget = StoreBudget(device_bytes=device_bytes, host_bytes=12 * ENTRY_BYTES)
    store = FeatureStore(budget)
    for number in range(10):
        put(store, number)
    for _ in range(3):
        assert all(is_right(store, number) for number in range(10))
    assert all(is_right(store, number, CPU) for number in range(10))
    assert store.stats.device.bytes <= device_bytes
    assert store.stats.misses == 0
    assert (store.stats.host.stored == 0) == (device_entries == 20)
    assert store.stats.notes == ()


def test_what_comes_ahead_of_its_use_is_right_while_the_device_computes() -> None:
    store = FeatureStore(StoreBudget(device_bytes=16 * ENTRY_BYTES, host_bytes=30 * ENTRY_BYTES))
    for number in range(30):
        put(store, number)
    load = torch.randn(2048, 2048, device=GPU)
    for number in range(30):
        store.prefetch([key((number + ahead) % 30) for ahead in (1, 2)], GPU)
        load = (load @ load).tanh()
        assert is_right(store, number)
    assert store.stats.misses == 0


def test_layout_and_half_precision_survive_the_way_through_host_memory() -> None:
    store = FeatureStore(StoreBudget(host_bytes=64 * MB))
    batch = torch.randn(4, 320, 40, 64, device=GPU).bfloat16()
    batch = batch.to(memory_format=torch.channels_last)
    with torch.inference_mode():
        store.put(key(1), [batch[1:3], batch[..., :1]])
    found = store.get(key(1), GPU)
    assert found is not None
    assert found[0].is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(found[0], batch[1:3])
    assert torch.equal(found[1], batch[..., :1])


def test_the_disk_gets_what_the_device_made(tmp_path: Path) -> None:
    store = FeatureStore(on_disk(tmp_path, host_bytes=3 * ENTRY_BYTES))
    for number in range(6):
        put(store, number)
    store.close()
    fresh = FeatureStore(on_disk(tmp_path, host_bytes=3 * ENTRY_BYTES))
    fresh.prefetch([key(number) for number in range(6)], GPU)
    assert all(is_right(fresh, number) for number in range(6))
    fresh.close()


def test_writing_into_what_the_device_tier_handed_out_is_found_out() -> None:
    store = FeatureStore(StoreBudget(device_bytes=8 * ENTRY_BYTES))
    put(store, 1)
    found = store.get(key(1), GPU)
    assert found is not None
    found[0].add_(1)
    assert store.get(key(1), GPU) is None
    assert len(store.stats.notes) == 1
