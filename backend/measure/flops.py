"""Floating-point operations of matrix products, convolutions and attention; for benchmarks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

import torch
from torch.utils.flop_counter import FlopCounterMode

from backend.measure.operations import Work


def flops(work: Work) -> int:
    """Runs `work` and counts two per multiply-add; works on the meta device.

    Attention counts its two products, whichever kernel runs them. Sums, norms and other
    elementwise work count nothing.
    """
    with torch.inference_mode(), counter() as counted:
        work()
    return int(counted.get_total_flops())


def flops_by_step(steps: Iterable[object]) -> list[int]:
    """Runs an iterator to its end; what each of its steps cost, the first with what it prepares."""
    totals = [0]
    with torch.inference_mode(), counter() as counted:
        for _ in steps:
            totals.append(int(counted.get_total_flops()))
    return [after - before for before, after in pairwise(totals)]


def counter() -> FlopCounterMode:
    """Counts inside a `with` block, also what a backward pass does."""
    aten = torch.ops.aten
    fused = {
        aten.scaled_dot_product_attention: _attention_flops,
        aten._scaled_dot_product_flash_attention_for_cpu: _attention_flops,
    }
    return FlopCounterMode(display=False, custom_mapping=fused)


def _attention_flops(
    query: torch.Size, key: torch.Size, value: torch.Size, *args: object, **kwargs: object
) -> int:
    """Shapes [..., tokens, d] to operations of q k^T and of its product with v."""
    del args, kwargs
    pairs = math.prod(query[:-1]) * key[-2]
    return 2 * pairs * (query[-1] + value[-1])
