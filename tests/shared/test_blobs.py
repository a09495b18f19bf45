"""Promises of blob stores: named by content, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shared.blobs import (
    Blobs,
    FolderBlobs,
    MemoryBlobs,
    content_hash,
    is_content_hash,
    write_atomically,
)
from shared.errors import AcetateError


@pytest.fixture(params=["memory", "folder"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    return MemoryBlobs() if request.param == "memory" else FolderBlobs(tmp_path / "blobs")


def test_bytes_come_back_under_their_hash(blobs: Blobs) -> None:
    sha256 = blobs.put(b"acetate")
    assert sha256 == content_hash(b"acetate")
    assert blobs.has(sha256)
    assert blobs.get(sha256) == b"acetate"
    assert blobs.put(b"acetate") == sha256


@pytest.mark.parametrize("name", ["0" * 64, "../../secret", "", "A" * 64])
def test_unknown_and_malformed_names_are_not_found(blobs: Blobs, name: str) -> None:
    assert not blobs.has(name)
    with pytest.raises(AcetateError) as caught:
        blobs.get(name)
    assert caught.value.code == "E116"


def test_a_store_that_cannot_write_says_disk_and_leaves_nothing(tmp_path: Path) -> None:
    place = tmp_path / "blobs"
    place.write_bytes(b"a file where the folder should be")
    with pytest.raises(AcetateError) as caught:
        FolderBlobs(place).put(b"data")
    assert caught.value.code == "E501"
    assert list(tmp_path.iterdir()) == [place]


def test_only_lower_case_sha256_is_a_name() -> None:
    assert is_content_hash("a" * 64)
    assert not is_content_hash("a" * 63)
    assert not is_content_hash("a" * 64 + "\n")


def test_a_copy_spoilt_by_a_power_failure_is_not_here_and_is_written_again(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path, durable=False)
    sha256 = blobs.put(b"acetate")
    assert blobs.has(sha256)
    blobs.path(sha256).write_bytes(b"")
    assert not blobs.has(sha256)
    assert blobs.put(b"acetate") == sha256
    assert blobs.get(sha256) == b"acetate"


def test_what_is_there_but_cannot_be_read_is_told_as_the_disks_fault(tmp_path: Path) -> None:
    store = FolderBlobs(tmp_path)
    sha256 = store.put(b"art")
    store.path(sha256).unlink()
    store.path(sha256).mkdir()
    with pytest.raises(AcetateError) as caught:
        store.get(sha256)
    assert caught.value.name == "disk"


@pytest.mark.skipif(os.name == "nt", reason="modes of files are a matter of POSIX")
def test_the_umask_says_who_may_read_a_file_and_a_store_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "shot.zip", b"shot")
        store = FolderBlobs(tmp_path / "blobs")
        sha256 = store.put(b"art")
    finally:
        os.umask(before)
    assert (tmp_path / "shot.zip").stat().st_mode & 0o777 == 0o640
    assert store.path(sha256).stat().st_mode & 0o777 == 0o600
