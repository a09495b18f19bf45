"""The sketch expert learns from data sets on the disk as it does from procedural clips."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from curation.dataset.clip import LayeredClip
from shared.errors import AcetateError
from training.data.make import make_dataset
from training.data.procedural_source import ProceduralClips
from training.mini.footage import layer_frames, moving_layers
from training.mini.settings import MiniData, MiniSettings, data_hash
from training.mini.shards import make_missing, shard_paths, stock_of
from training.recipes import Recipe, load_recipe, typed
from training.run.processes import joined as processes_joined
from training.train import train

_CLIPS = ProceduralClips(3, seed=3, width=96, height=64, length=6, stream="train")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("sets") / "show"
    make_dataset(_CLIPS, where)
    return where


def _data(folder: Path) -> MiniData:
    return MiniData(
        clips=100,
        validation_clips=1,
        heights=(48,),
        frames=(6,),
        crop=48,
        frames_per_layer=3,
        dense_share=1.0,
        source="folders",
        folders=(str(folder),),
        draws=2,
    )


@pytest.fixture(scope="module")
def clip() -> LayeredClip:
    return _CLIPS.clip(0)


def test_layers_are_cut_out_with_their_own_lines(clip: LayeredClip) -> None:
    chosen = moving_layers(clip)
    assert chosen
    shown = layer_frames(clip, chosen[0], (72, 48))
    mask = clip.layer_labels()[0] == chosen[0] + 1
    pixels = shown.pictures[0].pixels
    assert pixels.shape == (48, 72, 4)
    assert pixels[..., 3].mean() / 255 == pytest.approx(mask.mean(), rel=0.05)
    assert shown.lines.shape == (len(clip.frames), 48, 72)
    assert shown.lines.max() > 0.5, "thin lines stay lines where the picture is made smaller"
    assert shown.lines[0][pixels[..., 3] == 0].mean() < 0.1


def test_scores_of_many_frames_are_told_per_frame(clip: LayeredClip) -> None:
    scale = replace(clip.score_scale, frame_step=16)
    layers = tuple(replace(layer, score=layer.score * 16) for layer in clip.layers)
    assert moving_layers(replace(clip, score_scale=scale, layers=layers)) == moving_layers(clip)


def test_the_backdrop_is_no_lesson(clip: LayeredClip) -> None:
    labels = clip.layer_labels()
    back = int(np.bincount(labels[0].ravel()).argmax()) - 1
    assert back not in moving_layers(clip)


def test_clips_to_learn_from_and_clips_kept_apart_do_not_meet(folder: Path) -> None:
    stock = stock_of(_data(folder))
    assert len(stock.training) == 2 * 2
    assert len(stock.validation) == 1 * 2
    first, again = (stock.samples(stock.training[-1]) for _ in range(2))
    assert len(first)
    assert np.array_equal(first.inputs, again.inputs)


def test_shards_are_named_by_the_contents_of_the_sets(folder: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    moved.symlink_to(folder)
    here, there = (shard_paths(_data(at), tmp_path)[0] for at in (folder, moved))
    assert [path.name for path in here] == [path.name for path in there]
    other = msgspec.structs.replace(_data(folder), crop=64)
    assert shard_paths(other, tmp_path)[0] != here


def test_the_recipe_runs_on_a_folder_and_its_loss_falls(folder: Path, tmp_path: Path) -> None:
    settings = MiniSettings(data=_data(folder), widths=(8, 12, 16), blocks=(1, 1, 1))
    recipe = typed(
        {
            "name": "small",
            "run": {"steps": 40, "batch": 4, "device": "cpu"},
            "optimiser": {"rate": 3e-3},
            "schedule": {"kind": "linear", "warm_up": 2},
            "validation": {"every": 40},
            "log": {"every": 10, "tensorboard": False},
            "task": msgspec.to_builtins(settings),
        },
        "small",
    )
    with processes_joined(recipe.run) as processes:
        outcome = train(recipe, tmp_path, processes, quiet=True)
    assert outcome.export is not None
    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    losses = [entry["loss"] for entry in entries if entry["kind"] == "step"]
    assert losses[-1] < 0.9 * losses[0]
    again = tmp_path / "elsewhere"
    again.symlink_to(folder)
    shards = next(tmp_path.rglob("*.npz")).parent
    assert make_missing(_data(again), shards) == 0, "the same clips make no new shards"


def test_a_folder_without_the_source_is_refused_and_so_is_the_source_without_one() -> None:
    for wrong in ('task.data.folders=["a"]', "task.data.source=folders"):
        with pytest.raises(AcetateError) as refused:
            load_recipe("acetate-mini-quick", [wrong])
        assert refused.value.name == "bad_recipe"
    both = ["task.data.source=folders", 'task.data.folders=["a"]']
    with pytest.raises(AcetateError) as refused:
        load_recipe("acetate-mini-quick", both[:1])
    assert refused.value.name == "bad_recipe"
    recipe: Recipe = load_recipe("acetate-mini-quick", both)
    assert isinstance(recipe.task, MiniSettings)
    assert recipe.task.data.folders == ("a",)


def test_procedural_shards_keep_their_names() -> None:
    assert data_hash(MiniData(clips=1)) == data_hash(MiniData(clips=1, draws=9))
