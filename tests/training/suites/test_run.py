"""Runs go on where they stopped; the summary pairs, leaves statics out, marks random features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.suites.chosen import choose, focus_of
from training.suites.clip import SuiteClip
from training.suites.figures import Judge
from training.suites.layered import of_layered
from training.suites.measure import TRUTH, ClipResult, MethodResult
from training.suites.methods import Method, baseline_methods
from training.suites.run import SuiteRun, run_suites
from training.suites.store import ResultStore, result_key
from training.suites.suite import Suite, suites_called
from training.suites.summary import summarise
from training.suites.validate import suite_figures

from .clips import HEIGHT, WIDTH, crossing, crossing_suite_clip

JUDGE = Judge()
SUITE = suites_called("interpolation")[0]


def _clips(count: int = 2) -> Iterator[SuiteClip]:
    for number in range(count):
        yield replace(crossing_suite_clip(), clip_id=str(number), identity=f"crossing {number}")
    yield of_layered(crossing(step_px=0), WIDTH, HEIGHT, "still")


class _Counting:
    """Hold, counting how often it is asked; fails when `left` runs out."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.made = 0

    def __call__(self, clip: SuiteClip, suite: Suite) -> np.ndarray:
        if self.made == self.left:
            raise RuntimeError("interrupted")
        self.made += 1
        return np.repeat(clip.frames[:1], len(suite.made(len(clip.frames))), axis=0)


def _run(store: ResultStore | None, make: _Counting, identity: str = "") -> SuiteRun:
    methods = [Method("counted", make, identity)]
    return run_suites(_clips(), [SUITE], methods, JUDGE, store)


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    store = ResultStore(tmp_path / "results")
    first = _Counting(1)
    with pytest.raises(RuntimeError):
        _run(store, first)
    second = _Counting(9)
    done = _run(store, second)
    assert (first.made, second.made) == (1, 1)
    assert (done.clips, done.static_left_out, len(done.results)) == (3, 1, 2)
    third = _Counting(0)
    assert _run(store, third) == done
    alone = _run(None, _Counting(9))
    assert [r.methods["counted"].figures for r in alone.results] == [
        r.methods["counted"].figures for r in done.results
    ]


def test_other_weights_are_measured_anew(tmp_path: Path) -> None:
    store = ResultStore(tmp_path / "results")
    _run(store, _Counting(9), "one")
    again = _Counting(9)
    _run(store, again, "two")
    assert again.made == 2
    clip, methods = crossing_suite_clip(), baseline_methods()
    key = result_key(clip, SUITE, methods, JUDGE)
    assert key == result_key(clip, SUITE, methods, JUDGE)
    other = replace(clip, identity="another")
    assert key != result_key(other, SUITE, methods, JUDGE)
    assert key != result_key(clip, suites_called("i2v")[0], methods, JUDGE)


def test_damaged_results_are_measured_again(tmp_path: Path) -> None:
    store = ResultStore(tmp_path / "results")
    _run(store, _Counting(9))
    for path in (tmp_path / "results").rglob("*.msgpack"):
        path.write_bytes(path.read_bytes()[:100])
    again = _Counting(9)
    _run(store, again)
    assert again.made == 2
    assert not list((tmp_path / "results").rglob("*.part"))


def test_a_method_that_reaches_the_truth_has_all_figures() -> None:
    def perfect(clip: SuiteClip, suite: Suite) -> np.ndarray:
        return np.stack([clip.frames[index] for index in suite.made(len(clip.frames))])

    run = run_suites([crossing_suite_clip()], [SUITE], [Method("perfect", perfect)], JUDGE, None)
    (result,) = run.results
    assert {"psnr_db", "ssim", "lpips"} <= set(result.methods["perfect"].figures)
    assert "psnr_db" not in result.methods[TRUTH].figures


def _result(number: int, psnr: dict[str, float], epe: float | None = None) -> ClipResult:
    rng = np.random.default_rng(number)

    def method(value: float) -> MethodResult:
        figures = {"psnr_db": value, "ssim": value / 50, "lpips": 0.1, "epe_px": epe}
        frames = (rng.standard_normal((40, 48)) + value).astype("<f4")
        clip = rng.standard_normal((1, 32)).astype("<f4")
        return MethodResult(figures, frames.tobytes(), clip.tobytes())

    methods = {TRUTH: method(0.0), **{name: method(value) for name, value in psnr.items()}}
    stratum = "slow" if number % 2 else "fast"
    return ClipResult(SUITE.name, str(number), stratum, methods, b"")


def test_differences_are_paired_with_their_standard_error() -> None:
    results = [
        _result(n, {"hold": 10.0 + n, "layer-motion": 13.0 + 2 * n}, epe=2.0 if n else None)
        for n in range(3)
    ]
    summary = summarise(results, JUDGE)[SUITE.name]
    (gain,) = summary.gains
    assert (gain.method, gain.over) == ("layer-motion", "hold")
    psnr = gain.figures["psnr_db"]
    assert psnr.mean == pytest.approx(4)
    assert psnr.error == pytest.approx(1 / 3**0.5, abs=1e-4)
    assert gain.psnr_db_by_stratum == {"fast": 4.0, "slow": 4.0}
    assert summary.clips_by_stratum == {"fast": 2, "slow": 1}
    assert summary.methods["hold"].figures["epe_px"].clips == 2
    assert summary.methods["hold"].psnr_db_by_stratum == {"fast": 11.0, "slow": 11.0}


def test_distances_are_marked_and_need_enough_samples() -> None:
    summary = summarise([_result(n, {"hold": 0.0, "mini": 3.0}) for n in range(3)], JUDGE)
    methods = summary[SUITE.name].methods
    assert set(methods["hold"].frechet) == {"rFID"}
    assert methods["hold"].frechet["rFID"] < methods["mini"].frechet["rFID"]
    assert methods[TRUTH].frechet == {}
    assert summary[SUITE.name].notes == ["rFVD needs more than 32 clips"]
    assert "rLPIPS" in methods["hold"].figures
    assert "lpips" not in methods["hold"].figures


def test_failures_are_shown_beside_successes() -> None:
    gains = [5.0, -3.0, 1.0, 9.0, 0.0, 2.0, -1.0]
    results = [
        _result(n, {"hold": 20.0, "flow-warp": 18.0, "layer-motion": 20.0 + gain})
        for n, gain in enumerate(gains)
    ]
    assert focus_of(results) == "layer-motion"
    shown = choose(results)
    assert [(one.verdict, one.index) for one in shown] == [
        ("worst", 1),
        ("worst", 6),
        ("middle", 2),
        ("best", 0),
        ("best", 3),
    ]
    assert [one.gain_db for one in shown] == [-3, -1, 1, 5, 9]
    assert [one.index for one in choose(results[:1])] == [0]


def test_the_trainer_gets_plain_numbers() -> None:
    figures = suite_figures(baseline_methods()[0].make, _clips(1), [SUITE], JUDGE)
    assert set(figures) > {"interpolation/psnr_db", "interpolation/rLPIPS", "interpolation/epe_px"}
    assert all(isinstance(value, float) and np.isfinite(value) for value in figures.values())
