"""Promises of idle motion: alive, crisp, looping, gone at the keys, silent where told otherwise."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from backend.layer_motion.engine import animate_gap
from backend.layer_motion.idle_shape import Idle, kind_of
from backend.layer_motion.task import GapResult, GapTask
from backend.layer_motion.warp import prepare
from shared.pictures import Picture

from .drawn import HEIGHT, WIDTH, difference, middle, outline, painted, premultiplied, strokes

LOOP = tuple(i / 12 for i in range(1, 13))
BETWEEN = tuple(i / 12 for i in range(1, 12))
TREE = outline((80.0, 54.0), (12.0, 32.0), bump=0.1)
BALL = outline((80.0, 48.0), (16.0, 16.0), bump=0.05)
CLOUD = outline((80.0, 30.0), (40.0, 9.0), bump=0.05)


def sparks() -> Picture:
    """Many small dots of one colour."""
    mask = np.zeros((HEIGHT * 8, WIDTH * 8), np.uint8)
    for place in np.random.default_rng(3).uniform((30, 15), (130, 80), (24, 2)):
        middle_px = int(place[0] * 8), int(place[1] * 8)
        cv2.circle(mask, middle_px, 24, 255, -1)
    alpha = cv2.resize(mask, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    pixels[alpha > 0, :3] = (255, 180, 40)
    pixels[..., 3] = alpha
    return Picture(pixels, 0, 0)


def veil() -> Picture:
    """One patch that is seen through everywhere."""
    picture = painted(BALL)
    pixels = picture.pixels.copy()
    pixels[..., 3] //= 2
    return Picture(pixels, picture.x, picture.y)


def flame() -> Picture:
    """Three nested tongues, red to yellow, without ink."""
    fine = np.zeros((HEIGHT * 8, WIDTH * 8, 4), np.uint8)
    tones = ((225, 75, 45), (245, 150, 45), (255, 222, 120))
    for tone, size in zip(tones, (1.0, 0.7, 0.4), strict=True):
        sides = np.array([[-16, 0], [16, 0], [10, -24], [0, -52], [-8, -30]], float) * size
        shape = np.rint((sides + np.array([80, 84])) * 8).astype(np.int32)
        cv2.fillPoly(fine, [shape], (*tone, 255))
    return Picture(cv2.resize(fine, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), 0, 0)


ARTS = {
    "tree": painted(TREE),
    "ball": painted(BALL),
    "cloud": painted(CLOUD),
    "sparks": sparks(),
    "flame": flame(),
}


def idling(art: Picture, score: float | None = 0.6, **changes: object) -> GapTask:
    """One key that goes on for a second, on ones."""
    task = GapTask(WIDTH, HEIGHT, art, None, LOOP, motion_score=score, seed=11)
    return replace(task, **changes)


def crispness(picture: Picture) -> float:
    """Rms gradient of what the camera sees over grey paper."""
    seen = premultiplied(picture)
    flat = seen[..., :3] + 0.5 * (1 - seen[..., 3:])
    down, across = np.gradient(flat, axis=(0, 1))
    return float(np.sqrt(np.mean(down**2 + across**2)))


def same(one: Picture, other: Picture) -> bool:
    """Bit-equal to the camera."""
    canvas = one.on_canvas(WIDTH, HEIGHT), other.on_canvas(WIDTH, HEIGHT)
    return bool(np.array_equal(*canvas))


@pytest.mark.parametrize(
    ("art", "kind"),
    [
        (ARTS["tree"], Idle.SWAY),
        (painted(BALL + np.array([0.0, 40.0])), Idle.SWAY),  # reaches the camera's lower border
        (ARTS["ball"], Idle.BREATHE),
        (ARTS["cloud"], Idle.DRIFT),
        (ARTS["sparks"], Idle.FLICKER),
        (veil(), Idle.FLICKER),
        (ARTS["flame"], Idle.BURN),
    ],
)
def test_what_a_layer_does_follows_from_its_art(art: Picture, kind: Idle) -> None:
    assert kind_of(prepare(art, WIDTH, HEIGHT), HEIGHT) is kind


@pytest.mark.parametrize("name", ARTS)
def test_a_score_alone_makes_a_loop_that_ends_on_the_key(name: str) -> None:
    art = ARTS[name]
    result = animate_gap(idling(art))
    assert result.method == "idle"
    assert same(result.pictures[-1], art)
    assert sum(difference(picture, art) > 0.01 for picture in result.pictures) >= 8


@pytest.mark.parametrize("name", ARTS)
@pytest.mark.parametrize("score", [0.2, 1.0])
def test_an_idling_drawing_is_as_crisp_as_its_key(name: str, score: float) -> None:
    art = ARTS[name]
    crisp = [crispness(picture) for picture in animate_gap(idling(art, score)).pictures]
    assert min(crisp) > 0.95 * crispness(art)
    assert max(crisp) < 1.05 * crispness(art)


@pytest.mark.parametrize("name", ARTS)
def test_more_score_moves_more_and_little_stays_little(name: str) -> None:
    art = ARTS[name]

    def reach(score: float) -> float:
        pictures = animate_gap(idling(art, score)).pictures
        return max(difference(picture, art) for picture in pictures)

    assert 0 < reach(0.2) < reach(0.5) < reach(1.0)


@pytest.mark.parametrize("name", ["tree", "flame"])
def test_what_stands_or_burns_stays_where_it_is_at_its_root(name: str) -> None:
    art = ARTS[name].cropped()
    for picture in animate_gap(idling(art, 1.0)).pictures:
        moved, rest = premultiplied(picture), premultiplied(art)
        foot = art.y + art.height - 2
        assert np.abs(moved[foot] - rest[foot]).max() < 0.08


@pytest.mark.parametrize("score", [0.0, None])
def test_no_score_is_the_key_itself(score: float | None) -> None:
    result = animate_gap(idling(ARTS["tree"], score))
    assert result.method == "hold"
    assert all(picture is ARTS["tree"] for picture in result.pictures)


def test_a_seed_idles_alike_and_another_differently() -> None:
    one, again, other = (
        animate_gap(idling(ARTS["sparks"], seed=seed)).pictures[4] for seed in (1, 1, 2)
    )
    assert same(one, again)
    assert not same(one, other)


def test_flickering_art_never_dims_below_its_floor() -> None:
    for picture in animate_gap(idling(ARTS["sparks"], 1.0)).pictures:
        assert picture.pixels[..., 3].max() >= 0.85 * 255


def test_between_two_keys_idle_grows_and_dies_down_on_top_of_the_way() -> None:
    first, last = painted(BALL), painted(BALL + np.array([24.0, 0.0]))
    task = GapTask(WIDTH, HEIGHT, first, last, BETWEEN, seed=11)
    plain = animate_gap(task)
    lively = animate_gap(replace(task, motion_score=1.0))
    apart = [
        difference(one, other) for one, other in zip(plain.pictures, lively.pictures, strict=True)
    ]
    assert lively.method == "idle"
    assert max(apart) > 0.02
    assert max(apart[0], apart[-1]) < 0.5 * max(apart)
    assert np.abs(middle(lively.pictures[5]) - middle(plain.pictures[5])).max() < 6


def test_equal_keys_with_a_score_come_alive_between_them() -> None:
    art = painted(BALL)
    twin = Picture(art.pixels.copy(), art.x, art.y)
    result = animate_gap(GapTask(WIDTH, HEIGHT, art, twin, BETWEEN, motion_score=0.8, seed=2))
    assert result.method == "idle"
    assert any(difference(picture, art) > 0.02 for picture in result.pictures)


def test_matching_strokes_idle_as_strokes() -> None:
    first, last = painted(BALL), painted(BALL + np.array([24.0, 0.0]))
    lines = strokes(BALL), strokes(BALL + np.array([24.0, 0.0]))
    task = GapTask(
        WIDTH, HEIGHT, first, last, BETWEEN, first_strokes=lines[0], last_strokes=lines[1]
    )
    plain = animate_gap(task)
    lively = animate_gap(replace(task, motion_score=1.0))
    assert (plain.method, lively.method) == ("strokes", "idle")
    assert difference(plain.pictures[5], lively.pictures[5]) > 0.02
    assert difference(plain.pictures[0], lively.pictures[0]) < 0.03


def test_a_path_says_it_all() -> None:
    path = np.linspace((80.0, 48.0), (90.0, 48.0), 13)[:, None].astype(np.float32)
    plain, scored = (animate_gap(idling(ARTS["ball"], score, tracks=path)) for score in (None, 1.0))
    assert scored.method == "trajectory"
    assert all(same(*pair) for pair in zip(plain.pictures, scored.pictures, strict=True))


def test_art_that_the_camera_cuts_stays_at_the_border() -> None:
    pixels = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
    pixels[::8, :, :3] = 40
    pixels[:, ::8, :3] = 90
    result = animate_gap(idling(Picture(pixels, 0, 0), 1.0))
    assert any(not same(picture, Picture(pixels, 0, 0)) for picture in result.pictures)
    assert all(opaque(picture) for picture in result.pictures)


def opaque(picture: Picture) -> bool:
    """Whether the camera sees no hole."""
    return int(picture.on_canvas(WIDTH, HEIGHT)[..., 3].min()) >= 250


@pytest.mark.parametrize("art", [(1, 1), (1, 40), (3, 3), (0, 0)])
@pytest.mark.parametrize("with_last", [False, True])
def test_dots_and_empty_keys_idle_without_fault(art: tuple[int, int], with_last: bool) -> None:
    rows, columns = art
    pixels = np.full((max(rows, 1), max(columns, 1), 4), 255 if rows else 0, np.uint8)
    dot = Picture(pixels, 40, 40)
    last = Picture(pixels, 60, 44) if with_last else None
    times = BETWEEN if with_last else LOOP
    result = animate_gap(GapTask(WIDTH, HEIGHT, dot, last, times, motion_score=1.0))
    assert_sane(result, len(times))


def assert_sane(result: GapResult, count: int) -> None:
    """As many drawings as wanted, each of bytes."""
    assert len(result.pictures) == count
    assert all(picture.pixels.dtype == np.uint8 for picture in result.pictures)
