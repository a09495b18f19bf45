"""Whatever happens to a data set, the reader names clip, shard and member never giving another."""

from __future__ import annotations

import io
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.dataset.arrays import decode_labels, decode_tracks, encode_labels
from curation.dataset.damage import DamageError
from curation.dataset.documents import SCORES_SCHEMA, ScoresDocument, decode
from curation.dataset.index import INDEX_NAME, Index, IndexRow, read_index, write_index
from curation.dataset.pack import MEMBERS, META, OPTIONAL
from curation.dataset.reader import DataSet
from curation.dataset.verify import verify
from curation.dataset.video import decode_video, encode_video
from shared.errors import AcetateError

from .small_clips import small_clip, write_clips


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clips = [small_clip(f"clip-{number}") for number in range(3)]
    return write_clips(tmp_path_factory.mktemp("data") / "set", clips, shard_bytes=1 << 30)


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "set"))


def _refused(folder: Path, number: int = 1) -> AcetateError:
    with pytest.raises(AcetateError) as caught:
        DataSet.open(folder).clip(number)
    return caught.value


def _overwrite(folder: Path, row: IndexRow, member: str) -> None:
    offset, length = row.places[member]
    with (folder / row.shard).open("r+b") as file:
        file.seek(offset + length // 2)
        byte = file.read(1)
        file.seek(offset + length // 2)
        file.write(bytes([byte[0] ^ 1]))


@pytest.mark.parametrize("member", MEMBERS)
def test_a_changed_byte_is_noticed_in_every_member(folder: Path, member: str) -> None:
    data = DataSet.open(folder)
    _overwrite(folder, data.row(1), member)
    error = _refused(folder)
    assert error.spec.name == "clip_damaged"
    assert error.values == {"clip": "clip-1", "shard": "shard-000000.tar", "member": member}
    assert data.clip(0).clip_id == "clip-0"
    assert data.clip(2).clip_id == "clip-2"


def test_a_truncated_shard_is_named(folder: Path) -> None:
    shard = folder / "shard-000000.tar"
    row = DataSet.open(folder).row(1)
    with shard.open("r+b") as file:
        file.truncate(row.places["tracks.npz"][0] + 10)
    error = _refused(folder)
    assert (error.spec.name, error.values["member"]) == ("clip_damaged", "tracks.npz")
    assert DataSet.open(folder).clip(0).clip_id == "clip-0"
    assert _refused(folder, 2).values["clip"] == "clip-2"


def test_a_shard_that_is_gone_is_named(folder: Path) -> None:
    (folder / "shard-000000.tar").unlink()
    assert _refused(folder).values["shard"] == "shard-000000.tar"


def test_a_missing_index_is_no_data_set(folder: Path) -> None:
    (folder / INDEX_NAME).unlink()
    assert _refused(folder).spec.name == "no_dataset"


def test_a_spoilt_index_is_named(folder: Path) -> None:
    whole = (folder / INDEX_NAME).read_bytes()
    (folder / INDEX_NAME).write_bytes(whole[: len(whole) // 2])
    error = _refused(folder)
    assert (error.spec.name, error.values["member"]) == ("clip_damaged", INDEX_NAME)


def test_an_index_of_another_kind_is_refused(folder: Path) -> None:
    table = pq.read_table(folder / INDEX_NAME)
    pq.write_table(table.replace_schema_metadata(None), folder / INDEX_NAME)
    assert _refused(folder).spec.name == "dataset_schema"
    head = msgspec.json.encode({"schema": "acetate.dataset/9", "fingerprint": "", "shards": []})
    pq.write_table(table.replace_schema_metadata({b"acetate": head}), folder / INDEX_NAME)
    assert _refused(folder).spec.name == "dataset_schema"


def test_shards_outside_the_folder_are_refused(folder: Path) -> None:
    index = read_index(folder)
    shards = [msgspec.structs.replace(index.shards[0], name="../shard-000000.tar")]
    names = pa.array(["../shard-000000.tar"] * len(index))
    table = index.table.set_column(1, "shard", names)
    write_index(folder, Index.of_table(table, shards))
    assert _refused(folder).spec.name == "clip_damaged"


@pytest.mark.parametrize("member", [*sorted({*MEMBERS} - OPTIONAL), "sketch.mp4"])
def test_a_missing_member_is_named(folder: Path, member: str) -> None:
    index = read_index(folder)
    none = pa.array([None] * len(index), pa.int64())
    table = index.table
    for part in ("offset", "bytes"):
        name = f"{member}:{part}"
        table = table.set_column(table.column_names.index(name), name, none)
    write_index(folder, Index.of_table(table, index.shards))
    error = _refused(folder)
    assert (error.spec.name, error.values["member"]) == ("member_missing", member)


def test_a_document_of_another_clip_is_refused(folder: Path) -> None:
    index = read_index(folder)
    rows = [index.row(number) for number in range(3)]
    rows[1] = replace(rows[1], places=rows[0].places, meta_sha256=rows[0].meta_sha256)
    write_index(folder, Index.of(rows, index.shards))
    error = _refused(folder)
    assert (error.values["clip"], error.values["member"]) == ("clip-1", META)


def test_unknown_numbers_and_frames_are_refused(folder: Path) -> None:
    data = DataSet.open(folder)
    for number in (-1, 3):
        with pytest.raises(AcetateError, match="E116"):
            data.clip(number)
    for frames in ([], [12], [-1]):
        with pytest.raises(AcetateError, match="clip-0 has 12 frames"):
            data.clip(0, frames)
    with pytest.raises(AcetateError, match="E116"):
        data.find("clip-9")


def test_verifying_lists_all_damage(folder: Path) -> None:
    assert verify(folder, deep=True).sound
    row = DataSet.open(folder).row(1)
    _overwrite(folder, row, "mp4")
    (folder / "shard-000007.tar").write_bytes(b"")
    verdict = verify(folder)
    assert [problem["name"] for problem in verdict.problems] == ["clip_damaged"] * 2
    assert "clip-1: mp4" in verdict.problems[1]["text"]
    assert verdict.leftovers == ["shard-000007.tar"]


def _zip_of(name: str, body: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, body)
    return target.getvalue()


def _npy(array: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    body = io.BytesIO()
    np.lib.format.write_array(body, array, allow_pickle=allow_pickle)
    return body.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK nothing",
        _zip_of("frame_0000.npy", bytes(50_000_000)),
        _zip_of("frame_0000.npy", b"no header"),
        _zip_of("frame_0000.npy", _npy(np.zeros((8, 9), np.uint8))),
        _zip_of("frame_0000.npy", _npy(np.zeros((8, 8), np.float32))),
        _zip_of("frame_0000.npy", _npy(np.full((8, 8), 3, np.uint8))),
        _zip_of("frame_0000.npy", _npy(np.array({"a": 1}), allow_pickle=True)),
        _zip_of("other.npy", _npy(np.zeros((8, 8), np.uint8))),
        encode_labels(np.zeros((2, 8, 8), np.uint8)),
    ],
    ids=["empty", "no zip", "bomb", "header", "shape", "type", "value", "object", "name", "count"],
)
def test_label_maps_that_are_none_are_refused(data: bytes) -> None:
    with pytest.raises(DamageError):
        decode_labels(data, (8, 8), 1, [0], 2)


def test_tracks_that_are_none_are_refused() -> None:
    with pytest.raises(DamageError):
        decode_tracks(_zip_of("start.npy", _npy(np.zeros((1, 2), np.int32))), 1, 1, [0], 1)


def test_videos_of_other_sizes_and_lengths_are_refused() -> None:
    data = encode_video(np.zeros((4, 32, 48, 3), np.uint8), 24)
    assert decode_video(data, (48, 32), 4, [3]).shape == (1, 32, 48, 3)
    for size, count in (((48, 34), 4), ((48, 32), 5), ((480, 320), 4)):
        with pytest.raises(DamageError):
            decode_video(data, size, count, [0])
    with pytest.raises(DamageError):
        decode_video(data[:-400], (48, 32), 4, [0])
    with pytest.raises(DamageError):
        decode_video(b"#EXTM3U\nfile.mp4", (48, 32), 4, [0])


def test_a_video_that_lies_about_its_size_is_refused() -> None:
    large = encode_video(np.zeros((2, 640, 768, 3), np.uint8), 24)
    at = large.index(b"avc1", large.index(b"stsd")) + 28
    assert large[at : at + 4] == bytes([3, 0, 2, 128])
    lying = large[:at] + bytes([0, 48, 0, 32]) + large[at + 4 :]
    with pytest.raises(DamageError):
        decode_video(lying, (48, 32), 2, [0, 1])


def test_documents_with_unknown_fields_are_refused() -> None:
    document = {"schema": SCORES_SCHEMA, "unit": "", "width": 1, "height": 1, "frame_step": 1}
    document |= {"elements": [], "layers": []}
    assert decode(msgspec.json.encode(document), ScoresDocument, SCORES_SCHEMA).width == 1
    for change in ({"more": 1}, {"width": 0}, {"schema": "x"}, {"elements": [{"name": "a"}]}):
        with pytest.raises(DamageError):
            decode(msgspec.json.encode(document | change), ScoresDocument, SCORES_SCHEMA)
    with pytest.raises(DamageError):
        decode(b"\xff", ScoresDocument, SCORES_SCHEMA)
