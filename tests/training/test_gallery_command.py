"""`acetate evaluate gallery` from a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.cli.main import main
from shared.errors import ExitCode
from training.evaluate import main as evaluate_main
from training.gallery.folder import SCHEMA, SHEET_BYTES


def test_an_unknown_shot_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["acetate", "evaluate", "gallery", "--shots", "nothing"])
    assert evaluate_main() == ExitCode.USAGE
    assert "no shot nothing" in capsys.readouterr().err


def test_another_aspect_than_the_cameras_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    call = ["acetate", "evaluate", "gallery", "--shots", "ball", "--size", "200x200"]
    monkeypatch.setattr("sys.argv", call)
    assert evaluate_main() != 0
    assert "200" in capsys.readouterr().err


def test_the_command_writes_sheets_a_page_and_one_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "gallery"
    call = ["evaluate", "gallery", "--shots", "smoke", "--size", "256x144", "--out", str(out)]
    assert main([*call, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["width"]) == (SCHEMA, 256)
    (shot,) = document["shots"]
    assert shot["scores"]["name"] == "smoke"
    assert isinstance(shot["misses"], list)
    assert (out / "smoke.jpg").read_bytes()[:2] == b"\xff\xd8"
    assert (out / "smoke.jpg").stat().st_size <= SHEET_BYTES
    assert "src=smoke.jpg" in (out / "index.html").read_text("utf-8")
    assert "(smoke.jpg)" in (out / "README.md").read_text("utf-8")
