"""Clips that cannot be read are counted and named, nothing stands in for them, training goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.models.layeranimate.autoencoder import Autoencoder
from shared.errors import AcetateError
from tests.training.layeranimate.moving import RULES
from training.layeranimate.cost import mean_cost
from training.layeranimate.fit_autoencoder import fit_autoencoder
from training.layeranimate.task import LayerAnimateTask, tiny_network
from training.recipes import Place, load_recipe, make_task, prepare_task

from .alone import log_of, train_alone
from .small import Clips, SmallOptions, make_small
from .tiny import tiny_config


def _task(*broken: int) -> LayerAnimateTask:
    return make_small(SmallOptions(looked_at=2, broken=broken), torch.device("cpu"))


def test_a_run_goes_on_without_a_clip_to_look_at_and_names_it(tmp_path: Path) -> None:
    config = tiny_config(run={"steps": 1, "batch": 1}, validation={"samples": 2, "every": 1})
    options = SmallOptions(looked_at=2, broken=(1,))
    outcome = train_alone(config, tmp_path, options)
    assert outcome.finished
    assert np.isfinite(outcome.figures["sample_psnr"])
    named = [line for line in log_of(tmp_path, "failure") if line["where"].startswith("valid")]
    assert {line["index"] for line in named} == {1}
    assert all("clip 1" in line["reason"] for line in named)
    assert len(named) == 2 + 1, "the sample of both validations' losses, and once the picture"


def test_pictures_show_only_clips_that_could_be_read() -> None:
    whole, partly, none = _task(), _task(0), _task(0, 1)
    heights = [len(task.strips()["true_sampled_layers"]) for task in (whole, partly)]
    assert heights[0] == 2 * heights[1]
    assert none.strips() == {}
    assert none.looks.figures(none.module) == {}
    assert [f.index for f in none.failures()] == [0, 1]
    assert none.failures() == []


def test_validation_that_loses_more_than_the_budget_ends_the_run(tmp_path: Path) -> None:
    run = {"steps": 1, "batch": 1, "failure_budget": 0.0005}
    config = tiny_config(run=run, validation={"samples": 6, "every": 1})
    with pytest.raises(AcetateError) as refused:
        train_alone(config, tmp_path, SmallOptions(broken=(1, 4)))
    assert refused.value.name == "too_many_failures"
    assert "validation" in str(refused.value)
    assert log_of(tmp_path, "error"), "told in the log, too"
    assert list((tmp_path / "checkpoints").iterdir()), "and the run's work is kept"


def test_the_cost_of_a_step_is_unknown_where_no_sample_can_be_made() -> None:
    task = _task(0, 1, 2, 3)
    assert mean_cost(task.module.model.config, "all", (8, 16), task.source) == 0.0


def test_an_autoencoder_learns_without_unreadable_clips_until_they_are_most(
    caplog: pytest.LogCaptureFixture,
) -> None:
    vae = Autoencoder(replace(tiny_network(2).autoencoder, num_res_blocks=1))
    assert fit_autoencoder(vae, Clips(4, 2, (0,)), RULES, 1, seed=0) > 0
    assert caplog.messages.count("the autoencoder learns without clip 0: " + _reason(0)) == 1
    with pytest.raises(AcetateError) as refused:
        fit_autoencoder(vae, Clips(2, 2, (0, 1)), RULES, 1, seed=0)
    assert refused.value.name == "too_many_failures"


def test_a_dry_run_trains_and_encodes_nothing(tmp_path: Path) -> None:
    recipe = load_recipe("layeranimate-tiny", ["task.cached_draws=2", "task.autoencoder_steps=999"])
    place = Place(torch.device("cpu"), tmp_path / "data", dry=True)
    prepare_task(recipe.task, place)
    task = make_task(recipe.task, place)
    assert len(task.source) == 200
    assert len(task.trainable()) > 0
    assert list(tmp_path.iterdir()) == []


def _reason(index: int) -> str:
    return str(AcetateError("not_found", what=f"clip {index}"))
