"""Promises of a way through rough sketches: bends that are meant stay, those of the hand go."""

from __future__ import annotations

import numpy as np
import pytest

from backend.layer_motion import sketch_way
from backend.layer_motion.line_fit import Fit, LineFitter
from backend.layer_motion.line_points import LinePoints
from backend.layer_motion.sketch_way import Way, calm_fits, gone_on, is_stiff, stiffly

from .oval import FRAME, OVAL, line

LAST = 10
BOTH = frozenset({0, LAST})


def place(moment: int) -> np.ndarray:
    """The oval on its way [n, 2]."""
    return OVAL + np.array([2.0, 0.5]) * moment


def way(
    key: int, *, key_bend: float = 0.0, bend: float = 0.1, tremble: float = 0.4, gone: float = 0.0
) -> Way:
    """A key's fits: `bend` nearer than stiff ones at every sketch, `key_bend` at the other key.

    `gone`: how far the other key's lines lie beyond the frame, in pixels.
    """
    rng = np.random.default_rng(key)
    far = LAST - key
    fits: dict[int, Fit] = {}
    for moment in range(LAST + 1):
        moved = place(moment)
        if moment not in BOTH:
            moved = moved + rng.normal(0, tremble, 2)
        if moment == far:
            moved = moved + np.array([gone, 0.0])
        stiffer = 0.0 if moment == key else key_bend if moment == far else bend
        fits[moment] = Fit(moved, np.ones(len(moved)), 0.3, 0.3 + stiffer)
    return Way(LineFitter(line(place(key)), FRAME), key, fits)


def targets() -> dict[int, LinePoints]:
    """Sketches that lie where the oval does."""
    return {moment: line(place(moment)) for moment in range(LAST + 1)}


def strayed_px(fits: dict[int, Fit]) -> float:
    """Rms distance of all points from where the oval is."""
    left = [fit.moved - place(moment) for moment, fit in fits.items()]
    return float(np.sqrt(np.mean(np.square(left))))


def test_what_bends_less_than_the_hand_trembles_is_stiff() -> None:
    assert is_stiff([way(0), way(LAST)], BOTH)
    assert not is_stiff([way(0, bend=0.9), way(LAST, bend=0.9)], BOTH)


def test_a_key_whose_fits_went_astray_does_not_make_a_run_bend() -> None:
    assert not is_stiff([way(0, bend=0.35)], BOTH)
    assert is_stiff([way(0, bend=0.9), way(LAST, bend=0.05)], BOTH)
    assert is_stiff([way(0, bend=0.05), way(LAST, bend=0.9)], BOTH)


def test_a_bend_of_the_art_counts_where_both_keys_tell_of_it() -> None:
    assert not is_stiff([way(0, key_bend=0.6), way(LAST, key_bend=0.5)], BOTH)
    assert is_stiff([way(0, key_bend=0.6), way(LAST, key_bend=0.2)], BOTH)
    assert not is_stiff([way(0, key_bend=0.3), way(LAST, key_bend=0.3)], BOTH)
    assert not is_stiff([way(0, key_bend=0.6)], BOTH)


def test_a_key_that_shows_little_of_the_art_tells_of_no_bend() -> None:
    assert is_stiff([way(0, key_bend=0.6, gone=70.0)], BOTH)


@pytest.mark.filterwarnings("error")
def test_nothing_is_stiff_where_there_is_nothing_to_tell_from() -> None:
    assert not is_stiff([], BOTH)
    short = way(0)
    assert not is_stiff([Way(short.fitter, 0, {0: short.fits[0]})], BOTH)


def test_sketches_with_gaps_in_time_are_followed_as_they_are() -> None:
    whole = way(0)
    gaps = Way(whole.fitter, 0, {m: fit for m, fit in whole.fits.items() if m != 4})
    assert whole.tremble_px > 0.1
    assert gaps.tremble_px == 0.0
    assert calm_fits(gaps, targets(), BOTH, stiff=True) is gaps.fits


def test_fits_to_roughs_come_to_rest_however_little_they_tremble() -> None:
    faint = way(0, tremble=0.12)
    assert calm_fits(faint, targets(), frozenset(), stiff=True) is faint.fits
    calm = calm_fits(faint, targets(), BOTH, stiff=True)
    assert strayed_px(calm) < 0.5 * strayed_px(faint.fits)


def test_a_fit_of_the_whole_run_that_leaves_the_sketches_is_not_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = way(0, bend=0.9)
    near = strayed_px(calm_fits(one, targets(), BOTH, stiff=False))
    monkeypatch.setattr(sketch_way, "fit_bent", lambda _run, _moments, path: path + 4.0)
    assert strayed_px(calm_fits(one, targets(), BOTH, stiff=False)) < max(2 * near, 0.3)


def test_a_fit_of_the_whole_run_that_lies_on_the_sketches_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = way(0, bend=0.9)
    exactly = np.stack([place(moment) for moment in range(LAST + 1)])
    monkeypatch.setattr(sketch_way, "fit_bent", lambda _run, _moments, _path: exactly)
    assert strayed_px(calm_fits(one, targets(), BOTH, stiff=False)) == 0.0


def moving(last: int, step: float) -> Way:
    """Fits 0 to `last` of the oval, every one `step` pixels farther right."""
    fits = {
        moment: Fit(OVAL + np.array([step * moment, 0.0]), np.ones(len(OVAL)), 0.1)
        for moment in range(last + 1)
    }
    return Way(LineFitter(line(OVAL), FRAME), 0, fits)


def test_what_leaves_the_picture_goes_on_as_fast_as_it_went() -> None:
    leaving = moving(last=5, step=22.0)  # a fifth of it is left
    fits = gone_on(leaving, leaving.fits, 8)
    assert sorted(fits) == list(range(8))
    assert np.allclose(fits[7].moved, OVAL + np.array([154.0, 0.0]))


@pytest.mark.parametrize("step", [10.0, 0.0])
def test_what_is_seen_holds_where_it_was_drawn_last(step: float) -> None:
    staying = moving(last=5, step=step)
    assert gone_on(staying, staying.fits, 8) is staying.fits


def test_the_stiff_fit_begins_where_the_free_one_found_the_drawing() -> None:
    far = {0: line(OVAL), 1: line(OVAL + np.array([40.0, 0.0]))}
    fitter = LineFitter(far[0], FRAME)
    found = Fit(OVAL + np.array([39.0, 1.0]), np.ones(len(OVAL)), 0.5)
    stiff = stiffly(Way(fitter, 0, {0: fitter.rest(), 1: found}), far)
    assert np.abs(stiff[1].moved - far[1].place).max() < 0.3
