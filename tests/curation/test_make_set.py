"""Promises of whole sets: raw footage in, a data set and its review out, each thing once."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from curation.curate import register
from curation.dataset.index import read_index
from curation.dataset.reader import DataSet
from curation.forgotten import let_in_again, read_forgotten
from shared.errors import AcetateError
from training.data.procedural_source import ProceduralClips

from .media.footage import LICENCE, write_frames, write_video

FRAMES = 16


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of three shots, the last like the first, beside what is no footage; curated once."""
    folder = tmp_path_factory.mktemp("show")
    footage = folder / "footage"
    footage.mkdir()
    clips = ProceduralClips(8, seed=3, width=320, height=256, length=FRAMES)
    frames = np.concatenate([clips.clip(index).frames for index in (1, 4, 1)])
    write_frames(footage / "film.mp4", frames)
    (footage / "broken.mp4").write_bytes(b"no film" * 99)
    write_video(footage / "short.mp4", 9)
    (footage / "licence.toml").write_text(LICENCE)
    (folder / "first.json").write_text(_curate(footage, folder / "set"))
    return folder


def _curate(footage: Path, out: Path, *more: str) -> str:
    """Standard output of `acetate curate run`."""
    always = ("--out", str(out), "--json", "--failure-budget", "1")
    return _curate_set("run", str(footage), *always, *more)


def _curate_set(*arguments: str) -> str:
    """Standard output of `acetate curate`, in this process."""
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers())
    args = parser.parse_args(["curate", *arguments])
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        assert args.run(args) == 0
    return said.getvalue()


def test_a_film_becomes_clips_that_the_reader_reads(made: Path) -> None:
    told = json.loads((made / "first.json").read_text())
    assert (told["footage"], told["clips"], told["chosen"]) == (3, 3, 2)
    data = DataSet.open(made / "set" / "dataset")
    assert len(data) == 2
    for index in range(2):
        clip = data.clip(index)
        assert clip.frames.shape == (FRAMES, 256, 320, 3)
        assert clip.provenance.licence == "CC-BY-4.0"
        assert clip.provenance.first == index * FRAMES
        assert len(clip.layers) >= 2
        assert clip.labels.min() >= 1
        assert clip.sketch is not None


def test_what_is_not_in_the_set_says_why(made: Path) -> None:
    told = json.loads((made / "first.json").read_text())
    assert list(told["reasons"].values()) == [["duplicate"]]
    page = (made / "set" / "review.html").read_text()
    for code in ("corrupt", "too_short", "duplicate"):
        assert f'"{code}"' in page
    assert str(made) not in page


def test_a_second_run_does_nothing(made: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (made / "set").rglob("*.tar")}
    again = json.loads(_curate(made / "footage", made / "set"))
    assert again["stages_run"] == 0
    assert again["fingerprint"] == json.loads((made / "first.json").read_text())["fingerprint"]
    assert {path: path.stat().st_mtime_ns for path in (made / "set").rglob("*.tar")} == before


def test_another_threshold_runs_only_what_reads_it(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "set", tmp_path / "set")
    again = json.loads(_curate(made / "footage", tmp_path / "set", "--layers", "2"))
    assert again["stages_run"] == 3 * 4  # layers, tracks, captions and quality of three clips
    data = DataSet.open(tmp_path / "set" / "dataset")
    assert all(len(data.clip(index).layers) <= 2 for index in range(len(data)))


def test_a_reviewers_word_is_honoured(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "set", tmp_path / "set")
    first = DataSet.open(made / "set" / "dataset").clip(0).clip_id
    twin = next(iter(json.loads((made / "first.json").read_text())["reasons"]))
    said = [
        {"clip_id": first, "verdict": "reject", "at": "2026-01-01"},
        {"clip_id": twin, "verdict": "accept", "at": "2026-01-01"},
    ]
    decisions = tmp_path / "decisions.jsonl"
    decisions.write_text("".join(json.dumps(line) + "\n" for line in said))
    _curate(made / "footage", tmp_path / "set", "--decisions", str(decisions))
    data = DataSet.open(tmp_path / "set" / "dataset")
    names = {data.clip(index).clip_id for index in range(len(data))}
    assert twin in names
    assert first not in names


def test_footage_without_a_licence_never_enters(made: Path, tmp_path: Path) -> None:
    footage = tmp_path / "footage"
    footage.mkdir()
    shutil.copy(made / "footage" / "film.mp4", footage)
    told = json.loads(_curate(footage, tmp_path / "set"))
    assert (told["clips"], told["chosen"]) == (0, 0)
    assert "no_licence" in (tmp_path / "set" / "review.html").read_text()


def test_no_footage_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AcetateError) as caught:
        _curate(tmp_path, tmp_path / "set")
    assert caught.value.name == "not_found"


def test_a_data_set_that_was_destroyed_is_written_again(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "set", tmp_path / "set")
    shard = next((tmp_path / "set" / "dataset").glob("*.tar"))
    whole = shard.read_bytes()
    shard.unlink()
    again = json.loads(_curate(made / "footage", tmp_path / "set"))
    assert again["stages_run"] == 0
    assert shard.read_bytes() == whole


def test_a_rejected_clip_makes_room_for_its_twin(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "set", tmp_path / "set")
    first = DataSet.open(made / "set" / "dataset").clip(0).clip_id
    decisions = tmp_path / "decisions.jsonl"
    decisions.write_text(json.dumps({"clip_id": first, "verdict": "reject", "at": "x"}) + "\n")
    told = json.loads(_curate(made / "footage", tmp_path / "set", "--decisions", str(decisions)))
    assert told["chosen"] == 2
    assert told["reasons"] == {}


def _source_id(clip_id: str, out: Path) -> str:
    ids = set(read_index(out / "dataset").column("source_id"))
    return next(full for full in ids if clip_id.startswith(full[:16]))


def test_a_source_that_was_forgotten_is_nowhere_and_stays_out(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    shutil.copytree(made / "set", out)
    source_id = _source_id(DataSet.open(out / "dataset").clip(0).clip_id, out)
    told = json.loads(_curate_set("forget", str(out), "--source", source_id, "--json"))
    assert (told["clips"], told["cards"]) == (2, 3)
    kept = [path for path in out.rglob("*") if path.is_file() and path.name != "forgotten.jsonl"]
    traces = (source_id[:16].encode(), b"film.mp4")
    assert not [path for path in kept if any(trace in path.read_bytes() for trace in traces)]
    assert not [path for path in kept if source_id[:16] in path.name]
    assert len(DataSet.open(out / "dataset")) == 0
    page = (out / "review.html").read_text()
    assert '"too_short"' in page  # of other footage, which stays

    again = json.loads(_curate(made / "footage", out))
    assert (again["clips"], again["forgotten"]) == (0, ["film.mp4"])
    let_in_again(out, source_id[:16])
    assert read_forgotten(out) == []


def test_a_forget_that_was_cut_short_is_finished_by_another(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    shutil.copytree(made / "set", out)
    source_id = _source_id(DataSet.open(out / "dataset").clip(0).clip_id, out)
    listed = {"source_id": source_id[:20], "at": "2026-01-01T00:00:00+00:00"}
    (out / "forgotten.jsonl").write_text(json.dumps(listed) + "\n")
    shutil.rmtree(out / "dataset")
    for name in (source_id, source_id[:16]):
        _curate_set("forget", str(out), "--source", name, "--json")
    assert len((out / "forgotten.jsonl").read_text().splitlines()) == 1
    assert not list((out / "clips" / "work").rglob("*.npz"))


@pytest.mark.parametrize(("source", "name"), [("film.mp4", "usage"), ("f" * 64, "not_found")])
def test_only_what_a_set_has_is_forgotten(made: Path, source: str, name: str) -> None:
    with pytest.raises(AcetateError) as caught:
        _curate_set("forget", str(made / "set"), "--source", source)
    assert caught.value.name == name
    assert not (made / "set" / "forgotten.jsonl").exists()


def test_a_damaged_list_lets_nothing_in(made: Path, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "forgotten.jsonl").write_text('{"source_id": 3}\n')
    with pytest.raises(AcetateError) as caught:
        _curate(made / "footage", tmp_path / "set")
    assert caught.value.name == "invalid_request"


def test_a_set_tells_its_figures(made: Path) -> None:
    told = json.loads(_curate_set("statistics", str(made / "set"), "--json"))
    assert (told["clips"], told["frames"]) == (2, 2 * FRAMES)
    assert told["reasons"] == {"corrupt": 1, "duplicate": 1, "too_short": 1}
    assert told["licences"] == {"CC-BY-4.0": 2}
    assert told["sources"] == {"film.mp4": 2}
    assert sum(told["layers"].values()) == 2
    assert "hours: " in _curate_set("statistics", str(made / "set"))


def test_decisions_on_clips_that_are_not_there_are_named(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(made / "set", tmp_path / "set")
    said = [{"clip_id": f"gone{i}", "verdict": "reject", "at": "x"} for i in range(7)]
    decisions = tmp_path / "decisions.jsonl"
    decisions.write_text("".join(json.dumps(line) + "\n" for line in said))
    told = json.loads(_curate(made / "footage", tmp_path / "set", "--decisions", str(decisions)))
    assert len(told["unknown_decisions"]) == 7
    warned = capsys.readouterr().err
    assert "7 decisions on clips that are not in this run: gone0, gone1, gone2" in warned
    assert "gone4, ..." in warned


def test_a_set_among_its_footage_is_no_footage(made: Path, tmp_path: Path) -> None:
    footage = tmp_path / "footage"
    footage.mkdir()
    write_video(footage / "short.mp4", 9)
    sheets = footage / "set" / "sheets"
    sheets.mkdir(parents=True)
    for index in range(2):
        shutil.copy(next((made / "set" / "sheets").glob("*.webp")), sheets / f"a_{index}.webp")
    (footage / "licence.toml").write_text(LICENCE)
    told = json.loads(_curate(footage, footage / "set"))
    assert told["footage"] == 1
