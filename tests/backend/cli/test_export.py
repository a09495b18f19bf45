"""`acetate export`: any bpy interpreter makes the package, and each failure says what to do."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from backend.cli.blender_program import find_blender
from backend.cli.main import main
from shared.errors import AcetateError, ExitCode
from shared.package import read_package

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def blender() -> Path:
    """The project's newest bpy interpreter; skips where there is none."""
    try:
        return find_blender()
    except AcetateError as error:
        pytest.skip(error.text)


@pytest.fixture(scope="module")
def blend_file(blender: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo scene as a file whose name has a space and an umlaut."""
    folder = tmp_path_factory.mktemp("scene")
    file = folder / "Füchschen 1.blend"
    subprocess.run(
        [str(blender), "-m", "examples.demo.scene", "--save", str(file)],
        cwd=ROOT,
        env={**os.environ, "BLENDER_USER_RESOURCES": str(folder)},
        check=True,
        capture_output=True,
    )
    return file


def test_a_blend_file_becomes_a_package(
    blend_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "shot.zip"
    arguments = ["export", str(blend_file), "-o", str(out), "--quality", "fast", "--json"]
    assert main(arguments) == ExitCode.DONE
    document = json.loads(capsys.readouterr().out)
    request, blobs = read_package(out)
    assert document["schema"] == "acetate.export/1"
    assert document["layers"] == [layer.name for layer in request.layers]
    assert document["frames"] == [request.start, request.end] == [1, 17]
    assert document["sha256"] == request.sha256
    assert all(
        key.strokes is not None and blobs.has(key.strokes.blob)
        for layer in request.layers
        for key in layer.keys
    )


def test_frames_can_be_chosen(blend_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "shot"
    arguments = ["export", str(blend_file), "-o", str(out), "--quality", "fast"]
    assert main([*arguments, "--frames", "5-17"]) == ExitCode.DONE
    request, _ = read_package(out)
    assert (request.start, request.end) == (5, 17)


def test_what_the_scene_lacks_is_said_in_one_line(
    blend_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["export", str(blend_file), "-o", str(tmp_path / "shot"), "--scene", "Nowhere"]
    assert main(arguments) == ExitCode.INPUT_INVALID
    error = capsys.readouterr().err
    assert error.startswith('E116 There is no scene "Nowhere"')
    assert error.count("\n") == 1
    assert not (tmp_path / "shot").exists()


def test_a_file_that_is_no_blend_file_is_refused(
    blender: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del blender
    file = tmp_path / "not.blend"
    file.write_bytes(b"no scene in here")
    assert main(["export", str(file), "-o", str(tmp_path / "shot")]) == ExitCode.INPUT_INVALID
    assert capsys.readouterr().err.startswith("E110")


def test_a_missing_file_is_e116(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["export", str(tmp_path / "none.blend"), "-o", str(tmp_path / "shot")]
    assert main(arguments) == ExitCode.INPUT_INVALID
    assert capsys.readouterr().err.startswith("E116")


@pytest.mark.parametrize("way", ["option", "environment"])
def test_no_blender_is_e117(
    way: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "scene.blend"
    file.touch()
    arguments = ["export", str(file), "-o", str(tmp_path / "shot")]
    if way == "option":
        arguments += ["--blender", str(tmp_path / "blender")]
    else:
        monkeypatch.setenv("ACETATE_BLENDER", str(tmp_path / "blender"))
    assert main(arguments) == ExitCode.INPUT_INVALID
    assert capsys.readouterr().err.startswith("E117")


def test_a_frame_range_that_is_none_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "scene.blend"
    file.touch()
    arguments = ["export", str(file), "-o", str(tmp_path / "shot"), "--frames", "all"]
    assert main(arguments) == ExitCode.USAGE
    assert capsys.readouterr().err.startswith("E118")


def test_a_crash_of_the_export_itself_says_what_it_was(
    blend_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    target = tmp_path / "file" / "shot"
    arguments = ["export", str(blend_file), "-o", str(target), "--quality", "fast"]
    assert main(arguments) == ExitCode.DISK
    assert capsys.readouterr().err.startswith("E501")
    assert main([*arguments[:3], str(tmp_path / "x"), "--frames", "1-99999999999"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("E900")
    assert "Error" in error


@pytest.mark.parametrize(
    ("last_words", "code"),
    [
        ("Segmentation fault", "E900"),
        ("ModuleNotFoundError: No module named 'bl_ext.user_default.acetate'", "E117"),
        ("ModuleNotFoundError: No module named 'bpy'", "E117"),
    ],
)
def test_a_blender_that_ends_without_a_report_is_told_with_its_exit_code(
    last_words: str, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "blender"
    program.write_text(f'#!/bin/sh\necho "{last_words}" >&2\nexit 11\n')
    program.chmod(0o755)
    file = tmp_path / "scene.blend"
    file.touch()
    main(["export", str(file), "-o", str(tmp_path / "shot"), "--blender", str(program)])
    error = capsys.readouterr().err
    assert error.startswith(code)
    assert "exit code 11" in error
    assert last_words in error
