"""What is written comes back: exactly where the format is exact, and close where it is video."""

from __future__ import annotations

import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from curation.dataset.arrays import decode_labels, decode_tracks, encode_labels, encode_tracks
from curation.dataset.clip import LayeredClip, Tracks
from curation.dataset.reader import DataSet
from shared.errors import AcetateError

from .small_clips import small_clip, without_extras, write_clips


@pytest.fixture(scope="module")
def clips() -> list[LayeredClip]:
    return [small_clip(f"clip-{number}") for number in range(5)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, clips: list[LayeredClip]) -> Path:
    return write_clips(tmp_path_factory.mktemp("data") / "set", clips)


def test_everything_but_pixels_comes_back_exactly(folder: Path, clips: list[LayeredClip]) -> None:
    data = DataSet.open(folder)
    assert len(data) == len(clips)
    for number, clip in enumerate(clips):
        read = data.clip(number)
        for name in ("clip_id", "fps", "elements", "layers", "score_scale", "caption"):
            assert getattr(read, name) == getattr(clip, name)
        assert (read.provenance, read.depth_known) == (clip.provenance, clip.depth_known)
        assert np.array_equal(read.labels, clip.labels)
        assert read.flow is not None
        assert clip.flow is not None
        assert np.array_equal(read.flow, clip.flow)
        assert np.array_equal(read.tracks.visible, clip.tracks.visible)
        assert np.array_equal(read.tracks.elements, clip.tracks.elements)


def test_pictures_and_sketches_come_back_close(folder: Path, clips: list[LayeredClip]) -> None:
    read = DataSet.open(folder).clip(1)
    luma = np.abs(read.frames.astype(float).mean(-1) - clips[1].frames.mean(-1))
    assert luma.mean() < 2
    assert read.sketch is not None
    assert clips[1].sketch is not None
    assert np.abs(read.sketch.astype(int) - clips[1].sketch).mean() < 1


@settings(max_examples=25, deadline=None)
@given(picks=st.lists(st.integers(0, 11), min_size=1, max_size=16))
def test_chosen_frames_equal_those_of_the_whole_clip(folder: Path, picks: list[int]) -> None:
    data = DataSet.open(folder)
    whole, part = data.clip(3), data.clip(3, picks)
    assert np.array_equal(part.frames, whole.frames[picks])
    assert np.array_equal(part.labels, whole.labels[picks])
    assert whole.sketch is not None
    assert part.sketch is not None
    assert np.array_equal(part.sketch, whole.sketch[picks])
    assert np.array_equal(part.tracks.points, whole.tracks.points[:, picks])
    assert np.array_equal(part.tracks.visible, whole.tracks.visible[:, picks])
    assert part.flow is None


@pytest.mark.parametrize("size", [(33, 31), (48, 33), (16, 64)])
def test_odd_and_upright_sizes_are_kept(tmp_path: Path, size: tuple[int, int]) -> None:
    clip = small_clip(size=size)
    read = DataSet.open(write_clips(tmp_path, [clip])).clip(0)
    assert read.frames.shape == clip.frames.shape
    assert np.abs(read.frames.astype(int) - clip.frames).mean() < 6
    assert np.array_equal(read.labels, clip.labels)


def test_one_frame_without_extras_is_a_clip(tmp_path: Path) -> None:
    clip = without_extras(small_clip(frames=1))
    read = DataSet.open(write_clips(tmp_path, [clip])).clip(0)
    assert (read.sketch, read.flow, len(read.tracks)) == (None, None, 0)
    assert read.tracks.points.shape == (0, 1, 2)


def test_the_same_clips_give_the_same_bytes(tmp_path: Path, clips: list[LayeredClip]) -> None:
    one, two = write_clips(tmp_path / "one", clips), write_clips(tmp_path / "two", clips)
    names = sorted(path.name for path in one.iterdir())
    assert sum(name.endswith(".tar") for name in names) > 1
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in names)


def test_the_fingerprint_is_of_the_content_not_of_the_shards(
    tmp_path: Path, clips: list[LayeredClip]
) -> None:
    many = DataSet.open(write_clips(tmp_path / "many", clips))
    single = DataSet.open(write_clips(tmp_path / "single", clips, shard_bytes=1 << 30))
    other = DataSet.open(write_clips(tmp_path / "other", clips[1:]))
    assert many.fingerprint == single.fingerprint != other.fingerprint


def test_shards_are_plain_tars_that_group_by_name(folder: Path) -> None:
    groups: dict[str, list[str]] = {}
    for shard in sorted(folder.glob("shard-*.tar")):
        with tarfile.open(shard) as archive:
            for entry in archive:
                key, _, suffix = entry.name.partition(".")
                groups.setdefault(key, []).append(suffix)
                assert (entry.mtime, entry.uid, entry.isfile()) == (0, 0, True)
    assert list(groups) == [f"clip-{number}" for number in range(5)]
    assert all(suffixes == sorted(suffixes) and len(suffixes) == 8 for suffixes in groups.values())


def test_the_index_says_where_members_lie(folder: Path) -> None:
    data = DataSet.open(folder)
    row = data.row(data.find("clip-4"))
    with tarfile.open(folder / row.shard) as archive:
        for suffix, (offset, length) in row.places.items():
            entry = archive.getmember(f"clip-4.{suffix}")
            assert (entry.offset_data, entry.size) == (offset, length)
    assert row.scalars["licence"] == "CC-BY-4.0"
    assert row.scalars["nc_tainted"] is False


def test_a_data_set_travels_to_other_processes(folder: Path, tmp_path: Path) -> None:
    data = DataSet.open(folder)
    copy = pickle.loads(pickle.dumps(data))  # noqa: S301 - made on this very line
    assert np.array_equal(copy.clip(2).frames, data.clip(2).frames)
    moved = DataSet(write_clips(tmp_path, [small_clip("other")]), data.index)
    with pytest.raises(AcetateError, match="E602"):
        pickle.loads(pickle.dumps(moved))  # noqa: S301 - made on this very line


@settings(max_examples=60, deadline=None)
@given(
    points=hnp.arrays(
        np.float32,
        st.tuples(st.integers(0, 6), st.integers(1, 20), st.just(2)),
        elements=st.floats(-20_000, 20_000, width=32),
    ),
    seed=st.integers(0, 1000),
)
def test_tracks_come_back_within_a_sixteenth_of_a_pixel(points: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    count, frames = points.shape[:2]
    visible = rng.random((count, frames)) > 0.5
    tracks = Tracks(points, visible, rng.integers(0, 3, count).astype(np.uint16))
    read = decode_tracks(encode_tracks(tracks), count, frames, range(frames), 3)
    assert np.abs(read.points - points).max(initial=0) <= 1 / 16
    assert np.array_equal(read.visible, visible)
    assert np.array_equal(read.elements, tracks.elements)


@settings(max_examples=40, deadline=None)
@given(
    labels=hnp.arrays(
        st.sampled_from([np.uint8, np.uint16]),
        hnp.array_shapes(min_dims=3, max_dims=3, max_side=9),
        elements=st.integers(0, 200),
    ),
    data=st.data(),
)
def test_labels_come_back_exactly(labels: np.ndarray, data: st.DataObject) -> None:
    frames, height, width = labels.shape
    picks = data.draw(st.lists(st.integers(0, frames - 1), min_size=1, max_size=5))
    read = decode_labels(encode_labels(labels), (width, height), frames, picks, 200)
    assert read.dtype == labels.dtype
    assert np.array_equal(read, labels[picks])
