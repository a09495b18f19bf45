"""`acetate dataset` says what is so, in text and as JSON, and its exit codes tell scripts."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from curation.dataset.command import register
from curation.dataset.reader import DataSet
from shared.errors import AcetateError, ExitCode

from .official.hand_made import official_folder
from .small_clips import of_source, small_clip, write_clips


def _run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers(required=True))
    args = parser.parse_args(["dataset", *map(str, arguments)])
    return args.run(args)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    clips = [small_clip(f"clip-{n}", rights=of_source(str(n % 2) * 64)) for n in range(3)]
    return write_clips(tmp_path / "set", clips)


def test_info_counts_clips_sizes_and_rights(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("info", folder, "--json") == ExitCode.DONE
    report = json.loads(capsys.readouterr().out)
    assert (report["verb"], report["clips"], report["frames"]) == ("info", 3, 36)
    assert report["sizes"] == {"48x32": 3}
    assert report["sources"] == {"0" * 64: 2, "1" * 64: 1}
    assert report["licences"] == {"CC-BY-4.0": 3}
    assert report["seconds"] == 1.5
    assert _run("info", folder) == ExitCode.DONE
    assert "48x32 (3)" in capsys.readouterr().out


def test_verify_tells_damage_by_its_exit_code(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("verify", folder, "--deep") == ExitCode.DONE
    assert "3 clips, 0 problems" in capsys.readouterr().out
    shard = next(folder.glob("shard-*.tar"))
    shard.write_bytes(shard.read_bytes()[:3000])
    assert _run("verify", folder, "--json") == ExitCode.INPUT_INVALID
    report = json.loads(capsys.readouterr().out)
    assert not report["sound"]
    assert {problem["code"] for problem in report["problems"]} == {"E603"}


def test_forget_removes_a_source(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("forget", folder, "--source", "0" * 64, "--json") == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["clips"] == ["clip-0", "clip-2"]
    assert len(DataSet.open(folder)) == 1
    with pytest.raises(AcetateError, match="E116"):
        _run("forget", folder, "--source", "0" * 64)


def test_the_official_layout_goes_in_and_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = official_folder(tmp_path / "official")
    arguments = ("import-official", source, "--csv", source / "set.csv", "--out", tmp_path / "set")
    assert _run(*arguments) == ExitCode.DONE
    assert "2 imported" in capsys.readouterr().out
    assert _run("export-official", tmp_path / "set", "--out", tmp_path / "out") == ExitCode.DONE
    assert len(list((tmp_path / "out" / "clip").iterdir())) == 2
    (source / "clip" / "a1.mp4").unlink()
    again = ("import-official", source, "--csv", source / "set.csv", "--out", tmp_path / "two")
    assert _run(*again) == ExitCode.BATCH_PARTLY_FAILED
    assert "a1: E603" in capsys.readouterr().out


def test_a_lost_index_is_made_again_byte_by_byte(folder: Path) -> None:
    index = folder / "index.parquet"
    before = index.read_bytes()
    with pytest.raises(AcetateError, match="E110"):
        _run("reindex", folder)
    index.unlink()
    assert _run("reindex", folder) == ExitCode.DONE
    assert index.read_bytes() == before


def test_damaged_shards_make_no_index(folder: Path, tmp_path: Path) -> None:
    (folder / "index.parquet").unlink()
    shard = sorted(folder.glob("shard-*.tar"))[-1]
    whole = shard.read_bytes()
    middle = len(whole) // 2
    spoilt = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    for damage in (whole[:4000], spoilt, b"nothing like a tar"):
        shard.write_bytes(damage)
        with pytest.raises(AcetateError, match=r"E60[34]"):
            _run("reindex", folder)
        assert not (folder / "index.parquet").exists()
    (tmp_path / "empty").mkdir()
    with pytest.raises(AcetateError, match="E601"):
        _run("reindex", tmp_path / "empty")


def test_a_folder_that_is_no_data_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(AcetateError, match="E601"):
        _run("info", tmp_path)
