"""Writing is all or nothing: per clip, per shard, and over a kill at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from curation.dataset.clip import Element, LayeredClip, ScoreScale, Tracks
from curation.dataset.index import INDEX_NAME, read_index
from curation.dataset.provenance import Annotation
from curation.dataset.reader import DataSet
from curation.dataset.rights import is_nc_tainted
from curation.dataset.writer import ShardWriter
from shared.errors import AcetateError

from .small_clips import RIGHTS, small_clip, write_clips

ROOT = Path(__file__).resolve().parents[3]
COUNT = 8
WRITE_SLOWLY = """
import sys, time
from pathlib import Path
from curation.dataset.writer import ShardWriter
from tests.curation.dataset.small_clips import small_clip

with ShardWriter(Path(sys.argv[1]), shard_bytes=20_000) as writer:
    for number in range(int(sys.argv[2])):
        if f"clip-{number}" not in writer:
            writer.add(small_clip(f"clip-{number}"))
            print(number, flush=True)
"""
FILL_THE_DISK = """
import resource, signal, sys
from pathlib import Path
from curation.dataset.writer import ShardWriter
from shared.errors import AcetateError
from tests.curation.dataset.small_clips import small_clip

clips = [small_clip(f"clip-{number}") for number in range(4)]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
try:
    with ShardWriter(Path(sys.argv[1])) as writer:
        for clip in clips:
            writer.add(clip)
except AcetateError as error:
    print(error.code)
"""


def _start(script: str, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT)


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_killed_writer_leaves_whole_shards_and_continues_as_if_nothing_happened(
    tmp_path: Path,
) -> None:
    clips = [small_clip(f"clip-{number}") for number in range(COUNT)]
    whole = write_clips(tmp_path / "whole", clips)
    folder = tmp_path / "killed"
    for written in (0, 1, 3):
        process = _start(WRITE_SLOWLY, str(folder), str(COUNT))
        assert process.stdout is not None
        for _ in range(written):
            process.stdout.readline()
        if not written:
            while not (folder / INDEX_NAME).exists():
                time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        data = DataSet.open(folder)
        shards = {path.name for path in folder.glob("shard-*.tar")}
        assert {shard.name for shard in data.index.shards} <= shards
        for number in range(len(data)):
            assert data.clip(number).clip_id == f"clip-{number}"
    (folder / ".part-index").write_bytes(b"a table that was not finished")
    with ShardWriter(folder, shard_bytes=20_000) as writer:
        for clip in clips:
            if clip.clip_id not in writer:
                writer.add(clip)
    assert _files(folder) == _files(whole)


def _add_and_stop(folder: Path) -> None:
    with ShardWriter(folder) as writer:
        writer.add(small_clip())
        raise KeyboardInterrupt


def test_an_exception_drops_the_shard_under_way(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _add_and_stop(tmp_path)
    assert len(DataSet.open(tmp_path)) == 0
    assert not list(tmp_path.glob("*shard*"))


def test_a_full_disk_keeps_closed_shards_and_nothing_half(tmp_path: Path) -> None:
    write_clips(tmp_path, [small_clip("before")])
    before = _files(tmp_path)
    process = _start(FILL_THE_DISK, str(tmp_path))
    assert process.communicate()[0].strip() == "E501"
    assert _files(tmp_path) == before


def test_clips_can_be_added_later(tmp_path: Path) -> None:
    write_clips(tmp_path, [small_clip("a")])
    write_clips(tmp_path, [small_clip("b")])
    data = DataSet.open(tmp_path)
    assert [row.clip_id for row in data.rows()] == ["a", "b"]
    assert [data.clip(number).clip_id for number in (0, 1)] == ["a", "b"]
    assert [shard.name for shard in data.index.shards] == ["shard-000000.tar", "shard-000001.tar"]


def test_a_second_clip_of_the_same_name_is_refused(tmp_path: Path) -> None:
    write_clips(tmp_path, [small_clip("a")])
    with ShardWriter(tmp_path) as writer, pytest.raises(AcetateError, match="E606"):
        writer.add(small_clip("a"))
    assert len(DataSet.open(tmp_path)) == 1


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    with ShardWriter(tmp_path) as writer:
        with pytest.raises(AcetateError, match="E609"), ShardWriter(tmp_path):
            pass
        writer.add(small_clip())
    assert len(DataSet.open(tmp_path)) == 1


def test_shards_without_an_index_are_not_overwritten(tmp_path: Path) -> None:
    write_clips(tmp_path, [small_clip()])
    (tmp_path / INDEX_NAME).unlink()
    with pytest.raises(AcetateError, match="E601"), ShardWriter(tmp_path):
        pass
    assert (tmp_path / "shard-000000.tar").stat().st_size > 0


@pytest.mark.parametrize(
    "field", ["licence", "rights_holder", "source_id", "attribution", "consent_by", "acquired"]
)
def test_a_clip_without_its_licence_fields_is_refused(tmp_path: Path, field: str) -> None:
    clip = small_clip(rights=msgspec.structs.replace(RIGHTS, **{field: " "}))
    with ShardWriter(tmp_path) as writer, pytest.raises(AcetateError) as caught:
        writer.add(clip)
    assert caught.value.spec.name == "licence_missing"
    assert caught.value.values == {"clip": "clip-0", "field": field}
    assert len(read_index(tmp_path)) == 0


def test_annotations_without_licence_and_wrong_dates_are_refused(tmp_path: Path) -> None:
    bare = msgspec.structs.replace(RIGHTS, annotations=(Annotation("tracks", "lk", "1", ""),))
    undated = msgspec.structs.replace(RIGHTS, consent_date="last year")
    with ShardWriter(tmp_path) as writer:
        with pytest.raises(AcetateError, match="E605"):
            writer.add(small_clip(rights=bare))
        with pytest.raises(AcetateError, match="E607"):
            writer.add(small_clip(rights=undated))


@pytest.mark.parametrize(
    ("licence", "tainted"),
    [
        ("CC-BY-NC-4.0", True),
        ("cc-by-nc-sa-3.0", True),
        ("LicenseRef-non-commercial", True),
        ("CC-BY-4.0", False),
        ("NCSA", False),
        ("proprietary:concord-12", False),
    ],
)
def test_non_commercial_annotations_taint_the_clip(licence: str, tainted: bool) -> None:
    rights = msgspec.structs.replace(RIGHTS, annotations=(Annotation("tracks", "t", "3", licence),))
    assert is_nc_tainted(rights) is tainted


def _tracks_of(clip: LayeredClip, **changes: np.ndarray) -> Tracks:
    return replace(clip.tracks, **changes)


def test_clips_that_contradict_themselves_are_refused(tmp_path: Path) -> None:
    clip = small_clip()
    nowhere = clip.tracks.points.copy()
    nowhere[0, 0] = np.nan
    wrong = [
        replace(clip, clip_id="a.b"),
        replace(clip, clip_id="../a"),
        replace(clip, fps=0.0),
        replace(clip, frames=clip.frames[..., :2]),
        replace(clip, labels=clip.labels.astype(np.int32)),
        replace(clip, labels=clip.labels + 1),
        replace(clip, elements=(*clip.elements, Element("x", 0.0, 2))),
        replace(clip, elements=(clip.elements[0], Element("x", float("nan"), 1))),
        replace(clip, score_scale=ScoreScale(0, 1)),
        replace(clip, tracks=_tracks_of(clip, points=nowhere)),
        replace(clip, tracks=_tracks_of(clip, visible=clip.tracks.visible[:, 1:])),
        replace(clip, tracks=_tracks_of(clip, elements=clip.tracks.elements + np.uint16(9))),
        replace(clip, sketch=clip.frames),
        replace(clip, flow=np.zeros((1, 2, 2, 2), np.float16)),
    ]
    with ShardWriter(tmp_path) as writer:
        for broken in wrong:
            with pytest.raises(AcetateError, match="E607"):
                writer.add(broken)
    assert len(DataSet.open(tmp_path)) == 0
