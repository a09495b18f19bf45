"""A recipe learns from the clips that its filter lets through, of one or several data sets."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from curation.dataset.provenance import Annotation
from shared.errors import AcetateError
from tests.curation.dataset.small_clips import of_source, small_clip, without_extras, write_clips
from training.data.clips import ClipSource
from training.data.dataset_source import ClipFilter, DataSetClips

TAINT = (Annotation("tracks", "cotracker3", "3", "CC-BY-NC-4.0"),)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("sets")
    one = [
        small_clip("plain"),
        small_clip("tainted", rights=of_source("1" * 64, annotations=TAINT)),
        small_clip("closed", rights=of_source("2" * 64, consent_for_training=False)),
        small_clip("other", rights=of_source("3" * 64, licence="proprietary:7")),
    ]
    two = [small_clip("large", size=(64, 64)), without_extras(small_clip("bare", frames=5))]
    return [write_clips(root / "one", one), write_clips(root / "two", two)]


def _ids(source: ClipSource) -> list[str]:
    return [source.clip(index, [0]).clip_id for index in range(len(source))]


def test_by_default_only_consented_and_free_clips_pass(folders: list[Path]) -> None:
    assert _ids(DataSetClips.open(folders)) == ["plain", "other", "large", "bare"]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (ClipFilter(allow_non_commercial=True), ["plain", "tainted", "other", "large", "bare"]),
        (ClipFilter(without_consent=True), ["plain", "closed", "other", "large", "bare"]),
        (ClipFilter(licences=("proprietary:7",)), ["other"]),
        (ClipFilter(min_width=64), ["large"]),
        (ClipFilter(min_frames=6), ["plain", "other", "large"]),
        (ClipFilter(max_frames=6), ["bare"]),
        (ClipFilter(with_sketch=True), ["plain", "other", "large"]),
        (ClipFilter(with_tracks=True), ["plain", "other", "large"]),
    ],
)
def test_clips_pass_by_what_the_index_says(
    folders: list[Path], rules: ClipFilter, expected: list[str]
) -> None:
    assert _ids(DataSetClips.open(folders, rules)) == expected


def test_a_filter_that_lets_nothing_through_is_refused(folders: list[Path]) -> None:
    with pytest.raises(AcetateError, match="none of 6 clips") as caught:
        DataSetClips.open(folders, ClipFilter(min_layers=9))
    assert "1 are not for commercial use, 1 are without consent" in caught.value.detail


def test_lengths_are_known_without_decoding(folders: list[Path]) -> None:
    source = DataSetClips.open(folders)
    assert [source.frame_count(index) for index in range(len(source))] == [12, 12, 12, 5]
    with pytest.raises(AcetateError, match="E116"):
        source.clip(4)


def test_the_fingerprint_knows_data_and_filter(folders: list[Path]) -> None:
    base = DataSetClips.open(folders).fingerprint
    assert DataSetClips.open(folders).fingerprint == base
    assert DataSetClips.open(folders, ClipFilter(min_frames=2)).fingerprint != base
    assert DataSetClips.open(folders[:1]).fingerprint != base


def test_other_processes_read_the_same_clips(folders: list[Path]) -> None:
    source = DataSetClips.open(folders)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        clip = pool.apply(source.clip, (2, [3, 1]))
    assert np.array_equal(clip.frames, source.clip(2, [3, 1]).frames)
