"""Figures of a clip: perfect frames are perfect, and every kind of fault moves its own figure."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from tests.training.metrics.texture import shifted
from training.suites.figures import KINDS, Judge, Reference, figures_of, own_figures, reference_of
from training.suites.methods import baseline_methods
from training.suites.suite import Suite, suites_called

from .clips import FRAMES, STEP_PX, crossing_suite_clip

JUDGE = Judge()


def _suite() -> Suite:
    return suites_called("i2v-trajectory")[0]


@lru_cache(maxsize=1)
def _reference() -> Reference:
    return reference_of(crossing_suite_clip(), _suite())


def test_the_truth_has_nothing_to_improve() -> None:
    figures = figures_of(_reference(), _reference().truth, JUDGE)
    assert set(figures) == {kind.name for kind in KINDS}
    assert figures["psnr_db"] == 50
    assert figures["ssim"] == pytest.approx(1)
    assert figures["lpips"] == 0
    assert figures["line_f_1px"] == figures["line_f_2px"] == 1
    assert figures["epe_px"] == pytest.approx(0, abs=0.15)
    assert figures["static_drift_px"] == pytest.approx(0, abs=0.02)
    assert figures["leakage"] == 0
    assert figures["flicker"] == 0


def test_holding_the_first_frame_strays_by_the_whole_way() -> None:
    hold = baseline_methods()[0].make(crossing_suite_clip(), _suite())
    figures = own_figures(_reference(), hold)
    assert figures["epe_px"] == pytest.approx(STEP_PX * np.arange(1, FRAMES).mean(), abs=0.1)
    assert figures["leakage"] == figures["static_drift_px"] == 0


def test_a_drifting_ground_is_told_as_drift_and_leakage() -> None:
    truth = _reference().truth
    moving = crossing_suite_clip().moving()[1:]
    made = np.stack([shifted(frame, 1.5, 0) for frame in truth])
    made[moving] = truth[moving]
    figures = own_figures(_reference(), made)
    assert figures["static_drift_px"] == pytest.approx(1.5, abs=0.2)
    leak = figures["leakage"]
    assert leak is not None
    assert leak > 0.2
    assert figures["epe_px"] == pytest.approx(0, abs=0.3)


def test_figures_without_anything_to_look_at_are_silent() -> None:
    clip = crossing_suite_clip()
    square = clip.layers[0]
    bare = replace(
        clip, layers=(replace(square, tracks=square.tracks[:, :0], visible=square.visible[:, :0]),)
    )
    figures = own_figures(reference_of(bare, _suite()), clip.frames[1:])
    assert figures["epe_px"] is None
    assert figures["tracks_kept"] is None


def test_random_features_are_marked() -> None:
    assert JUDGE.names() == {"lpips": "rLPIPS", "fid": "rFID", "fvd": "rFVD"}
