"""Layers move as stiffly as their controls allow: plates pan, cut art is whole beyond its cut."""

from __future__ import annotations

import numpy as np

from backend.layer_motion import affine, trajectory
from backend.layer_motion.engine import animate_gap
from backend.layer_motion.line_fit import LineFitter
from backend.layer_motion.line_points import LinePoints, sketch_points
from backend.layer_motion.plan import open_scene, plan_trajectory
from backend.layer_motion.sketch_fit import plan_sketch
from backend.layer_motion.task import GapTask
from shared.pictures import Picture

from .drawn import HEIGHT, WIDTH, middle, outline, painted, premultiplied, sketched

FRAME = (float(WIDTH), float(HEIGHT))
PLATE = trajectory.Extent(54.0, (WIDTH, HEIGHT))
OBJECT = trajectory.Extent(30.0)
WINDOW = outline((50.0, 30.0), (16.0, 12.0))
SIGN = outline((105.0, 60.0), (14.0, 9.0))


def read(*lines: np.ndarray) -> LinePoints:
    """A sketch's points at full size."""
    return sketch_points(sketched(*lines), 1.0)


def wall(shift_px: float = 0.0) -> Picture:
    """A wall that fills the frame, with two things on it."""
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.float32)
    pixels[..., :3], pixels[..., 3] = 0.7, 1.0
    for line in (WINDOW, SIGN):
        art = premultiplied(painted(line + np.array([shift_px, 0.0])))
        pixels = art + pixels * (1 - art[..., 3:])
    return Picture(np.rint(pixels * 255).astype(np.uint8))


def test_a_plate_pans_and_does_not_bend_after_lines_that_stray() -> None:
    pan = np.array([-8.0, 0.0])
    rng = np.random.default_rng(2)
    clean = read(WINDOW + pan, SIGN + pan)
    stray = rng.normal(0, 0.6, clean.place.shape)
    target = LinePoints(clean.place + stray, clean.heading, clean.per_px)
    lines = LineFitter(read(WINDOW, SIGN), FRAME, is_plate=True)
    moved = lines.follow(lines.source, target).moved
    similar = affine.apply(affine.fit_similarity(lines.source, moved), lines.source)
    assert np.abs(moved - similar).max() < 1e-6
    assert np.abs(moved - lines.source - pan).max() < 0.4


def test_the_frames_border_is_no_line_of_a_plate() -> None:
    sketches = {m: sketched(WINDOW - [3.0 * m, 0.0], SIGN - [3.0 * m, 0.0]) for m in range(4)}
    task = GapTask(WIDTH, HEIGHT, wall(), None, (0.3, 0.6, 1.0), sketches=sketches)
    plan = plan_sketch(open_scene(task, lambda: None))
    assert plan is not None
    for moment, step in enumerate(plan.steps, start=1):
        assert step.from_first is not None
        assert step.from_first.reach < 0.5
        assert np.allclose(step.from_first.forward, affine.translation(-3.0 * moment, 0), atol=0.4)


def test_what_the_border_cut_has_no_partner_where_more_of_it_comes_in() -> None:
    whole = read(outline((10.0, 48.0), (26.0, 16.0)))
    shown = whole.place[:, 0] > 0
    source = LinePoints(whole.place[shown], whole.heading[shown])
    lines = LineFitter(source, FRAME, (0.0, -np.inf, np.inf, np.inf))
    target = read(outline((60.0, 48.0), (26.0, 16.0)))
    fit = lines.find([lines.source], target)
    assert np.abs(fit.moved - lines.source - [50.0, 0.0]).mean() < 1.0


def test_a_body_follows_its_own_point_and_not_those_of_its_limbs() -> None:
    start = np.array([[50, 50], [20, 55], [80, 30.0]])
    run = np.stack([start, start + np.array([[30, 0], [34, 10], [29, 12]])]).astype(np.float32)
    assert not trajectory.move_together(run, OBJECT)
    moves = trajectory.bulk_motion(run, np.array([0.6, 0.2, 0.2]))
    assert np.allclose(moves[1], affine.translation(30, 0))


def _body_and_limb() -> np.ndarray:
    """Points of a body that stands, and two of limbs beside it."""
    at_rest = np.array([[70, 20], [20, 75], [40, 40], [45, 50], [38, 60], [50, 45.0]])
    tracks = np.repeat(at_rest[None], 6, 0)
    for moment in range(6):
        tracks[moment, 0] += (6 * moment * (-1) ** moment, 8 * moment)
        tracks[moment, 1] += (-3 * moment, 9 * moment)
    return tracks.astype(np.float32)


def test_a_body_that_enters_or_leaves_follows_no_limb() -> None:
    body = np.zeros((96, 96, 4), np.uint8)
    body[30:70, 30:60] = (200, 60, 40, 255)
    keys = Picture(np.zeros_like(body)), Picture(body)
    times = tuple(np.linspace(0, 1, 6)[1:-1])
    for first, last in (keys, keys[::-1]):
        task = GapTask(96, 96, first, last, times, tracks=_body_and_limb())
        for step in plan_trajectory(open_scene(task, lambda: None)).steps:
            pose = step.from_first or step.from_last
            assert pose is not None
            assert np.abs(affine.apply(pose.forward, np.array([45.0, 50.0])) - (45, 50)).max() < 1


def test_of_very_many_points_only_some_are_compared() -> None:
    tracks = np.random.default_rng(0).normal(size=(4, 20_000, 2))
    some = trajectory.thinned(tracks)
    assert some.shape[1] <= 128
    assert np.array_equal(trajectory.thinned(tracks[:, :100]), tracks[:, :100])


def test_points_that_turn_and_grow_move_together_and_depths_of_a_plate_do_not() -> None:
    start = np.array([[40, 40], [90, 45], [60, 80.0]])
    zoom = affine.rotation_about(np.array([80.0, 48]), 10, 1.3)
    tracks = np.stack([start, affine.apply(zoom, start)])
    assert trajectory.move_together(tracks, PLATE)
    assert trajectory.move_together(tracks, OBJECT)
    depths = np.stack([start, start + np.array([[-30, 0], [0, 0], [0, 0]])])
    assert not trajectory.move_together(depths, PLATE)


def test_a_plate_whose_points_disagree_is_shifted_and_not_sheared() -> None:
    start = np.array([[52, 42], [8, 8], [120, 8.0]])
    way = np.array([[-20, 0], [0, 0], [0, 0.0]])
    tracks = np.stack([start + share * way for share in (0, 0.5, 1)]).astype(np.float32)
    task = GapTask(WIDTH, HEIGHT, wall(), wall(-20.0), (0.5,), tracks=tracks)
    (step,) = plan_trajectory(open_scene(task, lambda: None)).steps
    assert step.from_first is not None
    assert np.allclose(step.from_first.forward[:2, :2], np.eye(2), atol=1e-6)


def test_clean_sketches_of_something_that_bobs_are_followed_to_the_full() -> None:
    blob = outline((70.0, 48.0), (22.0, 16.0))
    bob = (0.0, 2.0, 0.0, -2.0)
    ways = [np.array([2.0 * m, bob[m % 4]]) for m in range(9)]
    sketches = {m: sketched(blob + way) for m, way in enumerate(ways)}
    times = tuple(m / 8 for m in range(1, 9))
    task = GapTask(WIDTH, HEIGHT, painted(blob), None, times, sketches=sketches)
    result = animate_gap(task)
    for way, picture in zip(ways[1:], result.pictures, strict=True):
        assert np.abs(middle(picture) - middle(painted(blob + way))).max() < 0.4
