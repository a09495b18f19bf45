"""One process that trains here, and what its folder holds afterwards; tests of the loop use it."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from training.run.checkpoint import finished
from training.run.config import LoopConfig
from training.run.loop import CHECKPOINTS, Make, Outcome, run
from training.run.processes import joined

from .small import SmallOptions, make_small
from .tiny import TinyOptions, make_tiny


def train_alone(
    config: LoopConfig,
    out: Path,
    options: TinyOptions | SmallOptions | None = None,
    *,
    allow_change: bool = False,
) -> Outcome:
    """Run in this process."""

    with joined(config.run) as processes:
        make = make_of(options or TinyOptions())
        return run(config, make, out, processes, allow_change=allow_change, quiet=True)


def make_of(options: TinyOptions | SmallOptions) -> Make:
    """What makes the task that is asked for."""
    if isinstance(options, SmallOptions):
        return functools.partial(make_small, options)
    return functools.partial(make_tiny, options)


def log_of(out: Path, kind: str) -> list[dict[str, Any]]:
    """Lines of a kind in the run's log."""
    lines = (out / "log.jsonl").read_text().splitlines()
    return [entry for line in lines if (entry := json.loads(line))["kind"] == kind]


def checkpoint_of(out: Path, step: int) -> Path:
    """A finished checkpoint's folder."""
    return finished(out / CHECKPOINTS)[step]


def tensors_of(out: Path, step: int) -> dict[str, list[Tensor]]:
    """Every tensor of a checkpoint, as the parts that its shards hold, in the shards' order."""
    found: dict[str, list[Tensor]] = {}
    for shard in sorted(checkpoint_of(out, step).glob("*.safetensors")):
        for name, tensor in load_file(shard).items():
            found.setdefault(name, []).append(tensor)
    return found


def whole(parts: list[Tensor]) -> Tensor:
    """A tensor of its shards along the first axis."""
    return torch.cat(parts)
