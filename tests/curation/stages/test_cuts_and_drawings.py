"""Cuts, flashes, holds, bars, sketches and captions."""

from __future__ import annotations

import numpy as np
import pytest

from curation.bench.bars import film, flashed
from curation.stages.captions import clip_caption, layer_caption, main_colours
from curation.stages.cuts import CutSettings, Piece, find_cuts, is_coherent, pieces
from curation.stages.drawings import active_rect, drawing_numbers, usual_hold
from curation.stages.sketches import sketch, within

from .conftest import clip


def test_hard_cuts_within_one_palette_are_found() -> None:
    assert find_cuts(film(["slow", "mid"], [1, 2])) == [16]
    assert find_cuts(film(["twos", "fast"], [3, 5])) == [16]


@pytest.mark.parametrize("kind", ["fast", "pan"])
def test_motion_is_no_cut(kind: str) -> None:
    assert find_cuts(clip(kind, 10).frames) == []


def test_a_flash_is_no_cut() -> None:
    assert find_cuts(flashed(clip("slow", 12))) == []


def test_a_clip_is_cut_apart_and_scraps_are_left_out() -> None:
    assert pieces(60, [20, 30]) == [Piece(0, 20), Piece(30, 60)]
    assert pieces(40, [], CutSettings(longest=16)) == [Piece(0, 16), Piece(16, 32)]


def test_the_first_papers_rule_looks_at_leaps_of_motion() -> None:
    flow = np.zeros((3, 8, 512, 2), np.float32)
    assert is_coherent(flow)
    flow[1, ..., 0] = 90.0
    assert not is_coherent(flow)


def test_drawings_on_twos_are_told_from_ones() -> None:
    assert usual_hold(drawing_numbers(clip("twos", 10).frames)) == 2
    assert usual_hold(drawing_numbers(clip("mid", 10).frames)) == 1


def test_noise_does_not_make_a_new_drawing() -> None:
    rng = np.random.default_rng(0)
    still = np.repeat(clip("slow").frames[:1], 5, 0).astype(np.int16)
    noisy = (still + rng.integers(-4, 5, still.shape)).clip(0, 255).astype(np.uint8)
    assert drawing_numbers(noisy).tolist() == [0] * 5


def test_a_small_thing_that_moves_makes_a_new_drawing() -> None:
    frames = np.full((3, 200, 300, 3), 200, np.uint8)
    frames[1, 90:100, 90:100] = 0
    frames[2, 90:100, 110:120] = 0
    assert drawing_numbers(frames).tolist() == [0, 1, 2]


def test_black_bars_are_found() -> None:
    frames = clip("slow").frames.copy()
    frames[:, :, :40] = 3
    frames[:, 300:] = 0
    assert active_rect(frames) == (40, 0, 512, 300)
    assert active_rect(np.zeros((2, 8, 9, 3), np.uint8)) == (0, 0, 9, 8)


def test_a_sketch_draws_ink_and_leaves_flat_colour_blank() -> None:
    picture = np.full((40, 60, 3), 180, np.uint8)
    picture[:, 29:31] = 20
    lines = sketch(picture)
    assert (lines[:, 29:31] < 60).all()
    assert (lines[:, :20] == 255).all()
    assert (within(lines, np.zeros((40, 60), bool)) == 255).all()


def test_captions_tell_what_was_measured() -> None:
    frames = np.full((2, 8, 8, 3), (30, 60, 220), np.uint8)
    assert "nothing moves" in clip_caption(np.zeros((1, 2)), [0.0], frames)
    panned = clip_caption(np.array([[-4.0, 0.0]]), [4.0, 12.0], frames)
    assert panned == ("an anime scene, the camera moves right, one thing moves fast, mostly blue.")
    assert main_colours(frames[0], None) == ["blue"]
    assert layer_caption(frames[0], np.zeros((8, 8), bool), 1.0) == ""
