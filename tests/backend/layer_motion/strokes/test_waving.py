"""Waves that travel through lines that stay: ropes, hems, ribbons and flags."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from backend.layer_motion.strokes.morphing.morph import Morph
from backend.layer_motion.strokes.morphing.travelling import side_of, travelling
from backend.layer_motion.strokes.shape.complex_points import as_complex, as_points
from backend.layer_motion.strokes.shape.level import Line, begun_at, reversed_line

from .boxes import BLUE, RED, matched, off, on_the_way
from .puppet import line

STEPS = (0.0, 0.2, 0.5, 0.7, 1.0)
LENGTH, HEIGHT, WAVES = 240.0, 14.0, 1.4


def swing(along: np.ndarray, phase: float, *, waves: float = WAVES) -> np.ndarray:
    """Heights at ways along a line; it hardly swings at its root."""
    share = along / LENGTH
    return HEIGHT * (0.2 + 0.8 * share) * np.cos(2 * np.pi * waves * share - phase)


def rope(phase: float, count: int = 90, **options: float) -> Line:
    along = np.linspace(0.0, LENGTH, count)
    return line(as_points(40.0 + along + 1j * (120.0 + swing(along, phase, **options))))


def ribbon(phase: float, count: int = 160, start: float = 0.0, half: float = 6.0) -> Line:
    """A band with square ends, as wide everywhere."""
    along = np.linspace(0.0, LENGTH, count // 2)
    axis = 40.0 + along + 1j * (120.0 + swing(along, phase))
    slope = np.gradient(axis)
    side = 1j * slope / np.abs(slope) * half
    ring = np.concatenate([axis + side, (axis - side)[::-1]])
    return begun_at(line(as_points(ring), cyclic=True, fill=RED), start)


def hem(phase: float, count: int = 70, start: float = 0.0) -> Line:
    """A curtain: three straight edges that stay, the lowest one waves."""
    along = np.linspace(0.0, LENGTH, count)
    lower = 40.0 + along + 1j * (200.0 + HEIGHT * np.cos(4 * np.pi * along / LENGTH - phase))
    down = np.linspace(80.0, float(np.imag(lower[0])), 8)[:-1]
    up = np.linspace(float(np.imag(lower[-1])), 80.0, 8)[1:]
    across = np.linspace(LENGTH, 0.0, 9)[1:-1]
    ring = np.concatenate([40 + 1j * down, lower, 40 + LENGTH + 1j * up, 40 + across + 80j])
    return begun_at(line(as_points(ring), cyclic=True, fill=BLUE), start)


@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize("phase", [1.0, 1.8, -1.5])
def test_a_wave_travels_along_a_rope_at_its_full_height(phase: float, copied: bool) -> None:
    """Mixed point by point it would sink by 5 px of 14 half way."""
    last = rope(phase) if copied else reversed_line(rope(phase, 103))
    pair = matched([rope(0.0)], [last])
    for step in STEPS:
        assert off(on_the_way(pair, step)[0], rope(step * phase)) < 2.0


@pytest.mark.parametrize("start", [0.0, 0.3])
@pytest.mark.parametrize(("phase", "most"), [(1.5, 3.0), (-1.9, 6.0)])
def test_a_ribbon_keeps_its_width_while_it_waves(phase: float, most: float, start: float) -> None:
    """On their own its sides would be apart by twice its width half way."""
    pair = matched([ribbon(0.0)], [ribbon(phase, 171, start)])
    for step in STEPS:
        assert off(on_the_way(pair, step)[0], ribbon(step * phase, 600)) < most


def test_a_knot_stays_as_high_while_a_wave_goes_through() -> None:
    """Taken for a part of the wave, it would be almost three times as high half way."""

    def knotted(phase: float) -> Line:
        bare = rope(phase, 120)
        there = np.exp(-(((bare.points[:, 0] - 160.0) / 10.0) ** 2))
        return bare.placed(bare.points + 8.0 * there[:, None] * [0.0, 1.0])

    pair = matched([knotted(0.0)], [knotted(2.2)])
    for step in STEPS:
        assert off(on_the_way(pair, step)[0], knotted(step * 2.2)) < 2.0


def test_a_line_drawn_there_and_back_waves() -> None:
    """A ribbon of no width."""

    def drawn(phase: float) -> Line:
        there = rope(phase).points
        return line(np.concatenate([there, there[::-1]]), cyclic=True)

    pair = matched([drawn(0.0)], [drawn(1.5)])
    for step in STEPS:
        assert off(on_the_way(pair, step)[0], rope(step * 1.5)) < 2.0


def test_only_the_hem_of_a_curtain_waves() -> None:
    pair = matched([hem(0.0)], [hem(1.6, 77, 0.45)])
    for step in STEPS:
        ring = on_the_way(pair, step)[0]
        assert off(ring, hem(1.6 * step, 500)) < 1.5
        assert np.imag(ring).min() == pytest.approx(80.0, abs=0.4)


def broad(phase: float, count: int = 120) -> list[Line]:
    """A flag of two stripes, too broad for an axis, whose edges go up and down."""
    along = np.linspace(0.0, LENGTH, count // 2)

    def stripe(top: float) -> Line:
        upper = 40.0 + along + 1j * (top + swing(along, phase))
        return line(as_points(np.concatenate([upper, (upper + 60j)[::-1]])), cyclic=True, fill=RED)

    return [stripe(60.0), stripe(120.0)]


def test_all_edges_of_a_flag_go_with_one_wave() -> None:
    pair = matched(broad(0.0), broad(2.2, 131))
    for step in STEPS:
        rings = on_the_way(pair, step)
        for ring, meant in zip(rings, broad(2.2 * step, 600), strict=True):
            assert off(ring, meant) < 3.0


def test_a_rope_stays_in_the_hand_that_swings_it() -> None:
    """Where a wave's line hangs on something that goes its own way, it goes along."""

    def drawn(phase: float, lift: float) -> list[Line]:
        hand = 30.0 + 120.0j + 12 * np.exp(2j * np.pi * np.arange(30) / 30) + 1j * lift
        held = rope(phase)
        root = held.points[0] - np.array([40.0, 120.0])
        return [
            line(as_points(hand), cyclic=True, fill=BLUE),
            held.placed(held.points - root + np.array([0.0, lift])),
        ]

    pair = matched(drawn(0.0, 0.0), drawn(1.5, 60.0))
    for step in STEPS:
        hand, held = on_the_way(pair, step)
        assert np.abs(hand - held[0]).min() < 3.0


def arc(bend: float, count: int = 40) -> Line:
    along = np.linspace(-1.0, 1.0, count)
    return line(as_points(150.0 + 80 * along + 1j * (120.0 + bend * along**2)))


def waves_in(first: Line, last: Line) -> bool:
    return Morph(matched([first], [last])).waving is not None


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (arc(30.0), arc(-25.0)),  # a mouth that turns down
        (rope(0.0), rope(0.4)),  # hardly any way
        (rope(0.0), rope(np.pi)),  # all the same forward and back
        (rope(0.0, waves=0.3), rope(1.5, waves=0.3)),  # a bend, not a wave
    ],
)
def test_what_only_bends_does_not_wave(first: Line, last: Line) -> None:
    assert not waves_in(first, last)


def test_what_stretches_does_not_wave() -> None:
    last = rope(1.5)
    wide = last.placed(last.points * np.array([1.6, 1.0]))
    assert waves_in(rope(0.0), last)
    assert not waves_in(rope(0.0), wide)


def test_a_wave_that_gets_higher_by_far_is_none() -> None:
    last = rope(1.5)
    flat = last.placed(np.array([0.0, 120.0]) + (last.points - [0.0, 120.0]) * [1.0, 0.3])
    assert not waves_in(rope(0.0), flat)


@pytest.mark.parametrize("draw", [rope, ribbon])
def test_both_keys_are_met(draw: Callable[..., Line]) -> None:
    pair = matched([draw(0.0)], [draw(1.7, 130)])
    for step, key in ((0.0, pair.first), (1.0, pair.last)):
        drawn = on_the_way(pair, step)[0]
        assert np.abs(drawn - as_complex(key.points.astype(float))).max() < 0.6


def test_a_wave_is_found_with_its_phase() -> None:
    side = side_of((as_complex(rope(0.0).points), as_complex(rope(1.3).points)))
    assert side is not None
    (wave,) = travelling([side], least_phase=0.7, least_waves=0.8)
    assert wave.phase == pytest.approx(1.3, abs=0.15)
    assert not travelling([side], least_phase=1.6, least_waves=0.8)
    assert not travelling([side], least_phase=0.7, least_waves=2.5)


def test_where_further_keys_tell_the_way_only_long_waves_are_taken_over() -> None:
    """Up to there the way through several keys is as near, and knows when the wave slows down."""
    for phase, is_one in ((1.5, False), (2.3, True)):
        pair = matched([rope(0.0)], [rope(phase)])
        assert (Morph(pair, by_flow=True).waving is not None) is is_one


def test_a_way_through_several_keys_leads_a_waving_line_but_does_not_bend_it() -> None:
    pair = matched([hem(0.0)], [hem(1.6)])
    found = Morph(pair).waving
    assert found is not None
    assert len(found.still)
    heights = np.where(np.arange(len(pair.first.points)) % 2, 6.0, 2.0)
    led = found.led(np.stack([heights, heights], axis=1))
    assert not led[found.still].any()
    (part,) = found.parts
    assert led[part.points] == pytest.approx(4.0, abs=0.6)


def test_the_root_of_a_rope_stays_where_both_keys_show_it() -> None:
    def rooted(phase: float) -> Line:
        drawn = rope(phase)
        share = np.linspace(0.0, 1.0, len(drawn.points))
        heights = 120.0 + (drawn.points[:, 1] - 120.0) * np.minimum(1.0, 4.0 * share)
        return drawn.placed(np.stack([drawn.points[:, 0], heights], axis=1))

    pair = matched([rooted(0.0)], [rooted(2.2)])
    assert Morph(pair).waving is not None
    for step in STEPS:
        assert abs(on_the_way(pair, step)[0][0] - (40 + 120j)) < 0.5
