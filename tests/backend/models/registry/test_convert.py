"""Pickled tensors become safetensors; whatever else is in such a file is refused and never runs."""

from __future__ import annotations

import json
import os
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from backend.models.layeranimate.checkpoint import WEIGHTS_NAME
from backend.models.registry.convert import convert
from backend.models.registry.importing import examine
from shared.errors import AcetateError


class Bomb:
    """Runs a command when a careless reader opens it."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.mark}",)


STATE = {"a": torch.arange(6.0).view(2, 3), "b": torch.ones(2, dtype=torch.bfloat16)}


@pytest.mark.parametrize("old_format", [False, True])
@pytest.mark.parametrize("suffix", [".bin", ".pt", ".ckpt"])
def test_tensors_come_back_bit_for_bit(tmp_path: Path, suffix: str, old_format: bool) -> None:
    file = tmp_path / f"some{suffix}"
    torch.save(STATE, file, _use_new_zipfile_serialization=not old_format)
    (written,) = convert(file, tmp_path / "out.safetensors")
    back = load_file(written)
    assert set(back) == set(STATE)
    assert all(torch.equal(back[key], value) for key, value in STATE.items())


def test_wrapped_states_are_unwrapped_and_other_values_left_out(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "state_dict": {**STATE, "step": 7}}, tmp_path / "wrapped.ckpt")
    (written,) = convert(tmp_path / "wrapped.ckpt", tmp_path / "out.safetensors")
    assert set(load_file(written)) == {"a", "b"}


def test_tensors_that_share_memory_or_are_views_are_written_whole(tmp_path: Path) -> None:
    base = torch.arange(12.0).view(3, 4)
    torch.save({"one": base, "same": base, "part": base[1:], "turned": base.T}, tmp_path / "x.pt")
    (written,) = convert(tmp_path / "x.pt", tmp_path / "out.safetensors")
    back = load_file(written)
    assert torch.equal(back["same"], base)
    assert torch.equal(back["part"], base[1:])
    assert torch.equal(back["turned"], base.T)


def test_a_file_with_a_program_in_it_is_refused_and_does_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "it-ran"
    torch.save({"a": torch.zeros(1), "b": Bomb(mark)}, tmp_path / "evil.bin")
    with pytest.raises(AcetateError) as caught:
        convert(tmp_path / "evil.bin", tmp_path / "out.safetensors")
    assert caught.value.name == "not_a_model"
    assert "weights_only" not in caught.value.detail  # torch advises to open it unprotected
    assert not mark.exists()
    assert [p.name for p in tmp_path.iterdir()] == ["evil.bin"]


def test_what_was_refused_in_a_file_is_named(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1), "b": weakref.ref}, tmp_path / "evil.bin")
    with pytest.raises(AcetateError) as caught:
        convert(tmp_path / "evil.bin", tmp_path / "out.safetensors")
    assert caught.value.detail == "Unsupported global: GLOBAL weakref.ReferenceType"


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 nothing behind", b"\x80\x02", b"text"])
def test_a_broken_file_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "broken.pt").write_bytes(data)
    with pytest.raises(AcetateError) as caught:
        convert(tmp_path / "broken.pt", tmp_path / "out.safetensors")
    assert caught.value.name == "not_a_model"


@pytest.mark.parametrize("content", [[torch.zeros(1)], {"n": 1}, torch.zeros(2)])
def test_a_file_without_named_tensors_is_told(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "odd.pt")
    with pytest.raises(AcetateError) as caught:
        convert(tmp_path / "odd.pt", tmp_path / "out.safetensors")
    assert caught.value.name == "not_a_model"


@pytest.mark.parametrize(
    "tensor", [torch.ones(3).to_sparse(), torch.ones(2, device="meta")], ids=["sparse", "meta"]
)
def test_a_tensor_that_safetensors_cannot_hold_is_told(tmp_path: Path, tensor: Tensor) -> None:
    torch.save({"a": tensor}, tmp_path / "odd.pt")
    with pytest.raises(AcetateError) as caught:
        convert(tmp_path / "odd.pt", tmp_path / "out.safetensors")
    assert caught.value.name == "not_a_model"


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "a.pt")
    (tmp_path / "out.safetensors").write_bytes(b"mine")
    with pytest.raises(AcetateError) as caught:
        convert(tmp_path / "a.pt", tmp_path / "out.safetensors")
    assert caught.value.name == "output_exists"
    with pytest.raises(AcetateError):
        convert(tmp_path / "missing.pt", tmp_path / "x.safetensors")
    with pytest.raises(AcetateError):
        convert(tmp_path / "out.safetensors", tmp_path / "x.safetensors")


def test_a_converted_folder_can_be_imported(published: Path, tmp_path: Path) -> None:
    for part in ("unet", "vae"):
        file = published / part / WEIGHTS_NAME
        torch.save(load_file(file), file.with_suffix(".bin"))
        file.unlink()
    for part in ("layer_controlnet", "image_projector", "vae_dualref"):
        file = published / part / WEIGHTS_NAME
        torch.save(load_file(file), file.with_suffix(".bin"))
        file.unlink()
    out = tmp_path / "converted"
    written = convert(published, out)
    assert len(written) == 5
    prospect = examine(out)
    assert prospect.facts["two_keys"] is True
    assert (out / "scheduler" / "scheduler_config.json").is_file()


def test_shards_keep_an_index_with_their_new_names(tmp_path: Path) -> None:
    folder = tmp_path / "sharded"
    folder.mkdir()
    places = {}
    for number, key in enumerate(STATE, 1):
        name = f"pytorch_model-0000{number}-of-00002.bin"
        torch.save({key: STATE[key]}, folder / name)
        places[key] = name
    index = folder / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": places}), encoding="utf-8")
    convert(folder, tmp_path / "out")
    written = json.loads((tmp_path / "out" / "model.safetensors.index.json").read_bytes())
    assert written["weight_map"]["b"] == "model-00002-of-00002.safetensors"
    assert (tmp_path / "out" / "model-00001-of-00002.safetensors").is_file()
