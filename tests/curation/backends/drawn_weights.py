"""Weights drawn by name, the same on every machine, for the tests of networks."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor


def drawn(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """A normal draw for every key, of a spread that keeps activations near one."""
    return {key: _draw(key, shape) for key, shape in shapes.items()}


def _draw(key: str, shape: tuple[int, ...]) -> Tensor:
    random = np.random.RandomState(zlib.crc32(key.encode()))
    spread = 1 / math.sqrt(max(1, math.prod(shape[1:])))
    return torch.from_numpy((random.standard_normal(shape) * spread).astype(np.float32))


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Soft noise, RGB uint8 [height, width, 3]."""
    coarse = np.random.RandomState(seed).rand(1, 3, height // 8 + 1, width // 8 + 1)
    fine = torch.nn.functional.interpolate(
        torch.from_numpy(coarse), (height, width), mode="bilinear", align_corners=True
    )
    return (fine[0].permute(1, 2, 0) * 255).byte().numpy()


def write(folder: Path, name: str, tensors: Mapping[str, Tensor]) -> Path:
    """A safetensors file in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(dict(tensors), folder / name)
    return folder / name


def lively(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """As `drawn`, but norms are near one and all else is larger: deep networks keep apart what
    they see.
    """
    return {key: _lively(key, shape) for key, shape in shapes.items()}


def _lively(key: str, shape: tuple[int, ...]) -> Tensor:
    if len(shape) == 1:
        return _draw(key, shape) * 0.2 + key.endswith("weight")
    return _draw(key, shape) * 1.5
