"""Promises of the adapter's and the student's recipes: from clips to what the backend runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from backend.cli.main import main
from backend.models.adapters.factors import Worn
from backend.models.adapters.files import read_adapter
from backend.models.adapters.wardrobe import Wardrobe
from backend.models.layeranimate.bundle import build
from backend.models.layeranimate.checkpoint import load_model, save_model
from curation.dataset.writer import ShardWriter
from shared.errors import AcetateError
from training.layeranimate.task import tiny_network
from training.recipes import Place, Recipe, load_recipe, make_task, typed
from training.run.processes import joined as processes_joined
from training.train import train

from .moving import FRAMES, moving_clip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model in `model`, and a data set of five clips in `clips`."""
    folder = tmp_path_factory.mktemp("made")
    save_model(build(tiny_network(FRAMES), seed=0), folder / "model")
    with ShardWriter(folder / "clips") as writer:
        for number in range(5):
            clip = moving_clip(number, FRAMES, 32, 1)
            told = {"attribution": "nobody", "parameters_hash": "0" * 64}
            provenance = msgspec.structs.replace(clip.provenance, **told)
            writer.add(replace(clip, provenance=provenance))
    return folder


def recipe(made: Path, kind: str, **task: object) -> Recipe:
    data = {"source": "folders", "folders": [str(made / "clips")]}
    return typed(
        {
            "name": "small",
            "run": {"steps": 2, "batch": 1, "device": "cpu", "layout": "none"},
            "optimiser": {"rate": 1e-2},
            "ema": {"decay": 0.0},
            "log": {"tensorboard": False},
            "task": {
                "kind": kind,
                "data": data,
                "start": str(made / "model"),
                "rules": {"height": 32, "width": 32, "layers": 3, "track_places": 4},
                "looked_at": 0,
                "sample_steps": 2,
                **task,
            },
        },
        "small",
    )


def run(found: Recipe, out: Path) -> Path:
    with processes_joined(found.run) as processes:
        outcome = train(found, out, processes, quiet=True)
    assert outcome.export is not None
    return outcome.export


def test_five_clips_become_an_adapter_that_imports_and_is_worn(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = {"rank": 2, "alpha": 4.0, "targets": ["decoder-attention", "fusion"]}
    export = run(recipe(made, "layeranimate-lora", adapter=adapter), tmp_path / "run")
    assert sorted(path.name for path in export.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    monkeypatch.setenv("ACETATE_MODELS_DIR", str(tmp_path / "models"))
    assert main(["models", "import", str(made / "model"), "--name", "tiny", "--json"]) == 0
    assert main(["models", "import", str(export), "--name", "blocks", "--json"]) == 0
    manifest = json.loads((tmp_path / "models" / "blocks" / "model.json").read_bytes())
    assert manifest["facts"]["fits"] == "tiny"
    assert manifest["facts"]["trained_on"] == "model"
    model = load_model(made / "model")
    before = {key: value.clone() for key, value in model.unet.state_dict().items()}
    Wardrobe(model).wearing([Worn(read_adapter(export, "blocks"))])
    moved = [k for k, v in model.unet.state_dict().items() if not torch.equal(v, before[k])]
    assert moved
    assert all(key.startswith(("output_blocks", "masked_layer_fusion")) for key in moved)


def test_an_adapters_run_keeps_all_weights_but_its_own(made: Path, tmp_path: Path) -> None:
    settings = recipe(made, "layeranimate-lora", adapter={"rank": 1}).task
    task = make_task(settings, Place(torch.device("cpu"), tmp_path))
    names = {name for name, _ in task.module.named_parameters()}
    chosen = set(task.trainable())
    assert chosen <= names
    assert all("lora_" in name for name in chosen)
    held = sum(p.numel() for n, p in task.module.named_parameters() if n in chosen)
    assert held < 0.02 * sum(p.numel() for p in task.module.parameters())


def test_a_student_is_exported_with_what_it_does_by_itself(made: Path, tmp_path: Path) -> None:
    learn = {"fixed_timestep": 300, "guidance": 3.0, "steps": 4}
    found = recipe(made, "layeranimate-student", learn=learn, train="control-only")
    model = load_model(run(found, tmp_path))
    assert model.config.control.fixed_timestep == 300
    assert model.config.unet.built_in_guidance is not None
    assert model.config.scheduler.student_steps == 4
    teacher = load_model(made / "model")
    moved = {
        key.split(".")[0]
        for key, value in model.unet.state_dict().items()
        if not torch.equal(value, teacher.unet.state_dict()[key])
    }
    assert moved == {
        "masked_layer_fusion_norm_list",
        "masked_layer_fusion_attn_list",
        "masked_layer_fusion_out_list",
    }
    figures = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    losses = [row["loss"] for row in figures if row["kind"] == "train"]
    assert np.isfinite(losses).all()


@pytest.mark.parametrize("name", ["layeranimate-lora", "layeranimate-student"])
def test_committed_recipes_read_and_ask_for_a_model_to_start_from(
    name: str, tmp_path: Path
) -> None:
    from training.recipes import prepare_task

    found = load_recipe(name)
    assert found.name == name
    with pytest.raises(AcetateError) as caught:
        prepare_task(found.task, Place(torch.device("cpu"), tmp_path))
    assert caught.value.name == "usage"
    assert "task.start" in caught.value.text
