"""Arguments that cannot be meant: told in words to people, as a document to scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.cli.main import main


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("generate", "shot.zip"),
        ("generate", "shot.zip", "-o", "out", "--takes", "many"),
        ("models", "import"),
        ("wait", "12345678", "--timeout", "soon"),
    ],
)
def test_a_script_that_asked_for_json_gets_json_for_a_wrong_argument(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    error = json.loads(said.err)["error"]
    assert error["code"] == "E118"
    assert len(error["text"]) <= 80


def test_people_get_the_usage_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["generate", "shot.zip"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: acetate generate")


@pytest.mark.parametrize("words", [("status",), ("watch",), ("wait",), ("cancel",), ("fetch",)])
def test_what_can_be_no_id_is_told_without_a_server(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "take_003"]) == 2
    assert capsys.readouterr().err.startswith("E118 not the start of a job's id: take_003")


@pytest.mark.parametrize("words", [("--scores", "much,-1"), ("--static", "sky")])
def test_a_list_that_is_none_is_told_in_words(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import-demo", "demo", "-o", "shot", *words]) == 2
    said = capsys.readouterr().err
    assert said.startswith("E118 not ")
    assert words[1] in said


def test_the_version_is_told_by_the_option_that_people_try_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("acetate ")


def test_verifying_no_model_says_that_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ACETATE_MODELS_DIR", str(tmp_path))
    assert main(["models", "verify"]) == 0
    assert capsys.readouterr().out.startswith("No models in ")


def test_a_demo_folder_that_is_a_dot_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path / "demo")
    assert main(["import-demo", ".", "-o", "shot"]) == 3
    assert "first_frame.png in demo" in capsys.readouterr().err
