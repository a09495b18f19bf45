"""`acetate clips make`: data sets of procedural clips and drawn shots, resumable, in processes."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from backend.cli.blender_program import find_blender
from curation.dataset.reader import DataSet
from shared.errors import AcetateError
from training.data.make import make_dataset
from training.data.procedural_source import ProceduralClips
from training.make_clips import register

ROOT = Path(__file__).resolve().parents[3]
BALL = ROOT / "training" / "gallery" / "shots" / "ball-truth.zip"
RIGHTS = [
    "--rights-holder", "A Studio", "--licence", "proprietary:12", "--licence-evidence", "12.pdf",
    "--consent-by", "A. Producer", "--consent-date", "2026-11-01", "--acquired", "2026-11-02",
]  # fmt: skip


def _run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers())
    args = parser.parse_args(["clips", "make", *arguments])
    return args.run(args)


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.tar"))}


def test_procedural_clips_are_written_and_read_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--clips", "2", "--seed", "4", "--size", "96x64", "--frames", "4"]
    assert _run("procedural", *arguments, "--out", str(tmp_path), "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["written"]) == ("acetate.clips-made/1", 2)
    data = DataSet.open(tmp_path)
    source = ProceduralClips(2, seed=4, width=96, height=64, length=4)
    for index in range(2):
        kept, made = data.clip(index), source.clip(index)
        assert kept.clip_id == made.clip_id
        assert np.array_equal(kept.labels, made.labels)
        assert kept.elements == made.elements
        assert kept.caption == made.caption
        assert np.abs(kept.tracks.points - made.tracks.points).max() <= 1 / 16 + 1e-3
        assert np.abs(kept.frames.astype(int) - made.frames).mean() < 6  # a lossy video
    assert data.fingerprint == document["fingerprint"]


def test_a_stopped_run_goes_on_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    source = ProceduralClips(5, seed=1, width=48, height=32, length=3)
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    whole.mkdir()
    stopped.mkdir()

    def stop(done: int, of: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    made = make_dataset(source, whole, shard_bytes=60_000)
    assert made.written == 5
    with pytest.raises(KeyboardInterrupt):
        make_dataset(source, stopped, shard_bytes=60_000, report=stop)
    again = make_dataset(source, stopped, shard_bytes=60_000)
    assert 0 < again.present < 5
    assert _content(stopped) == _content(whole)
    assert again.fingerprint == made.fingerprint


def test_several_processes_write_the_same_bytes_as_one(tmp_path: Path) -> None:
    source = ProceduralClips(3, seed=2, width=48, height=32, length=3)
    for jobs in (1, 2):
        (tmp_path / str(jobs)).mkdir()
        make_dataset(source, tmp_path / str(jobs), jobs=jobs)
    assert _content(tmp_path / "1") == _content(tmp_path / "2")


def test_drawn_shots_are_written_with_their_rights(tmp_path: Path) -> None:
    out = tmp_path / "set"
    out.mkdir()
    arguments = [str(BALL), *RIGHTS, "--height", "72", "--drawn-only", "--out", str(out)]
    arguments.append("--with-flow")
    assert _run("shots", *arguments) == 0
    clip = DataSet.open(out).clip(0)
    assert clip.provenance.licence == "proprietary:12"
    assert clip.flow is not None
    assert [layer.name for layer in clip.layers] == ["court", "shadow", "ball"]


def test_rights_may_come_from_a_record_beside_the_footage(tmp_path: Path) -> None:
    record = tmp_path / "licence.toml"
    lines = {
        "title": "Episode 1", "rights_holder": "A Studio", "licence": "CC-BY-4.0",
        "licence_evidence": "1.pdf", "consent_by": "B", "consent_date": "2026-11-01",
        "attribution": "A Studio", "acquired": "2026-11-01",
    }  # fmt: skip
    text = "\n".join(f'{name} = "{value}"' for name, value in lines.items())
    out = tmp_path / "set"
    out.mkdir()
    arguments = ["shots", str(BALL), "--rights", str(record), "--height", "48", "--frames", "7"]
    record.write_text(text + "\nconsent_for_training = false\n")
    with pytest.raises(AcetateError) as caught:
        _run(*arguments, "--out", str(out))
    assert caught.value.name == "licence_missing"
    record.write_text(text + "\nconsent_for_training = true\n")
    assert _run(*arguments, "--out", str(out)) == 0
    assert DataSet.open(out).clip(0).provenance.licence == "CC-BY-4.0"


def test_shots_without_rights_are_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(AcetateError) as caught:
        _run("shots", str(tmp_path / "scene.blend"), "--out", str(tmp_path / "set"))
    assert caught.value.name == "licence_missing"
    assert not (tmp_path / "set").exists()


def test_a_blender_file_becomes_exact_clips(tmp_path: Path) -> None:
    try:
        blender = find_blender()
    except AcetateError as error:
        pytest.skip(error.text)
    subprocess.run(
        [str(blender), "-m", "training.gallery.draw", "ball", "--out", str(tmp_path / "drawn"),
         "--blends", str(tmp_path)],
        cwd=ROOT, env={**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path)}, check=True,
        capture_output=True,
    )  # fmt: skip
    out = tmp_path / "set"
    out.mkdir()
    scene = tmp_path / "ball-truth.blend"
    assert _run("shots", str(scene), *RIGHTS, "--height", "72", "--out", str(out)) == 0
    clip = DataSet.open(out).clip(0)
    assert clip.provenance.derived_from.startswith("ball-truth.blend: court")
    assert clip.flow is None  # not asked for
    assert len(clip.frames) == 13
    assert clip.layers[-1].score > 3
