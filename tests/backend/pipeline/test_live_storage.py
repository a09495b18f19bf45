"""Live storages are counted by hand-checked bytes, wherever they are made and whenever they go."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import nn

from backend.pipeline.live_storage import FusedAttention, PeakMemory


def test_views_cost_nothing_and_freed_memory_is_given_back() -> None:
    with PeakMemory("cpu") as memory:
        first = torch.empty(10, 100)
        view = first.view(100, 10).transpose(0, 1)
        assert memory.live_bytes == 4000
        second = view + 1
        assert memory.live_bytes == 8000
        del first
        assert memory.live_bytes == 8000
        del view
        assert memory.live_bytes == 4000
        second += 1
        assert memory.live_bytes == 4000
        assert memory.peak_bytes == 8000
        memory.mark()
        assert memory.peak_bytes == 4000
        del second
    assert memory.live_bytes == 0


def test_values_between_two_operators_count_while_they_live() -> None:
    x = torch.zeros(1000)
    with PeakMemory("cpu") as memory:
        y = (x + 1) * 2
    assert memory.live_bytes == 4000
    assert memory.peak_bytes == 8000
    del y


def test_weights_that_are_left_out_never_count() -> None:
    layer = nn.Linear(100, 10, bias=False)
    memory = PeakMemory("cpu")
    memory.leave_out(layer.state_dict().values())
    with torch.no_grad(), memory:
        result = layer(torch.ones(2, 3, 100))
    assert memory.live_bytes == result.nbytes
    assert memory.peak_bytes == result.nbytes + 2400


def test_only_one_kind_of_device_is_counted() -> None:
    with PeakMemory("meta") as memory:
        kept = [torch.empty(100), torch.empty(100, device="meta")]
    assert memory.live_bytes == 400
    del kept


def test_attention_without_numbers_holds_no_scores() -> None:
    q = torch.empty(1, 2, 512, 16, device="meta")
    with FusedAttention(), PeakMemory("meta") as memory:
        result = F.scaled_dot_product_attention(q, q, q)
    assert result.shape == q.shape
    assert memory.peak_bytes < 2 * q.nbytes


def test_norms_without_numbers_have_the_shapes_of_real_ones() -> None:
    group, layer = nn.GroupNorm(4, 8), nn.LayerNorm(8)
    x, tokens = torch.randn(2, 8, 3, 5), torch.randn(2, 15, 8)
    with torch.no_grad(), PeakMemory("cpu") as real:
        kept = [group(x), layer(tokens)]
    del kept
    for part in (group, layer):
        part.to("meta")
    with torch.no_grad(), PeakMemory("meta") as meta:
        made = [group(x.to("meta")), layer(tokens.to("meta"))]
    assert [m.shape for m in made] == [x.shape, tokens.shape]
    assert meta.peak_bytes - x.nbytes - tokens.nbytes <= real.peak_bytes + 200
    del made
