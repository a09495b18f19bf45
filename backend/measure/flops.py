"""Floating-point operations of matrix products, convolutions and attention; for benchmarks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any, cast

import torch
from torch._ops import OpOverload
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from backend.measure.operations import Work
from backend.measure.quick_norms import QuickWatcher


def flops(work: Work) -> int:
    """Runs `work` and counts two per multiply-add; works on the meta device.

    Attention counts its two products, whichever kernel runs them. Sums, norms and other
    elementwise work count nothing.
    """
    with _Flops() as counter:
        work()
    return counter.total


def flops_by_step(steps: Iterable[object]) -> list[int]:
    """Runs an iterator to its end; what each of its steps cost, the first with what it prepares."""
    totals = [0]
    with _Flops() as counter:
        for _ in steps:
            totals.append(counter.total)
    return [after - before for before, after in pairwise(totals)]


class _Flops(QuickWatcher):
    """The sum over all operations while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def ran(
        self, func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any], result: object
    ) -> None:
        """Adds one operation, by PyTorch's own formulas."""
        packet = func.overloadpacket
        formula = flop_registry.get(packet)
        if packet in _FUSED:
            self.total += _FUSED[packet](*(x.shape for x in args[:3]))
        elif formula is not None:
            self.total += int(cast("int", formula(*args, **kwargs, out_val=result)))


def counter() -> FlopCounterMode:
    """Counts inside a `with` block, also what a backward pass does."""
    return FlopCounterMode(display=False, custom_mapping=_FUSED)


def _attention_flops(
    query: torch.Size, key: torch.Size, value: torch.Size, *args: object, **kwargs: object
) -> int:
    """Shapes [..., tokens, d] to operations of q k^T and of its product with v."""
    del args, kwargs
    pairs = math.prod(query[:-1]) * key[-2]
    return 2 * pairs * (query[-1] + value[-1])


_aten = torch.ops.aten
_FUSED: dict[Any, Callable[..., int]] = {
    _aten.scaled_dot_product_attention: _attention_flops,
    _aten._scaled_dot_product_flash_attention_for_cpu: _attention_flops,
}
