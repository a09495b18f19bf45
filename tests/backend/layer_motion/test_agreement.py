"""Promises of both keys' art meeting on large cameras: one outline, sharp edges, no leaps."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from backend.layer_motion import agreement, warp
from backend.layer_motion.engine import animate_gap
from backend.layer_motion.key_shares import even
from backend.layer_motion.pose import AT_REST, Box, Pose
from backend.layer_motion.task import GapTask
from shared.pictures import Picture

from .drawn import outline, turned

WIDTH, HEIGHT = 1920, 1080
FRAME = Box(0, 0, WIDTH, HEIGHT)
HALF = even(0.5)
CORNER = np.array([700, 380])
SIDE = 520
_FINER = 4
_INK = (20, 20, 30, 255)
MOMENTS = 8
TIMES = tuple(moment / MOMENTS for moment in range(1, MOMENTS))


def inked(points: np.ndarray) -> Picture:
    """A filled shape with a line of six pixels, as on a camera of 1920x1080."""
    fine = np.zeros((SIDE * _FINER, SIDE * _FINER, 4), np.uint8)
    shape = np.rint((points - CORNER) * _FINER).astype(np.int32)
    cv2.fillPoly(fine, [shape], (240, 240, 245, 255))
    cv2.polylines(fine, [shape], True, _INK, 6 * _FINER)
    values = fine.astype(np.float32)
    values[..., :3] *= values[..., 3:] / 255
    small = cv2.resize(values, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    small[..., :3] /= np.maximum(small[..., 3:] / 255, 1e-6)
    return Picture(np.rint(small).astype(np.uint8), int(CORNER[0]), int(CORNER[1])).cropped()


def lines(points: np.ndarray) -> np.ndarray:
    """The shape's outline as a line map of the whole camera."""
    canvas = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.polylines(canvas, [np.rint(points).astype(np.int32)], True, 255, 7, cv2.LINE_AA)
    return canvas.astype(np.float32) / 255


def tail(time: float, wave: float) -> np.ndarray:
    """A bent shape with a bump whose place on the outline (`wave`) fits of lines do not settle."""
    middle = np.array([960.0, 640.0])
    points = outline((960.0, 640.0), (150.0, 70.0))
    away = points - middle
    angle = np.arctan2(away[:, 1] / 70, away[:, 0] / 150)
    points = middle + away * (1 + 0.12 * np.cos(3 * (angle - wave)))[:, None]
    across = np.maximum(points[:, 0] - 960.0, 0.0)
    return turned(
        points - np.stack([0 * across, time * across**2 / 400], axis=1), middle, 40 * time
    )


def softness_px(picture: Picture) -> float:
    """Width of the band along the outline that is neither opaque nor clear, in pixels."""
    alpha = picture.pixels[..., 3].astype(np.float32) / 255
    firm = (alpha > 0.5).astype(np.uint8)
    contours, _ = cv2.findContours(firm, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    length = sum(cv2.arcLength(contour, closed=True) for contour in contours)
    return float(((alpha > 0.04) & (alpha < 0.96)).sum() / length)


@pytest.fixture(scope="module")
def drawings() -> list[Picture]:
    """Seven drawings between two keys that differ in more than the sketches can tell."""
    first, last = inked(tail(0.0, 0.0)), inked(tail(1.0, 0.5))
    sketches = {m: lines(tail(m / MOMENTS, 0.5 * m / MOMENTS)) for m in (0, 4, 8)}
    return list(animate_gap(GapTask(WIDTH, HEIGHT, first, last, TIMES, sketches=sketches)).pictures)


def spotted(seed: int, shift: float) -> Picture:
    """A shape with spots that another seed puts elsewhere."""
    picture = inked(outline((960.0 + shift, 640.0), (150.0, 70.0)))
    pixels = picture.pixels.copy()
    for x, y in np.random.default_rng(seed).uniform((850, 600), (1070, 680), (14, 2)):
        place = round(x + shift) - picture.x, round(y) - picture.y
        cv2.circle(pixels, place, 16, (90, 60, 60, 255), -1)
    return Picture(pixels, picture.x, picture.y)


@pytest.mark.parametrize("seed", [1, 3, 5])
def test_what_both_keys_show_differently_is_not_torn_apart(seed: int) -> None:
    arts = (
        warp.prepare(spotted(seed, 0.0), WIDTH, HEIGHT),
        warp.prepare(spotted(seed + 1, 9.0), WIDTH, HEIGHT),
    )
    for pose in agreement.agree(arts, (AT_REST, AT_REST), HALF, FRAME):
        assert pose.nudge is not None
        down, across = np.gradient(pose.nudge.offsets, axis=(0, 1))
        down, across = down / pose.nudge.step[1], across / pose.nudge.step[0]
        area = (1 + across[..., 0]) * (1 + down[..., 1]) - across[..., 1] * down[..., 0]
        assert area.min() > 0.3


def test_a_drawing_between_two_keys_shows_one_sharp_outline_at_1080p(
    drawings: list[Picture],
) -> None:
    for drawing in drawings:
        assert softness_px(drawing) < 1.8


def test_outlines_stay_as_dark_as_in_the_keys(drawings: list[Picture]) -> None:
    def ink(picture: Picture) -> int:
        opaque = picture.pixels[..., 3] > 250
        return int((opaque & (picture.pixels[..., :3].mean(axis=2) < 60)).sum())

    wanted = min(ink(inked(tail(0.0, 0.0))), ink(inked(tail(1.0, 0.5))))
    assert all(ink(drawing) > 0.85 * wanted for drawing in drawings)


def test_the_shape_changes_evenly_from_drawing_to_drawing(drawings: list[Picture]) -> None:
    shapes = [drawing.on_canvas(WIDTH, HEIGHT)[..., 3] > 127 for drawing in drawings]
    changes = [int((one ^ other).sum()) for one, other in itertools.pairwise(shapes)]
    assert max(changes) < 2.0 * float(np.median(changes))


def test_arts_a_few_pixels_apart_meet_where_the_share_says() -> None:
    art = warp.prepare(inked(tail(0.0, 0.0)), WIDTH, HEIGHT)
    apart = np.array([[1.0, 0, 9], [0, 1, -6], [0, 0, 1]])
    limit = warp.frame_limit(WIDTH, HEIGHT, art)
    poses = agreement.agree((art, art), (AT_REST, Pose(apart)), HALF, FRAME)
    one, other = (warp.sample(art, pose, limit) for pose in poses)
    box = one.box.union(other.box)
    left = warp.placed(one, box).pixels - warp.placed(other, box).pixels
    assert float(np.sqrt(np.mean(left**2))) < 0.02
    moved = warp.prepare(warp.to_picture(one), WIDTH, HEIGHT).centroid - art.centroid
    assert moved == pytest.approx([4.5, -3.0], abs=0.3)


def test_arts_that_no_motion_makes_alike_stay_where_they_are() -> None:
    pale = inked(tail(0.0, 0.0))
    dark = Picture(pale.pixels.copy(), pale.x, pale.y)
    dark.pixels[..., :3] //= 3
    arts = warp.prepare(pale, WIDTH, HEIGHT), warp.prepare(dark, WIDTH, HEIGHT)
    poses = AT_REST, AT_REST
    assert agreement.agree(arts, poses, HALF, FRAME) is poses


def test_small_cameras_are_left_alone() -> None:
    assert not agreement.wanted(96)
    assert agreement.wanted(HEIGHT)


@pytest.mark.parametrize("size", [(1, 1), (900, 2), (2, 700)])
def test_tiny_and_thin_art_meets_too(size: tuple[int, int]) -> None:
    pixels = np.full((size[1], size[0], 4), 255, np.uint8)
    first, last = Picture(pixels, 300, 200), Picture(pixels, 311, 204)
    tracks = np.array([[[300, 200]], [[305, 202]], [[309, 204]]], np.float32)
    result = animate_gap(GapTask(WIDTH, HEIGHT, first, last, (0.5,), tracks=tracks))
    assert result.pictures[0].pixels[..., 3].any()


def backdrop(left_of_it: int) -> Picture:
    """A painted plate of which both keys show the same, and guess what lies beyond the frame."""
    noise = np.random.default_rng(3).integers(0, 255, (HEIGHT // 8, WIDTH // 8, 3))
    paint = cv2.resize(noise.astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    around = cv2.copyMakeBorder(paint, 200, 200, 300, 300, cv2.BORDER_REFLECT)
    around[:, :300] = around[:, 300 + left_of_it : 600 + left_of_it]
    opaque = np.full((*around.shape[:2], 1), 255, np.float32)
    pixels = np.concatenate([around, opaque], axis=2).clip(0, 255).astype(np.uint8)
    return Picture(pixels, -300, -200)


def test_what_lies_beyond_the_frame_pulls_nothing_inside_it() -> None:
    first, last = (warp.prepare(backdrop(guess), WIDTH, HEIGHT) for guess in (0, 90))
    after = agreement.agree((first, last), (AT_REST, AT_REST), HALF, FRAME)
    assert max(pose.reach for pose in after) < 0.5


def test_each_key_goes_its_share_of_the_way() -> None:
    art = warp.prepare(inked(tail(0.0, 0.0)), WIDTH, HEIGHT)
    apart = Pose(np.array([[1.0, 0, 9], [0, 1, -6], [0, 0, 1]]))
    poses = agreement.agree((art, art), (AT_REST, apart), even(0.25), FRAME)
    moved = [warp.sample(art, pose, warp.frame_limit(WIDTH, HEIGHT, art)) for pose in poses]
    for patch in moved:
        at = warp.prepare(warp.to_picture(patch), WIDTH, HEIGHT).centroid - art.centroid
        assert at == pytest.approx([9 * 0.156, -6 * 0.156], abs=0.4)


@pytest.mark.parametrize("place", [(-4300, 300), (1800, 1000)])
def test_art_beside_the_frame_is_left_alone_or_compared_where_it_shows(
    place: tuple[int, int],
) -> None:
    noise = np.random.default_rng(2).integers(0, 255, (60, 420, 3)).astype(np.uint8)
    pixels = np.dstack([cv2.resize(noise, (4200, 600)), np.full((600, 4200), 255, np.uint8)])
    art = warp.prepare(Picture(pixels, *place), WIDTH, HEIGHT)
    poses = AT_REST, Pose(np.array([[1.0, 0, 3], [0, 1, 2], [0, 0, 1]]))
    after = agreement.agree((art, art), poses, HALF, FRAME)
    assert (after is poses) or place[0] > -4200
    assert max(pose.reach for pose in after) < 12
