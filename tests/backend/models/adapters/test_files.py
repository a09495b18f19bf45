"""Promises of adapter files: what was written comes back, and nothing else gets in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from backend.models.adapters.files import SETTINGS_NAME, WEIGHTS_NAME, open_adapter, read_adapter
from backend.models.adapters.fitting import check_fits
from backend.models.layeranimate.bundle import build, tiny_config
from shared.errors import AcetateError
from tests.backend.models.layeranimate.tiny import tiny_model

from .drawn import CONVOLUTION, EVERY_KIND, adapter_folder, matrices

State = dict[str, Tensor]
Settings = dict[str, object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A written adapter of rank 2 and alpha 2."""
    return adapter_folder(tmp_path / "style", tiny_model())


def test_an_adapter_comes_back_as_it_was_written(folder: Path) -> None:
    adapter = read_adapter(folder, "style")
    assert set(adapter.factors) == set(EVERY_KIND)
    for module, (down, up) in matrices(tiny_model()).items():
        assert torch.equal(adapter.factors[module].down, down)
        assert torch.equal(adapter.factors[module].up, up)
        assert adapter.factors[module].strength == 1.0
    assert read_adapter(folder / WEIGHTS_NAME, "other").identity == adapter.identity


def test_names_and_settings_are_those_of_peft(folder: Path) -> None:
    keys = set(load_file(folder / WEIGHTS_NAME))
    assert f"base_model.model.{CONVOLUTION}.lora_A.weight" in keys
    assert f"base_model.model.{CONVOLUTION}.lora_B.weight" in keys
    settings = json.loads((folder / SETTINGS_NAME).read_text())
    assert settings["peft_type"] == "LORA"
    assert settings["r"] == 2
    assert set(settings["target_modules"]) == set(EVERY_KIND)


def test_a_single_file_carries_its_settings_along(folder: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.safetensors"
    alone.write_bytes((folder / WEIGHTS_NAME).read_bytes())
    assert open_adapter(alone, "alone").settings == open_adapter(folder, "style").settings


def test_alpha_may_differ_by_module_and_be_rank_stabilised(folder: Path) -> None:
    path = folder / SETTINGS_NAME
    settings = json.loads(path.read_text()) | {"alpha_pattern": {"attn1.to_q": 6.0}}
    path.write_text(json.dumps(settings))
    factors = read_adapter(folder, "style").factors
    assert factors[EVERY_KIND[0]].strength == 3.0
    assert factors[CONVOLUTION].strength == 1.0
    path.write_text(json.dumps(settings | {"use_rslora": True, "alpha_pattern": {}}))
    assert read_adapter(folder, "style").factors[CONVOLUTION].strength == pytest.approx(2**0.5)


def test_patterns_may_be_whole_paths_and_ranks_are_those_of_the_matrices(folder: Path) -> None:
    path = folder / SETTINGS_NAME
    whole = {"^" + CONVOLUTION.replace(".", r"\."): 8.0, CONVOLUTION: 1.0, "^attn1.to_q": 6.0}
    ranks = {r"unet\..*": 64}
    patterns = {"alpha_pattern": whole, "rank_pattern": ranks, "r": 64}
    path.write_text(json.dumps(json.loads(path.read_text()) | patterns))
    factors = read_adapter(folder, "style").factors
    assert factors[CONVOLUTION].strength == 4.0, "the first key that fits, over the true rank of 2"
    assert factors[EVERY_KIND[0]].strength == 1.0, "no whole path"


@pytest.mark.parametrize("key", [r".*attn1.*", r"blocks\.\d+\.to_q", "(a+)+$", "to_q|to_k", ""])
def test_regular_expressions_are_refused_by_name(folder: Path, key: str) -> None:
    path = folder / SETTINGS_NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | {"alpha_pattern": {key: 6.0}}))
    with pytest.raises(AcetateError) as refused:
        open_adapter(folder, "style")
    assert refused.value.name == "model_corrupt"
    assert "regular expressions are not supported" in str(refused.value)


def _rename(state: State) -> State:
    return {key.replace("base_model.model.", "lora_unet_"): value for key, value in state.items()}


def _halve(state: State) -> State:
    return {key: value for key, value in state.items() if "to_q.lora_B" not in key}


def _poison(state: State) -> State:
    return state | {
        f"base_model.model.{CONVOLUTION}.lora_B.weight": torch.full((64, 2, 1, 1), torch.nan)
    }


def _decoder(state: State) -> State:
    return {key.replace(".unet.", ".vae."): value for key, value in state.items()}


def _other_rank(state: State) -> State:
    return state | {f"base_model.model.{CONVOLUTION}.lora_B.weight": torch.zeros(64, 3, 1, 1)}


def _integers(state: State) -> State:
    return {key: value.to(torch.int32) for key, value in state.items()}


def _more(state: State) -> State:
    return state | {"base_model.model.unet.out.2.lora_magnitude_vector": torch.zeros(4)}


@pytest.mark.parametrize(
    "spoil", [_rename, _halve, _poison, _decoder, _other_rank, _integers, _more]
)
def test_a_file_that_is_no_sound_adapter_is_refused(
    folder: Path, spoil: Callable[[State], State]
) -> None:
    file = folder / WEIGHTS_NAME
    save_file(spoil(load_file(file)), file)
    with pytest.raises(AcetateError) as caught:
        read_adapter(folder, "style")
    assert caught.value.name == "model_corrupt"


@pytest.mark.parametrize(
    "change",
    [
        {"use_dora": True},
        {"bias": "all"},
        {"modules_to_save": ["out"]},
        {"peft_type": "LOHA"},
        {"lora_alpha": "much"},
        {"r": 100_000},
        {"lora_alpha": -1},
    ],
)
def test_settings_that_mean_more_than_two_matrices_are_refused(
    folder: Path, change: Settings
) -> None:
    path = folder / SETTINGS_NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(AcetateError) as caught:
        open_adapter(folder, "style")
    assert caught.value.name == "model_corrupt"


def test_a_cut_off_file_and_one_without_settings_are_told(folder: Path) -> None:
    file = folder / WEIGHTS_NAME
    save_file(load_file(file), file)
    (folder / SETTINGS_NAME).unlink()
    with pytest.raises(AcetateError) as caught:
        open_adapter(folder, "style")
    assert caught.value.name == "model_missing"
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(AcetateError) as caught:
        open_adapter(folder, "style")
    assert caught.value.name == "model_corrupt"


def test_a_misfit_names_what_the_model_lacks(folder: Path) -> None:
    shapes = dict(open_adapter(folder, "style").shapes)
    check_fits(shapes, "style", build(tiny_config(8), seed=1))
    shapes["unet.middle_block.9.to_q"] = (2, 2)
    shapes[CONVOLUTION] = (2, 2, 3, 3)
    with pytest.raises(AcetateError) as caught:
        check_fits(shapes, "style", tiny_model())
    assert caught.value.name == "adapter_unfit"
    assert "unet.middle_block.9.to_q" in caught.value.detail
    assert f"{CONVOLUTION} [2, 2, 3, 3], here" in caught.value.detail
