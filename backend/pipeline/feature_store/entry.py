"""One entry of the feature store: own copies of tensors, and how they lie in one row of bytes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

DTYPES = (torch.float32, torch.float16, torch.bfloat16)
MAX_TENSORS = 64
MAX_AXES = 8


@dataclass(frozen=True)
class Form:
    """Type and layout of a dense tensor: the lengths of its axes as they lie in memory.

    `order` says which axis of the tensor each of them is, outermost first: (0, 2, 3, 1) for
    channels-last. With the layout kept, the same kernels run, so the result has the same bits.
    """

    dtype: torch.dtype
    lengths: tuple[int, ...]
    order: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return math.prod(self.lengths) * self.dtype.itemsize


class Entry:
    """Tensors that belong to the store and that nobody writes to.

    `ready`: on CUDA, the event after which the bytes are there. `pinned`: in page-locked memory,
    which stays locked until all `uses` have happened.
    """

    def __init__(
        self,
        tensors: tuple[Tensor, ...],
        *,
        ready: torch.cuda.Event | None = None,
        pinned: bool = False,
    ) -> None:
        self.tensors = tensors
        self.nbytes = sum(tensor.nbytes for tensor in tensors)
        self.ready = ready
        self.pinned = pinned
        self.uses: list[torch.cuda.Event] = []
        self._versions = tuple(tensor._version for tensor in tensors)

    @property
    def is_intact(self) -> bool:
        """False once somebody has written into one of the tensors (or into a view of one)."""
        return all(t._version == v for t, v in zip(self.tensors, self._versions, strict=True))

    @property
    def device(self) -> torch.device:
        """Where the tensors lie."""
        return self.tensors[0].device

    @property
    def forms(self) -> tuple[Form, ...]:
        """How each tensor is laid out."""
        return tuple(form_of(tensor) for tensor in self.tensors)


def check_tensors(tensors: Sequence[Tensor]) -> int:
    """Size in bytes of tensors that can be kept. Raises `ValueError` for others."""
    if not 1 <= len(tensors) <= MAX_TENSORS:
        raise ValueError(f"{len(tensors)} tensors; the feature store takes 1 to {MAX_TENSORS}")
    for tensor in tensors:
        if tensor.dtype not in DTYPES or tensor.dim() > MAX_AXES:
            raise ValueError(f"the feature store takes no {tensor.dtype} of {tensor.dim()} axes")
        if tensor.device != tensors[0].device:
            raise ValueError("the tensors of one entry must lie on one device")
    return sum(tensor.nbytes for tensor in tensors)


def own_copy(tensors: Sequence[Tensor], *, device: torch.device | None = None) -> Entry:
    """Copies that nobody else holds, compact, in the same layout.

    Made outside inference mode, whose tensors would not tell that somebody wrote into them.
    """
    with torch.inference_mode(False), torch.no_grad():
        copies = tuple(_dense(tensor.detach(), device) for tensor in tensors)
        return Entry(copies)


def form_of(tensor: Tensor) -> Form:
    """The layout of a dense tensor."""
    strides = tensor.stride()
    order = tuple(sorted(range(tensor.dim()), key=lambda axis: -strides[axis]))
    return Form(tensor.dtype, tuple(tensor.shape[axis] for axis in order), order)


def places(forms: Iterable[Form]) -> list[tuple[int, int]]:
    """(start, end) in bytes of each tensor in one row without gaps; wide types come first,
    so that every tensor starts at a multiple of its own item size.
    """
    forms = list(forms)
    found = [(0, 0)] * len(forms)
    start = 0
    for index in sorted(range(len(forms)), key=lambda i: -forms[i].dtype.itemsize):
        found[index] = (start, start + forms[index].nbytes)
        start = found[index][1]
    return found


def carve(row: Tensor, forms: Sequence[Form]) -> tuple[Tensor, ...]:
    """Views of one row of bytes, uint8 [sum of sizes], as the tensors of these forms."""
    with torch.inference_mode(False), torch.no_grad():
        return tuple(
            row[start:end].view(form.dtype).view(form.lengths).permute(_inverse(form.order))
            for form, (start, end) in zip(forms, places(forms), strict=True)
        )


def as_bytes(tensor: Tensor) -> memoryview:
    """The bytes of a dense CPU tensor in the order in which they lie in memory."""
    with torch.inference_mode(False), torch.no_grad():
        flat = tensor.permute(form_of(tensor).order).reshape(-1)
        return flat.view(torch.uint8).numpy().data


def _dense(tensor: Tensor, device: torch.device | None) -> Tensor:
    copy = tensor.clone() if device is None else tensor.to(device, copy=True)
    if copy.permute(form_of(copy).order).is_contiguous():
        return copy
    return copy.contiguous()


def _inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(order)), key=order.__getitem__))
