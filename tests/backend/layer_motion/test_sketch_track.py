"""Promises of tracks: a key that got lost is left out, and only where the other did not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.layer_motion import affine
from backend.layer_motion.line_fit import Fit
from backend.layer_motion.sketch_track import Track, arriving, place_at

from .oval import OVAL


def track(error_px: float, *, far_px: float | None = None) -> Track:
    """The oval on a parabola, followed at every other moment with an error."""
    fits = {
        m: Fit(OVAL + np.array([m * m / 4, 0.0]), np.ones(len(OVAL)), error_px)
        for m in range(0, 9, 2)
    }
    maps = {m: affine.fit_affine(OVAL, fit.moved, stiffness=0.0) for m, fit in fits.items()}
    return Track(OVAL, fits, maps, is_steadied=far_px is not None, far_px=far_px)


@pytest.mark.parametrize(
    ("first_px", "last_px", "stay"),
    [
        (0.15, 0.7, (True, False)),
        (0.7, 0.15, (False, True)),
        (0.15, 0.3, (True, True)),  # not much farther off
        (0.3, 0.9, (True, False)),
        (0.05, 0.2, (True, True)),  # both lie well
        (0.6, 0.9, (True, True)),  # both are lost: two are better than one
    ],
)
def test_a_key_that_loses_clean_sketches_is_left_out(
    first_px: float, last_px: float, stay: tuple[bool, bool]
) -> None:
    tracks: list[Track | None] = [track(first_px), track(last_px)]
    assert tuple(found is not None for found in arriving(tracks, are_clean=True)) == stay


def test_of_roughs_only_the_other_key_tells_who_is_lost() -> None:
    tracks: list[Track | None] = [track(0.9, far_px=0.2), track(0.2, far_px=0.45)]
    assert arriving(tracks, are_clean=False) == [tracks[0], None]
    untold: list[Track | None] = [track(0.1), track(0.9)]
    assert arriving(untold, are_clean=False) == untold


def test_one_moment_out_of_sight_costs_no_key_its_place() -> None:
    good = track(0.1)
    good.fits[8] = replace(good.fits[8], error_px=188.0)
    tracks: list[Track | None] = [good, track(0.6)]
    assert arriving(tracks, are_clean=True) == [good, None]


def test_one_key_alone_is_never_left_out() -> None:
    alone: list[Track | None] = [None, track(2.0)]
    assert arriving(alone, are_clean=True) == alone
    assert arriving(alone, are_clean=False) == alone


def test_between_two_fits_points_pass_on_the_curve_through_all() -> None:
    moved, trust, _ = place_at(track(0.1), 3)
    assert np.allclose(moved - OVAL, [2.25, 0.0], atol=0.02)
    assert trust.min() == 1.0
