"""Limbs: read from outlines, laid end on end, banded; and bodies that slide along themselves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from backend.layer_motion.strokes.morphing.morph import Morph
from backend.layer_motion.strokes.morphing.slide import slides_of
from backend.layer_motion.strokes.shape.complex_points import as_complex, as_points
from backend.layer_motion.strokes.shape.level import Line, begun_at, resampled, reversed_line
from backend.layer_motion.strokes.shape.limb import limb_of

from .boxes import BLUE, GREEN, area, matched, off, on_the_way, partners
from .puppet import line

LENGTH, HALF = 260.0, 9.0
Way = Callable[[np.ndarray], np.ndarray]


def wave(way: np.ndarray) -> np.ndarray:
    """A track with bends, complex, by the way along it in pixels."""
    fine = np.linspace(-200.0, 900.0, 4000)
    places = fine + 1j * (160.0 + 45.0 * np.sin(fine / 42.0))
    far = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(places)))])
    return np.interp(way, far - far[np.searchsorted(fine, 0.0)], places)


def straight(way: np.ndarray) -> np.ndarray:
    return 60.0 + way * np.exp(0.4j) + 60j


def body(
    track: Way, begin: float, count: int = 140, *, start: float = 0.0, length: float = LENGTH
) -> Line:
    """A tapering body on a track, its tail at `begin`; its outline begins at a share `start`."""
    way = np.linspace(0.0, length, count // 2)
    here = track(begin + way)
    slope = np.gradient(here)
    half = HALF * np.minimum(0.25 + way / 80.0, 1.0)
    side = 1j * slope / np.abs(slope) * half
    ring = np.concatenate([here + side, (here - side)[::-1]])
    return begun_at(line(as_points(ring), cyclic=True, fill=GREEN), start)


def band(track: Way, at: float, count: int = 24, *, start: float = 0.0) -> Line:
    """A crescent across the track, open towards the tail."""
    angle = np.linspace(0.0, 2 * np.pi, count, endpoint=False)
    flat = 5.0 * np.cos(angle) - 3.0 * np.sin(angle) ** 2 + 6j * np.sin(angle)
    place, ahead = track(np.array([at, at + 1.0]))
    ring = place + flat * (ahead - place) / abs(ahead - place)
    return begun_at(line(as_points(ring), cyclic=True, fill=BLUE), start)


def curled(bend: float, count: int, start: float = 0.0) -> Line:
    """A tail with its foot at one place, which bends by so many radians in all."""

    def way(far: np.ndarray) -> np.ndarray:
        fine = np.linspace(0.0, LENGTH, 2000)
        steps = np.exp(1j * bend * (fine / LENGTH) ** 2) * (fine[1] - fine[0])
        return np.interp(far, fine, 200.0 + 300.0j + -1j * np.cumsum(steps))

    return body(way, 0.0, count, start=start)


@pytest.mark.parametrize(("length", "is_one"), [(LENGTH, True), (90.0, True), (22.0, False)])
def test_a_limb_is_long_and_thin(length: float, is_one: bool) -> None:
    found = limb_of(body(straight, 0.0, length=length, start=0.3), 0.3)
    assert (found is not None) is is_one
    if found is not None:
        assert found.length == pytest.approx(length, rel=0.12)
        tips = {round(abs(end - straight(np.array([far]))[0])) for end in found.axis[[0, -1]]
                for far in (0.0, length)}  # fmt: skip
        assert min(tips) < 8


@pytest.mark.parametrize("open_line", [False, True])
def test_what_is_round_or_open_is_no_limb(open_line: bool) -> None:
    angle = 2 * np.pi * np.arange(60) / 60
    disc = line(as_points(200 + 150j + 60 * np.exp(1j * angle)), cyclic=True)
    rod = line(as_points(straight(np.linspace(0.0, 200.0, 40))))
    assert limb_of(rod if open_line else disc, 0.3) is None


@pytest.mark.parametrize("start", [0.0, 0.2, 0.55, 0.8])
@pytest.mark.parametrize("back", [False, True])
def test_a_tail_that_curls_keeps_its_width(start: float, back: bool) -> None:
    """By its outline alone a side of the straight one would lie on the tip of the curled one."""
    first, last = curled(0.2, 140), curled(5.0, 151, start)
    pair = matched([first], [reversed_line(last) if back else last])
    whole = abs(area(as_complex(first.points)))
    for step in (0.2, 0.4, 0.6, 0.8):
        ring = on_the_way(pair, step)[0]
        assert abs(area(ring)) == pytest.approx(whole, rel=0.2)


@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize("shift", [70.0, -55.0])
def test_a_body_goes_along_its_own_track(shift: float, copied: bool) -> None:
    first = body(wave, 60.0)
    last = body(wave, 60.0 + shift) if copied else body(wave, 60.0 + shift, 152, start=0.37)
    pair = matched([first], [last])
    for step in (0.0, 0.25, 0.5, 0.75, 1.0):
        assert off(on_the_way(pair, step)[0], body(wave, 60.0 + step * shift, 600)) < 3.0


@pytest.mark.parametrize("copied", [False, True])
def test_bands_go_along_with_their_body(copied: bool) -> None:
    places = [90.0, 125.0, 160.0, 195.0, 230.0]
    more, start = (0, 0.0) if copied else (3, 0.41)
    first = [body(wave, 0.0), *(band(wave, at) for at in places)]
    last = [body(wave, 60.0, 140 + 5 * more, start=start)]
    last += [band(wave, at + 60.0, 24 + more, start=start) for at in places]
    pair = matched(first, last)
    assert partners(pair) == {number: number for number in range(6)}
    drawn = on_the_way(pair, 0.49)
    for ring, at in zip(drawn[1:], places, strict=True):
        meant = band(wave, at + 0.49 * 60.0, 200)
        assert off(ring, meant) < 2.5
        assert abs(area(ring)) == pytest.approx(abs(area(as_complex(meant.points))), rel=0.15)


def test_bodies_that_slide_are_told_from_others() -> None:
    """What swings, grows, drifts or bends is not drawn along a track."""
    here = body(wave, 60.0)
    swung = here.placed(as_points(as_complex(here.points) * np.exp(0.5j)))
    drifted = here.placed(here.points + np.array([0.0, 40.0]))
    longer = body(straight, 0.0, length=LENGTH * 1.2)
    for first, last in (
        (here, swung),
        (here, drifted),
        (body(straight, 0.0), longer),
        (curled(0.3, 140), curled(1.5, 140)),
    ):
        assert slides_of(matched([first], [last])) == []
    assert len(slides_of(matched([here], [body(wave, 120.0)]))) == 1


def test_two_bodies_slide_each_along_its_own_track() -> None:
    def lower(way: np.ndarray) -> np.ndarray:
        return wave(way) + 120j

    pair = matched([body(wave, 0.0), body(lower, 100.0)], [body(wave, 60.0), body(lower, 40.0)])
    upper, below = on_the_way(pair, 0.5)
    assert off(upper, body(wave, 30.0, 600)) < 3.0
    assert off(below, body(lower, 70.0, 600)) < 3.0


def test_what_lies_beside_a_body_stays_out_of_its_track() -> None:
    post = line(np.array([[230.0, 20.0], [230.0, 60.0]]))
    pair = matched([body(wave, 60.0), post], [body(wave, 130.0), post])
    drawn = on_the_way(pair, 0.5)
    assert np.abs(drawn[1] - as_complex(post.points)).max() < 8.0
    assert len(Morph(pair).slid) == len(drawn[0])


@pytest.mark.parametrize("start", [0.0, 60 / 240, 150 / 240])
def test_a_hook_that_becomes_a_bow_stays_as_wide(start: float) -> None:
    """Its tip turns by more than half a turn: whichever point begins it, none goes round twice."""

    def hook(bend: float, count: int, begin: float = 0.0) -> Line:
        angle = 0.5 + bend * (np.linspace(0.0, 1.0, 120) - 0.3)
        middle = 200 + 200j + np.cumsum(np.exp(1j * angle)) * 150.0 / 120
        side = 13j * np.exp(1j * angle) * np.minimum(1.0, 0.4 + 6 * np.minimum(
            np.linspace(0.0, 1.0, 120), np.linspace(1.0, 0.0, 120)))  # fmt: skip
        ring = np.concatenate([middle + side, (middle - side)[::-1]])
        return resampled(begun_at(line(as_points(ring), cyclic=True, fill=GREEN), begin), count)

    first, last = hook(4.4, 200), hook(-1.5, 211, start)
    ring = on_the_way(matched([first], [last]), 0.5)[0]
    whole = np.sqrt(first.area * last.area)
    assert abs(area(ring)) == pytest.approx(whole, rel=0.25)


def test_a_coiled_body_is_not_torn() -> None:
    """Next to a place on it lies the next coil: how far along it is cannot be told by nearness."""

    def spiral(way: np.ndarray) -> np.ndarray:
        angle = np.linspace(0.5, 30.0, 20_000)
        places = 250 + 250j + 38.0 / (2 * np.pi) * angle * np.exp(1j * angle)
        far = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(places)))])
        return np.interp(way, far, places)

    def coil(begin: float) -> Line:
        way = np.linspace(0.0, 600.0, 200)
        here = spiral(begin + way)
        slope = np.gradient(here)
        side = 15j * slope / np.abs(slope)
        ring = np.concatenate([here + side, (here - side)[::-1]])
        return line(as_points(ring), cyclic=True, fill=GREEN)

    pair = matched([coil(300.0)], [coil(360.0)])
    for step in (0.25, 0.5, 0.75):
        assert off(on_the_way(pair, step)[0], coil(300.0 + 60.0 * step)) < 5.0


def test_a_straight_rod_needs_no_track() -> None:
    assert slides_of(matched([body(straight, 0.0)], [body(straight, 70.0)])) == []
