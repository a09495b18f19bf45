"""Watches tensor operations as they run, on any device; base of the traffic and memory counters.

A fused attention kernel is one operation here, also on the meta device, which has none of its own:
there its parts stay unseen and the result gets the layout that fused kernels give it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

_ATTENTION = torch.ops.aten.scaled_dot_product_attention.default
_LAID_OUT_LIKE_INPUT = (_ATTENTION, torch.ops.aten.convolution.default)
"""Real kernels answer in their first operand's order of axes; meta ones always in plain order."""

_COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd

_ALLOCATIONS = frozenset(
    {"aten::empty", "aten::empty_like", "aten::empty_strided"}
    | {"aten::new_empty", "aten::new_empty_strided", "aten::empty_permuted"}
)
"""Operations that take memory and write nothing into it."""

_OVERWRITING = frozenset({"aten::copy_", "aten::fill_", "aten::zero_"})
"""In-place operations that do not read what they replace."""


class OperationWatcher(TorchDispatchMode):
    """Shows every operation that the code below the `with` runs; switches inference mode on.

    Inference mode, because only there a call of fused attention arrives whole. Composite
    operations are taken apart as autograd would, so the parts are what a device runs.
    """

    def __init__(self) -> None:
        super().__init__()
        self._inference: list[ExitStack] = []

    def __enter__(self) -> Self:
        stack = ExitStack()
        stack.enter_context(torch.inference_mode())
        self._inference.append(stack)
        super().__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        self._inference.pop().close()

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> object:
        """Runs one operation, or its parts, and shows it."""
        del types
        named = dict(kwargs or {})
        if func is not _ATTENTION and _is_composite(func):
            with self:
                # not `func.decompose`, which prefers stand-ins in Python that copy more
                return func._op_dk(_COMPOSITE, *args, **named)
        result = func(*args, **named)
        if func in _LAID_OUT_LIKE_INPUT and result.device.type == "meta":
            result = _laid_out_like(result, args[0])
        self.ran(func, args, named, result)
        return result

    def ran(
        self, func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any], result: object
    ) -> None:
        """Called after each operation; for the counters to fill in."""
        raise TypeError(f"{type(self).__name__} does not say what it counts")


def _is_composite(func: OpOverload) -> bool:
    """Whether an operation is only a sequence of others, on every device."""
    return torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), _COMPOSITE)


def _laid_out_like(x: Tensor, query: Tensor) -> Tensor:
    """`x` with the query's order of axes in memory, as fused kernels write it; no value is touched.

    So queries whose heads lie beside the channels give results whose heads can be joined by a view.
    """
    strides = [1] * x.dim()
    reach = 1
    for axis in sorted(range(x.dim() - 1, -1, -1), key=query.stride):
        strides[axis] = reach
        reach *= x.shape[axis]
    return x.as_strided(x.shape, strides)


def tensors_of(values: object) -> list[Tensor]:
    """All tensors in nested arguments or results."""
    return [x for x in pytree.tree_leaves(values) if isinstance(x, Tensor)]


def does_work(func: OpOverload, inputs: list[Tensor], outputs: list[Tensor]) -> bool:
    """Whether an operation reads or writes memory: views, aliases and allocations do not."""
    if func.is_view or func._schema.name in _ALLOCATIONS:
        return False
    if func._schema.is_mutable:
        return True
    known = {_storage(x) for x in inputs}
    return not outputs or any(_storage(x) not in known for x in outputs)


def read_by(func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
    """The tensors whose values an operation reads."""
    overwrites = func._schema.name in _OVERWRITING
    return [
        x
        for value, argument in _with_arguments(func, args, kwargs)
        if not argument.is_out and not (overwrites and _written(argument))
        for x in tensors_of(value)
    ]


def _with_arguments(
    func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Iterator[tuple[object, torch.Argument]]:
    arguments = func._schema.arguments
    yield from zip(args, arguments, strict=False)
    by_name = {argument.name: argument for argument in arguments}
    yield from ((value, by_name[name]) for name, value in kwargs.items())


def _written(argument: torch.Argument) -> bool:
    return argument.alias_info is not None and argument.alias_info.is_write


def _storage(x: Tensor) -> int:
    return x.untyped_storage()._cdata


def distinct_bytes(x: Tensor) -> int:
    """Bytes that the values of a tensor take in memory; what is repeated by a view counts once."""
    count = x.element_size()
    for size, stride in zip(x.shape, x.stride(), strict=True):
        count *= size if stride != 0 else min(size, 1)
    return count


Work = Callable[[], object]
"""Something to run and count."""
