"""The demo's keys correspond stroke by stroke, and its guides lead from one key to the other."""

from __future__ import annotations

import numpy as np
import pytest

from examples.demo import ball, ink
from examples.demo.fox import CROUCH, LEAP, TAIL_KEYS, fox, tail, tail_rough
from examples.demo.meadow import BOTTOM, LEFT, RIGHT, TOP, meadow


def _layout(strokes: list[ink.Stroke]) -> list[tuple[int, str | None, str | None, bool]]:
    return [(len(s.points), s.line, s.fill, s.cyclic) for s in strokes]


def test_both_keys_of_the_fox_have_the_same_strokes() -> None:
    assert _layout(fox(CROUCH)) == _layout(fox(LEAP))


def test_every_pose_of_the_tail_has_the_same_strokes() -> None:
    layouts = [_layout(tail(pose)) for pose in TAIL_KEYS.values()]
    assert all(layout == layouts[0] for layout in layouts)


@pytest.mark.parametrize("frame", [1, 17])
def test_the_rough_tail_lies_on_the_painted_one_at_its_keys(frame: int) -> None:
    painted, rough = tail(TAIL_KEYS[frame])[0], tail_rough(TAIL_KEYS[frame], "#0000ff")[0]
    assert np.allclose(painted.points, rough.points[:-1])


def test_the_rough_tail_swings_wider_than_a_straight_mixture_of_its_keys() -> None:
    tips = {frame: np.array(pose.spine[-1]) for frame, pose in TAIL_KEYS.items()}
    straight = (tips[1] + tips[17]) / 2
    assert np.linalg.norm(tips[9] - straight) > 20


def test_the_ball_flies_on_an_arc() -> None:
    first, middle, last = (np.array(ball.centre(frame)) for frame in (1, 9, 17))
    assert middle[1] < (first[1] + last[1]) / 2 - 50
    assert 0 < middle[1] < 320


@pytest.mark.parametrize("frame", [1, 9, 17])
def test_the_ball_is_drawn_where_its_path_is(frame: int) -> None:
    outline = ball.ball(frame)[0].points
    assert np.allclose(outline.mean(axis=0), ball.centre(frame), atol=1e-6)


def test_the_background_reaches_beyond_a_wide_frame_with_overscan() -> None:
    points = np.concatenate([stroke.points for stroke in meadow()])
    low, high = points.min(axis=0), points.max(axis=0)
    assert (low <= [LEFT, TOP]).all()
    assert (high >= [RIGHT, BOTTOM]).all()


def test_all_drawings_are_finite_and_their_lines_never_negative() -> None:
    for stroke in [*meadow(), *fox(CROUCH), *fox(LEAP), *ball.ball(1)]:
        assert np.isfinite(stroke.points).all()
        assert (stroke.radius >= 0).all()


def test_curves_go_through_their_first_and_last_dot() -> None:
    dots = [(0.0, 0.0), (5.0, 9.0), (20.0, 3.0), (21.0, -4.0)]
    line = ink.curve(dots, 30)
    assert np.allclose(line[[0, -1]], [dots[0], dots[-1]])


def test_open_lines_taper_at_both_ends() -> None:
    radius = ink.pen([(0, 0), (10, 4), (20, 0)], "#000000").radius
    assert radius[0] < 0.5 * radius.max() > radius[-1]
