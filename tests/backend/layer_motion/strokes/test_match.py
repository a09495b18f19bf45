"""Promises of stroke matching after redraws: order, direction, splits, strangers, and bad input."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy import signal

from backend.layer_motion import affine
from backend.layer_motion.strokes.layout.pair import StrokePair
from backend.layer_motion.strokes.matching import order
from backend.layer_motion.strokes.matching.match import pair_strokes
from backend.layer_motion.strokes.morphing.morph import Morph
from backend.layer_motion.strokes.shape import cost
from backend.layer_motion.strokes.shape.cost import SAMPLES
from backend.layer_motion.strokes.shape.level import Line, resampled

from ..drawn import outline
from .puppet import drawing, line, puppet, redrawn

STEP = 0.4
SIZES = ((0, 10), (1, 20), (2, 30), (3, 14))


def paired(first: list[Line], last: list[Line]) -> StrokePair:
    """The pair of two drawings that do match."""
    pair = pair_strokes(drawing(first), drawing(last))
    assert pair is not None
    return pair


def halfway(pair: StrokePair) -> np.ndarray:
    """Points of the in-between in the middle: [P, 2], in the pair's own order."""
    middle = pair.first.points.mean(axis=0).astype(float)
    drawn = Morph(pair).at(affine.evenly(pair.matrix, 0.49, middle), 0.49)
    return drawn.points.astype(float)


def away_px(points: np.ndarray, lines: list[Line]) -> np.ndarray:
    """Distance of points [n, 2] to the nearest point of any line: [n]."""
    goal = np.concatenate([one.points for one in lines])
    return np.linalg.norm(points[:, None] - goal[None], axis=2).min(axis=1)


@pytest.mark.parametrize(
    ("wobble_px", "split", "most_px"), [(0.0, 0, 2.0), (0.0, 3, 2.0), (0.7, 0, 2.5)]
)
def test_a_redrawn_puppet_is_met_halfway(wobble_px: float, split: int, most_px: float) -> None:
    last = redrawn(puppet(STEP), 5, wobble_px=wobble_px, split=split)
    away = away_px(halfway(paired(puppet(0.0), last)), puppet(0.49 * STEP))
    assert np.median(away) < most_px
    assert np.quantile(away, 0.95) < 2.5 * most_px


def test_copied_and_posed_strokes_keep_their_order_however_far_limbs_swing() -> None:
    first, last = puppet(0.0), puppet(1.0)
    pair = paired(first, last)
    assert pair.first.points == pytest.approx(drawing(first).points)
    assert pair.last.points == pytest.approx(drawing(last).points)


def test_equal_point_counts_by_chance_do_not_make_a_stroke_a_copy() -> None:
    """Three shapes drawn anew in their order, one of them with as many points as before."""
    ovals = [outline((across, 100), (20, 50)) for across in (80, 160, 240)]
    first = [line(points, cyclic=True) for points in ovals]
    counts = 90, 120, 133
    anew = [resampled(one, count) for one, count in zip(first, counts, strict=True)]
    last = [line(np.roll(one.points[::-1], 50, axis=0) + 10.0, cyclic=True) for one in anew]
    away = away_px(halfway(paired(first, last)), [line(points + 5.0) for points in ovals])
    assert away.max() < 2.0


def wing(turn_deg: float, bend: float) -> list[Line]:
    """An outline and, along it, four feathers that look alike."""
    turn = np.exp(1j * np.deg2rad(turn_deg))

    def laid(points: np.ndarray) -> np.ndarray:
        bent = turn * (points + 1j * bend * np.real(points) ** 2)
        return np.stack([np.real(bent), np.imag(bent)], axis=1) + np.array([80.0, 120.0])

    around = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    outline = 75 + 75 * np.cos(around) + 22j * np.sin(around) * (1 + 0.4 * np.cos(around))
    feathers = [33.0 + 28 * n + np.linspace(-12, 28, 10) * (0.6 + 1j) for n in range(4)]
    shapes = [line(laid(outline), cyclic=True, fill=(0.9, 0.9, 0.9, 1.0))]
    return shapes + [line(laid(feather), radius_px=2.5) for feather in feathers]


def test_round_strokes_painted_in_another_order_stay_where_they_are() -> None:
    """All have as many points as their neighbours in the other order, but not their size."""

    def shapes(order: tuple[int, ...]) -> list[Line]:
        rings = [outline((80.0 + 60 * n, 100), (size, size), 0.0) for n, size in SIZES]
        hooks = [np.array([[60.0 + 70 * n, 180], [80.0 + 70 * n, 190]]) for n in range(4)]
        return [line(rings[n], cyclic=True) for n in order] + [line(hook) for hook in hooks]

    pair = paired(shapes((0, 1, 2, 3)), shapes((1, 0, 2, 3)))
    assert away_px(halfway(pair), shapes((0, 1, 2, 3))).max() < 2.0


def test_look_alikes_drawn_anew_in_another_order_keep_their_places_in_the_row() -> None:
    last = [resampled(one, len(one.values) + 3 + n) for n, one in enumerate(wing(50, 0.0012))]
    pair = paired(wing(0, 0.0), [last[n] for n in (0, 1, 3, 2, 4)])
    goals = [pair.last.points[a:b].mean(axis=0) for a, b in pairwise(pair.last.offsets.tolist())]
    for goal, wanted in zip(goals, last, strict=True):
        assert np.linalg.norm(goal - wanted.points.mean(axis=0)) < 3


def test_both_ends_of_the_way_are_the_keys_themselves() -> None:
    pair = paired(puppet(0.0), redrawn(puppet(STEP), 2))
    morph = Morph(pair)
    assert morph.at(affine.IDENTITY, 0.0).points == pytest.approx(pair.first.points, abs=0.01)
    end = morph.at(pair.matrix, 1.0).points
    assert end == pytest.approx(pair.last.points[morph.point_order(1.0)], abs=0.01)


def test_a_stroke_that_only_one_key_shows_moves_with_its_neighbours_and_is_never_faint() -> None:
    hair = line(np.array([[150.0, 60.0], [152.0, 50.0], [158.0, 44.0]]))
    shift = np.array([40.0, 10.0])
    last = [one.placed(one.points + shift) for one in puppet(0.0)]
    pair = paired([*puppet(0.0), hair], last)
    for progress, opacity in ((0.25, 1.0), (0.75, 0.0)):
        pose = affine.evenly(pair.matrix, progress, shift)
        drawn = Morph(pair).at(pose, progress)
        assert drawn.stroke_count == len(last) + 1
        moved = hair.points + shift * progress
        assert drawn.stroke_points(len(last)) == pytest.approx(moved, abs=0.2)
        assert drawn.opacity[-3:] == pytest.approx(opacity)


def test_a_line_closed_by_hand_meets_a_closed_one() -> None:
    around = np.exp(2j * np.pi * np.arange(40) / 40)
    ring = np.stack([200 + 50 * np.real(around), 150 + 30 * np.imag(around)], axis=1)
    turned = np.roll(ring, 13, axis=0)
    by_hand = line(np.concatenate([turned, turned[:1]])[::-1] + 5.0)
    assert (
        away_px(halfway(paired([line(ring, cyclic=True)], [by_hand])), [line(ring + 2.5)]).max() < 3
    )


def test_a_limb_that_turns_by_more_than_a_right_angle_keeps_its_length() -> None:
    body = line(np.stack([np.full(20, 100.0), np.linspace(60, 200, 20)], axis=1))
    limb = np.stack([np.linspace(100, 160, 16), np.full(16, 100.0)], axis=1)
    swung = affine.apply(affine.rotation_about(np.array([100.0, 100.0]), 140), limb)
    pair = paired([body, line(limb), line(limb + 300)], [body, line(swung), line(limb + 300)])
    points = Morph(pair).at(affine.IDENTITY, 0.5).stroke_points(1)
    assert np.linalg.norm(points[-1] - points[0]) == pytest.approx(60, rel=0.05)
    assert points[0] == pytest.approx(np.array([100.0, 100.0]), abs=1.5)


def test_keys_with_nothing_in_common_are_left_to_the_pictures() -> None:
    chance = np.random.default_rng(1)
    scrawl = [
        line(chance.uniform(0, 300, (6, 2)).cumsum(axis=0) / 3, fill=(0.2, 0.3, 0.9, 1.0))
        for _ in range(9)
    ]
    assert pair_strokes(drawing(puppet(0.0)), drawing(scrawl)) is None


def test_empty_and_broken_keys_are_refused() -> None:
    good = drawing(puppet(0.0))
    empty = replace(
        good,
        **{name: getattr(good, name)[:0] for name in
           ("points", "radius", "opacity", "point_colour", "stroke_colour", "fill_colour",
            "cyclic", "holdout", "round_caps", "material")},
        offsets=np.zeros(1, np.int32),
    )  # fmt: skip
    broken = replace(good, points=np.where(good.points > 200, np.nan, good.points))
    for bad in (empty, broken, None):
        assert pair_strokes(good, bad) is None
        assert pair_strokes(bad, good) is None


@pytest.mark.parametrize(
    "points",
    [
        np.array([[50.0, 60.0]]),
        np.full((5, 2), 70.0),
        np.array([[50.0, 60.0], [50.0, 60.0], [90.0, 60.0]]),
    ],
)
def test_dots_and_strokes_without_length_move_plainly(points: np.ndarray) -> None:
    pair = paired([line(points)], [line(points + np.array([20.0, 0.0]))])
    assert halfway(pair) == pytest.approx(points + np.array([9.8, 0.0]), abs=0.1)
    both = paired([*puppet(0.0), line(points)], [*puppet(STEP), line(points)])
    assert np.isfinite(halfway(both)).all()


def test_crossing_and_reversing_strokes_stay_whole() -> None:
    way = np.linspace(0, 100, 12)[:, None]
    rising, falling = np.hstack([way, way]) + 50, np.hstack([way, 100 - way]) + 50
    pair = paired([line(rising), line(falling)], [line(falling[::-1]), line(rising[::-1])])
    assert np.isfinite(halfway(pair)).all()
    assert np.ptp(halfway(pair), axis=0).max() < 200


def many(count: int) -> list[Line]:
    """Short strokes strewn over a large camera."""
    chance = np.random.default_rng(3)
    places = chance.uniform(0, 1000, (count, 2)) * [1.9, 1.0]
    found: list[Line] = []
    for place in places:
        bend, angle = chance.uniform(-0.5, 0.5), chance.uniform(0, 2 * np.pi)
        way = np.linspace(-1, 1, 12)
        shape = chance.uniform(4, 30) * (way + 1j * bend * way**2) * np.exp(1j * angle)
        found.append(line(place + np.stack([np.real(shape), np.imag(shape)], axis=1)))
    return found


def test_five_thousand_redrawn_strokes_are_planned_without_stalling() -> None:
    first, shift = many(5000), np.array([12.0, -7.0])
    order = np.random.default_rng(4).permutation(5000)
    goal = [first[i].placed(first[i].points[::-1] + shift) for i in order]
    pair = paired(first, goal)
    morph = Morph(pair)
    for progress in np.linspace(0.05, 0.95, 14):
        assert np.isfinite(morph.at(affine.IDENTITY, float(progress)).points).all()
    moved = pair.last.points - pair.first.points
    assert np.median(np.abs(moved - shift)) < 0.5


def test_round_strokes_are_refined_as_scipy_does() -> None:
    around = np.random.default_rng(0).normal(size=(SAMPLES, 2)) @ np.array([1, 1j])
    fine = cost.finer(around)
    assert np.allclose(fine, signal.resample(around, len(fine)), atol=1e-12)
    assert np.allclose(fine[:: len(fine) // SAMPLES], around)


def test_ties_among_duplicate_strokes_come_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Costs, as duplicates have, on which SciPy's sparse solver goes round for ever."""
    one = [3.274534526064103, 3.3245345081827096, 2.9540098493383966, 8.405639581630137]
    other = [2.370978526533917, 2.0709785444153104, 2.0444945884983414, 10.25103307990465]
    monkeypatch.setattr(order.stroke_cost, "cost", lambda *_, **__: np.array([one, other] * 2))
    strokes = cost.measured([line(np.array([[0.0, 0.0], [9.0, 5.0]]))] * 4)
    drawn = order.Order(0.5, np.eye(3), as_drawn=True)
    assert order.change_places(drawn, strokes, strokes)
