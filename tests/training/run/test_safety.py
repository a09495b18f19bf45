"""Whatever ends a run, the last finished checkpoint is whole, and the next start goes on there."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
import torch

from curation.dataset.folder_lock import FolderLock
from shared.errors import AcetateError
from training.data.order import SampleOrder
from training.run.checkpoint import MANIFEST, finished, read_progress
from training.run.loop import CHECKPOINTS
from training.run.processes import joined
from training.run.watch import LOG

from .alone import checkpoint_of, log_of, tensors_of, train_alone, whole
from .conftest import ROOT, Pair
from .member import Order
from .tiny import TinyOptions, tiny_config


def test_kill_9_during_a_checkpoint_leaves_the_previous_one_loadable(tmp_path: Path) -> None:
    config = tiny_config(
        run={"steps": 400}, checkpoints={"every": 1, "keep_last": 2}, ema={"decay": 0.0}
    )
    options = TinyOptions(wide=400_000)
    folder = tmp_path / CHECKPOINTS
    order = Order(config, options, str(tmp_path), 0, 0, 1)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.training.run.member"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as member:
        assert member.stdin
        member.stdin.write(msgspec.json.encode(order) + b"\n")
        member.stdin.flush()
        while not (len(finished(folder)) == 2 and list(folder.glob(".part-step-*/*.safetensors"))):
            assert member.poll() is None
            time.sleep(0.0005)
        member.kill()
    assert list(folder.glob(".part-step-*")), "the kill came between two checkpoints"
    steps = list(finished(folder))
    for path in finished(folder).values():
        read_progress(path)
    shorter = tiny_config(
        run={"steps": steps[-1] + 2}, checkpoints={"every": 1}, ema={"decay": 0.0}
    )
    outcome = train_alone(shorter, tmp_path, options, allow_change=True)
    assert outcome.finished
    assert log_of(tmp_path, "resumed")[0]["step"] == steps[-1]
    assert not list(folder.glob(".part-*"))


def test_a_full_disk_is_named_and_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    config = tiny_config()
    train_alone(config, tmp_path / "straight")
    out = tmp_path / "out"
    options = TinyOptions(signal_at=-1)
    train_alone(tiny_config(run={"steps": 10}), out, options)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, hard))
    try:
        with pytest.raises(AcetateError) as refused:
            train_alone(config, out, options, allow_change=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert refused.value.name == "disk"
    assert list(finished(out / CHECKPOINTS)) == [10]
    assert not list((out / CHECKPOINTS).glob(".part-*"))
    train_alone(config, out, options, allow_change=True)
    expected, found = tensors_of(tmp_path / "straight", 20), tensors_of(out, 20)
    assert all(torch.equal(whole(expected[key]), whole(found[key])) for key in expected)


def test_asked_to_stop_a_run_finishes_its_step_and_goes_on_bit_equal(tmp_path: Path) -> None:
    config, out = tiny_config(), tmp_path / "out"
    train_alone(config, tmp_path / "straight")
    handler = signal.getsignal(signal.SIGTERM)
    outcome = train_alone(config, out, TinyOptions(signal_at=5))
    assert not outcome.finished
    assert 0 < outcome.step < 20
    assert list(finished(out / CHECKPOINTS))[-1] == outcome.step
    assert signal.getsignal(signal.SIGTERM) is handler
    assert train_alone(config, out).finished
    expected, found = tensors_of(tmp_path / "straight", 20), tensors_of(out, 20)
    assert all(torch.equal(whole(expected[key]), whole(found[key])) for key in expected)


def test_a_signal_to_one_process_stops_both(pair: Pair, tmp_path: Path) -> None:
    answers = pair.train(tiny_config(), tmp_path, TinyOptions(signal_at=5))
    assert answers[0]["step"] == answers[1]["step"]
    assert list(finished(tmp_path / CHECKPOINTS))[-1] == answers[0]["step"]


def test_a_value_that_is_no_number_stops_the_run_with_the_state_before_it(tmp_path: Path) -> None:
    config = tiny_config()
    with pytest.raises(AcetateError) as refused:
        train_alone(config, tmp_path, TinyOptions(poison=5))
    assert refused.value.name == "training_nan"
    steps = list(finished(tmp_path / CHECKPOINTS))
    assert f"samples {steps[-1] * 4}..{steps[-1] * 4 + 3}" in refused.value.detail
    assert log_of(tmp_path, "error")[0]["name"] == "training_nan"
    for parts in tensors_of(tmp_path, steps[-1]).values():
        assert all(bool(torch.isfinite(part.double()).all()) for part in parts)
    assert train_alone(config, tmp_path).finished  # the data were mended


def test_both_processes_stop_where_one_meets_no_number(pair: Pair, tmp_path: Path) -> None:
    answers = pair.train(tiny_config(), tmp_path, TinyOptions(poison=5))
    assert [answer["error"] for answer in answers] == ["training_nan"] * 2


def test_failed_samples_are_counted_and_named_and_not_replaced(tmp_path: Path) -> None:
    config = tiny_config(run={"steps": 6})
    train_alone(config, tmp_path, TinyOptions(broken=(5,)))
    failures = log_of(tmp_path, "failure")
    assert failures
    assert {failure["index"] for failure in failures} == {5}
    assert all("sample 5" in failure["reason"] for failure in failures)
    progress = read_progress(checkpoint_of(tmp_path, 6))
    assert (progress.seen, progress.failed) == (24, len(failures))


def test_a_broken_sample_costs_two_processes_the_same_as_one(pair: Pair, tmp_path: Path) -> None:
    config = tiny_config(run={"steps": 6})
    options = TinyOptions(broken=(2, 3, 5, 8))
    train_alone(config, tmp_path / "alone", options)
    pair.train(config, tmp_path / "pair", options)
    one, two = tensors_of(tmp_path / "alone", 6), tensors_of(tmp_path / "pair", 6)
    for key, parts in one.items():
        torch.testing.assert_close(whole(parts), whole(two[key]), rtol=0, atol=1e-6, msg=key)


def test_a_process_without_a_sample_at_the_start_goes_on(pair: Pair, tmp_path: Path) -> None:
    config = tiny_config(run={"steps": 2, "batch": 2, "accumulation": 1})
    order = SampleOrder(TinyOptions().length, config.run.seed)
    second = order.index(1)  # all that rank 1 has of the first step
    answers = pair.train(config, tmp_path, TinyOptions(broken=(second, 0)))
    assert [answer.get("step") for answer in answers] == [2, 2], answers
    progress = read_progress(checkpoint_of(tmp_path, 2))
    assert (progress.seen, progress.failed) == (4, 1)


def test_too_many_failed_samples_stop_the_run(tmp_path: Path) -> None:
    config = tiny_config(run={"failure_budget": 0.001})
    with pytest.raises(AcetateError) as refused:
        train_alone(config, tmp_path, TinyOptions(broken=(1, 5, 6, 9)))
    assert refused.value.name == "too_many_failures"


def test_a_checkpoint_of_other_settings_is_refused_unless_allowed(tmp_path: Path) -> None:
    train_alone(tiny_config(), tmp_path)
    other = tiny_config(optimiser={"rate": 0.02}, run={"steps": 22})
    with pytest.raises(AcetateError) as refused:
        train_alone(other, tmp_path)
    assert refused.value.name == "other_recipe"
    assert "optimiser.rate: 0.01 is now 0.02" in refused.value.detail
    assert "run.steps: 20 is now 22" in refused.value.detail
    assert train_alone(other, tmp_path, allow_change=True).step == 22
    assert "optimiser.rate" in str(log_of(tmp_path, "resumed")[0]["changed"])


@pytest.mark.parametrize("damage", ["shard", "cut", "manifest", "surplus", "state"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, damage: str) -> None:
    train_alone(tiny_config(run={"steps": 2}), tmp_path)
    folder = checkpoint_of(tmp_path, 2)
    shard = next(folder.glob("*.safetensors"))
    data = shard.read_bytes()
    if damage == "shard":
        shard.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif damage == "cut":
        shard.write_bytes(data[:100])
    elif damage == "manifest":
        (folder / MANIFEST).write_bytes(b"{")
    elif damage == "surplus":
        (folder / "more.safetensors").write_bytes(data)
    else:
        (folder / "state.json").unlink()
    with pytest.raises(AcetateError) as refused:
        read_progress(folder)
    assert refused.value.name == "bad_checkpoint"
    with pytest.raises(AcetateError) as stopped:
        train_alone(tiny_config(run={"steps": 2}), tmp_path)
    assert stopped.value.name == "bad_checkpoint"


def test_a_checkpoint_holds_tensors_and_text_only(pair: Pair, tmp_path: Path) -> None:
    pair.train(tiny_config(run={"steps": 2, "layout": "fsdp2"}), tmp_path)
    names = {path.name for path in checkpoint_of(tmp_path, 2).iterdir()}
    assert all(name.endswith((".safetensors", ".json")) for name in names)
    progress = read_progress(checkpoint_of(tmp_path, 2))
    assert progress.world == 2
    assert progress.identity.settings["run.layout"] == "fsdp2"
    assert progress.identity.data == "tiny"
    assert len(progress.identity.frozen) == 64
    assert progress.identity.code


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    with FolderLock(tmp_path), pytest.raises(AcetateError) as refused:
        train_alone(tiny_config(), tmp_path)
    assert refused.value.name == "run_busy"
    assert train_alone(tiny_config(), tmp_path).finished


def test_a_device_that_is_not_there_is_named(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(AcetateError) as refused, joined(tiny_config(run={"device": "cuda"}).run):
        pass
    assert refused.value.name == "device_unusable"
    assert not (tmp_path / LOG).exists()
