"""Time left: steady steps give a figure, few or uneven ones give none."""

from __future__ import annotations

import pytest

from backend.jobs.eta import EtaMeter, rounded


def _run(times_s: list[float], steps: int = 50) -> float | None:
    meter, now, left = EtaMeter(), 0.0, None
    meter.note("sample", 0, steps, now)
    for step, time_s in enumerate(times_s, 1):
        now += time_s
        left = meter.note("sample", step, steps, now)
    return left


def test_nothing_is_said_before_three_steps() -> None:
    assert _run([1.0]) is None
    assert _run([1.0, 1.0]) is None
    assert _run([1.0, 1.0, 1.0]) == 45.0


def test_one_slow_step_does_not_matter() -> None:
    assert _run([1.0] * 5 + [30.0] + [1.0] * 4) == 40.0


def test_uneven_steps_give_no_figure() -> None:
    assert _run([0.1, 2.0, 0.2, 3.0, 0.1, 5.0]) is None


def test_a_new_stage_begins_anew() -> None:
    meter = EtaMeter()
    for step in range(6):
        meter.note("plan", step, 10, float(step))
    assert meter.note("sample", 0, 10, 6.0) is None
    assert meter.note("sample", 1, 10, 7.0) is None


def test_repeated_and_skipped_steps_are_counted_rightly() -> None:
    meter = EtaMeter()
    left = None
    for now_s, step in ((0.0, 0), (1.0, 2), (1.5, 2), (2.0, 4), (3.0, 6), (4.0, 8)):
        left = meter.note("sample", step, 20, now_s)
    assert left == 6.0


@pytest.mark.parametrize(("seconds", "shown"), [(0.2, 0), (3.4, 3), (12.4, 10), (13, 15), (61, 60)])
def test_figures_are_rounded_to_what_one_can_promise(seconds: float, shown: float) -> None:
    assert rounded(seconds) == shown
