"""Devices and memory limits are refused before a server starts or a shot is sent."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from backend.cli.main import main
from shared.errors import ExitCode
from shared.package import write_package
from tests.backend.server.shots import make_shot


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--device", "gpu"), '"gpu" cannot be used'),
        (("--vram", "8"), "--device other than cpu"),
        (("--device", "cpu", "--vram", "8"), "--device other than cpu"),
        (("--vram", "-1"), "--vram takes gigabytes"),
    ],
)
@pytest.mark.parametrize("command", ["serve", "generate"])
def test_what_cannot_be_is_told_in_one_line(
    command: str,
    words: tuple[str, ...],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_package(*make_shot("one"), tmp_path / "shot.zip")
    places = {
        "serve": ("--data-dir", str(tmp_path / "data")),
        "generate": (str(tmp_path / "shot.zip"), "-o", str(tmp_path / "out")),
    }
    assert main([command, *places[command], *words]) == ExitCode.USAGE
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a computer without CUDA")
def test_a_card_that_is_not_there_stops_the_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--data-dir", str(tmp_path), "--device", "cuda:1"]) == ExitCode.USAGE
    assert "no CUDA device" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--vram", "8"), "acetate serve"),
        (("--device", "cuda"), "--device has no use with --server"),
        (("--decode", "bf16"), "--decode has no use with --server"),
        (("--compare",), "--compare has no use with --server"),
    ],
)
def test_what_the_server_decides_is_no_option_of_its_client(
    option: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_package(*make_shot("one"), tmp_path / "shot.zip")
    words = [str(tmp_path / "shot.zip"), "-o", str(tmp_path / "out")]
    assert main(["generate", *words, "--server", "tcp://127.0.0.1:1", *option]) == ExitCode.USAGE
    assert said in capsys.readouterr().err


def test_tf32_is_refused_without_cuda(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_package(*make_shot("one"), tmp_path / "shot.zip")
    words = [str(tmp_path / "shot.zip"), "-o", str(tmp_path / "out"), "--decode", "tf32"]
    assert main(["generate", *words]) == ExitCode.USAGE
    assert "--device cuda" in capsys.readouterr().err
