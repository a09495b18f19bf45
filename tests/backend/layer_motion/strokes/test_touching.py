"""Promises of twin limbs that swing apart with nothing but their hands: ends, sides and turns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from backend.layer_motion.strokes.shape.level import Line, resampled

from .boxes import GREEN, RED, face, matched, on_the_way, partners, places
from .puppet import line

LENGTH, HALF = 80.0, 8.0
SHOULDERS = 140 + 120j, 170 + 120j


def arm(shoulder: complex, degrees: float) -> list[Line]:
    """An arm, alike from both ends, and its hand: a fist with a thumb."""
    way = complex(np.exp(1j * np.deg2rad(degrees)))
    half = np.linspace(-np.pi / 2, np.pi / 2, 16)
    cap = HALF * np.exp(1j * half)
    ring = np.concatenate([LENGTH + cap, -cap])
    fist = LENGTH + 6 + 9 * np.exp(2j * np.pi * np.arange(24) / 24)
    thumb = LENGTH + 6 + np.array([0, 6 + 15j, -3 + 13j])
    bodies = [(ring, RED), (fist, GREEN)]
    drawn = [_filled(shoulder + way * body, fill) for body, fill in bodies]
    return [*drawn, face((shoulder + way * thumb).tolist(), 4, fill=GREEN)]


def _filled(ring: np.ndarray, fill: tuple[float, float, float, float]) -> Line:
    return line(np.stack([np.real(ring), np.imag(ring)], axis=1), cyclic=True, fill=fill)


def figure(degrees: float) -> list[Line]:
    """Both arms, the left one as the right one's mirror image; 90 degrees hang down."""
    right = arm(SHOULDERS[1], degrees)
    axis = np.real(sum(SHOULDERS)) / 2
    left = [some.placed(some.points * (-1, 1) + (2 * axis, 0)) for some in right]
    return [*left, *right]


def anew(lines: Sequence[Line]) -> list[Line]:
    """The same drawing with other points, begun where they were."""
    return [resampled(some, 24 + 7 * number) for number, some in enumerate(lines)]


@pytest.mark.parametrize("redrawn", [False, True])
def test_arms_that_hang_together_swing_up_each_on_its_own_side(redrawn: bool) -> None:
    first, last = figure(98), figure(-45)
    pair = matched(first, anew(last) if redrawn else last)
    assert partners(pair) == {number: number for number in range(6)}
    for number, side in ((0, -1), (3, 1)):
        one, other = places(pair, number)
        shoulder = SHOULDERS[number > 0]
        ends = np.abs(one - shoulder), np.abs(other - shoulder)
        assert np.abs(ends[0] - ends[1]).max() < 0.15 * LENGTH  # hands stay hands
        half = on_the_way(pair, 0.5)[number]
        away = half[np.argmax(np.abs(half - half.mean()))] - half.mean()
        assert abs(np.real(away)) > 0.8 * abs(away)
        hand = on_the_way(pair, 0.5)[number + 1].mean()
        assert side * np.real(hand - half.mean()) > 0.4 * LENGTH


def test_copied_arms_that_change_the_order_of_painting_keep_their_sides() -> None:
    last = figure(10)
    pair = matched(figure(60), [*last[3:], *last[:3]])
    assert partners(pair) == {0: 3, 1: 4, 2: 5, 3: 0, 4: 1, 5: 2}


def test_a_mitten_turns_with_the_arm_that_it_is_drawn_on() -> None:
    def drawn(degrees: float) -> list[Line]:
        way = complex(np.exp(1j * np.deg2rad(degrees)))
        around = np.exp(2j * np.pi * np.arange(40) / 40)
        mitten = LENGTH + 16 + 14 * np.real(around) + 9j * np.imag(around)
        body = 100 + 130j + 24 * np.real(around) + 40j * np.imag(around)
        sleeve = arm(SHOULDERS[0], degrees)[0]
        return [_filled(body, RED), sleeve, _filled(SHOULDERS[0] + way * mitten, GREEN)]

    pair = matched(drawn(80), anew(drawn(-60)))
    one, other = places(pair, 2)
    wrist = int(np.argmin(np.abs(one - SHOULDERS[0])))
    assert np.abs(other - SHOULDERS[0])[wrist] < LENGTH + 6  # its tip is at LENGTH + 30


def test_an_eye_whose_pupil_goes_to_its_other_corner_does_not_turn() -> None:
    around = np.exp(2j * np.pi * np.arange(40) / 40)
    white = 100 + 100j + 30 * np.real(around) + 14j * np.imag(around)
    first, last = (
        [_filled(white, GREEN), _filled(100 + shift + 100j + 8 * around, RED)]
        for shift in (-21, 21)
    )
    pair = matched(first, anew(last))
    one, other = places(pair, 0)
    assert np.abs(one - other).max() < 4


@pytest.mark.parametrize("pan", [0.0, 60.0 + 25.0j])
@pytest.mark.parametrize("with_ground", [False, True])
def test_a_pole_stays_as_it_is_whatever_slides_along_it(pan: complex, with_ground: bool) -> None:
    around = np.exp(2j * np.pi * np.arange(40) / 40)

    def drawn(height: float, shift: complex) -> list[Line]:
        cap = 4 * np.exp(1j * np.linspace(0, np.pi, 12))
        pole = 150 + 150j + np.concatenate([100j + cap, -100j - cap])
        flag = 168 + 1j * height + 14 * np.real(around) + 9j * np.imag(around)
        ground = 150 + 262j + 60 * np.real(around) + 8j * np.imag(around)
        rings = [pole, flag, *([ground] if with_ground else [])]
        return [
            _filled(ring + shift, fill)
            for ring, fill in zip(rings, (RED, GREEN, RED), strict=False)
        ]

    pair = matched(drawn(230, 0), anew(drawn(70, pan)))
    one, other = places(pair, 0)
    assert np.abs(other - pan - one).max() < 8
