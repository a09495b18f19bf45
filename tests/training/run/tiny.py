"""A task that trains in milliseconds, with all that makes training hard to repeat exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from shared.errors import AcetateError
from training.run.config import LoopConfig
from training.run.task import Batch, Failure, Sample, TrainingModule

WIDTH = 16


class TinyOptions(msgspec.Struct, frozen=True, tag="tiny"):
    """`broken`: indices that fail. `poison`: index whose target is no number. `signal_at`: index
    that sends this process SIGTERM when it is made. `wide`: numbers in an extra parameter.
    `half`: frozen weights in half precision."""

    length: int = 24
    dropout: float = 0.0
    broken: tuple[int, ...] = ()
    poison: int = -1
    signal_at: int = -1
    wide: int = 0
    half: bool = False


class Unit(nn.Module):
    """A block with dropout; the second half of its weights never learns."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.inner = nn.Linear(WIDTH, WIDTH)
        self.frozen = nn.Linear(WIDTH, WIDTH)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.frozen(self.dropout(torch.relu(self.inner(x))))


class TinyModule(TrainingModule):
    """Frozen entry, three units, a head, a gate that only some samples use, a counter."""

    def __init__(self, options: TinyOptions) -> None:
        super().__init__()
        self.entry = nn.Linear(5, WIDTH)
        self.blocks = nn.ModuleList(Unit(options.dropout) for _ in range(3))
        self.head = nn.Linear(WIDTH, 3)
        self.gate = nn.Parameter(torch.full((3,), 0.5))
        self.wide = nn.Parameter(torch.zeros(max(1, options.wide)))
        self.calls: Tensor
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, batch: Batch) -> Tensor:
        if self.training:
            self.calls += 1
        x = self.entry(batch["x"])
        for block in self.blocks:
            x = block(x)
        out = self.head(x).float() + self.wide[:1] * 0.1
        if bool(batch["gated"].any()):
            out = out * (1 + self.gate * batch["gated"][:, None])
        return (out - batch["y"]).square().mean(dim=1)


class TinySource:
    """Points and noise; what fails, fails the same way every time."""

    fingerprint = "tiny"

    def __init__(self, options: TinyOptions) -> None:
        self.options = options

    def __len__(self) -> int:
        return self.options.length

    def sample(self, index: int, rng: np.random.Generator) -> Sample:
        if index in self.options.broken:
            raise AcetateError("not_found", what=f"sample {index}")
        if index == self.options.signal_at:
            import os
            import signal

            os.kill(os.getpid(), signal.SIGTERM)
        x = torch.from_numpy(rng.standard_normal(5)).float()
        y = torch.stack([x.sum(), x[0] * x[1], x[2].abs()])
        if index == self.options.poison:
            y = y * float("nan")
        return {"x": x, "y": y, "gated": torch.tensor(float(index % 3 == 0))}


@dataclass
class TinyTask:
    """Implements `Task`; `asked` counts the calls that only look at weights."""

    options: TinyOptions
    module: TinyModule
    source: TinySource
    validation: TinySource
    asked: list[str] = field(default_factory=list)

    def trainable(self) -> Sequence[str]:
        names = [name for name, _ in self.module.named_parameters()]
        return [name for name in names if "frozen" not in name and not name.startswith("entry")]

    def units(self) -> Sequence[nn.Module]:
        return list(self.module.blocks)

    def flops_per_sample(self) -> float:
        return 6.0 * WIDTH * WIDTH * 6

    def validate(self) -> Mapping[str, float]:
        self.asked.append("validate")
        return {"head_sum": float(self.module.head.weight.float().sum())}

    def strips(self) -> Mapping[str, np.ndarray]:
        self.asked.append("strips")
        return {"grey": np.full((4, 6, 3), 128, np.uint8)}

    def failures(self) -> Sequence[Failure]:
        return ()

    def export(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        state = {k: v.detach().clone() for k, v in self.module.state_dict().items()}
        save_file(state, folder / "tiny.safetensors")


def make_tiny(options: TinyOptions, device: torch.device) -> TinyTask:
    """The same weights every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        module = TinyModule(options)
    if options.half:
        for block in module.blocks:
            assert isinstance(block, Unit)
            block.frozen.to(torch.bfloat16)
    return TinyTask(options, module.to(device), TinySource(options), TinySource(TinyOptions()))


def tiny_config(**tables: dict[str, Any]) -> LoopConfig:
    """Small settings, with other values by table."""
    document: dict[str, Any] = {
        "name": "tiny",
        "run": {"steps": 20, "batch": 4, "seed": 3, "device": "cpu"},
        "optimiser": {"rate": 0.01},
        "ema": {"decay": 0.9},
        "log": {"every": 5, "tensorboard": False},
        "checkpoints": {"every": 10, "keep_last": 10},
    }
    for name, table in tables.items():
        document[name] = {**document.get(name, {}), **table}
    return msgspec.convert(document, LoopConfig)
