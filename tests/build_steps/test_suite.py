"""The test command counts what it ran and says so in its exit code."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from build_steps.environments import Environment
from build_steps.suite import Outcome, run_blender, run_gui, run_pure, summary

ROOT = Path(__file__).resolve().parents[2]
HERE = Environment("here", Path(sys.prefix), ())


def _room(root: Path, text: str) -> str:
    (root / "tests" / "room").mkdir(parents=True)
    (root / "tests" / "room" / "test_it.py").write_text(text)
    return "tests/room"


def test_passed_failed_and_skipped_tests_are_counted(tmp_path: Path) -> None:
    text = (
        "import pytest\ndef test_a(): pass\ndef test_b(): assert 0\ndef test_c(): pytest.skip()\n"
    )
    outcome = run_pure(tmp_path, HERE, [_room(tmp_path, text)])
    assert (outcome.passed, outcome.failed, outcome.skipped) == (1, 1, 1)
    assert not outcome.ok


def test_a_green_room_is_ok(tmp_path: Path) -> None:
    assert run_pure(tmp_path, HERE, [_room(tmp_path, "def test_a(): pass\n")]).ok


def test_a_room_that_cannot_be_read_is_not_ok(tmp_path: Path) -> None:
    assert not run_pure(tmp_path, HERE, [_room(tmp_path, "import no_such_module\n")]).ok


def test_a_report_that_was_cut_off_is_told_with_the_room_left_on_the_disk(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = (
        "import atexit, pathlib\n"
        "REPORT = pathlib.Path('build/test-results/pure.xml')\n"
        "@atexit.register\n"
        "def cut(): REPORT.write_bytes(REPORT.read_bytes()[:90])\n"
        "def test_a(): pass\n"
    )
    outcome = run_blender(tmp_path, replace(HERE, name="pure"), [_room(tmp_path, text)])
    assert not outcome.ok
    assert "its report is cut off" in capfd.readouterr().out


def test_the_summary_starts_with_the_totals() -> None:
    text = summary([Outcome("a", 3, 1, 0, 2.0), Outcome("b", 4, 0, 2, 1.0)])
    assert text.startswith("7 passed, 1 failed")
    assert "b: 4 passed, 0 failed, 2 skipped (1 s)" in text


def test_the_summary_lists_why_tests_were_skipped(tmp_path: Path) -> None:
    text = (
        "import pytest\ndef test_a(): pass\n"
        "@pytest.mark.parametrize('n', [1, 2])\n"
        "def test_b(n): pytest.skip('the reference material is absent')\n"
    )
    outcome = run_pure(tmp_path, HERE, [_room(tmp_path, text)])
    assert outcome.ok
    assert "pure: 2 skipped: the reference material is absent" in summary([outcome])


def test_a_blender_part_in_which_nothing_ran_is_not_ok(tmp_path: Path) -> None:
    room = _room(tmp_path, "import pytest\npytest.importorskip('no_such_module')\n")
    outcome = run_blender(tmp_path, HERE, [room])
    assert not outcome.ok
    assert "NOTHING RAN" in summary([outcome])


def test_the_blender_rooms_fail_in_an_interpreter_without_blender() -> None:
    outcome = run_blender(ROOT, HERE, ["tests/blender/scene"])
    assert not outcome.ok


def test_the_windowed_part_without_a_blender_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ACETATE_BLENDER_CHROOT", raising=False)
    assert not run_gui(tmp_path, HERE).ok
    assert "set ACETATE_BLENDER_CHROOT" in capfd.readouterr().out


@pytest.mark.parametrize("arguments", [["test", "no-such-room"], ["demo", "--size", "big"]])
def test_a_wrong_argument_ends_with_one_line_and_not_with_zero(arguments: list[str]) -> None:
    command = [sys.executable, str(ROOT / "build.py"), *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode in (1, 2)
    assert "Traceback" not in finished.stderr
