"""Shapes in a row that share edges keep their order: pleats that go on, feathers that open."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backend.layer_motion.strokes.matching.in_rows import in_rows
from backend.layer_motion.strokes.shape.level import Line

from .boxes import GREEN, RED, area, face, matched, on_the_way, partners

COUNT = 12


def skirt(turn: float, points: int = 6) -> tuple[list[Line], list[int]]:
    """Pleats of a skirt that has turned by so many places, back to front, and which ones show."""
    step = 2 * math.pi / COUNT
    found: list[tuple[float, int, Line]] = []
    for pleat in range(COUNT):
        begin, end = step * (pleat + turn), step * (pleat + 1 + turn)
        front = math.cos((begin + end) / 2)
        if front < 0.05:
            continue
        corners = [
            complex(200 + reach * math.sin(angle), y + tilt * reach * math.cos(angle))
            for reach, angle, y, tilt in (
                (25, begin, 80, 0.2),
                (25, end, 80, 0.2),
                (75, end, 170, 0.22),
                (75, begin, 170, 0.22),
            )
        ]
        drawn = face(corners, points, fill=GREEN if pleat % 2 else RED, material=pleat % 2)
        found.append((front, pleat, drawn))
    found.sort(key=lambda item: item[0])
    return [line for *_, line in found], [pleat for _, pleat, _ in found]


@pytest.mark.parametrize("turn", [0.4, 0.6, -0.6, 0.75])
def test_pleats_go_on_in_their_order(turn: float) -> None:
    (first, here), (last, there) = skirt(0.0), skirt(turn, 7)
    pair = matched(first, last)
    went = {here[i]: there[j] for i, j in partners(pair).items() if min(i, j) >= 0}
    assert all(pleat == other for pleat, other in went.items())
    assert len(went) >= 5


@pytest.mark.parametrize("progress", [0.3, 0.6])
@pytest.mark.parametrize("turn", [0.6, 0.9])
def test_a_skirt_that_turns_stays_whole(turn: float, progress: float) -> None:
    """Turned by a whole place, a pleat's edge comes to lie where the next one's was: no hinge."""
    pair = matched(skirt(0.0)[0], skirt(turn, 7)[0])
    covered = sum(area(ring) for ring in on_the_way(pair, progress) if len(ring))
    whole = [sum(abs(line.area) for line in skirt(at)[0]) for at in (0.0, turn)]
    assert covered > 0.95 * min(whole)


def mixed(swapped: tuple[int, int], count: int = 5) -> tuple[np.ndarray, list[Line]]:
    panels = [
        face([complex(x, 80), complex(x + 30, 80), complex(x + 30, 180), complex(x, 180)], 8)
        for x in range(60, 60 + 30 * count, 30)
    ]
    partner = np.arange(count)
    partner[list(swapped)] = partner[list(reversed(swapped))]
    return partner, panels


def test_panels_that_changed_places_change_back() -> None:
    partner, panels = mixed((1, 3))
    found, price = in_rows((panels, panels), np.eye(3), partner, np.full(5, 0.5))
    assert found.tolist() == [0, 1, 2, 3, 4]
    assert price == pytest.approx(np.zeros(5), abs=1e-6)
    assert partner.tolist() == [0, 3, 2, 1, 4]


def test_rows_in_order_and_few_shapes_are_left_alone() -> None:
    partner, panels = mixed((0, 0))
    price = np.full(5, 0.5)
    assert in_rows((panels, panels), np.eye(3), partner, price)[1] is price
    partner, panels = mixed((0, 1), 3)
    assert in_rows((panels, panels), np.eye(3), partner, np.full(3, 0.5))[0] is partner


def test_shapes_that_lie_apart_are_no_row() -> None:
    partner, panels = mixed((1, 3))
    apart = [line.placed(line.points * (3, 1)) for line in panels]
    apart = [line.placed(line.points * (0.2, 1) + (60 * s, 0)) for s, line in enumerate(apart)]
    found, _ = in_rows((apart, apart), np.eye(3), partner, np.full(5, 0.5))
    assert found.tolist() == partner.tolist()


def test_things_that_change_places_in_a_row_do_so() -> None:
    """Books of other heights on a shelf touch each other, too."""

    def shelf(heights: list[int]) -> list[Line]:
        return [
            face(
                [
                    complex(x, 180 - h),
                    complex(x + 30, 180 - h),
                    complex(x + 30, 180),
                    complex(x, 180),
                ]
            )
            for x, h in zip(range(60, 240, 30), heights, strict=True)
        ]

    pair = matched(shelf([100, 60, 110, 140, 80, 120]), shelf([100, 140, 110, 60, 80, 120]))
    assert partners(pair) == {0: 0, 1: 3, 2: 2, 3: 1, 4: 4, 5: 5}
