"""Digests of content: of tensors, and of what computed them; for keys of what is kept."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from backend.models.layeranimate.bundle import LayerAnimateModel

RESULTS_VERSION = "acetate.results/1"
"""Rises whenever the code changes what equal inputs give."""


def origin(model: LayerAnimateModel, what: str) -> str:
    """Digest of the weights and of the kind of machine that computes with them."""
    kind = (model.device.type, str(model.dtype), torch.__version__)
    return digest(RESULTS_VERSION, what, model.identity, *kind)


def content(x: Tensor) -> str:
    """Digest of a tensor's shape, number format and values."""
    plain = x.detach().to("cpu").clone(memory_format=torch.contiguous_format)
    values = plain.reshape(-1).view(torch.uint8).numpy()
    found = hashlib.blake2b(f"{tuple(x.shape)} {x.dtype}".encode(), digest_size=32)
    found.update(values.data)
    return found.hexdigest()


def digest(*parts: str) -> str:
    """64 hexadecimal digits of several texts, none of which holds a line break."""
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=32).hexdigest()
