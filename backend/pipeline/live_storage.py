"""Counts the bytes of tensors that live at once while code runs; used to predict memory.

Works on the meta device, where nothing is computed: only what the code allocates is seen.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

aten = torch.ops.aten


def _group_norm(x: Tensor, *rest: Any) -> tuple[Tensor, ...]:  # noqa: ANN401
    statistics = x.new_empty(x.shape[0], rest[5])
    return torch.empty_like(x).contiguous(), statistics, torch.empty_like(statistics)


def _layer_norm(x: Tensor, shape: Sequence[int], *rest: Any) -> tuple[Tensor, ...]:  # noqa: ANN401
    del rest
    statistics = x.new_empty(*x.shape[: x.ndim - len(shape)], *(1 for _ in shape))
    return torch.empty_like(x).contiguous(), statistics, torch.empty_like(statistics)


_LIGHT: Mapping[object, Callable[..., tuple[Tensor, ...]]] = {
    aten.native_group_norm.default: _group_norm,
    aten.native_layer_norm.default: _layer_norm,
}
"""What these operators return on the meta device, without PyTorch's slow checks of the shapes."""


class PeakMemory(TorchDispatchMode):
    """Live bytes of one device's tensor storages that are made inside the `with` block.

    `live_bytes` now, `peak_bytes` the most since the start or the last `mark`. A storage that was
    there before counts from the first view that the code makes of it, unless `leave_out` names it.
    """

    def __init__(self, device: torch.device | str) -> None:
        super().__init__()
        self._kind = torch.device(device).type
        self._known: set[int] = set()
        self.live_bytes = 0
        self.peak_bytes = 0

    def leave_out(self, tensors: Iterable[Tensor]) -> None:
        """Never counts these tensors (the weights), nor views of them; they must outlive this."""
        self._known.update(tensor.untyped_storage()._cdata for tensor in tensors)

    def mark(self) -> None:
        """Forgets the peak so far: from here on it counts anew."""
        self.peak_bytes = self.live_bytes

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 (whatever the operator returns)
        """Runs the operator and takes note of the storages it returned."""
        del types
        light = _LIGHT.get(func)
        if light is not None and args[0].device.type == "meta":
            result = light(*args)
        else:
            result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._see(leaf)
        return result

    def _see(self, tensor: Tensor) -> None:
        if tensor.device.type != self._kind:
            return
        storage = tensor.untyped_storage()
        identity = storage._cdata
        if identity in self._known:
            return
        size = storage.nbytes()
        self._known.add(identity)
        self.live_bytes += size
        self.peak_bytes = max(self.peak_bytes, self.live_bytes)
        weakref.finalize(storage, self._forget, identity, size)

    def _forget(self, identity: int, size: int) -> None:
        self._known.discard(identity)
        self.live_bytes -= size


class FusedAttention(TorchFunctionMode):
    """Gives attention on the meta device the memory of a fused kernel: no scores.

    The meta device would take the plain formula and hold all scores, which the kernels of CUDA
    (flash, memory-efficient, cuDNN) never do; they keep one float32 per query beside the result.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 (whatever the function returns)
        """Runs everything as it is, except attention on the meta device."""
        del types
        if func is F.scaled_dot_product_attention and args[0].device.type == "meta":
            query, _, value = args[:3]
            sums = query.new_empty(query.shape[:-1], dtype=torch.float32)
            result = query.new_empty(*query.shape[:-1], value.shape[-1])
            del sums
            return result
        return func(*args, **(kwargs or {}))
