"""Lines that open to shapes: lips part, lids lift, and shut again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.layer_motion.strokes.shape.level import Line, begun_at, reversed_line

from .boxes import BLUE, GREEN, RED, area, matched, on_the_way, partners
from .puppet import line

Colour = tuple[float, float, float, float]
SHIFT = np.array([24.0, 10.0])


def head() -> Line:
    return ring(160 + 120j, 70, 85, GREEN)


def ring(middle: complex, wide: float, tall: float, fill: Colour, start: float = 0.0) -> Line:
    angle = 2 * np.pi * np.arange(60) / 60
    points = np.stack([middle.real + wide * np.cos(angle), middle.imag + tall * np.sin(angle)], 1)
    return begun_at(line(points, cyclic=True, fill=fill), start)


def smile(wide: float = 30.0, hangs: float = 6.0, *, y: float = 160.0) -> Line:
    across = np.linspace(-1.0, 1.0, 25)
    return line(np.stack([160 + wide * across, y - hangs * across**2], axis=1))


def other_material(one: Line) -> Line:
    return replace(one, material=5)


@pytest.mark.parametrize("shuts", [False, True])
@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("start", [0.0, 0.3, 0.8])
def test_a_mouth_opens_evenly_from_its_line(start: float, back: bool, shuts: bool) -> None:
    shut, mouth = smile(), other_material(ring(160 + 158j, 26, 20, RED, start))
    if back:
        mouth = reversed_line(mouth)
    keys = [head(), shut], [one.placed(one.points + SHIFT) for one in (head(), mouth)]
    if shuts:
        keys = keys[1], keys[0]
    pair = matched(*keys)
    assert partners(pair) == {0: 0, 1: 1}
    for step in (0.1, 0.3, 0.49, 0.7, 0.9):
        drawn = on_the_way(pair, step)[1]
        wide_open = 1 - step if shuts else step
        assert np.ptp(np.real(drawn)) == pytest.approx(60 - 8 * wide_open, abs=3)
        assert np.ptp(np.imag(drawn)) == pytest.approx(6 + 34 * wide_open, abs=5)
        assert abs(area(drawn)) == pytest.approx(np.pi * 26 * 20 * wide_open, rel=0.25, abs=60)


def test_a_mouth_that_opens_shows_its_inside_from_the_first_frame_on() -> None:
    pair = matched([head(), smile()], [head(), other_material(ring(160 + 158j, 26, 20, RED))])
    assert pair.first.fill_colour[1] == pytest.approx(RED)
    assert pair.first.material[1] == pair.last.material[1] == 5


@pytest.mark.parametrize(
    ("shut", "mouth"),
    [
        (smile(y=110.0), ring(160 + 175j, 26, 20, RED)),  # elsewhere: a brow
        (smile(8.0), ring(160 + 158j, 40, 30, RED)),  # far too short
        (smile(hangs=60.0), ring(160 + 158j, 26, 20, RED)),  # bent round
    ],
)
def test_other_lines_do_not_open(shut: Line, mouth: Line) -> None:
    pair = matched([head(), shut], [head(), other_material(mouth)])
    assert partners(pair)[1] == -1


def test_a_line_stays_to_be_seen_where_the_mouth_has_a_fill_alone() -> None:
    mouth = other_material(ring(160 + 158j, 26, 20, RED))
    bare = replace(mouth, colours=np.array([0.0, 0.0, 0.0, 0.0, *RED]))
    pair = matched([head(), smile()], [head(), bare])
    assert pair.first.stroke_colour[1] == pytest.approx(smile().colours[:4])
    assert pair.last.stroke_colour[1, 3] == 0.0


def test_a_line_of_a_material_that_stays_does_not_become_a_shape_of_one_that_was_there() -> None:
    others = [other_material(ring(x + 60j, 6, 6, RED)) for x in (60, 80)]
    mouth = other_material(ring(160 + 158j, 26, 20, RED))
    pair = matched([head(), *others, smile()], [head(), *others, mouth, smile(y=60.0)])
    assert partners(pair)[3] != 3


def test_an_eye_shuts_to_the_line_of_its_lid() -> None:
    eyes = [other_material(ring(x + 100j, 12, 15, BLUE)) for x in (130, 190)]
    lids = [
        line(np.stack([np.linspace(x - 13, x + 13, 15), np.full(15, 104.0)], 1)) for x in (131, 189)
    ]
    pair = matched([head(), *eyes], [head(), *lids])
    assert partners(pair) == {0: 0, 1: 1, 2: 2}
    heights = [np.ptp(np.imag(drawn)) for drawn in on_the_way(pair, 0.49)[1:]]
    assert heights == pytest.approx([15.3, 15.3], abs=2)
