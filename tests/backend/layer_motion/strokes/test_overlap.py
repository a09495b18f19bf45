"""Strokes that show other parts of one line stay on it; what bends or stretches is no such line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial import KDTree

from backend.layer_motion import affine
from backend.layer_motion.strokes.layout.overlap import overlapped
from backend.layer_motion.strokes.matching.match import pair_strokes
from backend.layer_motion.strokes.morphing.morph import Morph
from backend.layer_motion.strokes.shape.level import LABEL, Line, reversed_line

from .puppet import drawing, line

Curve = Callable[[np.ndarray], np.ndarray]


def wave(share: np.ndarray) -> np.ndarray:
    """A written line with ever shorter loops: points [n, 2] at shares of it."""
    return np.stack([100 + 260 * share, 140 + 25 * np.sin(9 * share * (1 + 0.6 * share))], axis=1)


def oval(share: np.ndarray) -> np.ndarray:
    """Round an oval once where the share grows by 1."""
    angle = 2 * np.pi * share
    return np.stack([240 + 70 * np.cos(angle), 135 + 45 * np.sin(angle)], axis=1)


def part(curve: Curve, begin: float, end: float, count: int) -> Line:
    """An open stroke along a part of a curve, drawn with so many points."""
    return line(curve(np.linspace(begin, end, count)))


def between(first: Line, last: Line, progress: float) -> np.ndarray:
    """Points of the in-between of two drawings of one stroke."""
    pair = pair_strokes(drawing([first]), drawing([last]))
    assert pair is not None
    morph = Morph(pair)
    pose = affine.evenly(pair.matrix, progress, pair.first.points.mean(axis=0))
    return morph.shown(morph.at(pose, progress), progress).points


def off_px(points: np.ndarray, curve: Curve, begin: float, end: float) -> float:
    """How far points and a part of a curve are apart at most, either way."""
    true = curve(np.linspace(begin, end, 2000))
    fine = np.concatenate([np.linspace(a, b, 9) for a, b in pairwise(points)])
    return max(float(KDTree(a).query(b)[0].max()) for a, b in ((true, fine), (fine, true)))


@pytest.mark.parametrize("progress", [0.25, 0.5, 0.8])
@pytest.mark.parametrize(("count", "again"), [(30, 70), (40, 40)])
def test_handwriting_grows_at_its_tip(progress: float, count: int, again: int) -> None:
    points = between(part(wave, 0.0, 0.5, count), part(wave, 0.0, 1.0, again), progress)
    assert off_px(points, wave, 0.0, 0.5 + 0.5 * progress) < 5.0


@pytest.mark.parametrize("progress", [0.3, 0.5, 0.7])
def test_the_gap_of_an_outline_travels_while_it_stands(progress: float) -> None:
    """Something passes in front of an oval: its ends run along it, at an even speed in pixels."""
    last = part(oval, 1.2, 0.35, 51)
    points = between(part(oval, 0.1, 0.95, 60), last, progress)
    assert off_px(points, oval, 0.1 + 0.25 * progress, 0.95 + 0.25 * progress) < 8.0
    assert KDTree(oval(np.linspace(0, 1, 2000))).query(points)[0].max() < 1.5


def test_both_keys_are_met() -> None:
    first, last = part(wave, 0.0, 0.6, 40), part(wave, 0.2, 1.0, 60)
    assert off_px(between(first, last, 0.0), wave, 0.0, 0.6) < 1.0
    assert off_px(between(first, last, 1.0), wave, 0.2, 1.0) < 1.0


@pytest.mark.parametrize("ends", [(0.0, 1.0), (1.0, 0.0)])
def test_a_line_that_moves_and_grows_is_carried_along(ends: tuple[float, float]) -> None:
    turned = affine.translation(60, -20) @ affine.rotation_about(np.array([100.0, 140.0]), 20)

    def moved(share: np.ndarray) -> np.ndarray:
        return affine.apply(turned, wave(share))

    first, last = part(wave, 0.0, 0.63, 200), part(moved, *ends, 300)
    found = overlapped(first, last, turned)
    assert found is not None
    (begin, end), whole = found.spans
    last_shown = found.one.points[round(end * (len(found.one.points) - 1))]
    assert (begin, *whole) == pytest.approx((0.0, 0.0, 1.0), abs=1e-3)
    assert last_shown == pytest.approx(first.points[-1], abs=1.0)
    shared = slice(0, int(0.9 * end * len(found.one.points)))
    carried = affine.apply(turned, found.one.points[shared])
    assert np.abs(carried - found.other.points[shared]).max() < 4.0


def _arc(bend: float, half: float = 40.0) -> Curve:
    def curve(share: np.ndarray) -> np.ndarray:
        across = 2 * share - 1
        return np.stack([240 + half * across, 135 + bend * (1 - across**2)], axis=1)

    return curve


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (_arc(16.0), _arc(-16.0)),  # a smile to a frown
        (_arc(20.0), _arc(6.0)),  # a lid that opens
        (_arc(10.0), _arc(25.0, 62.0)),  # a grin that widens
        (wave, lambda share: wave(share) * (1.0, 0.6) + (0, 56)),
        (wave, lambda share: wave(share) * (0.7, 1.0) + (60, 0)),
    ],
)
def test_what_bends_or_stretches_goes_from_end_to_end(first: Curve, last: Curve) -> None:
    one, other = part(first, 0, 1, 32), part(last, 0, 1, 41)
    assert overlapped(one, other, np.eye(3)) is None


@pytest.mark.parametrize("closed", [True, False])
def test_closed_and_filled_strokes_are_whole(closed: bool) -> None:
    grown = line(wave(np.linspace(0, 1, 60)), cyclic=closed, fill=(0.5, 0.5, 0.5, 1.0))
    assert overlapped(part(wave, 0.0, 0.5, 30), grown, np.eye(3)) is None


def _sack(lean: float, start: float, count: int) -> np.ndarray:
    """A sack that leans, traced once from anywhere: [n, 2]."""
    angle = 2 * np.pi * (start + np.arange(count) / count)
    wide, high = 60 + 12 * np.cos(3 * angle), 80 + 10 * np.sin(2 * angle)
    up = high * np.sin(angle)
    return np.stack([240 + wide * np.cos(angle) + lean * up, 135 - up], axis=1)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("gap", [0.2, 0.45])
def test_broken_ink_rides_on_the_edge_of_its_paint(gap: float, reverse: bool) -> None:
    """What lies in front breaks it elsewhere in the next key, while the sack leans over."""

    def layers(lean: float, start: float, count: int) -> tuple[Line, Line]:
        paint = line(_sack(lean, start, 90), cyclic=True, fill=(0.8, 0.3, 0.3, 1.0))
        ink = line(_sack(lean, start + gap, 600)[: int(0.85 * 600) : 600 // count])
        return paint, replace(ink, material=LABEL)

    first, last = layers(0.0, 0.1, 60), layers(0.5, 0.6, 50)
    if reverse:
        last = last[0], reversed_line(last[1])
    pair = pair_strokes(drawing(list(first)), drawing(list(last)))
    assert pair is not None
    morph = Morph(pair)
    for progress in (0.25, 0.5, 0.75):
        pose = affine.evenly(pair.matrix, progress, pair.first.points.mean(axis=0))
        shown = morph.shown(morph.at(pose, progress), progress)
        edge = np.concatenate([shown.stroke_points(0), shown.stroke_points(0)[:1]])
        fine = np.concatenate([np.linspace(a, b, 9) for a, b in pairwise(edge)])
        assert KDTree(fine).query(shown.stroke_points(1))[0].max() < 1.5


def test_a_line_of_few_points_keeps_its_corners_at_the_keys() -> None:
    corners = np.stack([100 + 20.0 * np.arange(12), 120 + 30.0 * (np.arange(12) % 2)], axis=1)
    first, last = line(corners[:8]), line(corners)
    shown = [between(first, last, progress) for progress in (1e-3, 1 - 1e-3)]
    for corner, points in ((corners[:8], shown[0]), (corners, shown[1])):
        assert KDTree(points).query(corner)[0].max() < 1.0


def test_ink_across_its_paint_is_no_part_of_the_edge() -> None:
    edge = oval(np.linspace(0, 1, 90, endpoint=False))
    paint = line(edge, cyclic=True, fill=(0.8, 0.3, 0.3, 1.0))
    belt = replace(line(edge[[5, 40]]), material=LABEL)
    pair = pair_strokes(drawing([paint, belt]), drawing([paint, belt]))
    assert pair is not None
    assert not pair.spans


def test_layers_that_are_one_dot_are_matched() -> None:
    dot = np.full((3, 2), 100.0)

    def layers(red: float) -> list[Line]:
        paint = line(dot, cyclic=True, fill=(red, 0.0, 0.0, 1.0))
        return [paint, replace(line(dot), material=LABEL)]

    pair = pair_strokes(drawing(layers(0.2)), drawing(layers(0.9)))
    assert pair is None or np.isfinite(pair.last.points).all()
