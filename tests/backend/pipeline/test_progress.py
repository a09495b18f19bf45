"""Promises of progress: stages in order, drawings as steps, and a whole that never goes back."""

from __future__ import annotations

import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.cli.progress_line import STAGE_SHARES, OverallProgress, ProgressLine
from backend.jobs.eta import EtaMeter
from backend.pipeline.context import LocalContext
from backend.pipeline.engines import Engines
from backend.pipeline.execute import execute
from shared.blobs import MemoryBlobs
from shared.shot import Look, ShotRequest
from tests.backend.pipeline.shots import ShotBuilder, walking_disc
from tests.backend.pipeline.test_engines import (
    FAILURES,
    sketched_shot,
    tinting_expert,
    with_painter,
)

Report = tuple[str, int, int]
REPORT = st.tuples(
    st.sampled_from([*STAGE_SHARES, "loading"]), st.integers(0, 20), st.integers(0, 16)
)


def reports_of(request: ShotRequest, builder: ShotBuilder, engines: Engines) -> list[Report]:
    found: list[Report] = []
    context = LocalContext(on_progress=lambda *report: found.append(report))
    execute(request, builder.blobs, MemoryBlobs(), context, engines)
    return found


@given(st.lists(REPORT, max_size=60), st.booleans())
def test_the_whole_never_goes_back_whatever_is_reported(
    reports: list[Report], with_model: bool
) -> None:
    overall = OverallProgress(with_model=with_model)
    wholes = [0.0, *(overall.note(*report) for report in reports), 1.0]
    assert all(before <= after + 1e-9 for before, after in pairwise(wholes))


@pytest.mark.parametrize("engines", [Engines(load_expert=tinting_expert), *FAILURES])
def test_refined_drawings_are_steps_of_motion(engines: Engines) -> None:
    request, builder = sketched_shot("auto")
    builder.add(
        "two",
        {1: builder.disc((0.2, 0.2)), 5: builder.disc((0.5, 0.5)), 9: builder.disc((0.8, 0.2))},
        builder.sketch({2: (0.3, 0.3), 3: (0.4, 0.4), 7: (0.6, 0.4)}),
    )
    request = builder.request(look=Look(engine="auto"))
    reports = reports_of(request, builder, engines)
    assert list(dict.fromkeys(stage for stage, _, _ in reports)) == ["plan", "motion", "deliver"]
    steps = [step for stage, step, _ in reports if stage == "motion"]
    totals = {steps for stage, _, steps in reports if stage == "motion"}
    assert steps == sorted(set(steps))
    assert totals == {steps[-1]}


def test_a_job_of_several_clips_counts_on_without_a_step_back() -> None:
    builder = walking_disc(ShotBuilder())
    request = builder.request(look=Look(engine="layeranimate", steps=2))
    reports = reports_of(request, builder, with_painter())
    assert [stage for stage, _, _ in reports].count("decode") > 1
    overall = OverallProgress(with_model=True)
    wholes = [overall.note(*report) for report in reports]
    assert wholes == sorted(wholes)
    assert wholes[-1] == pytest.approx(1)


def test_the_steps_of_a_sketched_layer_are_enough_for_an_estimate() -> None:
    builder = ShotBuilder()
    centres = {frame: (0.2 + frame / 20, 0.5) for frame in range(2, 9)}
    keys = {1: builder.disc((0.2, 0.5)), 9: builder.disc((0.7, 0.5))}
    builder.add("dense", keys, builder.sketch(centres))
    request = builder.request(look=Look(engine="auto"))
    reports = reports_of(request, builder, Engines(load_expert=tinting_expert))
    meter = EtaMeter()
    motion = [report for report in reports if report[0] == "motion"]
    left = [meter.note(*report, now_s=2.0 * number) for number, report in enumerate(motion)]
    assert any(seconds is not None for seconds in left)


def test_another_take_starts_the_line_again() -> None:
    stream = io.StringIO()
    stream.isatty = lambda: True
    line = ProgressLine(stream=stream)
    for report in [("plan", 1, 1), ("deliver", 9, 9), ("plan", 0, 1)]:
        line.update(*report)
    shown = stream.getvalue().split("\r")
    assert shown[2].startswith("[" + "#" * 20)
    assert shown[3].startswith("[" + "-" * 20)
