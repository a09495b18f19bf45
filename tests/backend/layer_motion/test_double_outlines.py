"""Promises for art of two keys that disagree: one drawing at a time, seldom both at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from backend.layer_motion.double_outlines import doubled
from backend.layer_motion.engine import animate_gap
from backend.layer_motion.pose import AT_REST
from backend.layer_motion.task import GapTask
from backend.layer_motion.warp import frame_limit, prepare, sample
from shared.pictures import Picture

from .drawn import HEIGHT, WIDTH, outline, painted
from .heads import face

TIMES = tuple(step / 16 for step in range(1, 16))


def mixtures(first: Picture, last: Picture, pictures: Sequence[Picture]) -> list[int]:
    """Numbers of the pictures that show what is neither of one key nor of the other.

    For keys of the same silhouette that stay where they are.
    """
    ends = [key.on_canvas(WIDTH, HEIGHT).astype(int) for key in (first, last)]
    apart = np.abs(ends[0] - ends[1]).max(axis=2) > 60
    found = []
    for number, picture in enumerate(pictures):
        shown = picture.on_canvas(WIDTH, HEIGHT).astype(int)
        nearest = np.minimum(*(np.abs(shown - end).max(axis=2) for end in ends))
        if (nearest[apart] > 25).mean() > 0.25:
            found.append(number)
    return found


def test_a_face_that_turns_is_two_faces_for_two_pictures_at_most() -> None:
    first, last = Picture(face(-0.8)), Picture(face(0.8))
    task = GapTask(WIDTH, HEIGHT, first, last, TIMES)
    shown = animate_gap(task).pictures
    assert len(mixtures(first, last, shown)) <= 2  # 7 where one gives way to the other evenly
    assert mixtures(first, last, animate_gap(task, crisp=True).pictures) == []


@pytest.mark.parametrize("times", [(0.5,), (1 / 3, 2 / 3)])
def test_in_a_gap_of_one_or_two_pictures_no_two_keys_are_mixed(times: tuple[float, ...]) -> None:
    first, last = Picture(face(-0.8)), Picture(face(0.8))
    shown = animate_gap(GapTask(WIDTH, HEIGHT, first, last, times)).pictures
    assert mixtures(first, last, shown) == []


def test_a_long_gap_is_mixed_for_no_more_than_three_pictures() -> None:
    first, last = Picture(face(-0.8)), Picture(face(0.8))
    times = tuple(step / 48 for step in range(1, 48))
    shown = animate_gap(GapTask(WIDTH, HEIGHT, first, last, times)).pictures
    assert len(mixtures(first, last, shown)) <= 3


def test_what_the_keys_agree_on_gives_way_evenly() -> None:
    """A shade that differs, and an outline that does not: nobody wants it to jump."""
    first = painted(outline((80, 48), (30, 22)))
    darker = first.pixels.copy()
    darker[..., 0] = darker[..., 0] * 0.6
    shown = animate_gap(GapTask(WIDTH, HEIGHT, first, replace(first, pixels=darker), TIMES))
    reds = [picture.on_canvas(WIDTH, HEIGHT)[48, 80, 0] for picture in shown.pictures]
    steps = -np.diff(np.array(reds, int))
    assert steps.max() < 2.5 * (reds[0] - reds[-1]) / 8  # the middle half of 15 pictures


@pytest.mark.parametrize(("apart_px", "apart"), [(0.0, False), (0.3, False), (4.0, True)])
def test_outlines_are_doubled_where_they_lie_side_by_side(apart_px: float, *, apart: bool) -> None:
    arts = [
        prepare(painted(outline((70 + shift, 48), (30, 22))), WIDTH, HEIGHT)
        for shift in (0.0, apart_px)
    ]
    limit = frame_limit(WIDTH, HEIGHT, *arts)
    first, last = (sample(art, AT_REST, limit) for art in arts)
    assert doubled(first, last, HEIGHT) == float(apart)
