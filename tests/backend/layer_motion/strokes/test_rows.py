"""Rows of things that are like each other keep their places, and go with what they lie on."""

from __future__ import annotations

import numpy as np
import pytest

from backend.layer_motion.strokes.shape.level import Line

from .boxes import BLUE, GREEN, face, matched, partners
from .puppet import line

RIM = np.exp(2j * np.pi * np.arange(24) / 24)
ORDERS = ([0, 2, 1, 3], [3, 2, 1, 0], [1, 2, 3, 0])


def loop(places: np.ndarray, fill: tuple[float, float, float, float]) -> Line:
    points = np.stack([np.real(places), np.imag(places)], axis=1)
    return line(points, cyclic=True, fill=fill)


def coat(order: list[int], shift: float) -> list[Line]:
    """A coat with a collar, and four buttons drawn in this order."""
    body = [150 + 60j, 250 + 60j, 270 + 240j, 130 + 240j]
    collar = [170 + 50j, 230 + 50j, 200 + 80j]
    cloth = [
        face([corner + shift for corner in body]),
        face([corner + shift for corner in collar], fill=GREEN),
    ]
    return cloth + [loop(200 + shift + (95 + 38 * n) * 1j + 4 * RIM, BLUE) for n in order]


@pytest.mark.parametrize("order", ORDERS)
def test_buttons_of_a_coat_that_are_drawn_in_another_order_keep_their_places(
    order: list[int],
) -> None:
    pair = matched(coat([0, 1, 2, 3], 0.0), coat(order, 25.0))
    assert partners(pair) == {0: 0, 1: 1, **{n + 2: order.index(n) + 2 for n in range(4)}}


def snake(swing: float, phase: float, order: list[int], count: int) -> list[Line]:
    """A long body in one wave, and bands around it drawn in this order.

    `swing`: how steep the wave is, radians; `phase`: where the wave begins, radians.
    """
    length, gap = 300.0, 264.0 / len(order)
    way = np.linspace(0.0, length, 600)
    angle = swing * np.sin(2 * np.pi * way / length + phase)
    spine = 60 + 150j + np.concatenate([[0], np.cumsum(np.exp(1j * angle[:-1]) * np.diff(way))])

    def bent(places: np.ndarray) -> np.ndarray:
        along = np.real(places)
        middle = np.interp(along, way, np.real(spine)) + 1j * np.interp(along, way, np.imag(spine))
        return middle + 1j * np.exp(1j * np.interp(along, way, angle)) * np.imag(places)

    side = np.linspace(0.0, length, count)
    rim = np.concatenate([side + 9j, side[::-1] - 9j])
    band = np.concatenate([np.linspace(-3, 3, 6) - 7j, np.linspace(3, -3, 6) + 7j])
    return [loop(bent(rim), BLUE), *(loop(bent(30 + gap * n + band), GREEN) for n in order)]


@pytest.mark.parametrize("bands", [7, 10])
@pytest.mark.parametrize(("swing", "phase"), [(1.0, np.pi), (1.4, 1.5)])
def test_bands_on_a_body_that_bends_do_not_change_places(
    swing: float, phase: float, bands: int
) -> None:
    order = np.random.default_rng(1).permutation(bands).tolist()
    pair = matched(snake(swing, 0.0, list(range(bands)), 40), snake(swing, phase, order, 34))
    assert partners(pair) == {0: 0, **{n + 1: order.index(n) + 1 for n in range(bands)}}
