"""Promises of spacing charts: marks are met, nothing goes back, a path keeps its own pace."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from backend.layer_motion.engine import animate_gap
from backend.layer_motion.plan import gentle
from backend.layer_motion.spacing import progress_at
from backend.layer_motion.task import GapTask
from shared.pictures import Picture
from shared.shot import Chart

from .drawn import HEIGHT, WIDTH, middle, outline, painted, strokes

BLOB = outline((50.0, 48.0), (16.0, 14.0))
SHIFT = np.array([40.0, 0.0])
TIMES = tuple(i / 6 for i in range(1, 6))
FAR = np.array([0.05, 0.1, 0.2, 0.4, 0.8])


def way_of(pictures: tuple[Picture, ...], start: Picture) -> np.ndarray:
    """How far each drawing has come, as part of the whole way."""
    return np.array([(middle(picture) - middle(start))[0] for picture in pictures]) / SHIFT[0]


@pytest.mark.parametrize("chart", [*Chart, (0.1, 0.5), (0.3, 0.3, 0.3), tuple(FAR)])
def test_no_chart_ever_goes_back_or_beyond_a_key(chart: Chart | tuple[float, ...]) -> None:
    progress = progress_at(chart, np.linspace(0, 1, 101))
    assert progress[0] == 0
    assert progress[-1] == pytest.approx(1)
    assert all(later >= earlier - 1e-12 for earlier, later in itertools.pairwise(progress))


def test_marks_are_met_at_even_positions() -> None:
    assert progress_at(tuple(FAR), np.array(TIMES)) == pytest.approx(FAR)


def test_slow_out_starts_slowly_and_slow_in_ends_slowly() -> None:
    quarter = np.array([0.25, 0.75])
    out = progress_at(Chart.SLOW_OUT, quarter)
    into = progress_at(Chart.SLOW_IN, quarter)
    both = progress_at(Chart.SLOW_IN_OUT, quarter)
    assert out[0] < 0.25
    assert into[1] > 0.75
    assert both[0] < 0.25 < 0.75 < both[1]
    assert progress_at(Chart.EVEN, quarter) == pytest.approx(quarter)


@pytest.mark.parametrize("with_strokes", [False, True])
def test_drawings_lie_where_the_chart_says(with_strokes: bool) -> None:
    first, last = painted(BLOB), painted(BLOB + SHIFT)
    result = animate_gap(
        GapTask(
            WIDTH, HEIGHT, first, last, TIMES,
            first_strokes=strokes(BLOB) if with_strokes else None,
            last_strokes=strokes(BLOB + SHIFT) if with_strokes else None,
            progress=tuple(FAR),
        )
    )  # fmt: skip
    assert result.method == ("strokes" if with_strokes else "registration")
    assert way_of(result.pictures, first) == pytest.approx(FAR, abs=0.02)


def test_without_a_chart_the_pace_is_gentle_and_even_in_a_short_gap() -> None:
    first, last = painted(BLOB), painted(BLOB + SHIFT)
    usual = animate_gap(GapTask(WIDTH, HEIGHT, first, last, TIMES))
    short = animate_gap(GapTask(WIDTH, HEIGHT, first, last, (0.25, 0.5, 0.75)))
    assert way_of(usual.pictures, first) == pytest.approx(gentle(np.array(TIMES)), abs=0.02)
    assert way_of(short.pictures, first) == pytest.approx([0.25, 0.5, 0.75], abs=0.02)


def test_a_path_keeps_its_own_pace() -> None:
    first, last = painted(BLOB), painted(BLOB + SHIFT)
    path = np.linspace((50.0, 48.0), (90.0, 48.0), 7)[:, None].astype(np.float32)
    task = GapTask(WIDTH, HEIGHT, first, last, TIMES, tracks=path, progress=tuple(FAR))
    assert way_of(animate_gap(task).pictures, first) == pytest.approx(TIMES, abs=0.02)
