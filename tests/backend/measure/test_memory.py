"""The memory counter follows every storage from its making to its end."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from backend.measure.memory import PeakMemory

MB = 1_000_000

devices = pytest.mark.parametrize("device", ["cpu", "meta"])


def _bytes(count: int, device: str) -> torch.Tensor:
    return torch.zeros(count, dtype=torch.uint8, device=device)


@devices
def test_what_lives_at_once_adds_up(device: str) -> None:
    with PeakMemory() as memory:
        first = _bytes(3 * MB, device)
        second = _bytes(2 * MB, device)
        assert memory.live_bytes == 5 * MB
        del first
        assert memory.live_bytes == 2 * MB
        third = _bytes(1 * MB, device)
        del second, third
    assert memory.live_bytes == 0
    assert (memory.start_bytes, memory.above_bytes, memory.peak_bytes) == (0, 5 * MB, 5 * MB)


@devices
def test_freed_memory_can_be_taken_again(device: str) -> None:
    with PeakMemory() as memory:
        for _ in range(5):
            held = _bytes(2 * MB, device)
            del held
    assert memory.peak_bytes == 2 * MB


@devices
def test_a_view_keeps_its_storage_alive_and_adds_nothing(device: str) -> None:
    with PeakMemory() as memory:
        whole = _bytes(4 * MB, device)
        part = whole[:10]
        del whole
        assert memory.live_bytes == 4 * MB
        del part
        assert memory.live_bytes == 0
    assert memory.peak_bytes == 4 * MB


@devices
def test_inputs_and_weights_live_from_the_start(device: str) -> None:
    layer = nn.Linear(10, 10, bias=False, device=device)
    unused = nn.Linear(10, 10, bias=False, device=device)
    x = torch.empty(6, 10, device=device)
    with PeakMemory(layer, unused) as memory:
        layer(x)
    assert memory.start_bytes == 4 * (100 + 100 + 60)
    assert memory.above_bytes == 4 * 60
    assert memory.peak_bytes == memory.start_bytes + memory.above_bytes


@devices
def test_work_in_place_takes_no_memory(device: str) -> None:
    x = _bytes(MB, device)
    with PeakMemory(x) as memory:
        x.add_(1)
        x[: MB // 2].zero_()
    assert (memory.start_bytes, memory.above_bytes) == (MB, 0)


@devices
def test_attention_keeps_no_scores(device: str) -> None:
    q, k, v = torch.empty(3, 1, 2, 64, 8, device=device)
    with PeakMemory(q) as memory:
        out = nn.functional.scaled_dot_product_attention(q, k, v)
    assert memory.above_bytes <= out.untyped_storage().nbytes()


def test_other_devices_can_be_left_out() -> None:
    with PeakMemory(device="meta") as memory:
        here, there = _bytes(MB, "cpu"), _bytes(2 * MB, "meta")
        assert memory.live_bytes == 2 * MB
        del here, there
    assert memory.peak_bytes == 2 * MB
