"""Promises for a drawing that is seen from its edge at a key: it turns there, and does not fade."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend import raster
from backend.layer_motion import notes
from backend.layer_motion.engine import animate_gap
from backend.layer_motion.task import GapTask
from shared.strokes import Drawing

from ..drawn import outline, strokes

WIDTH, HEIGHT = 320, 240
TIMES = (0.25, 0.5, 0.75)


def door(open_share: float, fingers: int = 0) -> Drawing:
    """A panelled door 80 px wide when shut, hinged on its left; a hand may hold it."""
    across = 80 * np.cos(np.pi / 2 * open_share)

    def board(left: float, top: float, right: float, bottom: float) -> np.ndarray:
        side = np.linspace(0, 1, 8)[:, None]
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        edges = zip(corners, np.roll(corners, -1, axis=0), strict=True)
        points = np.concatenate([one + side * (other - one) for one, other in edges])
        return points * (across / 80, 1.0) + (110.0, 40.0)

    boards = [board(0, 0, 80, 150), board(12, 14, 68, 66), board(12, 84, 68, 136)]
    held = [board(70, 60 + 9 * n, 84, 66 + 9 * n) for n in range(fingers)]
    return strokes(*boards, *held)


def gap(first: Drawing, last: Drawing) -> GapTask:
    shown = [raster.draw(key, width=WIDTH, height=HEIGHT, margin_px=160) for key in (first, last)]
    task = GapTask(WIDTH, HEIGHT, shown[0], shown[1], TIMES)
    return replace(task, first_strokes=first, last_strokes=last)


def widths(task: GapTask) -> list[float]:
    """How wide the drawing is from picture to picture; all of strokes that do not fade."""
    result = animate_gap(task)
    assert notes.FADES_OUT not in result.notes
    found = [drawing for drawing in result.strokes if drawing is not None]
    assert len(found) == len(TIMES)
    boards = [slice(*drawing.offsets[:2]) for drawing in found]
    pairs = zip(found, boards, strict=True)
    return [float(np.ptp(drawing.points[board, 0])) for drawing, board in pairs]


def test_a_door_turns_until_it_is_seen_from_its_edge() -> None:
    assert widths(gap(door(0.3), door(1.0))) == sorted(
        widths(gap(door(0.3), door(1.0))), reverse=True
    )


def test_it_does_so_with_a_hand_that_lets_go() -> None:
    """Its strokes alone have no partner; once, the whole door faded where it stood."""
    alone, held = (widths(gap(door(0.3, fingers=n), door(1.0))) for n in (0, 3))
    assert np.allclose(alone, held, atol=4.0)
    assert held[0] > 30 > held[2]


def test_a_key_whose_strokes_are_no_part_of_the_drawing_shows_nothing_of_it() -> None:
    """Specks alone are no door seen from its edge: the door fades out."""
    specks = [np.array([[30.0, 200], [31, 200], [31, 201], [30, 201]]) + 9 * n for n in range(2)]
    assert notes.FADES_OUT in animate_gap(gap(door(0.3), strokes(*specks))).notes


def test_what_opens_from_next_to_nothing_is_drawn_though_a_part_of_it_has_no_partner() -> None:
    """An umbrella: folded it covers a tenth, and its rim is not seen."""
    middle = np.array([160.0, 100.0])

    def gores(wide: float) -> list[np.ndarray]:
        return [outline((160 + wide * n, 100), (0.5 * wide, 60), 0.0) for n in (-1, 0, 1)]

    rim = outline((middle[0], 165), (70, 6), 0.0)
    task = gap(strokes(*gores(6)), strokes(rim, *gores(60)))
    result = animate_gap(task)
    assert result.method == "strokes"
    spans = [float(np.ptp(d.points[d.opacity > 0, 0])) for d in result.strokes if d is not None]
    assert spans == sorted(spans)
    assert 30 < spans[0] < 100


def test_a_rough_on_the_way_to_the_edge_is_followed_and_left_again() -> None:
    """Once, the door stood still from the rough to the key at which it is seen from its edge."""
    first, last = door(0.3), door(0.97)
    lines = raster.draw_lines(door(0.5), width=WIDTH, height=HEIGHT, line_px=2.0)
    wide = widths(replace(gap(first, last), sketches={2: lines}))
    told = [float(np.ptp(door(share).points[:8, 0])) for share in (0.3, 0.5, 0.97)]
    assert abs(wide[1] - told[1]) < 4.0
    assert told[0] > wide[0] > wide[1] + 2
    assert wide[1] - 8 > wide[2] > told[2]
