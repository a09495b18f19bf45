"""Bytes and kernels come out as counted by hand, alike on every device."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor

from backend.measure.traffic import Traffic, traffic

SIZE = 4
"""Bytes of a float32."""

devices = pytest.mark.parametrize("device", ["cpu", "meta"])


@devices
def test_a_linear_layer_reads_weight_bias_and_input_and_writes_its_output(device: str) -> None:
    layer = torch.nn.Linear(3, 5, device=device)
    x = torch.empty(7, 3, device=device)
    found = traffic(lambda: layer(x))
    assert found.kernels == 1
    assert found.bytes == SIZE * (7 * 3 + 3 * 5 + 5 + 7 * 5)


@devices
def test_a_sum_reads_two_tensors_and_writes_one(device: str) -> None:
    a, b = torch.empty(2, 6, 10, device=device)
    found = traffic(lambda: a + b)
    assert (found.kernels, found.bytes) == (1, SIZE * 3 * 60)


@devices
def test_a_sum_in_place_counts_like_one_out_of_place(device: str) -> None:
    a, b = torch.empty(2, 6, 10, device=device)
    found = traffic(lambda: a.add_(b))
    assert (found.kernels, found.bytes) == (1, SIZE * 3 * 60)


VIEWS: dict[str, Callable[[Tensor], object]] = {
    "view": lambda x: x.view(-1),
    "transpose": lambda x: x.transpose(0, 1),
    "reshape that needs no copy": lambda x: x.reshape(3, 8),
    "expand": lambda x: x.unsqueeze(0).expand(9, -1, -1),
    "slice": lambda x: x[1:],
    "chunk": lambda x: x.chunk(2),
    "detach": lambda x: x.detach(),
    "same format": lambda x: x.to(torch.float32).contiguous(),
    "dropout of a network in use": lambda x: F.dropout(x, 0.1, training=False),
    "view of unsafe kind": lambda x: torch.ops.aten._unsafe_view(x, [24]),
    "memory without content": lambda x: torch.empty_like(x),
}


@devices
@pytest.mark.parametrize("name", VIEWS)
def test_views_cost_nothing(name: str, device: str) -> None:
    x = torch.empty(4, 6, device=device)
    found = traffic(lambda: VIEWS[name](x))
    assert (found.kernels, found.bytes) == (0, 0)


@devices
def test_a_reshape_that_needs_a_copy_costs_one(device: str) -> None:
    x = torch.empty(4, 6, device=device)
    found = traffic(lambda: x.transpose(0, 1).reshape(-1))
    assert (found.kernels, found.bytes) == (1, SIZE * 2 * 24)


@devices
def test_doubling_a_picture_is_one_kernel(device: str) -> None:
    x = torch.empty(1, 3, 4, 4, device=device)
    found = traffic(lambda: F.interpolate(x, scale_factor=2.0, mode="nearest"))
    assert (found.kernels, found.bytes) == (1, SIZE * 3 * (16 + 64))


@devices
def test_a_copy_does_not_read_what_it_replaces(device: str) -> None:
    a, b = torch.empty(2, 50, device=device)
    assert traffic(lambda: a.copy_(b)).bytes == SIZE * 2 * 50
    assert traffic(lambda: torch.add(a, b, out=torch.empty(50, device=device))).bytes == (
        SIZE * 3 * 50
    )


@devices
def test_a_repeated_value_is_read_once(device: str) -> None:
    a, b = torch.empty(8, 10, device=device), torch.empty(1, 10, device=device).expand(8, 10)
    assert traffic(lambda: torch.mul(a, b)).bytes == SIZE * (80 + 10 + 80)


@devices
@pytest.mark.parametrize("grad", [False, True])
def test_attention_is_one_kernel_without_scores(device: str, grad: bool) -> None:
    q, k, v = torch.zeros(3, 2, 4, 100, 16, device=device).requires_grad_(grad)
    found = traffic(lambda: F.scaled_dot_product_attention(q, k, v))
    assert (found.kernels, found.bytes) == (1, SIZE * 4 * 2 * 4 * 100 * 16)


@devices
def test_attention_leaves_heads_where_the_queries_have_them(device: str) -> None:
    q, k, v = torch.zeros(3, 2, 100, 4, 16, device=device).transpose(2, 3)
    inside = traffic(lambda: F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
    assert inside.kernels == 1
    apart = q.contiguous()
    outside = traffic(
        lambda: F.scaled_dot_product_attention(apart, k, v).transpose(1, 2).flatten(2)
    )
    assert outside.kernels == 2


def test_written_out_attention_moves_its_scores() -> None:
    q, k, v = torch.empty(3, 8, 100, 16, device="meta")

    def plain() -> Tensor:
        scores = torch.einsum("bid,bjd->bij", q, k) * 0.25
        return torch.einsum("bij,bjd->bid", scores.softmax(-1), v)

    found = traffic(plain)
    tokens, scores = 8 * 100 * 16, 8 * 100 * 100
    assert found.bytes == SIZE * (4 * tokens + 6 * scores)
    assert found.kernels == 4
    assert found.kernels_of["bmm"] == 2


def test_counters_can_watch_the_same_run() -> None:
    x = torch.empty(4, 6, device="meta")
    with Traffic() as outer, Traffic() as inner:
        F.linear(x.relu(), torch.empty(5, 6, device="meta"))
    assert outer.bytes == inner.bytes > 0
    assert outer.kernels == inner.kernels == 2
