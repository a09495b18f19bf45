"""The sketch expert's trainer: learns, resumes exactly, refuses foreign checkpoints."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from backend.mini.weights import load_weights
from shared.errors import AcetateError
from training.mini.recipe import DataRecipe, NetworkRecipe, OptimiserRecipe, Recipe, load_recipe
from training.mini.samples import Samples, clip_samples
from training.mini.shards import augmented, batch_indices, ensure_shards, joined
from training.mini.trainer import Trainer, gain_db, learning_rate
from training.train_mini import LOG, train

_SMALL = Recipe(
    name="test",
    data=DataRecipe(
        clips=2,
        seed=40,
        validation_clips=1,
        heights=(48,),
        frames=(7,),
        crop=48,
        frames_per_layer=2,
        dense_share=0.0,
        clips_per_shard=1,
    ),
    network=NetworkRecipe(widths=(8, 12, 16), blocks=(1, 1, 1)),
    optimiser=OptimiserRecipe(steps=6, batch=2, warm_up=2, rate=3e-3),
    log_every=2,
    validate_every=3,
)


@pytest.fixture(scope="module")
def samples() -> Samples:
    found = joined([clip_samples(seed, _SMALL.data) for seed in range(40, 44)])
    assert len(found) >= 4
    return found


def test_samples_are_the_same_for_a_seed(samples: Samples) -> None:
    again = joined([clip_samples(seed, _SMALL.data) for seed in range(40, 44)])
    assert np.array_equal(samples.inputs, again.inputs)
    assert np.array_equal(samples.target, again.target)


def test_one_batch_is_overfitted(samples: Samples) -> None:
    one = samples.part(slice(2))
    optimiser = msgspec.structs.replace(_SMALL.optimiser, steps=300)
    trainer = Trainer(msgspec.structs.replace(_SMALL, optimiser=optimiser))
    assert gain_db(trainer.network, one) == pytest.approx(0.0, abs=1e-5)
    losses = [trainer.advance(one).loss for _ in range(300)]
    assert losses[-1] < 0.6 * losses[0]
    assert gain_db(trainer.network, one) > 1.5


def test_a_resumed_run_is_bit_equal(samples: Samples, tmp_path: Path) -> None:
    straight, stopped = Trainer(_SMALL), Trainer(_SMALL)
    for _ in range(6):
        straight.advance(samples)
    for _ in range(3):
        stopped.advance(samples)
    stopped.save(tmp_path / "half.safetensors")
    resumed = Trainer(_SMALL)
    resumed.restore(tmp_path / "half.safetensors")
    for _ in range(3):
        resumed.advance(samples)
    for module in ("network", "average"):
        expected = getattr(straight, module).state_dict()
        for key, value in getattr(resumed, module).state_dict().items():
            assert torch.equal(value, expected[key]), key


def test_a_checkpoint_of_another_recipe_is_refused(samples: Samples, tmp_path: Path) -> None:
    trainer = Trainer(_SMALL)
    trainer.advance(samples)
    trainer.save(tmp_path / "one.safetensors")
    other = Trainer(msgspec.structs.replace(_SMALL, name="other"))
    with pytest.raises(AcetateError) as refused:
        other.restore(tmp_path / "one.safetensors")
    assert refused.value.name == "model_corrupt"


def test_the_command_writes_data_log_checkpoint_and_weights(tmp_path: Path) -> None:
    folder = train(_SMALL, tmp_path)
    network, config = load_weights(folder)
    assert config.widths == (8, 12, 16)
    assert not any(parameter.requires_grad for parameter in network.parameters())
    entries = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert [e["step"] for e in entries if "validation_gain_db" in e] == [3, 6]
    before = (folder / "weights.safetensors").read_bytes()
    assert train(_SMALL, tmp_path) == folder
    assert (folder / "weights.safetensors").read_bytes() == before


def test_shards_are_made_once(tmp_path: Path) -> None:
    told: list[str] = []
    ensure_shards(_SMALL.data, tmp_path, told.append)
    assert len(told) == 3
    ensure_shards(_SMALL.data, tmp_path, told.append)
    assert len(told) == 3


def test_every_epoch_takes_every_sample_once() -> None:
    taken = np.concatenate([batch_indices(10, 4, step, seed=1) for step in range(5)])
    assert sorted(taken[:10]) == list(range(10))
    assert sorted(taken[10:]) == list(range(10))
    assert list(taken[:10]) != list(taken[10:])


def test_augmentation_keeps_inputs_and_target_together(samples: Samples) -> None:
    art = samples.inputs[:, :4].copy()
    same = Samples(samples.inputs.copy(), art, samples.allowed, samples.fit_error_px)
    for step in range(4):
        mixed = augmented(same, np.arange(3), step, seed=0)
        assert np.array_equal(mixed.inputs[:, :4], mixed.target)
    assert np.array_equal(same.inputs, samples.inputs)


def test_the_learning_rate_warms_up_and_decays() -> None:
    settings = OptimiserRecipe(steps=101, warm_up=10, rate=1.0, final_rate=0.1)
    rates = [learning_rate(settings, step) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(rates[9])
    assert rates[-1] == pytest.approx(0.1)


def test_the_bundled_recipe_is_valid() -> None:
    import training

    recipes = sorted((Path(training.__file__).parent / "recipes").glob("acetate-mini*.toml"))
    assert recipes
    assert all(load_recipe(path).name.startswith("acetate-mini") for path in recipes)


@pytest.mark.parametrize("text", ["name = 1", "name = 'x'\nunknown = 2", "["])
def test_broken_recipes_are_catalogued(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(AcetateError) as refused:
        load_recipe(path)
    assert refused.value.name == "invalid_request"
