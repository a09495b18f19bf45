"""Promises of the files: what is not exactly what was written is a miss, removed and noted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from backend.pipeline.feature_store.disk import DAMAGED_NOTE
from backend.pipeline.feature_store.store import FeatureStore
from tests.backend.pipeline.feature_store.made import CPU, features, files, key, on_disk, same

Damage = Callable[[Path], object]


def written(folder: Path) -> tuple[Path, list[torch.Tensor]]:
    """One entry of mixed types and layouts on disk."""
    tensors = [
        torch.arange(5).to(torch.float16),
        torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        torch.randn(3).bfloat16(),
        torch.zeros(0, 7),
        torch.tensor(-0.0),
    ]
    store = FeatureStore(on_disk(folder))
    store.put(key(1), tensors)
    store.close()
    (file,) = files(folder)
    return file, tensors


def test_an_entry_outlives_its_process_with_bits_and_layout(tmp_path: Path) -> None:
    file, tensors = written(tmp_path)
    assert file.relative_to(tmp_path).as_posix() == f"{key(1)[:2]}/{key(1)}.safetensors"
    store = FeatureStore(on_disk(tmp_path, host_bytes=10_000))
    for _ in range(2):
        assert same(store.get(key(1), CPU), tensors)
    assert (store.stats.disk.hits, store.stats.host.hits) == (1, 1)
    assert store.stats.notes == ()
    store.close()


def test_other_programs_can_read_the_files(tmp_path: Path) -> None:
    file, tensors = written(tmp_path)
    found = load_file(file)
    assert torch.equal(found["t00"], tensors[0])
    assert torch.equal(found["t01"], tensors[1].permute(0, 2, 3, 1))


def cut(keep: float) -> Damage:
    return lambda file: file.write_bytes(file.read_bytes()[: int(len(file.read_bytes()) * keep)])


def flip(place: float) -> Damage:
    def damage(file: Path) -> None:
        data = bytearray(file.read_bytes())
        data[min(int(len(data) * place), len(data) - 1)] ^= 4
        file.write_bytes(data)

    return damage


def replaced(old: bytes, new: bytes) -> Damage:
    return lambda file: file.write_bytes(file.read_bytes().replace(old, new))


def header(value: object) -> Damage:
    def damage(file: Path) -> None:
        text = value if isinstance(value, bytes) else json.dumps(value).encode()
        file.write_bytes(len(text).to_bytes(8, "little") + text)

    return damage


_ROW = {"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 8]}
_ABOUT = {"format": "acetate.features/1", "key": key(1), "order": "0,1", "digest": "0" * 64}
DAMAGES: dict[str, Damage] = {
    "empty": cut(0),
    "cut in the header": cut(0.3),
    "cut in half": cut(0.5),
    "one byte short": lambda file: file.write_bytes(file.read_bytes()[:-1]),
    "one byte more": lambda file: file.write_bytes(file.read_bytes() + b"\0"),
    **{f"a bit at {tenth}/10": flip(tenth / 10) for tenth in range(11)},
    "another version": replaced(b"acetate.features/1", b"acetate.features/2"),
    "another key": replaced(key(1).encode(), key(2).encode()),
    "another type": replaced(b'"F16"', b'"U16"'),
    "another layout": replaced(b"0,2,3,1", b"0,2,1,3"),
    "an axis that is not there": replaced(b"0,2,3,1", b"0,2,3,9"),
    "another program's": lambda file: save_file({"t00": torch.zeros(4)}, file),
    "a header without end": lambda file: file.write_bytes(b"\xff" * 300),
    "no JSON": header(b"{" * 64),
    "no object": header([1, 2]),
    "a picture of nothing": header({"__metadata__": _ABOUT}),
    "more than any memory": header({"__metadata__": _ABOUT, "t00": _ROW}),
    "negative": header({"__metadata__": _ABOUT, "t00": _ROW | {"shape": [-1, -1]}}),
    "not text": header(b'{"__metadata__": "\xff\xfe"}'),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_file_is_a_miss_and_is_made_anew(tmp_path: Path, damage: Damage) -> None:
    file, tensors = written(tmp_path)
    sound = file.read_bytes()
    damage(file)
    assert file.read_bytes() != sound
    store = FeatureStore(on_disk(tmp_path))
    assert store.get(key(1), CPU) is None
    assert store.stats.notes == (DAMAGED_NOTE,)
    assert not file.exists()
    store.put(key(1), tensors)
    store.close()
    assert file.read_bytes() == sound


def test_a_file_under_another_key_is_a_miss(tmp_path: Path) -> None:
    file, _ = written(tmp_path)
    target = tmp_path / key(2)[:2] / file.name.replace(key(1), key(2))
    target.parent.mkdir(exist_ok=True)
    file.rename(target)
    store = FeatureStore(on_disk(tmp_path))
    assert store.get(key(2), CPU) is None
    assert store.stats.notes == (DAMAGED_NOTE,)
    store.close()


def test_a_folder_in_a_files_place_is_a_miss(tmp_path: Path) -> None:
    (tmp_path / key(1)[:2] / f"{key(1)}.safetensors").mkdir(parents=True)
    store = FeatureStore(on_disk(tmp_path))
    assert store.get(key(1), CPU) is None
    store.put(key(1), features(1))
    store.close()
    assert len(store.stats.notes) >= 1


def test_what_was_changed_after_its_put_never_reaches_the_disk(tmp_path: Path) -> None:
    store = FeatureStore(on_disk(tmp_path, host_bytes=8000))
    store.put(key(1), features(1))
    found = store.get(key(1), CPU)
    assert found is not None
    found[0].zero_()
    store.close()
    fresh = FeatureStore(on_disk(tmp_path))
    found = fresh.get(key(1), CPU)
    assert found is None or same(found, features(1))
    fresh.close()
