"""Promises of exposure arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.exposure import exposed_frames, gaps_between, held_frame


def test_ones_twos_and_threes_count_from_the_start() -> None:
    assert exposed_frames(1, 6, 1) == [1, 2, 3, 4, 5, 6]
    assert exposed_frames(1, 6, 2) == [1, 3, 5]
    assert exposed_frames(1, 7, 3) == [1, 4, 7]


def test_a_key_restarts_the_count() -> None:
    assert exposed_frames(1, 8, 2, keys=[4]) == [1, 3, 4, 6, 8]


def test_zero_exposure_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="exposure"):
        exposed_frames(1, 8, 0)


@given(
    st.integers(-20, 20),
    st.integers(0, 40),
    st.integers(1, 6),
    st.lists(st.integers(-30, 70), max_size=5),
)
def test_every_frame_shows_a_drawing_and_keys_show_their_own(
    start: int, length: int, exposure: int, keys: list[int]
) -> None:
    end = start + length
    exposed = exposed_frames(start, end, exposure, keys)
    assert exposed == sorted(set(exposed))
    for frame in range(start, end + 1):
        held = held_frame(exposed, frame)
        assert held is not None
        assert 0 <= frame - held < exposure
        if frame in keys:
            assert held == frame


def test_nothing_is_held_before_the_first_drawing() -> None:
    assert held_frame([5, 7], 4) is None


def test_gaps_lie_between_neighbouring_keys() -> None:
    assert gaps_between([9, 1, 5, 5]) == [(1, 5), (5, 9)]
