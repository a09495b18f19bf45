"""Promises of sketches and trajectories that bend strokes: nearer than pixels, and crisp."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial import KDTree

from backend import raster
from backend.layer_motion import affine, engine
from backend.layer_motion.engine import animate_gap
from backend.layer_motion.plan import gentle, open_scene
from backend.layer_motion.pose import Field, Pose
from backend.layer_motion.strokes.shape.level import Line
from backend.layer_motion.strokes.sketch import moved_points
from backend.layer_motion.task import GapTask
from shared.pictures import Picture

from .puppet import drawing, line, puppet, redrawn

WIDTH, HEIGHT = 320, 240
TIMES = (0.2, 0.4, 0.6, 0.8)


def pose(time: float) -> list[Line]:
    """The puppet on a way that no key tells: late, and over a hill."""
    hill = np.array([0.0, -18 * np.sin(np.pi * time)])
    return [one.placed(one.points + hill) for one in puppet(0.4 * time**1.5)]


def picture(lines: list[Line]) -> Picture:
    """What the camera shows of the lines."""
    return raster.draw(drawing(lines), width=WIDTH, height=HEIGHT, margin_px=160)


def pixels(shown: Picture) -> np.ndarray:
    """Premultiplied camera pixels: float32 [HEIGHT, WIDTH, 4], 0..1."""
    canvas = shown.on_canvas(WIDTH, HEIGHT).astype(np.float32) / 255
    canvas[..., :3] *= canvas[..., 3:]
    return canvas


def apart(one: Picture, other: Picture) -> float:
    """Rms difference of camera pixels, 0..1."""
    return float(np.sqrt(np.mean((pixels(one) - pixels(other)) ** 2)))


def sketch(lines: list[Line]) -> np.ndarray:
    """Line map of the lines: float32 [HEIGHT, WIDTH]."""
    return raster.draw_lines(drawing(lines), width=WIDTH, height=HEIGHT, line_px=2.0)


def gap(moments: tuple[int, ...], last: list[Line] | None) -> GapTask:
    """A gap with sketches at some moments, with strokes."""
    return GapTask(
        WIDTH,
        HEIGHT,
        picture(pose(0.0)),
        None if last is None else picture(last),
        TIMES,
        sketches={m: sketch(pose(m / 5)) for m in moments},
        first_strokes=drawing(pose(0.0)),
        last_strokes=None if last is None else drawing(last),
    )


def mean_apart(task: GapTask) -> float:
    """Mean difference of all in-betweens from the truth."""
    shown = animate_gap(task).pictures
    return float(np.mean([apart(p, picture(pose(t))) for p, t in zip(shown, TIMES, strict=True)]))


@pytest.mark.parametrize("moments", [(1, 2, 3, 4), (2, 4)])
def test_sketches_bend_matched_strokes_better_than_pixels(moments: tuple[int, ...]) -> None:
    task = gap(moments, redrawn(pose(1.0), 3, split=1))
    raster_only = replace(task, first_strokes=None, last_strokes=None)
    assert mean_apart(task) < 0.85 * mean_apart(raster_only)
    assert mean_apart(task) < 0.033


def test_a_sketch_of_one_arm_moves_that_arm_only() -> None:
    arm = (9, 10, 11)

    def raised(time: float) -> list[Line]:
        lines = puppet(0.4 * time)
        turn = affine.rotation_about(lines[arm[0]].points[0], -60 * np.sin(np.pi * time))
        return [
            one.placed(affine.apply(turn, one.points)) if stroke in arm else one
            for stroke, one in enumerate(lines)
        ]

    pace = gentle(np.array([0.0, *TIMES, 1.0]))
    task = replace(
        gap((), None),
        first=picture(raised(0.0)),
        last=picture(raised(1.0)),
        sketches={m: sketch([raised(pace[m])[i] for i in arm]) for m in (1, 2, 3, 4)},
        first_strokes=drawing(raised(0.0)),
        last_strokes=drawing(raised(1.0)),
    )
    for shown, time in zip(animate_gap(task).pictures, pace[1:-1], strict=True):
        assert apart(shown, picture(raised(float(time)))) < 0.02


def leaf(belly_px: float, shift: tuple[float, float]) -> list[Line]:
    """A closed outline whose lower side bulges."""
    around = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    x, y = 160 + 110 * np.cos(around), 110 + 26 * np.sin(around)
    y += belly_px * np.exp(-(((x - 185) / 40) ** 2)) * (np.sin(around) > 0)
    points = np.stack([x, y], axis=1) + np.array(shift)
    return [line(points, cyclic=True, fill=(0.9, 0.8, 0.6, 1.0))]


@pytest.mark.parametrize("belly_px", [20, 30])
def test_a_sketch_that_bends_far_is_followed_all_the_way(belly_px: float) -> None:
    first, last, wanted = leaf(0, (0, 0)), leaf(0, (30, 6)), leaf(belly_px, (15, 3))
    task = replace(
        gap((), None),
        first=picture(first),
        last=picture(last),
        times=(0.25, 0.5, 0.75),
        sketches={2: sketch(wanted)},
        first_strokes=drawing(first),
        last_strokes=drawing(last),
    )
    drawn = animate_gap(task).strokes[1]
    assert drawn is not None
    ring = np.concatenate([drawn.points, drawn.points[:1]])
    dense = np.concatenate([np.linspace(a, b, 9) for a, b in pairwise(ring)])
    assert KDTree(dense).query(wanted[0].points)[0].max() < 2.0


def test_strokes_that_lie_on_each_other_follow_one_line_of_a_sketch_together() -> None:
    """Fingers of a flat hand: the rough shows one line where there are several."""
    first, last, wanted = leaf(0, (0, 0)), leaf(0, (30, 6)), leaf(9, (15, 3))
    task = replace(
        gap((), None),
        first=picture(3 * first),
        last=picture(3 * last),
        times=(0.25, 0.5, 0.75),
        sketches={2: sketch(wanted)},
        first_strokes=drawing(3 * first),
        last_strokes=drawing(3 * last),
    )
    drawn = animate_gap(task).strokes[1]
    assert drawn is not None
    bellies = [float(ring[:, 1].max()) for ring in np.split(drawn.points, drawn.offsets[1:-1])]
    assert bellies == pytest.approx([float(wanted[0].points[:, 1].max())] * 3, abs=2.0)


@pytest.mark.parametrize("moment", [1, 2])
def test_one_sketch_near_a_key_throws_the_art_no_farther_than_any_sketch_would(
    moment: int,
) -> None:
    times = tuple(n / 11 for n in range(1, 11))
    still, lifted = leaf(0, (0, 0)), leaf(0, (0, -25))
    task = replace(
        gap((), None),
        first=picture(still),
        last=picture(still),
        times=times,
        sketches={moment: sketch(lifted)},
        first_strokes=drawing(still),
        last_strokes=drawing(still),
    )
    rise = [float(d.points[:, 1].mean()) for d in animate_gap(task).strokes if d is not None]
    height = float(np.concatenate([one.points for one in still])[:, 1].mean()) - np.array(rise)
    assert height[moment - 1] == pytest.approx(25, abs=2)
    assert height.max() < 1.1 * 25


def test_strokes_of_one_key_follow_sketches_as_drawings() -> None:
    task = gap((1, 2, 3, 4), None)
    plan = engine.make_plan(open_scene(task, lambda: None))
    assert plan.method == "sketch"
    assert all(step.drawing is not None for step in plan.steps)
    assert mean_apart(task) < 1.1 * mean_apart(replace(task, first_strokes=None))


def test_strokes_of_one_key_turn_with_a_trajectory_as_drawings() -> None:
    start = np.array([[120.0, 80.0], [180.0, 80.0]])
    centre = np.array([150.0, 150.0])
    turns = [affine.rotation_about(centre, 40 * t) for t in (0.0, *TIMES)]
    tracks = np.stack([affine.apply(turn, start) for turn in turns]).astype(np.float32)
    task = replace(gap((), None), tracks=tracks)
    result = animate_gap(task)
    assert result.method == "trajectory"
    for shown, turn in zip(result.pictures, turns[1:], strict=True):
        truth = [one.placed(affine.apply(turn, one.points)) for one in pose(0.0)]
        assert apart(shown, picture(truth)) < 0.004


def test_art_that_its_strokes_do_not_show_is_bent_as_pixels() -> None:
    other = picture([one.placed(one.points * 0.6 + 60) for one in pose(0.0)])
    task = replace(gap((1, 3), None), first=other)
    plan = engine.make_plan(open_scene(task, lambda: None))
    assert all(step.drawing is None for step in plan.steps)


def test_points_land_where_a_pose_shows_them() -> None:
    rows, columns = np.mgrid[0:24, 0:32]
    offsets = np.stack([3 * np.sin(rows / 5), 2 * np.cos(columns / 6)], axis=2).astype(np.float32)
    field = Field(offsets, 0.0, 0.0, (10.0, 10.0))
    turned = Pose(affine.rotation_about(np.array([160.0, 120.0]), 20), field)
    points = np.random.default_rng(0).uniform(60, 180, (200, 2))
    moved = moved_points(turned, points)
    shift = field.at(moved[None].astype(np.float32))[0]
    back = affine.apply(np.linalg.inv(turned.forward), moved + shift)
    assert back == pytest.approx(points, abs=0.05)


def test_roughs_that_say_what_the_keys_say_do_not_make_lines_tremble() -> None:
    pace = gentle(np.array([0.0, *TIMES, 1.0]))
    chance = np.random.default_rng(5)

    def rough(lines: list[Line]) -> list[Line]:
        return [one.placed(one.points + chance.normal(0, 1.5, one.points.shape)) for one in lines]

    def straight(time: float) -> list[Line]:
        return puppet(0.3 * time)

    task = replace(
        gap((), None),
        first=picture(straight(0.0)),
        last=picture(straight(1.0)),
        sketches={m: sketch(rough(straight(float(pace[m])))) for m in (1, 2, 3, 4)},
        first_strokes=drawing(straight(0.0)),
        last_strokes=drawing(straight(1.0)),
    )
    for drawn, time in zip(animate_gap(task).strokes, pace[1:-1], strict=True):
        assert drawn is not None
        truth = np.concatenate([one.points for one in straight(float(time))])
        away = np.asarray(KDTree(truth).query(drawn.points)[0])
        assert float(away.mean()) < 1.0
