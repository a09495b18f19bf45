"""Folders of weights load strictly, say what is wrong with them, and tell their own variant."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from backend.models.layeranimate.bundle import build, tiny_config
from backend.models.layeranimate.checkpoint import (
    CONFIG_NAME,
    WEIGHTS_NAME,
    load_model,
    read_config,
    save_model,
)
from backend.models.layeranimate.configs import LayerAnimateConfig
from shared.errors import AcetateError

from .tiny import tiny_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A saved tiny model."""
    save_model(tiny_model(), tmp_path)
    return tmp_path


def _edit(folder: Path, component: str, change: Callable[[dict[str, Tensor]], None]) -> None:
    path = folder / component / WEIGHTS_NAME
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def test_a_saved_model_comes_back_equal(folder: Path) -> None:
    loaded = load_model(folder)
    assert loaded.config == tiny_model().config
    for name, part in tiny_model().parts().items():
        back = loaded.parts()[name].state_dict()
        for key, value in part.state_dict().items():
            assert torch.equal(back[key], value), f"{name}: {key}"


def test_weights_take_the_number_format_asked_for(folder: Path) -> None:
    loaded = load_model(folder, dtype=torch.bfloat16)
    assert loaded.dtype == torch.bfloat16
    assert loaded.dual is not None
    assert loaded.dual.quant_conv.weight.dtype == torch.float32


def test_missing_unexpected_and_reshaped_tensors_are_all_named(folder: Path) -> None:
    def spoil(tensors: dict[str, Tensor]) -> None:
        del tensors["out.0.bias"]
        tensors["out.9.bias"] = torch.zeros(1)
        tensors["out.0.weight"] = torch.zeros(3)

    _edit(folder, "unet", spoil)
    with pytest.raises(AcetateError) as caught:
        load_model(folder)
    assert caught.value.name == "model_corrupt"
    assert "1 missing: out.0.bias" in caught.value.detail
    assert "1 unexpected: out.9.bias" in caught.value.detail
    assert "1 of another shape: out.0.weight" in caught.value.detail


def test_a_truncated_file_is_reported_as_damaged(folder: Path) -> None:
    path = folder / "vae" / WEIGHTS_NAME
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(AcetateError) as caught:
        load_model(folder)
    assert caught.value.name == "model_corrupt"


@pytest.mark.parametrize("text", ["{", "[]", '{"use_relative_position": true}'])
def test_a_configuration_that_cannot_be_used_is_reported(folder: Path, text: str) -> None:
    (folder / "unet" / CONFIG_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(AcetateError) as caught:
        load_model(folder)
    assert caught.value.name == "model_corrupt"


def test_an_absent_component_is_reported_as_not_installed(folder: Path) -> None:
    (folder / "image_projector" / WEIGHTS_NAME).unlink()
    with pytest.raises(AcetateError) as caught:
        load_model(folder)
    assert caught.value.name == "model_missing"


def test_a_model_without_the_two_key_decoder_loads(folder: Path) -> None:
    (folder / "vae_dualref" / WEIGHTS_NAME).unlink()
    assert load_model(folder).dual is None


def test_shapes_win_over_a_wrong_configuration_file(folder: Path) -> None:
    path = folder / "layer_controlnet" / CONFIG_NAME
    document = json.loads(path.read_text(encoding="utf-8"))
    document.update(control_injection_mode="concat", ignore_noisy_latents=False, in_channels=99)
    path.write_text(json.dumps(document), encoding="utf-8")
    assert read_config(folder).control == tiny_model().config.control


def _variant(concatenate: bool, noisy: bool) -> LayerAnimateConfig:
    config = tiny_config(4)
    channels = 5 + (9 if concatenate else 0) + (8 if noisy else 0)
    trunk = replace(config.control.trunk, in_channels=channels)
    control = replace(
        config.control, trunk=trunk, concatenate=concatenate, uses_noisy_latents=noisy
    )
    return replace(config, control=control, dual=None)


@pytest.mark.parametrize("concatenate", [False, True])
@pytest.mark.parametrize("noisy", [False, True])
def test_the_control_variant_is_read_off_the_shapes(
    tmp_path: Path, concatenate: bool, noisy: bool
) -> None:
    config = _variant(concatenate, noisy)
    save_model(build(config, seed=0), tmp_path)
    (tmp_path / "layer_controlnet" / CONFIG_NAME).unlink()
    assert read_config(tmp_path).control == config.control
