"""Fills networks with the numbers the golden vectors were made with; used by the golden checks.

The rule needs a tensor's key and shape: a generator seeded by the key's checksum draws normal
numbers, which are scaled by the fan-in (weights), centred on one (norm gains) or small (the rest).
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def fill_array(salt: str, component: str, key: str, shape: Sequence[int]) -> NDArray[np.float32]:
    """The values of one tensor of a component."""
    seed = zlib.crc32(f"{salt}:{component}:{key}".encode())
    drawn = np.random.default_rng(seed).standard_normal(tuple(shape))
    if len(shape) >= 2:
        drawn /= math.sqrt(math.prod(shape[1:]))
    elif len(shape) == 1 and key.endswith(".weight"):
        drawn = 1.0 + 0.1 * drawn
    else:
        drawn = 0.1 * drawn
    return np.asarray(drawn, dtype=np.float32)


def filled(network: Network, salt: str, component: str) -> Network:
    """The same network with every tensor of its state filled, in evaluation mode."""
    state = {
        key: torch.from_numpy(fill_array(salt, component, key, tuple(value.shape)))
        for key, value in network.state_dict().items()
    }
    network.load_state_dict(state, strict=True)
    return network.eval().requires_grad_(False)
