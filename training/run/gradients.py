"""Gradient norms by group, and clipping; the loop's stepper calls this after the backward pass."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from training.run.placement import Placed, local


@dataclass(frozen=True)
class GradientNorms:
    """Norms before clipping, of all gradients and of each group."""

    total: float
    groups: Mapping[str, float]


def groups_of(names: Iterable[str]) -> dict[str, str]:
    """Parameter name to its group: leading parts, as few as tell at least two groups apart."""
    names = list(names)
    depth, deepest = 1, max((name.count(".") for name in names), default=0)
    while depth < deepest and len({_head(name, depth) for name in names}) < 2:
        depth += 1
    return {name: _head(name, depth) for name in names}


def clip(placed: Placed, groups: Mapping[str, str], limit: float) -> GradientNorms:
    """Scale gradients down to norm `limit` together, if that is above 0; returns the norms."""
    grads = {
        name: local(parameter.grad)
        for name, parameter in placed.trained.items()
        if parameter.grad is not None
    }
    labels = sorted(set(groups.values()))
    squares = dict.fromkeys(labels, 0.0)
    for name, norm in zip(grads, _norms(list(grads.values())), strict=True):
        squares[groups[name]] += norm * norm
    sums = [squares[label] for label in labels]
    if placed.sharded:
        sums = placed.processes.summed(sums)
    total = math.sqrt(sum(sums))
    if limit and math.isfinite(total) and total > limit:
        scaled = list(grads.values())
        torch._foreach_mul_(scaled, limit / total)  # pyright: ignore[reportPrivateImportUsage]
    return GradientNorms(total, dict(zip(labels, map(math.sqrt, sums), strict=True)))


def _norms(tensors: list[Tensor]) -> list[float]:
    if not tensors:
        return []
    norms = torch._foreach_norm(tensors, 2, torch.float32)  # pyright: ignore[reportPrivateImportUsage]
    return torch.stack(norms).double().tolist()


def _head(name: str, depth: int) -> str:
    return ".".join(name.split(".")[:-1][:depth]) or name
