"""The golden vectors of the official code are met, by the command that everybody can run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden.__main__ import main
from tests.golden.runner import bar_of

ROOT = Path(__file__).resolve().parents[4]


def test_every_golden_tensor_is_within_its_bar(reference_dir: Path) -> None:
    folder = reference_dir / "reference" / "unet" / "golden"
    command = [sys.executable, "-m", "tests.golden", str(folder), "--json", "--mode", "final"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    _check_all(done.stdout)


def test_every_golden_tensor_is_within_its_bar_in_the_plain_mode(
    reference_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = reference_dir / "reference" / "unet" / "golden"
    assert main([str(folder), "--json", "--mode", "reference"]) == 0
    _check_all(capsys.readouterr().out)


def _check_all(output: str) -> None:
    errors: dict[str, float] = json.loads(output)
    assert {name.split("/")[0] for name in errors} >= {"unet", "pipeline_i2v", "heatmap"}
    assert {n: e for n, e in errors.items() if not e <= bar_of(n)} == {}


def test_a_broken_bar_gives_exit_code_one(
    reference_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    golden = reference_dir / "reference" / "unet" / "golden"
    config = json.loads((golden / "config.json").read_text(encoding="utf-8"))
    config["scheduler"]["beta_end"] = 0.013
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    shutil.copy(golden / "scheduler.npz", tmp_path)
    assert main([str(tmp_path)]) == 1
    assert "FAIL" in capsys.readouterr().out


def test_directories_of_another_kind_give_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text('{"configs": {"dit": {}}}', encoding="utf-8")
    for folder in (tmp_path, tmp_path / "absent"):
        assert main([str(folder), "--json"]) > 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1


def test_an_unknown_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.json").write_text('{"configs": {"unet": {}}}', encoding="utf-8")
    (tmp_path / "dit_block.npz").write_bytes(b"")
    assert main([str(tmp_path), "--json"]) > 1
    assert "dit_block" in capsys.readouterr().err
