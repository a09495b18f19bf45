"""Faces with straight edges: corners meet corners, edges stay straight, shared ones together."""

from __future__ import annotations

import numpy as np
import pytest

from .boxes import BLUE, GREEN, area, became, face, matched, on_the_way, places

FRONT = [100 + 80j, 230 + 80j, 230 + 180j, 100 + 180j]
ASIDE = [100 + 80j, 165 + 98j, 165 + 150j, 100 + 180j]
"""The same face turned around its left edge, in steep perspective."""
BOX = [120 + 150j, 280 + 150j, 280 + 220j, 120 + 220j]


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("start", [0, 7, 19, 30])
def test_corners_of_a_face_that_turns_aside_stay_its_corners(start: int, back: bool) -> None:
    pair = matched([face(FRONT)], [face(ASIDE, 9, start=start, back=back)])
    for here, there in zip(FRONT, ASIDE, strict=True):
        assert abs(became(pair, 0, here) - there) < 1.5


@pytest.mark.parametrize("start", [0, 11, 22])
def test_corners_of_a_gable_stay_its_corners(start: int) -> None:
    first, last = [100 + 180j, 160 + 60j, 220 + 180j], [100 + 180j, 115 + 40j, 150 + 165j]
    pair = matched([face(first)], [face(last, 10, start=start)])
    for here, there in zip(first, last, strict=True):
        assert abs(became(pair, 0, here) - there) < 1.5


@pytest.mark.parametrize("start", [0, 10, 25])
def test_a_flap_that_swings_over_stays_on_its_hinge(start: int) -> None:
    stands = [120 + 150j, 280 + 150j, 265 + 90j, 135 + 90j]
    hangs = [120 + 150j, 280 + 150j, 300 + 200j, 100 + 200j]
    first = [face(BOX), face(stands, fill=GREEN)]
    last = [face(BOX, 9, start=5), face(hangs, 11, start=start, fill=GREEN)]
    pair = matched(first, last)
    for here, there in zip(stands, hangs, strict=True):
        assert abs(became(pair, 1, here) - there) < 1.5


@pytest.mark.parametrize("progress", [0.25, 0.49])
def test_edges_of_a_face_that_turns_aside_stay_straight(progress: float) -> None:
    pair = matched([face(FRONT)], [face(ASIDE, 9, start=7)])
    one, _ = places(pair, 0)
    (ring,) = on_the_way(pair, progress)
    rows = [int(np.argmin(np.abs(one - corner))) for corner in FRONT]
    for begin, end in zip(rows, np.roll(rows, -1).tolist(), strict=True):
        edge = np.roll(ring, -begin)[: (end - begin) % len(ring) + 1]
        along = (edge - edge[0]) / (edge[-1] - edge[0])
        assert np.abs(np.imag(along)).max() < 0.01


def test_both_covers_of_a_book_that_opens_stay_together_at_its_spine() -> None:
    spine = [200 + 80j, 200 + 200j]
    left = [
        [spine[0], 120 + 100j, 120 + 220j, spine[1]],
        [spine[0], 185 + 60j, 185 + 180j, spine[1]],
    ]
    right = [
        [spine[0], 215 + 60j, 215 + 180j, spine[1]],
        [spine[0], 290 + 100j, 290 + 220j, spine[1]],
    ]
    first = [face(left[0]), face(right[0], fill=BLUE)]
    last = [face(left[1], 9, start=13), face(right[1], 10, start=22, fill=BLUE)]
    pair = matched(first, last)
    for progress in (0.25, 0.49):
        rings = on_the_way(pair, progress)
        for corner in spine:
            ends = [
                ring[int(np.argmin(np.abs(places(pair, stroke)[0] - corner)))]
                for stroke, ring in enumerate(rings)
            ]
            assert abs(ends[0] - ends[1]) < 1.0


@pytest.mark.parametrize("width", [150, 210])
def test_a_page_that_turns_over_does_not_spin(width: int) -> None:
    """As wide as this it would be laid on its other side by half a turn within the picture."""
    page = [200 + 100j, 200 + width + 95j, 200 + width + 205j, 200 + 200j]
    over = [400 - np.conj(corner) for corner in page]
    table = [20 + 80j, 380 + 80j, 380 + 230j, 20 + 230j]
    first = [face(table), face(page, fill=GREEN)]
    last = [face(table, 10, start=6), face(over, 11, start=9, fill=GREEN)]
    pair = matched(first, last)
    for progress in (0.25, 0.49):
        ring = on_the_way(pair, progress)[1]
        assert abs(area(ring)) == pytest.approx(width * 105 * (1 - 2 * progress), rel=0.05)
        assert np.imag(ring).min() > 93.0
        assert np.imag(ring).max() < 207.0


def test_a_face_of_very_many_points_is_drawn_as_it_was() -> None:
    chance = np.random.default_rng(0)
    dense = face(FRONT, 1000)
    wobbly = dense.placed(dense.points + chance.normal(0.0, 0.2, dense.points.shape))
    pair = matched([wobbly], [face(ASIDE, 900, start=13)])
    one, _ = places(pair, 0)
    drawn = wobbly.points[:, 0] + 1j * wobbly.points[:, 1]
    away = np.abs(drawn[:, None] - one[None]).min(axis=1)
    assert away.max() < 1.0
