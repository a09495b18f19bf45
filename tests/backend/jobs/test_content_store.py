"""The store of blobs: pieces become whole blobs or nothing, durably."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.jobs.content_store import ContentStore, StagedBlobs, VerifiedBlobs
from shared.blobs import content_hash
from shared.errors import AcetateError

DATA = bytes(range(256)) * 40
SHA = content_hash(DATA)


def _append(store: ContentStore, offset: int, count: int = 4000) -> tuple[int, bool]:
    return store.append(SHA, len(DATA), offset, memoryview(DATA)[offset : offset + count])


def test_pieces_become_a_blob_that_is_durable_once_settled(tmp_path: Path) -> None:
    store = ContentStore(tmp_path)
    assert _append(store, 0) == (4000, False)
    assert _append(store, 4000) == (8000, False)
    assert _append(store, 8000) == (len(DATA), True)
    assert store.has(SHA)
    assert not store.blobs.has(SHA)
    store.settle([SHA])
    assert store.blobs.get(SHA) == DATA
    assert not list((tmp_path / "incoming").iterdir())


def test_an_upload_goes_on_after_a_restart(tmp_path: Path) -> None:
    _append(ContentStore(tmp_path), 0)
    store = ContentStore(tmp_path)
    assert store.received(SHA) == 4000
    assert _append(store, 4000, 10_000) == (len(DATA), True)


def test_a_piece_at_the_wrong_place_is_answered_with_the_right_place(tmp_path: Path) -> None:
    store = ContentStore(tmp_path)
    assert _append(store, 4000) == (0, False)
    _append(store, 0)
    assert _append(store, 0) == (4000, False)


def test_a_wrong_hash_leaves_nothing_behind(tmp_path: Path) -> None:
    store = ContentStore(tmp_path)
    with pytest.raises(AcetateError) as caught:
        store.append(SHA, 5, 0, memoryview(b"wrong"))
    assert caught.value.name == "invalid_request"
    assert not store.has(SHA)
    assert not list((tmp_path / "incoming").iterdir())


@pytest.mark.parametrize(
    ("size", "offset", "error"),
    [(2**40, 0, "too_large_upload"), (3, 0, "invalid_request"), (2**53, 2**53, "too_large_upload")],
)
def test_impossible_sizes_are_refused(tmp_path: Path, size: int, offset: int, error: str) -> None:
    with pytest.raises(AcetateError) as caught:
        ContentStore(tmp_path).append(SHA, size, offset, memoryview(b"12345"))
    assert caught.value.name == error


def test_an_empty_blob_is_a_blob(tmp_path: Path) -> None:
    store = ContentStore(tmp_path)
    empty = content_hash(b"")
    assert store.append(empty, 0, 0, memoryview(b"")) == (0, True)
    store.settle([empty])
    assert store.piece(empty, 0, 10) == (b"", 0)


def test_a_disk_without_room_refuses_before_anything_is_written(tmp_path: Path) -> None:
    store = ContentStore(tmp_path, reserve_bytes=2**60)
    with pytest.raises(AcetateError) as caught:
        _append(store, 0)
    assert caught.value.code == "E501"
    assert not list((tmp_path / "incoming").iterdir())


def test_staged_results_are_seen_by_nobody_until_they_are_settled(tmp_path: Path) -> None:
    store = ContentStore(tmp_path)
    staged = StagedBlobs(tmp_path, "attempt")
    sha256 = staged.put(DATA)
    assert staged.get(sha256) == DATA
    assert staged.size(sha256) == len(DATA)
    assert not store.has(sha256)
    staged.settle()
    assert store.has(sha256)
    assert staged.get(sha256) == DATA
    staged.drop()
    assert store.blobs.get(sha256) == DATA
    assert not list((tmp_path / "attempts").iterdir())


def test_a_dropped_attempt_leaves_nothing_behind(tmp_path: Path) -> None:
    store = ContentStore(tmp_path)
    staged = StagedBlobs(tmp_path, "attempt")
    sha256 = staged.put(DATA)
    staged.drop()
    assert not store.has(sha256)
    assert not any(files for _, _, files in os.walk(tmp_path))


def test_a_changed_input_is_noticed(tmp_path: Path) -> None:
    inputs = VerifiedBlobs(tmp_path)
    sha256 = inputs.put(DATA)
    assert inputs.get(sha256) == DATA
    ContentStore(tmp_path).blobs.path(sha256).write_bytes(DATA[:-1])
    with pytest.raises(AcetateError) as caught:
        inputs.get(sha256)
    assert caught.value.name == "bad_package"


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=1, max_size=2000), st.lists(st.integers(1, 700), min_size=1, max_size=9))
def test_any_cut_into_pieces_gives_the_same_blob(data: bytes, cuts: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = ContentStore(Path(folder))
        sha256 = content_hash(data)
        received, done, turn = 0, False, 0
        while not done:
            piece = memoryview(data)[received : received + cuts[turn % len(cuts)]]
            received, done = store.append(sha256, len(data), received, piece)
            turn += 1
        store.settle([sha256])
        assert store.blobs.get(sha256) == data
