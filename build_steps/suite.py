"""The test suite in its parts: lint, the pure rooms, Blender 4.5, Blender 5.0, a windowed Blender.

Called by `commands`. Each part runs to its end even when an earlier one failed; the last lines
say how many tests passed and failed in each.
"""

from __future__ import annotations

import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .environments import Environment
from .lint import lint
from .terminal import run_shown, say

_NOTHING_COLLECTED = 5
_APART = ("tests/blender", "tests/gui")  # rooms with an interpreter of their own


@dataclass(frozen=True)
class Outcome:
    """Counts of one part; `broken` when the runner itself did not end well."""

    part: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    broken: bool = False

    @property
    def ok(self) -> bool:
        """Whether this part may be called green."""
        return not (self.failed or self.broken)

    def line(self) -> str:
        """One line for people."""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        broken = ", the runner broke off" if self.broken else ""
        counts = f"{self.passed} passed, {self.failed} failed{skipped}{broken}"
        return f"{self.part}: {counts} ({self.seconds:.0f} s)"


def run_lint(root: Path, environment: Environment) -> Outcome:
    """The four lint checks as one part."""
    started = time.monotonic()
    failed = lint(root, environment)
    if failed:
        say(f"lint failed: {', '.join(failed)}")
    return Outcome("lint", 4 - len(failed), len(failed), 0, time.monotonic() - started)


def run_pure(root: Path, environment: Environment, rooms: Sequence[str]) -> Outcome:
    """Every room without Blender, or only the given ones."""
    chosen = list(rooms) or ["tests", *(f"--ignore={room}" for room in _APART)]
    return _pytest("pure", root, environment, [*chosen, "-m", "not gpu and not gui"])


def run_blender(root: Path, environment: Environment, rooms: Sequence[str]) -> Outcome:
    """The Blender rooms inside one Blender environment, with settings of their own."""
    return _pytest(environment.name, root, environment, list(rooms) or ["tests/blender"])


def run_gui(root: Path, environment: Environment) -> Outcome:
    """The windowed Blender, driven by real clicks."""
    return _pytest("gui", root, environment, ["tests/gui", "-m", "gui"])


def _pytest(part: str, root: Path, environment: Environment, arguments: list[str]) -> Outcome:
    started = time.monotonic()
    report = root / "build" / "test-results" / f"{part}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    say(f"[test {part}]")
    command = [str(environment.python), "-m", "pytest", f"--junitxml={report}", *arguments]
    with tempfile.TemporaryDirectory(prefix="acetate-blender-") as settings:
        # Without a folder of its own, a module Blender would read and write the user's settings.
        surroundings = {"BLENDER_USER_RESOURCES": settings, "LP_NUM_THREADS": "2"}
        code = run_shown(command, cwd=root, environment=surroundings)
    return _counted(part, report, code, time.monotonic() - started)


def _counted(part: str, report: Path, code: int, seconds: float) -> Outcome:
    if code == _NOTHING_COLLECTED or not report.is_file():
        return Outcome(part, 0, 0, 0, seconds, broken=code not in (0, _NOTHING_COLLECTED))
    suites = ElementTree.parse(report).getroot().iter("testsuite")  # noqa: S314 - pytest's own file
    count = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for suite in suites:
        count = {name: value + int(suite.get(name, "0")) for name, value in count.items()}
    failed = count["failures"] + count["errors"]
    passed = count["tests"] - failed - count["skipped"]
    broken = code not in (0, 1) or (code == 1 and not failed)
    return Outcome(part, passed, failed, count["skipped"], seconds, broken)


def summary(outcomes: Sequence[Outcome]) -> str:
    """The last line of a test run: totals first, then each part."""
    passed, failed = sum(o.passed for o in outcomes), sum(o.failed for o in outcomes)
    parts = "; ".join(outcome.line() for outcome in outcomes)
    return f"{passed} passed, {failed} failed  |  {parts}"
