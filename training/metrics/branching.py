"""Networks of branching convolutions with batch norm, run from plain tensors; for feature networks.

A network is a tuple of steps; `Split` runs branches side by side and joins their channels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor

from shared.errors import AcetateError

NORM_EPSILON = 1e-3
_NAMED_KEYS = 3


@dataclass(frozen=True)
class Unit:
    """Convolution, batch norm and ReLU over 2 or 3 axes; `padding` None pads as TensorFlow's SAME.

    `inputs` are the channels that come in. `normed` False: a bias instead of the norm and no ReLU.
    """

    name: str
    inputs: int
    outputs: int
    kernel: tuple[int, ...]
    stride: int = 1
    padding: tuple[int, ...] | None = None
    normed: bool = True


@dataclass(frozen=True)
class Pool:
    """Maximum or mean over windows; the mean counts no padding. `padding` None is SAME."""

    kind: str
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Split:
    """Branches that all see the same input."""

    branches: tuple[tuple[Step, ...], ...]


Step = Unit | Pool | Split
Folded = Mapping[str, tuple[Tensor, Tensor]]
"""Unit -> weight and bias with the batch norm folded in."""


def units(steps: tuple[Step, ...]) -> Iterator[Unit]:
    """All units in order."""
    for step in steps:
        if isinstance(step, Unit):
            yield step
        elif isinstance(step, Split):
            for branch in step.branches:
                yield from units(branch)


def shapes(steps: tuple[Step, ...], convolution: str) -> dict[str, tuple[int, ...]]:
    """Key -> shape of every tensor; `convolution` is what a unit's convolution is called."""
    found: dict[str, tuple[int, ...]] = {}
    for unit in units(steps):
        key = f"{unit.name}.{convolution}"
        found[f"{key}.weight"] = (unit.outputs, unit.inputs, *unit.kernel)
        if not unit.normed:
            found[f"{key}.bias"] = (unit.outputs,)
            continue
        for part in ("weight", "bias", "running_mean", "running_var"):
            found[f"{unit.name}.bn.{part}"] = (unit.outputs,)
    return found


def fold(
    steps: tuple[Step, ...],
    tensors: Mapping[str, Tensor],
    convolution: str,
    path: Path,
    ignored: str = r"(?!)",
) -> dict[str, tuple[Tensor, Tensor]]:
    """Weights and biases with the norms folded in; `ignored` matches what else may be there.

    Raises `model_corrupt` naming what is missing, of another shape, or not known.
    """
    expected = shapes(steps, convolution)
    wrong = [k for k, s in expected.items() if k not in tensors or tuple(tensors[k].shape) != s]
    if wrong:
        listed = ", ".join(wrong[:_NAMED_KEYS])
        detail = f"{len(wrong)} tensors missing or of another shape: {listed}"
        raise AcetateError("model_corrupt", model=path.name, detail=detail)
    allowed = re.compile(rf"(?:{ignored})|.*\.num_batches_tracked")
    unknown = [key for key in tensors if key not in expected and not allowed.fullmatch(key)]
    if unknown:
        detail = f"{len(unknown)} unknown tensors: {', '.join(unknown[:_NAMED_KEYS])}"[:200]
        raise AcetateError("model_corrupt", model=path.name, detail=detail)
    folded: dict[str, tuple[Tensor, Tensor]] = {}
    for unit in units(steps):
        key = f"{unit.name}.{convolution}"
        weight = tensors[f"{key}.weight"]
        if not unit.normed:
            folded[unit.name] = weight, tensors[f"{key}.bias"]
            continue
        gain, shift, mean, variance = (
            tensors[f"{unit.name}.bn.{part}"]
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gain / torch.sqrt(variance + NORM_EPSILON)
        spread = scale.reshape(-1, *(1 for _ in weight.shape[1:]))
        folded[unit.name] = weight * spread, shift - mean * scale
    return folded


def run(steps: tuple[Step, ...], folded: Folded, x: Tensor) -> Tensor:
    """Pass [n, c, ...] through all steps."""
    for step in steps:
        if isinstance(step, Unit):
            x = _unit(step, folded, x)
        elif isinstance(step, Pool):
            x = _pool(step, x)
        else:
            x = torch.cat([run(branch, folded, x) for branch in step.branches], dim=1)
    return x


def _unit(unit: Unit, folded: Folded, x: Tensor) -> Tensor:
    weight, bias = folded[unit.name]
    convolve = F.conv3d if len(unit.kernel) == 3 else F.conv2d
    stride = (unit.stride,) * len(unit.kernel)
    if unit.padding is None:
        x = _same(x, unit.kernel, stride)
    x = convolve(x, weight, bias, stride, unit.padding or 0)
    return torch.relu(x) if unit.normed else x


def _pool(pool: Pool, x: Tensor) -> Tensor:
    if pool.padding is None:
        x = _same(x, pool.kernel, pool.stride)
    padding = pool.padding or (0,) * len(pool.kernel)
    if pool.kind == "max":
        run_max = F.max_pool3d if len(pool.kernel) == 3 else F.max_pool2d
        return run_max(x, pool.kernel, pool.stride, padding)
    run_mean = F.avg_pool3d if len(pool.kernel) == 3 else F.avg_pool2d
    return run_mean(x, pool.kernel, pool.stride, padding, count_include_pad=False)


def _same(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    """Zeros around, so that ceil(size / stride) comes out; the odd one goes behind."""
    padding: list[int] = []
    for size, side, step in reversed(list(zip(x.shape[2:], kernel, stride, strict=True))):
        missing = max(0, (-(-size // step) - 1) * step + side - size)
        padding += [missing // 2, missing - missing // 2]
    return F.pad(x, padding)
