"""A recipe trains LayerAnimate, looks at it, and exports what the backend imports."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from backend.models.layeranimate.checkpoint import check_folder, load_model
from shared.errors import AcetateError
from training.data.procedural_source import ProceduralClips
from training.layeranimate.settings import LayerAnimateSettings
from training.recipes import Place, Recipe, load_recipe, make_task, prepare_task
from training.run.loop import run
from training.run.processes import joined
from training.run.task import Task

SMALL = (
    "run.steps=2",
    "run.batch=1",
    "validation.every=0",
    "validation.strips=0",
    "validation.samples=1",
    "task.looked_at=1",
    "task.sample_steps=1",
    "task.autoencoder_steps=2",
    "task.rules.height=32",
    "task.rules.width=32",
    "task.data.clips=2",
    "task.validation.clips=1",
    "log.tensorboard=false",
)


def _recipe(*more: str) -> Recipe:
    return load_recipe("layeranimate-tiny", [*SMALL, *more])


@pytest.mark.parametrize(
    ("name", "steps", "batch", "below"),
    [("layeranimate-v1", 50_000, 32, 0.05), ("layeranimate-iccv", 30_000, 96, 0.1)],
)
def test_recipes_hold_the_papers_figures(name: str, steps: int, batch: int, below: float) -> None:
    recipe = load_recipe(name)
    assert (recipe.run.steps, recipe.run.batch, recipe.optimiser.rate) == (steps, batch, 2e-5)
    assert isinstance(recipe.task, LayerAnimateSettings)
    assert recipe.task.rules.static_below == below


@pytest.mark.parametrize("name", ["layeranimate-v1", "layeranimate-iccv"])
def test_a_recipe_of_the_released_size_refuses_to_begin_from_nothing(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(AcetateError) as caught:
        prepare_task(load_recipe(name).task, Place(torch.device("cpu"), tmp_path))
    assert caught.value.name == "usage"


def test_an_unknown_rule_is_refused_with_its_like() -> None:
    with pytest.raises(AcetateError) as caught:
        _recipe("task.rules.mask_drop=0.2")
    assert caught.value.name == "bad_recipe"
    assert "mask_dropout" in caught.value.detail


def test_a_run_from_nothing_exports_a_folder_that_the_backend_loads(tmp_path: Path) -> None:
    recipe = _recipe()

    def make(device: torch.device) -> Task:
        return make_task(recipe.task, Place(device, tmp_path / "data"))

    with joined(recipe.run) as processes:
        prepare_task(recipe.task, Place(processes.device, tmp_path / "data"))
        outcome = run(recipe, make, tmp_path / "run", processes, quiet=True)
    assert outcome.finished
    assert outcome.export is not None
    assert set(outcome.figures) >= {
        "validation_loss",
        "loss_t125",
        "loss_t875",
        "sample_psnr",
        "autoencoder_psnr",
    }
    assert all(np.isfinite(value) for value in outcome.figures.values())
    config = check_folder(outcome.export)
    model = load_model(outcome.export)
    assert model.clip_frames == 4
    assert config.latent_scale == model.config.latent_scale != 0.18215


def test_strips_show_the_clip_the_sample_and_the_slots(tmp_path: Path) -> None:
    recipe, place = _recipe(), Place(torch.device("cpu"), tmp_path)
    prepare_task(recipe.task, place)
    (picture,) = make_task(recipe.task, place).strips().values()
    assert picture.dtype == np.uint8
    assert picture.shape == (3 * 32 * 4, 4 * 32 * 4, 3)


def test_other_clips_in_the_same_place_get_an_autoencoder_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, place = _recipe(), Place(torch.device("cpu"), tmp_path)
    prepare_task(recipe.task, place)
    prepare_task(recipe.task, place)
    assert len(list(tmp_path.glob("autoencoder-*"))) == 1
    monkeypatch.setattr(ProceduralClips, "fingerprint", property(lambda _: "made anew"))
    prepare_task(recipe.task, place)
    assert len(list(tmp_path.glob("autoencoder-*"))) == 2


def test_processes_share_weights_and_clips_that_were_encoded_once(tmp_path: Path) -> None:
    recipe, place = _recipe("task.cached_draws=1"), Place(torch.device("cpu"), tmp_path)
    prepare_task(recipe.task, place)
    tasks = [make_task(recipe.task, place) for _ in range(2)]
    first, second = (task.module.state_dict() for task in tasks)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert tasks[0].source.fingerprint == tasks[1].source.fingerprint
    assert "video_mean" in tasks[0].source.sample(0, np.random.default_rng(0))
