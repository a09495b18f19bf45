"""Promises of the result manifest and of the folder names that layers get."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import AcetateError
from shared.result import (
    ResultLayer,
    ResultManifest,
    folder_names,
    is_folder_name,
    result_blobs,
    result_from_json,
)
from shared.shot import Role, to_json


def manifest() -> ResultManifest:
    layer = ResultLayer(
        name="a/b", order=0, role=Role.ANIMATE, folder="a_b", frames=("b" * 64, "c" * 64)
    )
    return ResultManifest(
        request_sha256="0" * 64,
        engine="layer-motion",
        width=64,
        height=32,
        fps=24,
        start=1,
        end=2,
        layers=(layer,),
        composite=("a" * 64, "b" * 64),
        painted=("d" * 64, "a" * 64),
    )


def test_a_manifest_comes_back_equal_from_json() -> None:
    assert result_from_json(to_json(manifest())) == manifest()


def test_composites_come_first_and_no_blob_twice() -> None:
    assert result_blobs(manifest()) == tuple(letter * 64 for letter in "abcd")


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"schema":"acetate.result/9"}', b"[" * 9999])
def test_damaged_manifests_are_told(damage: bytes) -> None:
    with pytest.raises(AcetateError) as caught:
        result_from_json(damage)
    assert caught.value.code == "E110"


@pytest.mark.parametrize(
    "folder",
    ["../../x", "..", "", "/abs", "a/b", "a\\b", "C:x", "con", "a.", " a", "a\0", "x" * 99],
)
def test_a_layer_folder_that_could_lead_elsewhere_is_refused(folder: str) -> None:
    whole = manifest()
    layer = msgspec.structs.replace(whole.layers[0], folder=folder)
    refused(msgspec.structs.replace(whole, layers=(layer,)))


def test_layers_may_not_share_a_folder_on_any_system() -> None:
    whole = manifest()
    other = msgspec.structs.replace(whole.layers[0], folder="A_B")
    refused(msgspec.structs.replace(whole, layers=(*whole.layers, other)))


def test_a_manifest_with_other_frames_than_its_range_is_refused() -> None:
    whole = manifest()
    replace = msgspec.structs.replace
    refused(replace(whole, composite=whole.composite[:1]))
    refused(replace(whole, painted=whole.painted[:1]))
    refused(replace(whole, layers=(replace(whole.layers[0], frames=("b" * 64,)),)))
    refused(replace(whole, start=5, composite=()))
    refused(replace(whole, end=9_999))


def test_sizes_and_frames_have_the_bounds_of_a_request() -> None:
    whole = manifest()
    for field, value in (("width", 0), ("height", 10**6), ("start", -(2**40)), ("end", 2**40)):
        refused(msgspec.structs.replace(whole, **{field: value}))


def refused(damaged: ResultManifest) -> None:
    """What arrives is not taken, and the message fits its line."""
    with pytest.raises(AcetateError) as caught:
        result_from_json(msgspec.json.encode(damaged))
    assert caught.value.code == "E110"
    assert len(caught.value.text) <= 80


def test_plain_names_stay_and_unsafe_ones_become_safe() -> None:
    names = ["hero", "Bälle über Köln", "a/b", "a\\b", "..", "con", "COM1.x", "", "a:b*?"]
    folders = folder_names(names)
    assert folders[:2] == ["hero", "Bälle über Köln"]
    assert folders[2:] == ["a_b", "a_b_2", "layer", "_con", "_COM1.x", "layer_2", "a_b__"]


@given(st.lists(st.text(max_size=80), max_size=12))
def test_folder_names_are_always_safe_and_unique(names: list[str]) -> None:
    folders = folder_names(names)
    assert len(folders) == len(names)
    assert len({folder.casefold() for folder in folders}) == len(folders)
    for folder in folders:
        assert folder
        assert folder not in (".", "..")
        assert not set(folder) & set('/\\:*?"<>|\0\n\r\t')
        assert not folder.endswith((" ", "."))
        assert len(folder) <= 80
        assert is_folder_name(folder)
