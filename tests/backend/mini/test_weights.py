"""Loading refuses whatever is not exactly what the config vouches for."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import torch
from safetensors.torch import save

from backend.mini.expert import load_expert
from backend.mini.weights import CONFIG_FILE, WEIGHTS_FILE, load_weights
from shared.blobs import content_hash
from shared.errors import AcetateError


@pytest.fixture
def copy(weights_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(weights_folder, tmp_path / "copy"))


def _flip_a_byte(folder: Path) -> None:
    data = bytearray((folder / WEIGHTS_FILE).read_bytes())
    data[-1] ^= 1
    (folder / WEIGHTS_FILE).write_bytes(bytes(data))


def _truncate(folder: Path) -> None:
    data = (folder / WEIGHTS_FILE).read_bytes()
    (folder / WEIGHTS_FILE).write_bytes(data[: len(data) // 2])


def _vouch_for(folder: Path, data: bytes) -> None:
    (folder / WEIGHTS_FILE).write_bytes(data)
    _set(folder, sha256=content_hash(data))


def _set(folder: Path, **changes: object) -> None:
    config = msgspec.json.decode((folder / CONFIG_FILE).read_bytes()) | changes
    (folder / CONFIG_FILE).write_bytes(msgspec.json.encode(config))


def _nan(folder: Path) -> None:
    network, _ = load_weights(folder)
    state = {key: value.half() for key, value in network.state_dict().items()}
    state["head.bias"] = torch.full_like(state["head.bias"], float("nan"))
    _vouch_for(folder, save(state))


@pytest.mark.parametrize(
    "spoil",
    [
        _flip_a_byte,
        _truncate,
        _nan,
        lambda folder: _vouch_for(folder, b"not safetensors at all"),
        lambda folder: _vouch_for(folder, save({"head.bias": torch.zeros(20)})),
        lambda folder: _set(folder, widths=[8, 12, 20]),
        lambda folder: _set(folder, widths=[10**9, 12, 20]),
        lambda folder: _set(folder, schema="acetate.mini/9"),
        lambda folder: _set(folder, working_height=0),
        lambda folder: _set(folder, surprise=1),
        lambda folder: (folder / CONFIG_FILE).write_text("{"),
    ],
)
def test_tampered_weights_are_refused(copy: Path, spoil: Callable[[Path], object]) -> None:
    spoil(copy)
    with pytest.raises(AcetateError) as refused:
        load_weights(copy)
    assert refused.value.name == "model_corrupt"


@pytest.mark.parametrize("name", [CONFIG_FILE, WEIGHTS_FILE])
def test_missing_files_are_catalogued(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(AcetateError) as missing:
        load_weights(copy)
    assert missing.value.name == "model_missing"


def test_the_expert_is_loaded_once(weights_folder: Path) -> None:
    assert load_expert(weights_folder) is load_expert(weights_folder)
