"""Round and square things that turn away keep their form, wherever a second hand began them."""

from __future__ import annotations

import numpy as np
import pytest

from backend.layer_motion.strokes.layout.squash import unsquashed
from backend.layer_motion.strokes.matching.match import pair_strokes
from backend.layer_motion.strokes.shape.level import Line

from .puppet import drawing, line

RIM = np.exp(2j * np.pi * np.arange(240) / 240)


def closed(places: np.ndarray) -> Line:
    points = np.stack([np.real(places), np.imag(places)], axis=1)
    return line(points, cyclic=True, fill=(0.9, 0.7, 0.2, 1.0))


def coin(wide: float, high: float, tilt: float, start: int, count: int) -> Line:
    """An ellipse that a hand began somewhere."""
    ring = np.roll(RIM, start)[:: 240 // count]
    return closed(
        200 + 150j + np.exp(1j * tilt) * (wide * np.real(ring) + 1j * high * np.imag(ring))
    )


def sheet(wide: float, start: int, count: int) -> Line:
    """A page hinged on its left, of so many points on each side."""
    corners = np.array([0, wide + 8j, wide + 128j, 140j]) + 120 + 60j
    edges = zip(corners, np.roll(corners, -1), strict=True)
    share = np.arange(count) / count
    return closed(np.roll(np.concatenate([a + share * (b - a) for a, b in edges]), start))


@pytest.mark.parametrize("start", [0, 50, 130])
@pytest.mark.parametrize("high", [22.0, 8.0])
def test_a_coin_stays_an_ellipse(high: float, start: int) -> None:
    first, last = coin(60, 60, 0.0, 0, 60), coin(60, high, 0.2, start, 48)
    pair = pair_strokes(drawing([first]), drawing([last]))
    assert pair is not None
    points = pair.first.points, pair.last.points
    one, other = (p.astype(float) @ (1, 1j) - (200 + 150j) for p in points)
    # Squashed along its own axes, every point stays on the line across which it comes nearer.
    along = np.exp(-0.2j)
    assert np.abs(np.real(one * along) - np.real(other * along)).max() < 4.0


@pytest.mark.parametrize("start", [0, 11, 25, 40])
def test_the_corners_of_a_page_stay_its_corners(start: int) -> None:
    first, last = sheet(130, 0, 14), sheet(14, start, 12)
    pair = pair_strokes(drawing([first]), drawing([last]))
    assert pair is not None
    one, other = (p.astype(float) @ (1, 1j) for p in (pair.first.points, pair.last.points))
    corners = [(130 + 8j, 14 + 8j), (130 + 128j, 14 + 128j), (140j, 140j), (0, 0)]
    for here, there in corners:
        nearest = int(np.argmin(np.abs(one - (here + 120 + 60j))))
        assert abs(other[nearest] - (there + 120 + 60j)) < 4.0


def test_what_bends_or_has_no_area_is_left_as_it_was() -> None:
    bowed = closed(np.concatenate([100 + 8 * RIM[:120] * 1j, 180 + 30j + 8 * RIM[120:] * 1j]))
    straight = closed(np.concatenate([100 + 8 * RIM[:120], 180 + 8 * RIM[120:]]))
    flat = closed(np.linspace(100, 180, 30) + 0j)
    dot = closed(np.full(12, 100 + 100j))
    for one, other in ((bowed, flat), (flat, straight), (dot, straight), (straight, dot)):
        plain = one, other
        assert unsquashed(one, other, plain) is plain


def limb(bend: float) -> Line:
    """A forearm whose middle line is part of a circle, bent so far in radians."""
    along, across = np.linspace(-60, 60, 40), 10.0
    rows = np.concatenate([along + 1j * across, along[::-1] - 1j * across])
    if bend:
        radius = 120 / bend
        rows = (radius + np.imag(rows)) * np.exp(1j * np.real(rows) / radius) - radius
    return closed(200 + 150j + rows)


def test_a_limb_that_bends_is_not_taken_for_squashed() -> None:
    straight, bent = limb(0.0), limb(2.4)
    for one, other in ((straight, bent), (bent, straight)):
        rolled = closed(np.roll(other.points @ (1, 1j), 25))
        assert unsquashed(one, other, (one, rolled))[1] is rolled


def test_what_fits_as_it_is_stays() -> None:
    one, other = coin(60, 60, 0.0, 0, 60), coin(60, 20, 0.0, 0, 60)
    plain = one, other
    assert unsquashed(one, other, plain) is plain
