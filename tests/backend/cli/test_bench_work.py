"""The planned work at full size stays below what was promised, counted without a GPU."""

from __future__ import annotations

import json

import pytest

from backend.cli.bench_decode import bench_decode
from backend.cli.bench_memory import bench_memory
from backend.cli.bench_presets import bench_presets
from backend.cli.bench_work import bench_bytes, bench_flops
from backend.cli.main import main
from backend.cli.measurement import BenchOptions, Measurement

ONCE = BenchOptions(repeat=1)

OFFICIAL_PFLOP = 3.256
PFLOP_BARS = {
    "final-4-layers": 2.81,
    "final-3-layers": 2.44,
    "final-2-layers": 2.07,
    "rerun-same-controls": 1.33,
    "one-of-4-edited": 1.72,
    "4-seeds": 7.4,
}


def _by_config(figures: list[Measurement]) -> dict[str, Measurement]:
    return {str(figure.config): figure for figure in figures}


def test_a_clip_costs_no_more_operations_than_promised() -> None:
    found = _by_config(list(bench_flops(ONCE)))
    assert found["reference"].value == pytest.approx(OFFICIAL_PFLOP, rel=0.01)
    assert {
        name: found[name].value for name in PFLOP_BARS if found[name].value > PFLOP_BARS[name]
    } == {}
    assert found["draft-4-layers"].value < found["balanced-4-layers"].value < 2.0
    assert all(figure.unit == "PFLOP" for figure in found.values())


def test_a_step_moves_no_more_bytes_than_promised() -> None:
    found = _by_config(list(bench_bytes(ONCE)))
    assert found["reference"].value == pytest.approx(590, rel=0.02)
    assert found["final-4-layers"].value <= 250
    assert float(found["final-4-layers"].details["kernels"]) < 2000


def test_blank_pictures_are_encoded_once_and_the_figure_comes_as_a_json_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["bench", "calls", "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    figure = json.loads(line)
    assert figure["name"] == "calls"
    assert figure["config"] == "encoded-pictures-one-sketch"
    assert {"value", "unit", "ratio", "reference", "details"} <= set(figure)
    assert figure["value"] <= 21  # the official code encodes 69
    assert figure["value"] / figure["ratio"] == pytest.approx(69, rel=0.01)


def test_the_plans_stay_within_their_memory() -> None:
    found = _by_config(list(bench_memory(ONCE)))
    for mode in ("i2v", "interpolate"):
        assert found[f"vram-12-{mode}"].value <= 12
        assert found[f"vram-8-{mode}"].value <= 8


def test_an_approximate_preset_never_comes_without_its_likeness_to_final() -> None:
    found = _by_config(list(bench_presets(ONCE)))
    assert found["final"].details["psnr_db"] == 50
    for name in ("balanced", "draft"):
        assert found[name].ratio < 1
        assert {"psnr_db", "ssim"} <= set(found[name].details)


def test_a_number_format_of_the_decoder_never_comes_without_its_error() -> None:
    found = _by_config(list(bench_decode(ONCE)))
    assert {"fp32", "bf16"} <= set(found)
    assert found["fp32"].details["error"] == 0
    assert 0 < float(found["bf16"].details["error"]) < 0.02
    assert float(found["bf16"].details["psnr_db"]) > 30
