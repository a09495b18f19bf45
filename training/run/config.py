"""The settings of a training run, without those of what is trained; recipes and the loop use this.

Every key is typed and bounded, unknown ones are refused; `training.recipes` reads the files.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Steps = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Positive = Annotated[float, Meta(gt=0.0)]
NotNegative = Annotated[float, Meta(ge=0.0)]

HARMLESS = (
    "run.workers",
    "run.prefetch",
    "run.device",
    "run.threads",
    "run.failure_budget",
    "checkpoints",
    "log",
)
"""Keys that cannot change what is learned; a run continues under other values of these."""


class RunSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long, how much at once, and on what.

    `steps`: optimiser steps. `batch`: samples of one step, over all processes. `accumulation`:
    parts that a process computes its share in. `layout`: `ddp` keeps all weights in every process,
    `fsdp2` shards them, `none` is one process only. `device`: auto, cpu, cuda or mps. `workers`:
    loader processes beside each process, 0 loads in between. `prefetch`: batches that each of
    them prepares. `threads`: of torch on a CPU. `deterministic`: on a GPU, only kernels that give
    the same bits every time; those of a CPU always do. `failure_budget`: share of samples that may
    fail.
    """

    steps: Count
    batch: Annotated[int, Meta(ge=1, le=65_536)] = 8
    accumulation: Annotated[int, Meta(ge=1, le=65_536)] = 1
    precision: Literal["fp32", "bf16"] = "fp32"
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    layout: Literal["none", "ddp", "fsdp2"] = "ddp"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    workers: Annotated[int, Meta(ge=0, le=256)] = 0
    prefetch: Annotated[int, Meta(ge=1, le=64)] = 2
    threads: Annotated[int, Meta(ge=1, le=1024)] = 1
    compile: bool = False
    checkpoint_blocks: bool = False
    deterministic: bool = False
    failure_budget: Share = 0.005


class OptimiserSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """AdamW. `clip`: largest norm of all gradients together, 0 does not clip."""

    rate: Positive = 1e-4
    betas: tuple[Share, Share] = (0.9, 0.999)
    epsilon: Positive = 1e-8
    weight_decay: NotNegative = 0.01
    clip: NotNegative = 1.0


class ScheduleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Learning rate over the steps: up during `warm_up`, then to `final` times the rate."""

    kind: Literal["constant", "linear", "cosine"] = "constant"
    warm_up: Steps = 0
    final: Share = 0.0


class AverageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Moving average of the weights, for validation and export. `decay` 0 keeps none."""

    decay: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.999


class ValidationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Loss on fixed samples with fixed noise, every so many steps; 0 only at the end.

    `samples`: at most so many, 0 takes all. `batch`: samples at once in each process. `strips`:
    steps between pictures, a multiple of `every` or 0 for only at the end.
    """

    every: Steps = 0
    samples: Steps = 0
    batch: Annotated[int, Meta(ge=1, le=65_536)] = 8
    strips: Steps = 0


class CheckpointSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Steps between checkpoints (0: only at the end) and which ones stay.

    `keep_best`: a validation figure, such as `validation_loss`; the checkpoint where it was best
    stays beside the last ones. `best`: whether the lowest or the highest is the best.
    """

    every: Steps = 0
    keep_last: Annotated[int, Meta(ge=1, le=10_000)] = 2
    keep_best: str = "validation_loss"
    best: Literal["lowest", "highest"] = "lowest"


class LogSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Steps between log lines; TensorBoard beside them where its package is installed.

    `peak_tflops`: of one device at the run's precision, where the built-in table does not know it.
    """

    every: Count = 50
    tensorboard: bool = True
    peak_tflops: NotNegative = 0.0


class LoopConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that the loop itself reads. A recipe adds `task`."""

    name: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    run: RunSettings
    optimiser: OptimiserSettings = OptimiserSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    ema: AverageSettings = AverageSettings()
    validation: ValidationSettings = ValidationSettings()
    checkpoints: CheckpointSettings = CheckpointSettings()
    log: LogSettings = LogSettings()


def flattened(config: LoopConfig) -> dict[str, Any]:
    """Every setting by its dotted name; lists and empty tables are values."""
    flat: dict[str, Any] = {}
    _flatten("", msgspec.to_builtins(config), flat)
    return flat


def _flatten(prefix: str, value: Any, flat: dict[str, Any]) -> None:  # noqa: ANN401 - any JSON
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            _flatten(f"{prefix}.{key}" if prefix else key, inner, flat)
    else:
        flat[prefix] = value


def deciding(config: LoopConfig) -> dict[str, Any]:
    """The settings that decide what is learned, by dotted name."""
    return {
        key: value
        for key, value in flattened(config).items()
        if not any(key == name or key.startswith(f"{name}.") for name in HARMLESS)
    }


def config_hash(config: LoopConfig) -> str:
    """Hash of the settings that decide what is learned."""
    data = msgspec.json.encode(deciding(config), order="sorted")
    return hashlib.sha256(data).hexdigest()[:16]
