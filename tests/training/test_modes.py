"""Promises of the modes: rough sketches differ from clean ones and from nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from training.measure import Settings, measure_clip
from training.modes import MODES, rough_style
from training.procedural import SketchStyle, make_clip, render


def test_rough_sketches_come_in_both_kinds_of_keys() -> None:
    rough = [mode for mode in MODES if mode.rough]
    assert {mode.last_key for mode in rough} == {True, False}
    assert all(mode.has_sketch for mode in rough)


def test_doubled_lines_draw_more_and_leave_the_art_alone() -> None:
    clip = make_clip(41000)
    once = render(clip, 64, 40, sketch=SketchStyle(jitter_px=0.5))
    twice = render(clip, 64, 40, sketch=SketchStyle(jitter_px=0.5, doubles=1.0))
    assert twice.sketches.sum() > 1.2 * once.sketches.sum()
    np.testing.assert_array_equal(once.composites, twice.composites)


def test_a_hand_trembles_alike_at_every_size() -> None:
    assert rough_style(320).jitter_px == 2.0
    small, large = (rough_style(lines).jitter_px / lines for lines in (96, 1080))
    assert small == pytest.approx(large)


def test_rough_sketches_are_scored_beside_clean_ones() -> None:
    names = ("animate/dense-sketch", "animate/rough-sketch")
    scored = measure_clip(41000, Settings(64, 40, frames=(4,), modes=names, mini=False))
    assert scored is not None
    clean, rough = (scored.scores[name] for name in names)
    assert clean["hold"].psnr_db == rough["hold"].psnr_db
    assert clean["layer-motion"].psnr_db != rough["layer-motion"].psnr_db
