"""Which Python runs the link: Blender's own, whatever PATH holds; another version is told so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("bpy")

from tests.blender.addon.conftest import Part

pytestmark = pytest.mark.blender
_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.mark.parametrize("told", ["bin/python.exe", "bin/python", f"bin/python{_VERSION}"])
def test_a_python_inside_blenders_own_folder_is_taken(
    part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / told))
    assert part("link.interpreter").own_python() == str(tmp_path / told)


@pytest.mark.parametrize("told", [None, "", "/opt/other/bin/python"])
def test_the_python_beside_the_modules_counts_more_than_what_path_holds(
    part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str | None
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "executable", told)
    assert part("link.interpreter").own_python() == (told or "")  # better than nothing
    beside = tmp_path / "bin" / f"python{_VERSION}"
    beside.parent.mkdir()
    beside.touch()
    assert part("link.interpreter").own_python() == str(beside)


def test_a_python_of_another_version_says_which_one_to_install(part: Part) -> None:
    child = Path(part("link").__path__[0]) / "child.py"
    ended = subprocess.run(
        [sys.executable, "-I", str(child), "2.7", "msgspec=nowhere"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 3
    assert f"is Python {_VERSION}: install python2.7" in ended.stderr


def test_wheels_that_are_not_there_end_the_process_with_that_said(part: Part) -> None:
    child = Path(part("link").__path__[0]) / "child.py"
    ended = subprocess.run(
        [sys.executable, "-I", str(child), _VERSION, "msgspec=nowhere"],
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "msgspec is not in nowhere" in ended.stderr
