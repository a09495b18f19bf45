"""Bytes that operations move and how many kernels they are; called by benchmarks and tests."""

from __future__ import annotations

from collections import Counter
from typing import Any

from torch._ops import OpOverload

from backend.measure.operations import (
    Work,
    distinct_bytes,
    does_work,
    read_by,
    tensors_of,
)
from backend.measure.quick_norms import QuickWatcher


class Traffic(QuickWatcher):
    """Counts while it is entered: the tensors in and out of every operation that is not a view.

    bytes         sum over all operations of what they read and what they write
    kernels       number of those operations; a library call counts as one
    bytes_of, kernels_of  the same by the operation's name

    Every operand counts once per operation, as if no cache kept it between two of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bytes_of: Counter[str] = Counter()
        self.kernels_of: Counter[str] = Counter()

    @property
    def bytes(self) -> int:
        """All bytes moved."""
        return self.bytes_of.total()

    @property
    def kernels(self) -> int:
        """All operations that did work."""
        return self.kernels_of.total()

    def ran(
        self, func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any], result: object
    ) -> None:
        """Adds one operation."""
        outputs = tensors_of(result)
        if not does_work(func, tensors_of((args, kwargs)), outputs):
            return
        moved = [*read_by(func, args, kwargs), *outputs]
        name = func._schema.name.removeprefix("aten::")
        self.kernels_of[name] += 1
        self.bytes_of[name] += sum(distinct_bytes(x) for x in moved)


def traffic(work: Work) -> Traffic:
    """Runs `work` and counts it."""
    with Traffic() as counted:
        work()
    return counted
