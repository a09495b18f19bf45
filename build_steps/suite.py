"""The test suite in its parts: lint, the pure rooms, Blender 4.5, Blender 5.0, a windowed Blender.

Called by `commands`. Each part runs to its end even when an earlier one failed; the last lines
say how many tests passed and failed in each.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .environments import Environment
from .lint import lint
from .terminal import run_shown, say

_NOTHING_COLLECTED = 5
_CHROOT = "ACETATE_BLENDER_CHROOT"
_APART = ("tests/blender", "tests/gui")  # rooms with an interpreter of their own
_MOST_WORKERS = 4  # each may hold a model, a server and its workers


@dataclass(frozen=True)
class Outcome:
    """Counts of one part; `broken` when the runner itself did not end well, or nothing ran.

    `skips`: why tests were skipped, and how many for each reason.
    """

    part: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    broken: bool = False
    skips: tuple[tuple[str, int], ...] = ()

    @property
    def ok(self) -> bool:
        """Whether this part may be called green."""
        return not (self.failed or self.broken)

    def line(self) -> str:
        """One line for people."""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        ran = self.passed or self.failed
        broken = ", the runner broke off" if ran else ", NOTHING RAN"
        broken = broken if self.broken else ""
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
    """Every room without Blender, or only the given ones; one process per core, file by file."""
    chosen = list(rooms) or ["tests", *(f"--ignore={room}" for room in _APART)]
    workers = min(os.cpu_count() or 1, _MOST_WORKERS)
    spread = ["-n", str(workers), "--dist", "loadfile"] if workers > 1 else []
    return _pytest("pure", root, environment, [*chosen, *spread, "-m", "not gpu and not gui"])


def run_blender(root: Path, environment: Environment, rooms: Sequence[str]) -> Outcome:
    """The Blender rooms inside one Blender environment, with settings of their own."""
    chosen = list(rooms) or ["tests/blender"]
    surroundings = {"ACETATE_TEST_BLENDER": "1"}
    return _not_idle(_pytest(environment.name, root, environment, chosen, surroundings))


def run_gui(root: Path, environment: Environment) -> Outcome:
    """The windowed Blender, driven by real clicks; it fails where no such Blender is named."""
    if not os.environ.get(_CHROOT):
        say(f"[test gui] set {_CHROOT} to a folder with a windowed Blender: tests/gui/README.md")
        return Outcome("gui", 0, 0, 0, 0.0, broken=True)
    return _not_idle(_pytest("gui", root, environment, ["tests/gui", "-m", "gui"]))


def _not_idle(outcome: Outcome) -> Outcome:
    """A part that was asked for by name is broken when no test of it ran."""
    idle = not (outcome.passed or outcome.failed)
    return replace(outcome, broken=outcome.broken or idle)


def _pytest(
    part: str,
    root: Path,
    environment: Environment,
    arguments: list[str],
    surroundings: Mapping[str, str] | None = None,
) -> Outcome:
    started = time.monotonic()
    report = root / "build" / "test-results" / f"{part}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    say(f"[test {part}]")
    command = [str(environment.python), "-m", "pytest", f"--junitxml={report}", *arguments]
    with tempfile.TemporaryDirectory(prefix="acetate-blender-") as settings:
        # Without a folder of its own, a module Blender would read and write the user's settings.
        own = {"BLENDER_USER_RESOURCES": settings, "LP_NUM_THREADS": "2", **(surroundings or {})}
        code = run_shown(command, cwd=root, environment=own)
    return _counted(part, report, code, time.monotonic() - started)


def _counted(part: str, report: Path, code: int, seconds: float) -> Outcome:
    if not report.is_file():
        return Outcome(part, 0, 0, 0, seconds, broken=code not in (0, _NOTHING_COLLECTED))
    try:
        tree = ElementTree.parse(report).getroot()  # noqa: S314 - pytest's own file
    except ElementTree.ParseError as error:
        free = shutil.disk_usage(report.parent).free / 1e9
        say(f"[test {part}] its report is cut off ({error}); {free:.1f} GB are free on its disk")
        return Outcome(part, 0, 0, 0, seconds, broken=True)
    count = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for suite in tree.iter("testsuite"):
        count = {name: value + int(suite.get(name, "0")) for name, value in count.items()}
    failed = count["failures"] + count["errors"]
    passed = count["tests"] - failed - count["skipped"]
    broken = code not in (0, 1, _NOTHING_COLLECTED) or (code == 1 and not failed)
    reasons = Counter(one.get("message", "no reason given") for one in tree.iter("skipped"))
    skips = tuple(reasons.most_common())
    return Outcome(part, passed, failed, count["skipped"], seconds, broken, skips)


def summary(outcomes: Sequence[Outcome]) -> str:
    """The last lines of a test run: why tests were skipped, then totals and each part."""
    passed, failed = sum(o.passed for o in outcomes), sum(o.failed for o in outcomes)
    skips = [
        f"{outcome.part}: {count} skipped: {reason}"
        for outcome in outcomes
        for reason, count in outcome.skips
    ]
    parts = "; ".join(outcome.line() for outcome in outcomes)
    return "\n".join([*skips, f"{passed} passed, {failed} failed  |  {parts}"])
