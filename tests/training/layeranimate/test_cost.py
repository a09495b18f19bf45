"""The cost of a training step of the released size, against the measured figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.layeranimate.cost import meta_module, step_cost

TERA = 1e12
TOLD = Path(__file__).parents[3] / "benchmarks/layeranimate-training-full-size-without-gpu.json"


def _told(valid: int) -> float:
    """The benchmark file's figure where everything learns, in TFLOP."""
    config = {"learns": "all", "valid layers": valid, "checkpoints": False}
    rows = json.loads(TOLD.read_text())["results"]
    (value,) = [row["value"] for row in rows if row["config"] == config]
    return value


def test_a_full_size_step_costs_what_was_measured_and_empty_slots_nothing() -> None:
    """`spec/performance.md` 7 and `spec/layeranimate-unet.md` 9: four slots, then two of four."""
    module = meta_module()
    full, half = (step_cost(module, [slots], "all") for slots in (4, 2))
    assert full.forward == pytest.approx(32.6 * TERA, rel=0.05)
    assert full.total == pytest.approx(98 * TERA, rel=0.05)
    slot = 9.41 / 2 * TERA  # of both guidance halves in inference, of one in training
    assert (full.forward - half.forward) / 2 == pytest.approx(slot, rel=0.05)
    assert (full.total - half.total) / 2 == pytest.approx(3 * slot, rel=0.05)
    assert [round(cost.total / TERA, 2) for cost in (full, half)] == [_told(4), _told(2)]
