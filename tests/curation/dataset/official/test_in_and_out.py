"""The official layout comes in with all that it holds, and goes out as its reader expects."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from curation.dataset.official.exporter import export_official
from curation.dataset.official.importer import ImportRules, import_official
from curation.dataset.official.reader_rules import (
    conditioning_fps,
    kept_tracks,
    label_at,
    pick_frames,
)
from curation.dataset.official.run_lengths import decode_mask
from curation.dataset.reader import DataSet
from curation.stages.merging import MergeSettings
from shared.errors import AcetateError

from .hand_made import HEIGHT, KEYS, LICENCE, WIDTH, masks_at, official_folder


def _import(tmp_path: Path, rules: ImportRules | None = None) -> DataSet:
    source = official_folder(tmp_path / "official")
    rules = rules or ImportRules()
    report = import_official(source, source / "set.csv", tmp_path / "set", rules)
    assert (report.imported, report.refused) == (2, [])
    return DataSet.open(tmp_path / "set")


def test_an_official_clip_comes_in_whole(tmp_path: Path) -> None:
    data = _import(tmp_path, ImportRules(merging=None))
    clip = data.clip(0)
    assert clip.clip_id == "a1"
    assert clip.fps == 12
    assert clip.caption == "a box, moving"
    assert clip.frames.shape == (len(KEYS), HEIGHT, WIDTH, 3)
    assert [e.name for e in clip.elements] == ["element_3", "element_7", "uncovered"]
    assert [e.score for e in clip.elements] == [1.0, 0.25, 0.5]
    assert [e.layer for e in clip.elements] == [0, 1, 2]
    assert [layer.score for layer in clip.layers] == [1.0, 0.25, 0.5]
    assert (clip.score_scale.width, clip.score_scale.frame_step) == (WIDTH, 1)
    for place, key in enumerate(KEYS):
        box, bar = masks_at(key).values()
        # The bar has more pixels than the box, so the box is on top where they meet.
        assert np.array_equal(clip.labels[place] == 1, box)
        assert np.array_equal(clip.labels[place] == 2, bar & ~box)
        assert abs(int(clip.frames[place, 12, key + 5, 0]) - 200) < 12
    assert clip.provenance.rights_holder == "The Studio"
    assert (clip.provenance.first, clip.provenance.last) == (0, KEYS[-1])


def test_imported_tracks_taint_the_clip_as_non_commercial(tmp_path: Path) -> None:
    assert _import(tmp_path).row(0).scalars["nc_tainted"] is True


def test_tracks_are_filtered_as_by_the_official_reader(tmp_path: Path) -> None:
    tracks = _import(tmp_path).clip(0).tracks
    assert np.allclose(tracks.points[:, 0], [[5.25, 11], [40, 14]])
    assert tracks.elements.tolist() == [0, 1]
    assert tracks.visible.all()


def test_tracks_can_be_kept_unfiltered(tmp_path: Path) -> None:
    tracks = _import(tmp_path, ImportRules(filter_tracks=False)).clip(0).tracks
    assert tracks.elements.tolist() == [0, 1, 0, 2]


def test_elements_are_merged_by_their_scores(tmp_path: Path) -> None:
    clip = _import(tmp_path, ImportRules(merging=MergeSettings(threshold=0.6))).clip(0)
    assert [e.layer for e in clip.elements] == [1, 0, 0]
    assert [(layer.name, layer.score) for layer in clip.layers] == [
        ("element_7+uncovered", 0.375),
        ("element_3", 1.0),
    ]


def test_the_official_picks_can_be_taken(tmp_path: Path) -> None:
    clip = _import(tmp_path, ImportRules(frames=4)).clip(0)
    assert len(clip.frames) == 4
    assert (clip.provenance.first, clip.provenance.last) == (2, 16)


def test_ids_that_shards_do_not_allow_are_changed_and_stay_distinct(tmp_path: Path) -> None:
    assert _import(tmp_path).clip(1).clip_id.startswith("b_2-")


def test_a_second_import_passes_over_what_is_there(tmp_path: Path) -> None:
    data = _import(tmp_path)
    source = tmp_path / "official"
    report = import_official(source, source / "set.csv", tmp_path / "set", ImportRules())
    assert (report.imported, report.present) == (0, 2)
    assert DataSet.open(tmp_path / "set").fingerprint == data.fingerprint


def test_what_goes_out_comes_in_the_same(tmp_path: Path) -> None:
    data = _import(tmp_path)
    out = tmp_path / "again"
    assert export_official(tmp_path / "set", out) == 2
    (out / "licence.toml").write_text(LICENCE)
    report = import_official(out, out / "clips.csv", tmp_path / "back", ImportRules())
    assert report.refused == []
    back = DataSet.open(tmp_path / "back")
    for number in range(2):
        one, two = data.clip(number), back.clip(number)
        assert np.array_equal(one.labels, two.labels)
        assert [e.score for e in one.elements] == [e.score for e in two.elements]
        assert np.array_equal(one.tracks.points, two.tracks.points)
        assert (one.fps, one.caption) == (two.fps, two.caption)


def test_the_export_is_what_the_official_reader_loads(tmp_path: Path) -> None:
    data = _import(tmp_path)
    out = tmp_path / "again"
    export_official(tmp_path / "set", out)
    masks = pickle.loads((out / "masklet_f48" / "a1.pkl").read_bytes())  # noqa: S301 - our own
    scores = pickle.loads((out / "masklet_f48_score" / "a1.pkl").read_bytes())  # noqa: S301
    assert sorted(scores) == [-1, 0, 1]
    assert {tuple(frame) for frame in masks.values()} == {(0, 1)}
    assert masks[0][0]["size"] == [HEIGHT, WIDTH]
    read = decode_mask(masks[3][1]["counts"], (WIDTH, HEIGHT))
    assert np.array_equal(read, data.clip(0).labels[3] == 2)
    tracks = np.load(out / "masklet_f48_track_60" / "a1.npz")["tracks"]
    assert tracks.shape == (len(KEYS), 2, 3)


def _spoil_masks(folder: Path, bad: object) -> None:
    (folder / "masklet_f48" / "a1.pkl").write_bytes(pickle.dumps(bad))


class _Acts:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch acted",)


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda f: _spoil_masks(f, {0: {1: _Acts()}}), "E608"),
        (lambda f: _spoil_masks(f, {}), "E603"),
        (lambda f: _spoil_masks(f, {0: {1: {"size": [2, 2]}}}), "E603"),
        (lambda f: _spoil_masks(f, {0: {1: {"size": [9, 9], "counts": b"o"}}}), "E603"),
        (lambda f: _spoil_masks(f, {900: {}}), "E603"),
        (lambda f: (f / "masklet_f48" / "a1.pkl").unlink(), "E116"),
        (lambda f: (f / "masklet_f48_score" / "a1.pkl").write_bytes(pickle.dumps({3: 1})), "E604"),
        (lambda f: (f / "clip" / "a1.mp4").write_bytes(b"#EXTM3U\n/etc/passwd\n"), "E603"),
        (lambda f: (f / "clip" / "a1.mp4").unlink(), "E603"),
        (lambda f: np.savez(f / "masklet_f48_track_60" / "a1.npz", tracks=np.zeros(3)), "E603"),
        (lambda f: (f / "masklet_f48_track_60" / "a1.npz").write_bytes(b"PK"), "E603"),
    ],
)
def test_a_spoilt_clip_is_refused_by_name_and_the_rest_comes_in(
    tmp_path: Path, damage: object, code: str
) -> None:
    source = official_folder(tmp_path / "official")
    assert callable(damage)
    damage(source)
    report = import_official(source, source / "set.csv", tmp_path / "set", ImportRules())
    assert report.imported == 1
    assert [(r["clip"], r["code"]) for r in report.refused] == [("a1", code)]
    assert not Path("acted").exists()


def test_clips_without_a_licence_record_stay_out(tmp_path: Path) -> None:
    source = official_folder(tmp_path / "official")
    (source / "licence.toml").unlink()
    report = import_official(source, source / "set.csv", tmp_path / "set", ImportRules())
    assert report.imported == 0
    assert {refused["code"] for refused in report.refused} == {"E605"}


@pytest.mark.parametrize(
    "line", ["a,../x.mp4,t,24", "../a,a.mp4,t,24", "a,a.mp4,t,fast", "a,a.mp4,t", "a,/a.mp4,t,24"]
)
def test_tables_that_lead_elsewhere_are_refused(tmp_path: Path, line: str) -> None:
    source = official_folder(tmp_path / "official")
    (source / "set.csv").write_text(f"id,relpath,text,fps\n{line}\n")
    with pytest.raises(AcetateError, match="line 2"):
        import_official(source, source / "set.csv", tmp_path / "set", ImportRules())


def test_frames_are_picked_as_the_official_reader_does() -> None:
    assert pick_frames(range(100), 100, 16)[:2] == [10, 15]
    assert pick_frames(range(100), 100, 16)[-1] == 89
    dense = pick_frames(range(100), 100, 48)
    assert (dense[0], dense[-1], len(dense)) == (10, 57, 48)
    spread = pick_frames(range(400), 400, 48)
    assert set(np.diff(spread)) == {3}
    assert pick_frames([0, 99], 100, 16) == []
    assert conditioning_fps(24, [0, 3, 6]) == 8
    assert conditioning_fps(24, [5]) == 24


def test_more_than_80_percent_in_the_element_is_needed() -> None:
    labels = np.full((100, 4, 8), 1, np.uint8)
    labels[:, :, 4:] = 2
    points = np.full((3, 100, 2), 1.5, np.float32)
    points[0, 80:, 0] = 5
    points[1, 81:, 0] = 5
    points[2, 10:, 0] = 50
    visibility = np.ones((3, 100), np.float32)
    assert kept_tracks(labels, points, visibility).tolist() == [False, True, True]
    visibility[1, 10:] = 0
    assert kept_tracks(labels, points, visibility).tolist() == [False, False, True]
    assert label_at(labels, points)[2, 8:12].tolist() == [1, 1, -1, -1]
