"""Wheels roll as far as their way asks; what only looks like one does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from backend import raster
from backend.layer_motion.engine import animate_gap
from backend.layer_motion.strokes.shape.complex_points import as_complex, as_points
from backend.layer_motion.strokes.shape.level import Line
from backend.layer_motion.task import GapTask, Neighbour
from shared.strokes import Drawing

from ..drawn import strokes
from .boxes import matched, on_the_way, partners
from .puppet import line

WIDTH, HEIGHT, GROUND_Y = 480, 120, 70.0
TIMES = (0.25, 0.5, 0.75)
RADIUS = 20.0
SPOKES = 5

Turn = Callable[[float], float]


def ring(centre: complex, radius: float, count: int) -> np.ndarray:
    """A circle: complex [count]."""
    return centre + radius * np.exp(2j * np.pi * np.arange(count) / count)


def spoked(axle: complex, turn: float) -> list[np.ndarray]:
    """A wheel with five spokes and one mark, complex points of its strokes, the rim first."""
    arms = [np.linspace(5, 15, 8) * np.exp(2j * np.pi * n / SPOKES) for n in range(SPOKES)]
    turned = [axle + np.exp(1j * turn) * arm for arm in arms]
    return [ring(axle, RADIUS, 36), *turned, ring(axle + 17j * np.exp(1j * turn), 2.0, 10)]


def inked(shapes: Sequence[np.ndarray]) -> Drawing:
    """Complex strokes as a drawing; short ones are open lines."""
    drawing = strokes(*(np.stack([np.real(shape), np.imag(shape)], axis=1) for shape in shapes))
    cyclic = np.array([len(shape) != 8 for shape in shapes])
    return replace(drawing, cyclic=cyclic)


def task(draw: Callable[[float], Drawing], *, around: bool = True) -> GapTask:
    """The gap from key 0 to key 1 of a drawing that each key shows, or of those two alone."""
    one, other = draw(0.0), draw(1.0)
    shown = [raster.draw(d, width=WIDTH, height=HEIGHT, margin_px=60) for d in (one, other)]
    gap = GapTask(WIDTH, HEIGHT, shown[0], shown[1], TIMES, first_strokes=one, last_strokes=other)
    if not around:
        return gap
    return replace(gap, before=(Neighbour(-1.0, draw(-1.0)),), behind=(Neighbour(2.0, draw(2.0)),))


def shown(drawing: Drawing, wheel: int = 0) -> np.ndarray:
    """Spokes and mark of one wheel of several, complex, from its axle: [41]."""
    offsets = drawing.offsets[wheel * (SPOKES + 2) :].tolist()
    places = drawing.points.astype(float) @ (1, 1j)
    rim, mark = places[offsets[0] : offsets[1]], places[offsets[1 + SPOKES] : offsets[2 + SPOKES]]
    spokes = places[offsets[1] : offsets[1 + SPOKES]]
    return np.append(spokes, mark.mean()) - rim.mean()


def told(turn: float) -> np.ndarray:
    """What `shown` ought to be of a wheel that has turned."""
    return shown(inked(spoked(0j, turn)))


def in_betweens(gap: GapTask) -> list[Drawing]:
    """The drawings of a gap, all of them strokes."""
    drawings = [drawing for drawing in animate_gap(gap).strokes if drawing is not None]
    assert len(drawings) == len(TIMES)
    return drawings


@pytest.mark.parametrize("way_px", [25.0, 45.0, 106.0, 130.0, -106.0])
@pytest.mark.parametrize("around", [True, False])
def test_wheels_turn_as_far_as_they_roll_and_the_right_way(way_px: float, around: bool) -> None:
    def draw(key: float) -> Drawing:
        turn = way_px * key / RADIUS
        axles = [x + way_px * key + 1j * GROUND_Y for x in (180.0, 260.0)]
        return inked([stroke for axle in axles for stroke in spoked(axle, turn)])

    gap = task(draw, around=around)
    for drawing, time in zip(in_betweens(gap), TIMES, strict=True):
        for wheel, x in enumerate((180.0, 260.0)):
            assert np.abs(shown(drawing, wheel) - told(way_px * time / RADIUS)).max() < 0.5
            rim = drawing.points[drawing.offsets[wheel * (SPOKES + 2)] :][:36].mean(axis=0)
            assert rim == pytest.approx((x + way_px * time, GROUND_Y), abs=0.5)


def test_a_wheel_that_comes_to_stand_rolled_up_to_there() -> None:
    def draw(key: float) -> Drawing:
        way_px = 106.0 * min(key, 1.0)
        return inked(spoked(200.0 + way_px + 1j * GROUND_Y, way_px / RADIUS))

    turns = np.angle(np.vdot(told(0.0), shown(in_betweens(task(draw))[1])))
    # It brakes before it stands, so that it is past half of its way; backwards it would be at -.5.
    assert 2.4 < turns % (2 * np.pi) < 3.6


@pytest.mark.parametrize(
    "turn",
    [
        pytest.param(lambda key: 0.0 * key, id="slides"),
        pytest.param(lambda key: -106.0 * key / RADIUS, id="spins against its way"),
        pytest.param(lambda key: (106.0 if key <= 0 else 40.0) * key / RADIUS, id="slips"),
        pytest.param(lambda key: 106.0 * min(key, 1.0) / RADIUS, id="slides behind its gap"),
        pytest.param(lambda key: 106.0 * max(key, 0.0) / RADIUS, id="slides before its gap"),
    ],
)
def test_what_does_not_roll_at_all_its_keys_turns_the_short_way(turn: Turn) -> None:
    def draw(key: float) -> Drawing:
        return inked(spoked(200.0 + 106.0 * key + 1j * GROUND_Y, turn(key)))

    whole = float(np.angle(np.exp(1j * turn(1.0))))
    assert np.abs(shown(in_betweens(task(draw))[1]) - told(whole / 2)).max() < 3.0


def test_a_wheel_alone_in_a_gap_alone_may_have_turned_by_chance() -> None:
    def draw(key: float) -> Drawing:
        return inked(spoked(200.0 + 106.0 * key + 1j * GROUND_Y, 106.0 * key / RADIUS))

    middle = shown(in_betweens(task(draw, around=False))[1])
    whole = float(np.angle(np.exp(1j * 106.0 / RADIUS)))
    assert np.abs(middle - told(whole / 2)).max() < 3.0


def test_a_highlight_stays_where_it_is_while_its_wheel_rolls() -> None:
    def draw(key: float) -> Drawing:
        axle = 200.0 + 106.0 * key + 1j * GROUND_Y
        return inked([*spoked(axle, 106.0 * key / RADIUS), ring(axle - 8 - 12j, 2.5, 12)])

    for drawing, time in zip(in_betweens(task(draw)), TIMES, strict=True):
        highlight = drawing.points[-12:].astype(float).mean(axis=0) @ (1, 1j)
        axle = drawing.points[:36].astype(float).mean(axis=0) @ (1, 1j)
        assert highlight - axle == pytest.approx(-8 - 12j, abs=1.0)
        assert np.abs(shown(drawing) - told(106.0 * time / RADIUS)).max() < 0.5


def test_marks_that_disagree_about_the_turn_make_no_wheel() -> None:
    def draw(key: float) -> Drawing:
        axle, turn = 200.0 + 106.0 * key + 1j * GROUND_Y, 106.0 * key / RADIUS
        marks = [17j * np.exp(1j * (turn + side * 0.22 * key)) for side in (-1, 1)]
        return inked([ring(axle, RADIUS, 36), *(ring(axle + mark, 2.0, 10) for mark in marks)])

    for drawing in in_betweens(task(draw)):
        assert np.isfinite(drawing.points).all()


def test_a_path_that_turns_back_does_not_make_its_wheels_spin() -> None:
    """Out by 130 pixels and back to 10: its length asks for two turns, its ends for none."""

    def draw(key: float) -> Drawing:
        axles = [x + 10.0 * key + 1j * GROUND_Y for x in (180.0, 260.0)]
        return inked([stroke for axle in axles for stroke in spoked(axle, 0.5 * key)])

    places = np.array([0.0, 70.0, 130.0, 70.0, 10.0]) + 220.0
    tracks = np.stack([places, np.full(5, GROUND_Y)], axis=1)[:, None].astype(np.float32)
    for drawing, time in zip(
        in_betweens(replace(task(draw, around=False), tracks=tracks)), TIMES, strict=True
    ):
        assert np.abs(shown(drawing) - told(0.5 * time)).max() < 2.0


def test_an_eye_that_turns_with_its_head_does_not_spin() -> None:
    """Its way happens to be what it would roll by its turn and once round."""
    tilt = 0.4

    def draw(key: float) -> Drawing:
        middle = 200.0 + RADIUS * (tilt + 2 * np.pi) * key + 1j * GROUND_Y
        turn = np.exp(1j * tilt * key)
        circle = ring(0j, 1.0, 60)
        head = middle + turn * (45 * np.real(circle) + 32j * np.imag(circle))
        return inked([head, *spoked(middle, tilt * key)])

    eye = in_betweens(task(draw))[1]
    wheel = replace(eye, offsets=eye.offsets[1:])
    assert np.abs(shown(wheel) - told(tilt / 2)).max() < 1.0


def test_nothing_that_only_rises_or_hardly_moves_breaks() -> None:
    for step in (0j, 1e-4 + 0j, -60j):

        def draw(key: float, step: complex = step) -> Drawing:
            return inked(spoked(200.0 + step * key + 1j * GROUND_Y, 0.22 * key))

        for drawing in in_betweens(task(draw)):
            assert np.isfinite(drawing.points).all()
            assert np.abs(shown(drawing)).max() < RADIUS


@pytest.mark.parametrize("turned", [20.0, -25.0, 28.0])
def test_spokes_turn_the_short_way_within_their_rim(turned: float) -> None:
    """Rim and hub lie on themselves however they turn, and do not hold the spokes back."""

    def wheel(degrees: float, more: int) -> list[Line]:
        centre = 200 + 150j
        rings = [ring(centre, radius, 40 + more) for radius in (80.0, 62.0, 14.0)]
        ways = np.exp(1j * np.radians(degrees + 60.0 * np.arange(6)))
        spokes = [centre + np.linspace(14.0, 62.0, 10 + more) * way for way in ways]
        return [
            *(line(as_points(one), cyclic=True) for one in rings),
            *(line(as_points(one)) for one in spokes),
        ]

    last = wheel(turned, 3)
    pair = matched(wheel(0.0, 0), [*last[:3], *last[5:], *last[3:5]])
    assert [partners(pair)[spoke] for spoke in range(3, 9)] == [7, 8, 3, 4, 5, 6]
    for drawn, meant in zip(on_the_way(pair, 0.49)[3:], wheel(0.49 * turned, 0)[3:], strict=True):
        assert np.abs(drawn[-1] - as_complex(meant.points)[-1]) < 2.0
