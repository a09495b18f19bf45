"""Trajectories of plates and of art that the camera cuts."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.layer_motion import affine, trajectory
from backend.layer_motion.engine import animate_gap, make_plan
from backend.layer_motion.line_fit import LineFitter
from backend.layer_motion.line_points import LinePoints
from backend.layer_motion.plan import open_scene, plan_trajectory
from backend.layer_motion.registration import register
from backend.layer_motion.task import GapTask
from backend.layer_motion.warp import prepare
from shared.pictures import Picture

FRAME = (160, 96)
PLATE = trajectory.Extent(54.0, FRAME)


def test_a_plate_does_not_shear_after_a_point_that_is_lost_outside() -> None:
    start = np.array([[20, 60], [30, 40], [120, 10.0]])
    pan = np.array([-60.0, 0])
    lost = start + pan + np.array([[25, 8], [0, 0], [0, 0]])
    moves = trajectory.motion(np.stack([start, start + pan / 4, lost]), PLATE)
    assert np.allclose(moves[1], affine.translation(-15, 0), atol=1e-6)
    assert np.allclose(moves[2][:2, :2], np.eye(2), atol=0.05)
    assert np.allclose(affine.apply(moves[2], start[2]), start[2] + pan, atol=2)


def test_points_of_middling_spread_tell_all_of_a_plates_way() -> None:
    start = np.array([[60, 40], [84, 46], [70, 62.0]])
    moves = trajectory.motion(np.stack([start, start + np.array([-38.0, 5])]), PLATE)
    assert np.allclose(moves[1], affine.translation(-38, 5), atol=1e-6)


def test_points_far_apart_inside_the_frame_still_turn_a_plate() -> None:
    start = np.array([[20, 20], [140, 24], [80, 80.0]])
    turn = affine.rotation_about(np.array([80.0, 48]), 8)
    moves = trajectory.motion(np.stack([start, affine.apply(turn, start)]), PLATE)
    assert np.allclose(moves[1], turn, atol=0.05 * 96)
    assert np.allclose(moves[1][:2, :2], turn[:2, :2], atol=0.01)


def test_two_points_side_by_side_do_not_spin_large_art() -> None:
    start = np.array([[50, 50], [53, 50.0]])
    apart = np.stack([start, start + np.array([[10, -2], [10, 2]])])
    moves = trajectory.motion(apart, trajectory.Extent(50.0))
    assert np.allclose(moves[1], affine.translation(10, 0), atol=1e-6)


def test_points_spread_over_the_art_move_it_as_without_an_extent() -> None:
    start = np.array([[40, 40], [70, 45], [50, 70.0]])
    moved = affine.apply(affine.rotation_about(np.array([50.0, 50]), 20, 1.1), start)
    tracks = np.stack([start, moved])
    assert np.allclose(
        trajectory.motion(tracks)[1], trajectory.motion(tracks, trajectory.Extent(30.0))[1]
    )


def test_a_backdrop_full_of_lines_is_laid_on_a_sketch_of_all_of_them() -> None:
    lines = scattered(5000)
    pan = affine.translation(4, -1) @ affine.scaling(1.02)
    moved = LinePoints(affine.apply(pan, lines.place), lines.heading)
    fitter = LineFitter(lines, (160.0, 96.0), is_plate=True)
    fit = fitter.follow(fitter.source, moved)
    assert np.abs(fit.moved - affine.apply(pan, fitter.source)).max() < 0.05
    assert fit.error_px < 0.05


def scattered(count: int) -> LinePoints:
    """Short lines all over the frame, as of a painted town."""
    rng = np.random.default_rng(3)
    angle = rng.uniform(0, 2 * np.pi, count)
    place = rng.uniform((2, 2), (158, 94), (count, 2))
    return LinePoints(place, np.stack([np.cos(angle), np.sin(angle)], axis=1))


def test_a_backdrop_of_which_little_is_sketched_does_not_bend() -> None:
    lines = scattered(2500)
    pan = affine.translation(3, -1)
    sketched = np.random.default_rng(4).random(2500) < 0.4
    some = LinePoints(affine.apply(pan, lines.place[sketched]), lines.heading[sketched])
    fitter = LineFitter(lines, (160.0, 96.0), is_plate=True)
    fit = fitter.follow(fitter.source, some)
    assert np.abs(fit.moved - affine.apply(pan, fitter.source)).max() < 0.2


def backdrop(left: int, top: int) -> Picture:
    """A painted plate far wider than the camera, laid so that its corner is there."""
    noise = np.random.default_rng(5).integers(0, 255, (140, 420, 3)).astype(np.float32)
    paint = np.clip((cv2.GaussianBlur(noise, (0, 0), 3) - 127) * 6 + 127, 0, 255).astype(np.uint8)
    return Picture(np.dstack([paint, np.full((140, 420), 255, np.uint8)]), left, top)


def halfway(first: Picture, last: Picture, end: tuple[float, float] | None) -> np.ndarray:
    """How far the frame's middle has moved between keys; `end`: the way of a tracked point."""
    times = (0.25, 0.5, 0.75)
    tracks = None
    if end is not None:
        ways = np.array([0.0, *times, 1.0])[:, None, None] * np.array(end)
        tracks = (np.array([[[80.0, 48.0]]]) + ways).astype(np.float32)
    scene = open_scene(GapTask(*FRAME, first, last, times, tracks=tracks), lambda: None)
    pose = make_plan(scene).steps[1].from_first
    assert pose is not None
    return affine.apply(pose.forward, np.array([80.0, 48.0])) - (80, 48)


@pytest.mark.parametrize("end", [None, (-40.0, -2.0)])
def test_plates_beyond_the_frame_are_registered_by_what_it_shows(
    end: tuple[float, float] | None,
) -> None:
    assert np.allclose(halfway(backdrop(-100, -20), backdrop(-140, -22), end), (-20, -1), atol=0.3)


def test_a_backdrop_that_nothing_controls_pans_evenly() -> None:
    first, last = backdrop(-100, -20), backdrop(-140, -22)
    times = tuple(step / 12 for step in range(1, 12))
    scene = open_scene(GapTask(*FRAME, first, last, times), lambda: None)
    poses = [step.from_first for step in make_plan(scene).steps]
    middle = np.array([80.0, 48.0])
    way = np.array([affine.apply(pose.forward, middle) - middle for pose in poses if pose])
    assert np.abs(way - np.outer(times, (-40, -2))).max() < 0.5


def test_a_panning_backdrop_has_no_holes_where_one_key_does_not_reach() -> None:
    whole = backdrop(0, 0).pixels
    first, last = (
        Picture(np.ascontiguousarray(whole[:96, left : left + 160])) for left in (60, 100)
    )
    task = GapTask(*FRAME, first, last, tuple(step / 12 for step in range(1, 12)))
    assert all((p.on_canvas(*FRAME)[..., 3] == 255).all() for p in animate_gap(task).pictures)


def test_a_figure_close_up_still_leaves_and_comes_slowly() -> None:
    art = np.zeros((96, 160, 4), np.uint8)
    cv2.circle(art, (80, 48), 46, (200, 150, 120, 255), -1, cv2.LINE_AA)
    cv2.line(art, (14, 48), (146, 48), (20, 20, 30, 255), 3, cv2.LINE_AA)
    last = np.roll(art, 10, axis=1)
    scene = open_scene(
        GapTask(*FRAME, Picture(art), Picture(last), (0.1, 0.3, 0.5, 0.7)), lambda: None
    )
    pose = make_plan(scene).steps[0].from_first
    assert pose is not None
    assert (affine.apply(pose.forward, np.array([80.0, 48.0])) - (80, 48))[0] < 0.7


@pytest.mark.parametrize("end", [None, (-600.0, -2.0)])
def test_a_plate_that_only_passes_through_the_frame_is_seen(
    end: tuple[float, float] | None,
) -> None:
    assert np.allclose(halfway(backdrop(170, -20), backdrop(-430, -22), end), (-300, -1), atol=1)


def with_limb(degrees: float) -> Picture:
    """A body that rests, and a limb on it that points somewhere."""
    pixels = np.zeros((96, 160, 4), np.uint8)
    cv2.ellipse(pixels, (70, 50), (30, 20), 0, 0, 360, (200, 160, 120, 255), -1)
    tip = np.array([88, 40]) + 34 * np.array(
        [np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))]
    )
    cv2.line(pixels, (88, 40), (round(tip[0]), round(tip[1])), (60, 60, 60, 255), 7)
    return Picture(pixels)


def test_one_limbs_swing_does_not_turn_a_body_that_rests() -> None:
    first, last = (prepare(with_limb(degrees), *FRAME) for degrees in (-60.0, 60.0))
    assert np.allclose(register(first, last, *FRAME).matrix, np.eye(3), atol=1e-6)


def test_registration_finds_art_that_slides_in_over_the_border() -> None:
    rng = np.random.default_rng(11)
    art = np.zeros((150, 60, 4), np.uint8)
    art[..., 3] = 255
    spots = rng.integers(30, 226, (15, 6, 3)).astype(np.uint8)
    art[..., :3] = spots.repeat(10, axis=0).repeat(10, axis=1)
    first, last = np.zeros((96, 160, 4), np.uint8), np.zeros((96, 160, 4), np.uint8)
    first[:60, 50:110] = art[90:]
    last[:84, 58:118] = art[66:]
    found = register(prepare(Picture(first), *FRAME), prepare(Picture(last), *FRAME), *FRAME).matrix
    corners = np.array([[50, 10], [110, 10], [80, 55.0]])
    assert np.abs(affine.apply(found, corners) - corners - [8, 24]).max() < 1.5


def test_registration_turns_art_that_the_lower_border_cuts() -> None:
    rng = np.random.default_rng(5)
    art = np.zeros((200, 320, 4), np.float32)
    centre = np.array([140.0, 100])
    cv2.ellipse(art, (140, 100), (48, 40), 0, 0, 360, (200, 120, 60, 255), -1, cv2.LINE_AA)
    for x, y in rng.uniform(-30, 30, (6, 2)):
        place = (int(centre[0] + x), int(centre[1] + y))
        cv2.circle(art, place, 7, (30, 60, 160, 255), -1, cv2.LINE_AA)
    turn = affine.translation(24, -14) @ affine.rotation_about(centre, 25)
    moved = cv2.warpAffine(art, turn[:2], (320, 200), flags=cv2.INTER_CUBIC)
    cut = [np.clip(np.rint(whole[:110]), 0, 255).astype(np.uint8) for whole in (art, moved)]
    keys = [prepare(Picture(pixels), 320, 110) for pixels in cut]
    found = register(keys[0], keys[1], 320, 110).matrix
    around = centre + np.array([[-30, -20], [30, -20], [0, 5.0]])
    assert np.abs(affine.apply(found, around) - affine.apply(turn, around)).max() < 3


def test_art_that_slides_in_is_solid_where_only_one_key_shows_it() -> None:
    rng = np.random.default_rng(3)
    art = np.zeros((40, 60, 4), np.uint8)
    art[..., 3] = 255
    art[..., :3] = rng.integers(30, 226, (4, 6, 3)).astype(np.uint8).repeat(10, 0).repeat(10, 1)
    first, last = np.zeros((96, 160, 4), np.uint8), np.zeros((96, 160, 4), np.uint8)
    first[30:70, 120:160] = art[:, :40]
    last[30:70, 80:140] = art
    task = GapTask(160, 96, Picture(first), Picture(last), tuple(i / 8 for i in range(1, 8)))
    for picture in animate_gap(task).pictures:
        alpha = picture.pixels[picture.height // 2, : 160 - picture.x, 3]
        edges = np.flatnonzero(alpha > 0)
        assert alpha[edges[0] + 3 : edges[-1] - 2].min() > 250


def test_a_plate_that_its_path_carries_out_of_view_is_not_held_back_by_the_other_key() -> None:
    """Both keys show the same kind of sky; only the path knows that it is another part of it."""
    width, height = FRAME
    rng = np.random.default_rng(3)

    def sky() -> Picture:
        noise = rng.normal(0, 1, (3 * height, width)).astype(np.float32)
        cloud = np.clip(150 + 400 * cv2.GaussianBlur(noise, (0, 0), 3), 0, 255).astype(np.uint8)
        full = np.full_like(cloud, 255)
        return Picture(np.dstack([cloud // 2, cloud, full, full]), 0, -height)

    start = np.array([[40, 30], [60, 50.0]])
    path = np.stack([start + np.array([0, share * height]) for share in (0, 0.5, 1)]).astype(
        np.float32
    )
    task = GapTask(width, height, sky(), sky(), (0.5,), tracks=path)
    (step,) = plan_trajectory(open_scene(task, lambda: None)).steps
    assert step.from_first is not None
    assert np.allclose(step.from_first.forward, affine.translation(0, height / 2), atol=0.5)
