"""Makes keys, features and budgets for the feature store's tests."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor

from backend.pipeline.feature_store.budget import StoreBudget

CPU = torch.device("cpu")
MB = 10**6


def key(number: int) -> str:
    """A key that is the same in every process."""
    return hashlib.sha256(str(number).encode()).hexdigest()


def features(
    number: int, *, values: int = 1000, dtype: torch.dtype = torch.float32
) -> list[Tensor]:
    """Two tensors that follow from `number`; together `values` values."""
    generator = torch.Generator().manual_seed(number)
    first = torch.randn(values // 2, generator=generator).to(dtype)
    return [first, torch.randn(1, values - values // 2, generator=generator).to(dtype)]


def same(found: tuple[Tensor, ...] | None, wanted: list[Tensor]) -> bool:
    """Equal in number, type, shape, layout and every bit."""
    return found is not None and [_bits(t) for t in found] == [_bits(t) for t in wanted]


def on_disk(folder: Path, disk_bytes: int = 100 * MB, *, host_bytes: int = 0) -> StoreBudget:
    """A budget whose only limit is its own, however full the machine's disk is."""
    return StoreBudget(host_bytes=host_bytes, disk_bytes=disk_bytes, folder=folder, reserve_bytes=0)


def files(folder: Path) -> list[Path]:
    """Everything below the folder that is a file."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _bits(tensor: Tensor) -> tuple[torch.dtype, tuple[int, ...], tuple[int, ...], bytes]:
    raw = tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    return tensor.dtype, tuple(tensor.shape), tensor.stride(), raw
