"""Rows of things that are like each other keep their places, and go with what they lie on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.layer_motion.strokes.level import Line

from .boxes import BLUE, GREEN, face, matched, partners
from .puppet import line

RIM = np.exp(2j * np.pi * np.arange(24) / 24)
ORDERS = ([0, 2, 1, 3], [3, 2, 1, 0], [1, 2, 3, 0])


def loop(places: np.ndarray, fill: tuple[float, float, float, float]) -> Line:
    points = np.stack([np.real(places), np.imag(places)], axis=1)
    return line(points, cyclic=True, fill=fill)


def coat(order: list[int], count: int, start: int, shift: float) -> list[Line]:
    """A coat with a collar, and four buttons drawn in this order."""
    body = [150 + 60j, 250 + 60j, 270 + 240j, 130 + 240j]
    collar = [170 + 50j, 230 + 50j, 200 + 80j]
    cloth = [
        face([corner + shift for corner in body], count, start=start),
        face([corner + shift for corner in collar], count, start=start, fill=GREEN),
    ]
    return cloth + [loop(200 + shift + (95 + 38 * n) * 1j + 5 * RIM, BLUE) for n in order]


@pytest.mark.parametrize("order", ORDERS)
def test_buttons_of_a_coat_that_are_drawn_in_another_order_keep_their_places(
    order: list[int],
) -> None:
    pair = matched(coat([0, 1, 2, 3], 12, 0, 0.0), coat(order, 10, 4, 25.0))
    assert partners(pair) == {0: 0, 1: 1, **{n + 2: order.index(n) + 2 for n in range(4)}}


def snake(bend: float, order: list[int], count: int, gap: float = 30.0) -> list[Line]:
    """A long body, bent by `bend` radians from its tail on, with bands drawn in this order."""
    length, half = 240.0, 11.0

    def bent(places: np.ndarray) -> np.ndarray:
        along, across = np.real(places), np.imag(places)
        if abs(bend) < 1e-6:
            return 60 + 200j + along + 1j * across
        radius = length / bend
        around = (radius + across) * np.exp(1j * (along / radius - np.pi / 2)) + 1j * radius
        return 60 + 200j + np.conj(around)

    share = np.linspace(0, 1, count)
    side = length * share
    rim = np.concatenate([side + 1j * half, side[::-1] - 1j * half])
    band = np.concatenate([np.linspace(-5, 5, 6) - 9j, np.linspace(5, -5, 6) + 9j])
    bands = [loop(bent(30 + gap * n + band), GREEN) for n in order]
    return [loop(bent(rim), BLUE), *bands]


@pytest.mark.parametrize("bend", [1.2, 1.9])
def test_bands_on_a_body_that_bends_do_not_change_places(bend: float) -> None:
    order = [3, 0, 6, 2, 5, 1, 4]
    first, last = snake(0.05, list(range(7)), 40), snake(bend, order, 34)
    pair = matched(first, [replace(one) for one in last])
    assert partners(pair) == {0: 0, **{n + 1: order.index(n) + 1 for n in range(7)}}
