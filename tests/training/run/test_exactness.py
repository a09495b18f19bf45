"""What is learned does not depend on interruptions, nor on how many processes learn it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from training.run.loop import CHECKPOINTS

from .alone import checkpoint_of, log_of, tensors_of, train_alone, whole
from .conftest import Pair
from .tiny import TinyOptions, make_tiny, tiny_config

LAYOUTS = {
    "ddp": {"layout": "ddp"},
    "ddp, bf16, in parts": {"layout": "ddp", "precision": "bf16", "accumulation": 2},
    "fsdp2": {"layout": "fsdp2"},
    "fsdp2, bf16, recomputed": {"layout": "fsdp2", "precision": "bf16", "checkpoint_blocks": True},
}


def _from_the_middle(straight: Path, out: Path) -> None:
    """A folder with the checkpoint after 10 steps alone, as if the run had been cut off there."""
    middle = checkpoint_of(straight, 10)
    shutil.copytree(middle, out / CHECKPOINTS / middle.name)


@pytest.mark.parametrize("name", LAYOUTS)
def test_two_processes_resume_bit_equal_over_ten_steps(
    pair: Pair, tmp_path: Path, name: str
) -> None:
    config = tiny_config(run=LAYOUTS[name])
    options = TinyOptions(dropout=0.2, half="bf16" in name)
    straight, resumed = tmp_path / "straight", tmp_path / "resumed"
    first = pair.train(config, straight, options)
    _from_the_middle(straight, resumed)
    second = pair.train(config, resumed, options)
    assert first == second
    assert log_of(resumed, "resumed")[0]["step"] == 10
    expected, found = tensors_of(straight, 20), tensors_of(resumed, 20)
    assert expected.keys() == found.keys()
    assert {name.partition("/")[0] for name in found} == {
        "weights", "average", "first", "second", "buffers",
    }  # fmt: skip
    for key, parts in expected.items():
        assert all(torch.equal(a, b) for a, b in zip(parts, found[key], strict=True)), key


def test_one_process_resumes_bit_equal(tmp_path: Path) -> None:
    config, options = tiny_config(run={"accumulation": 2}), TinyOptions(dropout=0.2)
    straight, resumed = tmp_path / "straight", tmp_path / "resumed"
    train_alone(config, straight, options)
    _from_the_middle(straight, resumed)
    train_alone(config, resumed, options)
    expected, found = tensors_of(straight, 20), tensors_of(resumed, 20)
    assert all(torch.equal(whole(expected[key]), whole(found[key])) for key in expected)


@pytest.mark.parametrize("layout", ["ddp", "fsdp2"])
def test_one_process_with_four_samples_learns_what_two_with_two_do(
    pair: Pair, tmp_path: Path, layout: str
) -> None:
    config = tiny_config(run={"layout": layout, "steps": 5}, log={"every": 1})
    alone, together = tmp_path / "alone", tmp_path / "together"
    train_alone(config, alone)
    pair.train(config, together)
    losses = [[line["loss"] for line in log_of(out, "step")] for out in (alone, together)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
    one, two = tensors_of(alone, 5), tensors_of(together, 5)
    for key, parts in one.items():
        torch.testing.assert_close(whole(parts), whole(two[key]), rtol=0, atol=1e-6, msg=key)


@pytest.mark.parametrize("layout", ["ddp", "fsdp2"])
def test_a_run_goes_on_in_another_number_of_processes(
    pair: Pair, tmp_path: Path, layout: str
) -> None:
    config = tiny_config(run={"layout": layout})
    straight, resumed = tmp_path / "straight", tmp_path / "resumed"
    train_alone(config, straight)
    pair.train(config, tmp_path / "pair")
    _from_the_middle(tmp_path / "pair", resumed)
    train_alone(config, resumed)
    expected, found = tensors_of(straight, 20), tensors_of(resumed, 20)
    for key, parts in expected.items():
        torch.testing.assert_close(whole(parts), whole(found[key]), rtol=0, atol=1e-5, msg=key)


@pytest.mark.parametrize("layout", ["ddp", "fsdp2"])
def test_only_the_declared_parameters_learn(pair: Pair, tmp_path: Path, layout: str) -> None:
    config = tiny_config(run={"layout": layout, "steps": 3}, ema={"decay": 0.0})
    pair.train(config, tmp_path)
    task = make_tiny(TinyOptions(), torch.device("cpu"))
    before = dict(task.module.named_parameters())
    after = load_file(tmp_path / "export" / "tiny.safetensors")
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert changed == set(task.trainable())
    weights = {key for key in tensors_of(tmp_path, 3) if key.startswith("weights/")}
    assert weights == {f"weights/{name}" for name in task.trainable()}
