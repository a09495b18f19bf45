"""What grows does so evenly: by the same length in equal times, as a scale between two keys."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from backend.layer_motion import affine
from backend.layer_motion.strokes.shape.level import Line

from .boxes import matched, on_the_way
from .puppet import line

STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
PARTS = (-1.0, 0.0, 1.0)


def star(middle: complex, radius: float) -> Line:
    turn = np.exp(2j * np.pi * np.arange(50) / 50)
    ring = middle + radius * turn * (1 + 0.3 * np.cos(5 * np.angle(turn)))
    return line(np.stack([np.real(ring), np.imag(ring)], axis=1), cyclic=True)


def stars(apart: float, radius: float) -> list[Line]:
    return [star(240 + part * apart + 130j - 20j * part**2, radius) for part in PARTS]


def extent(ring: np.ndarray) -> float:
    return float(np.ptp(np.real(ring)))


def test_a_drawing_that_grows_is_halfway_as_large_as_both_keys_on_average() -> None:
    pair = matched(stars(30, 12), stars(90, 36))
    full = extent(np.concatenate(on_the_way(pair, 0.0)))
    sizes = [extent(np.concatenate(on_the_way(pair, step))) / full for step in STEPS]
    assert sizes == pytest.approx([1.0, 1.5, 2.0, 2.5, 3.0], abs=0.01)


def test_a_drawing_that_turns_and_shrinks_does_so_evenly() -> None:
    turned = affine.rotation_about(np.array([240.0, 120.0]), 60.0, scale=0.4)
    last = [one.placed(affine.apply(turned, one.points)) for one in stars(80, 30)]
    pair = matched(stars(80, 30), last)
    around = [
        float(np.abs(part - part.mean()).mean()) / 30.0
        for part in (on_the_way(pair, step)[0] for step in STEPS)
    ]
    ways = [later - sooner for sooner, later in pairwise(around)]
    assert ways == pytest.approx([around[-1] / 4 - around[0] / 4] * 4, abs=0.003)


@pytest.mark.parametrize("apart", [(30.0, 110.0), (110.0, 30.0)])
def test_what_parts_without_growing_keeps_its_size_and_goes_straight(
    apart: tuple[float, float],
) -> None:
    pair = matched(stars(apart[0], 20), stars(apart[1], 20))
    for step in STEPS:
        drawn = on_the_way(pair, step)
        assert [extent(one) for one in drawn] == pytest.approx([extent(drawn[1])] * 3, abs=0.3)
        away = [complex(one.mean()) - complex(drawn[1].mean()) for one in (drawn[0], drawn[2])]
        there = (1 - step) * apart[0] + step * apart[1]
        assert away == pytest.approx([-there - 20j, there - 20j], abs=0.5)
