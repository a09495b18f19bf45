"""LayerAnimate itself learns the same whatever interrupts it and however many processes learn it.

Autocasting, recomputed blocks and parts of a step all at once: they meet in these networks only.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from training.run.config import LoopConfig
from training.run.loop import CHECKPOINTS

from .alone import checkpoint_of, log_of, tensors_of, train_alone, whole
from .conftest import Pair
from .small import SmallOptions
from .tiny import tiny_config

CUT, STEPS = 1, 11
WAYS: dict[str, dict[str, Any]] = {
    "ddp": {"layout": "ddp", "accumulation": 2},
    "fsdp2": {"layout": "fsdp2", "batch": 2},
}
"""Both autocast and compute blocks again; sharded processes that add parts up are in the other
promise below."""


def _config(steps: int, **run: Any) -> LoopConfig:  # noqa: ANN401 - any setting
    return tiny_config(
        run={"steps": steps, **run},
        optimiser={"rate": 1e-3},
        log={"every": 1},
        checkpoints={"every": 1, "keep_last": steps},
        validation={"samples": 1},
    )


@pytest.mark.parametrize("layout", WAYS)
def test_two_processes_resume_layeranimate_bit_equal_over_ten_steps(
    pair: Pair, tmp_path: Path, layout: str
) -> None:
    config = _config(STEPS, precision="bf16", checkpoint_blocks=True, **WAYS[layout])
    options = SmallOptions(dropout=0.1, looked_at=1)
    straight, resumed = tmp_path / "straight", tmp_path / "resumed"
    first = pair.train(config, straight, options)
    assert first[0]["step"] == STEPS, first
    middle = checkpoint_of(straight, CUT)
    shutil.copytree(middle, resumed / CHECKPOINTS / middle.name)
    assert pair.train(config, resumed, options) == first
    assert log_of(resumed, "resumed")[0]["step"] == CUT
    expected, found = tensors_of(straight, STEPS), tensors_of(resumed, STEPS)
    assert expected.keys() == found.keys()
    for key, parts in expected.items():
        assert all(torch.equal(a, b) for a, b in zip(parts, found[key], strict=True)), key
    before = tensors_of(straight, CUT)
    assert any(not torch.equal(whole(before[key]), whole(expected[key])) for key in before)


@pytest.mark.parametrize("layout", ["ddp", "fsdp2"])
def test_one_process_with_four_clips_learns_what_two_with_two_do(
    pair: Pair, tmp_path: Path, layout: str
) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    train_alone(_config(2, layout=layout), alone, SmallOptions())
    answers = pair.train(_config(2, layout=layout, accumulation=2), together, SmallOptions())
    assert answers[0]["step"] == 2, answers
    losses = [[line["loss"] for line in log_of(out, "step")] for out in (alone, together)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
    one, two = tensors_of(alone, 2), tensors_of(together, 2)
    for key, parts in one.items():
        torch.testing.assert_close(whole(parts), whole(two[key]), rtol=0, atol=1e-6, msg=key)
