"""What stands stands: of motions that explain the keys alike, the one without a turn is meant."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from backend.layer_motion import affine
from backend.layer_motion.strokes.layout.pair import StrokePair
from backend.layer_motion.strokes.matching.match import pair_strokes
from backend.layer_motion.strokes.shape.level import Line

from .puppet import drawing, line

RIM = np.exp(2j * np.pi * np.arange(240) / 240)


def mouth(bend: float, count: int = 24) -> Line:
    """A smile, or a frown where `bend` is negative."""
    across = np.linspace(-1, 1, count)
    return line(np.stack([240 + 40 * across, 135 + bend * (1 - across**2)], axis=1))


def ring(middle: complex, size: complex, start: int, count: int) -> Line:
    """An oval that a hand began somewhere; `size`: half its width + i half its height."""
    rim = np.roll(RIM, start)[:: 240 // count]
    places = middle + size.real * np.real(rim) + 1j * size.imag * np.imag(rim)
    points = np.stack([np.real(places), np.imag(places)], axis=1)
    return line(points, cyclic=True, fill=(0.9, 0.7, 0.2, 1.0))


def face(shift: float, start: int, count: int) -> list[Line]:
    """A head that stands, with two eyes, a nose and a mouth that slide as it looks aside."""
    nose = np.add([[0, -4], [5, 4], [-1, 5]], (240 + 1.1 * shift, 140))
    mouth = np.stack([240 + shift + np.linspace(-12, 12, count // 4), np.full(count // 4, 160)], 1)
    eyes = [ring(240 + side * 18 + shift + 118j, 4 + 7j, start, count) for side in (-1, 1)]
    return [ring(240 + 135j, 60 + 62j, start, 2 * count), *eyes, line(nose), line(mouth)]


def matched(first: list[Line], last: list[Line]) -> StrokePair:
    """Both drawings' strokes as partners."""
    pair = pair_strokes(drawing(first), drawing(last))
    assert pair is not None
    return pair


def turn_deg(pair: StrokePair) -> float:
    """By how much the whole turns."""
    return float(np.degrees(np.arctan2(pair.matrix[1, 0], pair.matrix[0, 0])))


@pytest.mark.parametrize(("bend", "count"), [(-8.0, 24), (-18.0, 24), (-18.0, 31)])
def test_a_smile_becomes_a_frown_by_bending(bend: float, count: int) -> None:
    pair = matched([mouth(-bend)], [mouth(bend, count)])
    assert abs(turn_deg(pair)) < 5.0
    assert pair.last.points[0] == pytest.approx(pair.first.points[0], abs=1.0)


def test_a_smile_bends_beside_something_new() -> None:
    dimple = line(np.array([[300.0, 120.0], [303.0, 126.0], [301.0, 132.0]]))
    pair = matched([mouth(-18.0)], [dimple, mouth(18.0, 31)])
    assert abs(turn_deg(pair)) < 5.0
    assert sorted(zip(*pair.numbers.tolist(), strict=True)) == [(-1, 0), (0, 1)]


@pytest.mark.parametrize("start", [0, 70, 160])
def test_a_face_that_looks_aside_does_not_roll(start: int) -> None:
    pair = matched(face(-14, 0, 40), face(14, start, 48))
    assert abs(turn_deg(pair)) < 3.0
    assert pair.numbers[0].tolist() == pair.numbers[1].tolist()


@pytest.mark.parametrize("start", [40, 110, 200])
def test_a_hill_stands_while_a_ball_passes_it(start: int) -> None:
    hill, first = ring(240 + 150j, 90 + 30j, 0, 80), ring(120 + 90j, 16 + 16j, 0, 48)
    again = ring(240 + 150j, 90 + 30j, start, 60)
    last = ring(340 + 90j, 16 + 16j, start, 40)
    pair = matched([hill, first], [again, last])
    assert abs(turn_deg(pair)) < 1.0
    bounds = pair.first.offsets.tolist()
    for stroke, (middle, gone) in enumerate(((240 + 150j, 0.0), (120 + 90j, 220.0))):
        places = [d.points[bounds[stroke] : bounds[stroke + 1]] for d in (pair.first, pair.last)]
        assert places[0].mean(axis=0) @ (1, 1j) == pytest.approx(middle, abs=6.0)
        assert np.abs((places[1] - places[0]) - (gone, 0)).max() < 5.0


@pytest.mark.parametrize("tilt", [0.9, 1.6])
def test_what_has_turned_turns(tilt: float) -> None:
    """A turn that the forms show is cheaper than what the forms would otherwise cost."""

    def flag(turn: float, count: int) -> list[Line]:
        pole = np.stack([np.zeros(count), np.linspace(0, -90, count)], axis=1)
        share = np.linspace(0, 1, count)[:, None]
        edge = [(0, -90), (50, -80), (0, -60)]
        sides = pairwise(edge)
        cloth = np.concatenate([a + share * np.subtract(b, a) for a, b in sides])
        matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        return [line(part @ matrix.T + (240, 170)) for part in (pole, cloth)]

    pair = matched(flag(0.0, 20), flag(tilt, 26))
    assert turn_deg(pair) == pytest.approx(np.degrees(tilt), abs=4.0)


def test_a_path_that_turns_tells_of_a_turn() -> None:
    half_turn = affine.rotation_about(np.array([240.0, 135.0]), 180)
    pair = pair_strokes(drawing([mouth(-18.0)]), drawing([mouth(18.0, 31)]), half_turn)
    assert pair is not None
    assert abs(turn_deg(pair)) > 175.0


def test_a_bar_that_crosses_a_blob_takes_it_nowhere() -> None:
    """Both were copied; laid on the blob by a turn, bar and blob would have stayed together."""
    blob = ring(240 + 135j, 62 + 40j, 0, 80)

    def bar(x: float, lean: float) -> Line:
        corners = np.array([[-6, -70], [6, -70], [6, 70], [-6, 70]], float)
        share = np.linspace(0, 1, 12, endpoint=False)[:, None]
        sides = [a + share * (b - a) for a, b in zip(corners, np.roll(corners, -1, 0), strict=True)]
        points = np.concatenate(sides) @ affine.rotation_about(np.zeros(2), lean)[:2, :2].T
        return line(points + np.array([x, 135]), cyclic=True, fill=(0.9, 0.8, 0.7, 1.0))

    pair = matched([blob, bar(165, -3)], [blob, bar(315, 3)])
    assert abs(turn_deg(pair)) < 3.0


def test_redrawn_lashes_find_their_partners_in_another_order() -> None:
    """Order proves nothing where loops begin elsewhere: what goes by place is better."""

    def lash(number: int) -> Line:
        root = np.array([200.0 + 11 * number, 100.0])
        return line(root + np.linspace(0, 1, 7)[:, None] * (2 * number - 6, -16))

    order = [0, 1, 2, 4, 3, 5]
    first = [ring(240 + 135j, 60 + 62j, 0, 80), *(lash(n) for n in range(6))]
    last = [ring(240 + 135j, 60 + 62j, 90, 60), *(lash(n) for n in order)]
    pair = matched(first, last)
    partner = dict(zip(*pair.numbers.tolist(), strict=True))
    assert partner == {0: 0, **{n + 1: order.index(n) + 1 for n in range(6)}}


@pytest.mark.parametrize("turn", [80.0, 130.0, 170.0])
def test_a_copy_proves_how_far_it_turned(turn: float) -> None:
    whole = affine.rotation_about(np.array([240.0, 135.0]), turn)
    first = face(0.0, 0, 40)
    pair = matched(first, [one.placed(affine.apply(whole, one.points)) for one in first])
    assert turn_deg(pair) == pytest.approx(turn, abs=1.0)
