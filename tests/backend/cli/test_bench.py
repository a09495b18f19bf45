"""Promises of the benchmarks: figures of real work that fit together."""

from __future__ import annotations

import pytest

from backend.cli.bench_overhead import bench_overhead
from backend.cli.main import main
from backend.cli.measurement import BenchOptions


def test_the_overhead_is_that_of_a_real_job_beside_its_own_pipeline() -> None:
    (figure,) = bench_overhead(BenchOptions(sizes=((128, 80),), repeat=1))
    assert figure.config == {"size": "128x80", "repeats": 1}
    assert 0 < float(figure.details["outside_pipeline_s"]) < figure.value
    assert float(figure.details["in_process_s"]) > 0
    assert figure.ratio > 0


def test_an_unknown_benchmark_is_told_with_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["bench", "nothing"]) == 2
    assert "pipeline-overhead" in capsys.readouterr().err
