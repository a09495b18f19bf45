"""What a run shows and keeps: figures that compare, averages, the best checkpoint, loaders."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from shared.errors import AcetateError
from training.data.order import SampleOrder
from training.run.checkpoint import finished
from training.run.config import LoopConfig
from training.run.feed import Feed, Part, Plan
from training.run.gradients import groups_of
from training.run.loop import CHECKPOINTS
from training.run.placement import place
from training.run.processes import joined
from training.run.stepper import Stepper
from training.run.validation import validate
from training.run.watch import peak_flops

from .alone import log_of, tensors_of, train_alone, whole
from .tiny import TinyOptions, TinySource, make_tiny, tiny_config

_CPU = torch.device("cpu")


def test_the_log_holds_loss_speed_waiting_and_norms(tmp_path: Path) -> None:
    config = tiny_config(run={"steps": 10}, log={"every": 5, "peak_tflops": 0.1})
    train_alone(config, tmp_path)
    lines = log_of(tmp_path, "step")
    assert [line["step"] for line in lines] == [5, 10]
    wanted = {"loss", "rate", "gradient_norm", "samples_per_s", "data_wait_share", "mfu"}
    assert wanted <= lines[0].keys()
    assert 0 <= lines[0]["data_wait_share"] <= 1
    groups = [v for k, v in lines[0].items() if k.startswith("gradient_norm/")]
    assert sum(value**2 for value in groups) == pytest.approx(lines[0]["gradient_norm"] ** 2, 1e-4)
    start = log_of(tmp_path, "start")[0]
    assert start["data"] == "tiny"
    assert start["code"]


def test_tensorboard_gets_curves_and_strips(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    train_alone(tiny_config(run={"steps": 2}, log={"every": 1, "tensorboard": True}), tmp_path)
    events = next((tmp_path / "tensorboard").iterdir()).read_bytes()
    assert b"train/loss" in events
    assert b"validation/validation_loss" in events
    assert b"strips/grey" in events
    assert [path.name for path in (tmp_path / "strips").iterdir()] == ["00000002-grey.png"]


def test_equal_weights_have_equal_figures_at_any_step(tmp_path: Path) -> None:
    config = tiny_config(run={"steps": 6}, validation={"every": 2}, optimiser={"rate": 1e-30})
    train_alone(config, tmp_path)
    losses = [line["validation_loss"] for line in log_of(tmp_path, "validation")]
    assert len(losses) == 4
    assert len(set(losses)) == 1


def test_validation_leaves_training_as_it_was(tmp_path: Path) -> None:
    options = TinyOptions(dropout=0.2)
    train_alone(tiny_config(), tmp_path / "seldom", options)
    often = tiny_config(validation={"every": 1, "batch": 3})
    train_alone(often, tmp_path / "often", options)
    seldom = tensors_of(tmp_path / "seldom", 20)
    for key, parts in tensors_of(tmp_path / "often", 20).items():
        assert torch.equal(whole(parts), whole(seldom[key])), key


def test_validation_and_export_use_the_averaged_weights(tmp_path: Path) -> None:
    train_alone(tiny_config(), tmp_path)
    saved = tensors_of(tmp_path, 20)
    average = whole(saved["average/head.weight"])
    assert not torch.equal(average, whole(saved["weights/head.weight"]))
    exported = load_file(tmp_path / "export" / "tiny.safetensors")
    assert torch.equal(exported["head.weight"], average)
    figure = log_of(tmp_path, "validation")[-1]["head_sum"]
    assert figure == pytest.approx(float(average.sum()), rel=1e-4)


def test_the_average_follows_its_formula() -> None:
    config = tiny_config(run={"steps": 5})
    with joined(config.run) as processes:
        task = make_tiny(TinyOptions(), _CPU)
        placed = place(task, config.run, processes)
        stepper = Stepper(placed, config, task.source)
        expected = placed.trained["head.weight"].detach().clone()
        feed = Feed(_plan(config, TinyOptions()), 0)
        for step in range(1, 6):
            stepper.advance([feed.next()])
            decay = min(0.9, (1 + step) / (10 + step))
            expected = decay * expected + (1 - decay) * placed.trained["head.weight"].detach()
        torch.testing.assert_close(stepper.average.values["head.weight"], expected)


def test_the_last_and_the_best_checkpoints_stay(tmp_path: Path) -> None:
    config = tiny_config(
        run={"steps": 12},
        validation={"every": 1},
        checkpoints={"every": 1, "keep_last": 2, "keep_best": "validation_loss"},
        optimiser={"rate": 0.3},
    )
    train_alone(config, tmp_path)
    losses = {line["step"]: line["validation_loss"] for line in log_of(tmp_path, "validation")}
    best = min(range(1, 13), key=lambda step: losses[step])
    assert set(finished(tmp_path / CHECKPOINTS)) == {11, 12, best}


def test_a_better_validation_is_kept_between_checkpoints(tmp_path: Path) -> None:
    config = tiny_config(
        run={"steps": 6},
        validation={"every": 2},
        checkpoints={"every": 0, "keep_last": 9, "keep_best": "validation_loss"},
    )
    train_alone(config, tmp_path)
    assert list(finished(tmp_path / CHECKPOINTS)) == [2, 4, 6]


def _plan(config: LoopConfig, options: TinyOptions) -> Plan:
    source = TinySource(options)
    return Plan(source, SampleOrder(len(source), config.run.seed), config.run, 0, 1)


def _content(part: Part) -> tuple[tuple[int, ...], list[float]]:
    assert part.batch is not None
    return part.numbers, part.batch["x"].flatten().tolist()


def test_loader_processes_give_what_one_process_gives_from_any_step_on() -> None:
    alone = Feed(_plan(tiny_config(run={"steps": 6}), TinyOptions()), 0)
    expected = [_content(alone.next()) for _ in range(6)]
    loaders = Feed(_plan(tiny_config(run={"steps": 6, "workers": 1}), TinyOptions()), 2)
    try:
        assert [_content(loaders.next()) for _ in range(4)] == expected[2:]
        assert loaders.waited_s > 0
    finally:
        loaders.close()


def test_a_killed_loader_process_is_named() -> None:
    feed = Feed(_plan(tiny_config(run={"steps": 900, "workers": 1}), TinyOptions()), 0)
    try:
        feed.next()
        me = psutil.Process()
        victims = [p for p in me.children(recursive=True) if _loads(p)]
        for victim in victims:
            os.kill(victim.pid, signal.SIGKILL)
        with pytest.raises(AcetateError) as refused:
            _drain(feed)
    finally:
        feed.close()
    assert refused.value.name == "loader_died"


def _drain(feed: Feed) -> None:
    for _ in range(900):
        feed.next()


def _loads(process: psutil.Process) -> bool:
    """Whether a child is a loader: the one that multiprocessing's fork server started."""
    parent = process.parent()
    return parent is not None and parent.pid != os.getpid()


def test_gradients_are_grouped_where_names_first_differ() -> None:
    assert set(groups_of(["net.a.w", "net.b.w", "net.b.v"]).values()) == {"net.a", "net.b"}
    assert set(groups_of(["unet.x.w", "control.y.w"]).values()) == {"unet", "control"}
    assert groups_of(["only"]) == {"only": "only"}


def test_the_peak_is_that_of_the_settings_or_unknown() -> None:
    assert peak_flops(tiny_config(log={"peak_tflops": 2.0}), _CPU) == 2e12
    assert peak_flops(tiny_config(), _CPU) == 0.0


def test_a_broken_validation_sample_is_named_and_left_out() -> None:
    config = tiny_config()
    with joined(config.run) as processes:
        task = make_tiny(TinyOptions(), _CPU)
        placed = place(task, config.run, processes)
        task.validation = TinySource(TinyOptions(length=6, broken=(4,)))
        result = validate(task, placed, config)
    assert [failure.index for failure in result.failures] == [4]
    assert "validation_loss" in result.figures


def test_compiled_units_learn_the_same(tmp_path: Path) -> None:
    train_alone(tiny_config(run={"steps": 3}), tmp_path / "plain")
    # The compiler itself takes longer than all other tests here: only its place is tested.
    with torch.compiler.set_stance("force_eager"):
        train_alone(tiny_config(run={"steps": 3, "compile": True}), tmp_path / "compiled")
    plain = tensors_of(tmp_path / "plain", 3)
    for key, parts in tensors_of(tmp_path / "compiled", 3).items():
        torch.testing.assert_close(whole(parts), whole(plain[key]), rtol=0, atol=1e-5, msg=key)
