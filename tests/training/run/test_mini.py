"""The sketch expert on the training loop: learns, starts from weights, exports what loads."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from backend.mini.weights import load_weights
from backend.weights import bundled
from shared.errors import AcetateError
from training.mini.samples import Samples, clip_samples
from training.mini.settings import MiniData, MiniSettings
from training.mini.shards import ShardSource, augmented, joined, make_missing, read_shard
from training.mini.task import make
from training.recipes import Place, Recipe, committed_recipes, load_recipe, typed
from training.run.processes import joined as processes_joined
from training.train import main, train

_DATA = MiniData(
    clips=2,
    seed=40,
    validation_clips=1,
    heights=(48,),
    frames=(7,),
    crop=48,
    frames_per_layer=2,
    dense_share=0.0,
    clips_per_shard=1,
)
_SMALL = MiniSettings(data=_DATA, widths=(8, 12, 16), blocks=(1, 1, 1))


def _recipe(**run: int) -> Recipe:
    return typed(
        {
            "name": "small",
            "run": {"steps": 6, "batch": 2, "device": "cpu", **run},
            "optimiser": {"rate": 3e-3},
            "schedule": {"kind": "linear", "warm_up": 2},
            "validation": {"every": 3},
            "log": {"every": 2, "tensorboard": False},
            "task": msgspec.to_builtins(_SMALL),
        },
        "small",
    )


def _train(recipe: Recipe, out: Path) -> Path:
    with processes_joined(recipe.run) as processes:
        outcome = train(recipe, out, processes, quiet=True)
    assert outcome.export is not None
    return outcome.export


@pytest.fixture(scope="module")
def samples() -> Samples:
    found = joined([clip_samples(seed, _DATA) for seed in range(40, 44)])
    assert len(found) >= 4
    return found


def test_samples_are_the_same_for_a_seed(samples: Samples) -> None:
    again = joined([clip_samples(seed, _DATA) for seed in range(40, 44)])
    assert np.array_equal(samples.inputs, again.inputs)
    assert np.array_equal(samples.target, again.target)


def test_the_recipe_runs_to_weights_that_the_engine_loads(tmp_path: Path) -> None:
    folder = _train(_recipe(), tmp_path)
    network, config = load_weights(folder)
    assert config.widths == (8, 12, 16)
    assert not any(parameter.requires_grad for parameter in network.parameters())
    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    validations = [entry for entry in entries if entry["kind"] == "validation"]
    assert [entry["step"] for entry in validations] == [0, 3, 6]
    assert all("gain_db" in entry and "validation_loss" in entry for entry in validations)
    assert list((tmp_path / "strips").glob("*.png"))
    before = (folder / "weights.safetensors").read_bytes()
    assert _train(_recipe(), tmp_path) == folder
    assert (folder / "weights.safetensors").read_bytes() == before


def test_an_untrained_expert_gains_nothing_and_a_trained_one_does(tmp_path: Path) -> None:
    make_missing(_DATA, tmp_path)
    task = make(_SMALL, Place(torch.device("cpu"), tmp_path))
    assert task.validate()["gain_db"] == pytest.approx(0.0, abs=1e-5)
    rng = np.random.default_rng(0)
    batch = {k: v[None] for k, v in task.validation.sample(0, rng).items()}
    optimiser = torch.optim.Adam(task.module.parameters(), 3e-3)
    losses: list[float] = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = task.module(batch).mean()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


def test_shards_are_made_once(tmp_path: Path) -> None:
    assert make_missing(_DATA, tmp_path) == 3
    assert make_missing(_DATA, tmp_path) == 0


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    whole = tmp_path / "whole.npz"
    np.savez_compressed(whole, inputs=np.arange(4096.0))
    data = whole.read_bytes()
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 255
    for name, damage in (("cut", data[: len(data) // 2]), ("flipped", bytes(flipped))):
        path = tmp_path / f"{name}.npz"
        path.write_bytes(damage)
        with pytest.raises(AcetateError) as refused:
            read_shard(path)
        assert refused.value.name == "not_found"


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    source = ShardSource([tmp_path / "gone.npz"], augment=False)
    with pytest.raises(AcetateError) as refused:
        source.sample(0, np.random.default_rng(0))
    assert refused.value.name == "not_found"


def test_augmentation_keeps_inputs_and_target_together(samples: Samples) -> None:
    inputs, allowed = samples.inputs[0], samples.allowed[0][None]
    before = inputs.copy()
    for seed in range(6):
        rng = np.random.default_rng(seed)
        mixed, target, _ = augmented(inputs, inputs[:4], allowed, rng)
        assert np.array_equal(mixed[:4], target)
    assert np.array_equal(inputs, before)


def test_a_recipe_that_continues_weights_refuses_to_begin_anew(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(_SMALL, needs_start=True)
    with pytest.raises(AcetateError) as refused:
        make(settings, Place(torch.device("cpu"), tmp_path))
    assert refused.value.name == "usage"


def test_the_bundled_weights_are_a_start(tmp_path: Path) -> None:
    shape = MiniSettings(data=_DATA, start="bundled")
    task = make(shape, Place(torch.device("cpu"), tmp_path))
    network, config = load_weights(bundled("acetate-mini"))
    for key, value in task.module.network.state_dict().items():
        assert torch.equal(value, network.state_dict()[key])
    assert all(parameter.requires_grad for parameter in task.module.parameters())
    other = msgspec.structs.replace(shape, start_sha256="0" * 64)
    for wrong in (other, msgspec.structs.replace(shape, widths=(8, 12, 16))):
        with pytest.raises(AcetateError) as refused:
            make(wrong, Place(torch.device("cpu"), tmp_path))
        assert refused.value.name == "model_corrupt"
    assert config.sha256


def test_every_committed_recipe_is_valid() -> None:
    found = committed_recipes()
    assert {"acetate-mini-v2", "acetate-mini-v3", "acetate-mini-quick"} <= found.keys()
    assert all(load_recipe(name).name == name for name in found)


def test_the_command_tells_what_it_would_train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "small.toml"
    path.write_text(
        'name = "small"\n[run]\nsteps = 6\nbatch = 2\ndevice = "cpu"\n[task]\nkind = "mini"\n'
        "widths = [8, 12, 16]\nblocks = [1, 1, 1]\n[task.data]\nclips = 1\nseed = 40\n"
        "validation_clips = 1\nheights = [48]\nframes = [7]\ncrop = 48\nframes_per_layer = 2\n"
    )
    command = ["train", str(path), "--out", str(tmp_path / "out"), "--dry-run", "--json"]
    monkeypatch.setattr("sys.argv", [*command, "--set", "run.steps=7"])
    assert main() == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["recipe"]["run"]["steps"] == 7
    assert plan["trained_parameters"] == plan["parameters"] > 1000
    assert plan["flops_per_sample"] > 1e6
    assert plan["samples_per_epoch"] > 0
    assert not (tmp_path / "out" / "checkpoints").exists()
