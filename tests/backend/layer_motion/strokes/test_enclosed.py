"""What lies in a shape that closes or opens goes and comes with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend import raster
from backend.layer_motion.engine import animate_gap
from backend.layer_motion.task import GapTask
from shared.strokes import Drawing

from ..drawn import strokes

WIDTH, HEIGHT = 320, 240
TIMES = (0.25, 0.5, 0.75)
MOUTH = np.array([160.0, 150.0])


def oval(middle: np.ndarray, wide: float, high: float, count: int) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return middle + np.stack([wide * np.cos(angle), high * np.sin(angle)], axis=1)


def face(open_px: float, *, teeth: bool) -> Drawing:
    """A face with a mouth so far open, and teeth at the upper lip."""
    lines = [oval(np.array([160.0, 120]), 70, 90, 60), oval(MOUTH, 30, open_px, 40)]
    if teeth:
        lines.append(oval(MOUTH - (0, 0.5 * open_px), 16, 0.25 * open_px, 24))
    return strokes(*lines)


def in_betweens(first: Drawing, last: Drawing) -> list[Drawing]:
    shown = [raster.draw(key, width=WIDTH, height=HEIGHT, margin_px=160) for key in (first, last)]
    task = GapTask(WIDTH, HEIGHT, shown[0], shown[1], TIMES, first_strokes=first, last_strokes=last)
    found = [drawing for drawing in animate_gap(task).strokes if drawing is not None]
    assert len(found) == len(TIMES)
    return found


def shown_teeth(drawing: Drawing) -> np.ndarray | None:
    """Points of the teeth, None where they are not to be seen."""
    (number,) = np.flatnonzero(np.diff(drawing.offsets) == 24)
    span = slice(*drawing.offsets[number : number + 2])
    return drawing.points[span] if drawing.opacity[span].max() > 0 else None


@pytest.mark.parametrize("opens", [False, True])
def test_teeth_stay_in_a_mouth_until_it_is_shut(opens: bool) -> None:
    keys = face(30.0, teeth=True), face(2.0, teeth=False)
    drawn = in_betweens(*keys[::-1]) if opens else in_betweens(*keys)
    heights: list[float] = []
    for drawing in drawn:
        teeth = shown_teeth(drawing)
        assert teeth is not None
        mouth = drawing.points[60:100]
        heights.append(float(np.ptp(teeth[:, 1])) / float(np.ptp(mouth[:, 1])))
        assert mouth[:, 1].min() - 1 < teeth[:, 1].min()
        assert teeth[:, 1].max() < mouth[:, 1].max() + 1
    assert heights == pytest.approx([0.25] * 3, abs=0.08)


@pytest.mark.parametrize("mouth", [(30.0, 24.0), (30.0, 30.0)])
def test_teeth_leave_an_open_mouth_at_half_way(mouth: tuple[float, float]) -> None:
    drawn = in_betweens(face(mouth[0], teeth=True), face(mouth[1], teeth=False))
    assert [shown_teeth(drawing) is not None for drawing in drawn] == [True, False, False]


def test_what_lies_outside_of_a_mouth_leaves_at_half_way() -> None:
    first, last = face(30.0, teeth=True), face(2.0, teeth=False)
    tear = first.points.copy()
    tear[100:] += (0.0, -90.0)
    drawn = in_betweens(replace(first, points=tear), last)
    assert [shown_teeth(drawing) is not None for drawing in drawn] == [True, False, False]


@pytest.mark.parametrize("share", [0.5, 0.3])
def test_a_mouth_that_goes_far_away_with_its_face_does_not_close(share: float) -> None:
    first, last = face(30.0, teeth=True), face(30.0, teeth=False)
    far = (last.points - MOUTH) * share + MOUTH
    drawn = in_betweens(first, replace(last, points=far.astype(np.float32)))
    assert [shown_teeth(drawing) is not None for drawing in drawn] == [True, False, False]
