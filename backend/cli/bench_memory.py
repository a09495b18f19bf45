"""`acetate bench memory`: predicted device memory of LayerAnimate at full size, by plan."""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch

from backend.cli.measurement import BenchOptions, Measurement
from backend.models.layeranimate.configs import LayerAnimateConfig
from backend.pipeline.memory_plan import FAST
from backend.pipeline.memory_prediction import choose_plan, predict_peak

SIZE = (320, 512)
SLOTS = 4
_GIGA = 1e9
_MODES = {"i2v": 1, "interpolate": 2}
_BUDGETS_GB = (None, 12, 8)


def bench_memory(options: BenchOptions) -> Iterator[Measurement]:
    """GB in bfloat16 with four layers, text and image encoders included; reference: fast plan."""
    del options
    config = LayerAnimateConfig()
    for mode, keys in _MODES.items():
        fast = 0.0
        for budget in _BUDGETS_GB:
            start = time.process_time()
            limit = None if budget is None else round(budget * _GIGA)
            plan = choose_plan(config, limit, SLOTS, keys, SIZE, torch.bfloat16)
            peak = predict_peak(config, plan, SLOTS, keys, SIZE, torch.bfloat16)
            value = peak.total_bytes / _GIGA
            fast = fast or value
            yield Measurement(
                name="memory",
                config=f"{FAST.name if budget is None else f'vram-{budget}'}-{mode}",
                value=round(value, 2),
                unit="GB",
                ratio=round(value / fast, 3),
                reference=FAST.name,
                cpu_s=round(time.process_time() - start, 2),
                details={"plan": plan.name}
                | {stage: round(size / _GIGA, 2) for stage, size in peak.by_stage},
            )
