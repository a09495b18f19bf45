"""Promises of stroke matching: exact turns, resampling, order, and no false partners."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from backend import raster
from backend.layer_motion import affine
from backend.layer_motion.engine import animate_gap
from backend.layer_motion.strokes.matching.match import pair_strokes
from backend.layer_motion.strokes.morphing.morph import between
from backend.layer_motion.task import GapTask
from shared.pictures import Picture
from shared.strokes import Drawing

from ..drawn import HEIGHT, WIDTH, difference, outline, painted, strokes, turned

BODY = outline((60.0, 50.0), (20.0, 14.0))
ARM_SHAPE = np.array([[76.0, 46.0], [110.0, 44.0], [110.0, 50.0], [76.0, 52.0]])
ARM = np.concatenate(
    [np.linspace(ARM_SHAPE[i], ARM_SHAPE[(i + 1) % 4], 9, endpoint=False) for i in range(4)]
)
JOINT = np.array([78.0, 49.0])
TIMES = (0.25, 0.5, 0.75)


def picture(drawing: Drawing) -> Picture:
    """The drawing as its key shows it."""
    return raster.draw(drawing, width=WIDTH, height=HEIGHT, margin_px=80)


def task(first: Drawing, last: Drawing) -> GapTask:
    """A gap of three drawings between two stroke keys."""
    return GapTask(
        WIDTH, HEIGHT, picture(first), picture(last), TIMES,
        first_strokes=first, last_strokes=last,
    )  # fmt: skip


def test_a_known_turn_is_interpolated_exactly() -> None:
    centre = BODY.mean(axis=0)
    pair = pair_strokes(strokes(BODY), strokes(turned(BODY, centre, 80)))
    assert pair is not None
    pose = affine.evenly(pair.matrix, 0.25, centre)
    assert between(pair, pose, 0.25).points == pytest.approx(turned(BODY, centre, 20), abs=0.01)


def test_an_arm_swings_around_its_joint() -> None:
    first, last = strokes(ARM, BODY), strokes(turned(ARM, JOINT, 70), BODY)
    result = animate_gap(task(first, last))
    truth = picture(strokes(turned(ARM, JOINT, 35), BODY))
    assert result.method == "strokes"
    assert difference(result.pictures[1], truth) < 0.35 * difference(picture(first), truth)


def test_strokes_with_other_point_counts_are_resampled() -> None:
    finer = np.concatenate([np.linspace(BODY[i], BODY[(i + 1) % 120], 3)[:2] for i in range(120)])
    pair = pair_strokes(strokes(BODY), strokes(finer + 5.0))
    assert pair is not None
    assert len(pair.first.points) == len(pair.last.points)
    moved = pair.last.points - pair.first.points
    assert moved == pytest.approx(np.full_like(moved, 5.0), abs=0.5)


def test_reordered_strokes_find_their_partners_by_material() -> None:
    first = dataclasses.replace(strokes(ARM, BODY), material=np.array([3, 7], np.int32))
    last = dataclasses.replace(strokes(BODY + 2, ARM + 2), material=np.array([7, 3], np.int32))
    pair = pair_strokes(first, last)
    assert pair is not None
    assert pair.last.points == pytest.approx(pair.first.points + 2, abs=1e-3)


@pytest.mark.parametrize(
    "other",
    [
        strokes(ARM),
        dataclasses.replace(strokes(ARM, BODY), holdout=np.ones(2, np.uint8)),
        None,
    ],
)
def test_drawings_of_another_kind_are_not_matched(other: Drawing | None) -> None:
    assert pair_strokes(strokes(ARM, BODY), other) is None


def test_art_that_strokes_do_not_explain_is_bent_not_redrawn() -> None:
    first, last = strokes(BODY), strokes(turned(BODY, BODY.mean(axis=0), 30))
    textured = painted(BODY, eye=np.array([55.0, 45.0]), line_px=3.0)
    turned_eye = turned(np.array([[55.0, 45.0]]), BODY.mean(axis=0), 30)[0]
    turned_body = turned(BODY, BODY.mean(axis=0), 30)
    textured_last = painted(turned_body, eye=turned_eye, line_px=3.0)
    plain = task(first, last)
    gap = dataclasses.replace(plain, first=textured, last=textured_last)
    result = animate_gap(gap)
    halfway = turned(BODY, BODY.mean(axis=0), 15)
    eye = turned(np.array([[55.0, 45.0]]), BODY.mean(axis=0), 15)[0]
    assert result.method == "strokes"
    assert difference(result.pictures[1], painted(halfway, eye=eye, line_px=3.0)) < 0.03


def test_strokes_follow_a_trajectory() -> None:
    first, last = strokes(BODY), strokes(BODY + np.array([40.0, 0.0]))
    way = np.array([[60, 50], [70, 35], [80, 30], [90, 35], [100, 50]], np.float32)[:, None]
    result = animate_gap(dataclasses.replace(task(first, last), tracks=way))
    truth = picture(strokes(BODY + np.array([20.0, -20.0])))
    assert difference(result.pictures[1], truth) < 0.005
