"""`acetate bench training-flops`: what a full-size training step costs, counted on shapes alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from torch import nn

from backend.cli.measurement import BenchOptions, Measurement
from training.layeranimate.cost import encoding_cost, meta_module, step_cost
from training.layeranimate.objective import LayerAnimateModule
from training.layeranimate.settings import TrainableSet

SLOTS = 4
PICTURES_A_CLIP = 16 + 4 + 64
"""Frames, first-key regions and sketches of four slots: the most that one clip gives to encode."""

_SETS: tuple[TrainableSet, ...] = ("all", "v1", "control-only")
_TERA = 1e12


def bench_training_flops(options: BenchOptions) -> Iterator[Measurement]:
    """One clip of 16 frames at 320x512 with two to four valid layers; reference: four, everything.

    `v1` and `control-only` freeze parts; with checkpoints all stages are computed twice.
    """
    del options
    module = meta_module()
    full = 0.0
    for trainable in _SETS:
        for valid in (4, 3, 2):
            found = _measured(module, trainable, valid, (), full)
            full = full or found.value
            yield found
    yield _measured(module, "all", SLOTS, module.units(), full)
    began = time.process_time()
    encoding = encoding_cost(module, PICTURES_A_CLIP) / _TERA
    spent = time.process_time() - began
    config: dict[str, object] = {"encoded pictures": PICTURES_A_CLIP}
    yield _row(config, encoding, full, spent)


def _measured(
    module: LayerAnimateModule,
    trainable: TrainableSet,
    valid: int,
    checkpointed: Sequence[nn.Module],
    full: float,
) -> Measurement:
    began = time.process_time()
    total = step_cost(module, [valid], trainable, checkpointed=checkpointed).total / _TERA
    config: dict[str, object] = {
        "learns": trainable,
        "valid layers": valid,
        "checkpoints": bool(checkpointed),
    }
    return _row(config, total, full or total, time.process_time() - began)


def _row(config: dict[str, object], value: float, full: float, cpu_s: float) -> Measurement:
    return Measurement(
        name="training-flops",
        config=config,
        value=round(value, 2),
        unit="TFLOP",
        ratio=round(value / full, 3),
        reference="four layers, everything learns",
        cpu_s=round(cpu_s, 2),
    )
