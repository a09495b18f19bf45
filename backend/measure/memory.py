"""The most memory that tensors hold at one time; called by the memory planner and benchmarks."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

from torch import Tensor, UntypedStorage, nn
from torch._ops import OpOverload

from backend.measure.operations import OperationWatcher, tensors_of


class PeakMemory(OperationWatcher):
    """Follows every storage from the operation that makes it until nothing refers to it.

    `resident` are modules and tensors that live at the start; what an operation reads without
    having been made under the counter is taken to have lived from the start too. Works on meta
    tensors, whose storages have a size but no content. Not seen: what a kernel takes for itself
    while it runs, and an allocator's rounding and fragments.
    """

    def __init__(self, *resident: nn.Module | Tensor, device: str | None = None) -> None:
        """`device` (a type such as "cuda") restricts the count; None counts all devices."""
        super().__init__()
        self._device = device
        self._known: set[int] = set()
        self._live = self._most = self._start = 0
        for thing in resident:
            for tensor in _tensors_in(thing):
                self._meet(tensor, made=False)

    @property
    def start_bytes(self) -> int:
        """Bytes that lived at the start."""
        return self._start

    @property
    def above_bytes(self) -> int:
        """The most bytes that lived at one time beyond those of the start, at least 0."""
        return self._most

    @property
    def peak_bytes(self) -> int:
        """The most bytes that lived at one time."""
        return self._start + self._most

    @property
    def live_bytes(self) -> int:
        """Bytes that live now."""
        return self._start + self._live

    def ran(
        self, func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any], result: object
    ) -> None:
        """Meets the tensors of one operation."""
        del func
        for tensor in tensors_of((args, kwargs)):
            self._meet(tensor, made=False)
        for tensor in tensors_of(result):
            self._meet(tensor, made=True)
        self._most = max(self._most, self._live)

    def _meet(self, tensor: Tensor, made: bool) -> None:
        if self._device is not None and tensor.device.type != self._device:
            return
        storage = tensor.untyped_storage()
        identity = storage._cdata
        if identity in self._known:
            return
        self._known.add(identity)
        size = storage.nbytes()
        if made:
            self._live += size
        else:
            self._start += size
        self._follow(storage, identity, size)

    def _follow(self, storage: UntypedStorage, identity: int, size: int) -> None:
        # torch keeps the Python object of a storage as long as the storage itself lives
        weakref.finalize(storage, self._gone, identity, size).atexit = False

    def _gone(self, identity: int, size: int) -> None:
        self._known.discard(identity)
        self._live -= size


def _tensors_in(thing: nn.Module | Tensor) -> Iterator[Tensor]:
    if isinstance(thing, Tensor):
        yield thing
        return
    yield from thing.parameters()
    yield from thing.buffers()
