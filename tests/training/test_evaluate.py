"""`acetate evaluate procedural`: its document, its table, its pairing, its mistakes."""

from __future__ import annotations

import argparse
import json

import pytest

from shared.errors import AcetateError
from training.evaluate import evaluate, register
from training.measure import ClipScores, Score, Settings, measure_clip
from training.report import Evaluation, as_table, count_strata, summarise

_QUICK = ("--size", "64x40", "--mode", "interpolate/1-point", "--mode", "animate/1-point")


def _run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers())
    args = parser.parse_args(["evaluate", "procedural", *arguments])
    return args.run(args)


def test_two_clips_give_one_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--clips", "2", "--seed", "20", "--model", "layer-motion", "--json", *_QUICK) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "acetate.evaluation/1"
    assert (document["clips"], document["seed"]) == (2, 20)
    assert sum(document["clips_by_stratum"].values()) + document["static_left_out"] == 2
    between = document["modes"]["interpolate/1-point"]
    assert list(between["methods"]) == [
        "hold",
        "cross-fade",
        "flow-warp",
        "rigid-warp",
        "layer-motion",
    ]
    assert set(document["modes"]["animate/1-point"]["methods"]) == {
        "hold",
        "rigid-warp",
        "layer-motion",
    }
    for gain in between["gains"]:
        means = between["methods"]
        difference = means[gain["method"]]["psnr_db"] - means[gain["over"]]["psnr_db"]
        assert gain["psnr_db"] == pytest.approx(difference, abs=2e-3)


def test_the_table_names_every_method(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--clips", "2", "--model", "layer-motion", *_QUICK) == 0
    table = capsys.readouterr().out
    for word in ("hold", "flow-warp", "layer-motion - rigid-warp", "SSIM", "static left out"):
        assert word in table


def test_static_clips_are_left_out() -> None:
    def scored(seed: int) -> bool:
        settings = Settings(64, 40, modes=("animate/1-point",), mini=False)
        return measure_clip(seed, settings) is not None

    static = next(seed for seed in range(500) if _is_static(seed))
    assert not scored(static)
    with pytest.raises(AcetateError, match="static"):
        evaluate(1, static, Settings(64, 40, mini=False))


def _is_static(seed: int) -> bool:
    from training.procedural import make_clip

    return make_clip(seed).stratum == "static"


def test_two_processes_agree_with_one() -> None:
    settings = Settings(64, 40, modes=("animate/1-point",), mini=False)
    alone, together = (evaluate(3, 30, settings, jobs=jobs) for jobs in (1, 2))
    assert _without_times(alone) == _without_times(together)


def _without_times(evaluation: Evaluation) -> list[tuple[str, float, float]]:
    return [
        (method, mean.psnr_db, mean.ssim)
        for report in evaluation.modes.values()
        for method, mean in report.methods.items()
    ]


def test_gains_are_paired_with_their_standard_error() -> None:
    clips = [
        ClipScores(
            seed,
            "affine" if seed < 2 else "deform",
            {
                "animate/1-point": {
                    "hold": Score(10.0 + seed, 0.5, 0.9, 0.0),
                    "layer-motion": Score(12.0 + 2 * seed, 0.7, 1.0, 0.1),
                }
            },
        )
        for seed in range(3)
    ]
    report = summarise(clips)["animate/1-point"]
    (gain,) = report.gains
    assert gain.psnr_db == pytest.approx(3.0)
    assert gain.psnr_error_db == pytest.approx(1 / 3**0.5, abs=1e-3)
    assert gain.psnr_db_by_stratum == {"affine": 2.5, "deform": 4.0}
    assert count_strata(clips) == {"affine": 2, "deform": 1}
    document = Evaluation(
        clips=3,
        seed=0,
        static_left_out=0,
        width=160,
        height=96,
        frames=[1],
        model={"name": "layer-motion"},
        clips_by_stratum=count_strata(clips),
        modes=summarise(clips),
    )
    assert "+3.00 +-0.58" in as_table(document)


def test_unknown_modes_and_missing_weights_are_catalogued() -> None:
    with pytest.raises(AcetateError) as unknown:
        _run("--mode", "sideways")
    assert unknown.value.name == "usage"
    with pytest.raises(AcetateError) as missing:
        _run("--clips", "1", "--model", "no/such/folder")
    assert missing.value.name == "model_missing"


@pytest.mark.parametrize("bad", [("--clips", "0"), ("--seed", "-1"), ("--size", "9x9")])
def test_bad_numbers_are_a_usage_error(bad: tuple[str, str]) -> None:
    with pytest.raises(SystemExit) as stop:
        _run(*bad)
    assert stop.value.code == 2
