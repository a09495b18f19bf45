"""Promises of the layer motion engine: rest, trajectories, registration, borders, odd inputs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from backend.layer_motion.engine import animate_gap
from backend.layer_motion.task import GapResult, GapTask
from shared.errors import AcetateError
from shared.pictures import Picture

from .drawn import HEIGHT, WIDTH, difference, middle, outline, painted, sketched, turned

TIMES = tuple(i / 6 for i in range(1, 6))
BLOB = outline((70.0, 48.0), (18.0, 14.0))
EYE = np.array([76.0, 44.0])
CENTRE = np.array([70.0, 48.0])
EMPTY = Picture(np.zeros((1, 1, 4), np.uint8))


def gap(first: Picture, last: Picture | None, tracks: np.ndarray | None = None) -> GapTask:
    """A gap of five drawings."""
    return GapTask(WIDTH, HEIGHT, first, last, TIMES, tracks=tracks)


def line(start: tuple[float, float], end: tuple[float, float], moments: int) -> np.ndarray:
    """One point on a straight way: float32 [moments, 1, 2]."""
    part = np.linspace(0, 1, moments)[:, None]
    way = (1 - part) * np.array(start) + part * np.array(end)
    return way[:, None].astype(np.float32)


def test_a_layer_with_equal_keys_comes_back_bit_equal() -> None:
    art = painted(BLOB, eye=EYE)
    result = animate_gap(gap(art, Picture(art.pixels.copy(), art.x, art.y)))
    assert result.method == "hold"
    for picture in result.pictures:
        assert (picture.x, picture.y) == (art.x, art.y)
        assert np.array_equal(picture.pixels, art.pixels)


def test_one_key_without_control_holds() -> None:
    art = painted(BLOB, eye=EYE)
    result = animate_gap(gap(art, None))
    assert result.method == "hold"
    assert all(picture is art for picture in result.pictures)


def test_equal_sketches_hold_the_drawing() -> None:
    art = painted(BLOB, eye=EYE)
    lines = sketched(BLOB)
    task = GapTask(WIDTH, HEIGHT, art, None, TIMES, sketches=dict.fromkeys(range(6), lines))
    assert animate_gap(task).method == "hold"


def test_whole_pixel_steps_keep_every_pixel() -> None:
    art = painted(BLOB, eye=EYE)
    result = animate_gap(gap(art, None, line((70, 48), (85, 53), 6)))
    for moment, picture in enumerate(result.pictures, start=1):
        assert (picture.x, picture.y) == (art.x + 3 * moment, art.y + moment)
        assert np.array_equal(picture.pixels, art.pixels)


def test_a_broken_step_lands_where_the_path_says() -> None:
    art = painted(BLOB, eye=EYE)
    result = animate_gap(gap(art, None, line((70, 48), (81.3, 43.9), 6)))
    moved = middle(result.pictures[-1]) - middle(art)
    assert moved == pytest.approx([11.3, -4.1], abs=0.05)


def test_translation_between_keys_is_found_within_a_tenth_of_a_pixel() -> None:
    first = painted(BLOB, eye=EYE)
    last = painted(BLOB + np.array([17.4, -8.7]), eye=EYE + np.array([17.4, -8.7]))
    result = animate_gap(gap(first, last))
    assert result.method == "registration"
    start = middle(first)
    for time, picture in zip(TIMES, result.pictures, strict=True):
        way = 0.3 * time + 0.7 * time**2 * (3 - 2 * time)  # a mild slow out and in
        assert middle(picture) - start == pytest.approx([17.4 * way, -8.7 * way], abs=0.1)


def test_rotation_between_keys_turns_instead_of_shrinking() -> None:
    first, last = painted(BLOB, eye=EYE), painted(turned(BLOB, CENTRE, 60))
    truth = painted(turned(BLOB, CENTRE, 30))
    halfway = animate_gap(gap(painted(BLOB), last)).pictures[2]
    assert difference(halfway, truth) < 0.4 * difference(first, truth)


def test_a_track_between_keys_meets_its_last_point_and_the_turn() -> None:
    shift = np.array([30.0, 6.0])
    first = painted(BLOB)
    last = painted(turned(BLOB, CENTRE, 40) + shift)
    times = np.linspace(0, 1, 7)
    way = (
        CENTRE
        + times[:, None] * shift
        + np.stack([np.zeros(7), -12 * np.sin(np.pi * times)], axis=1)
    )
    result = animate_gap(gap(first, last, way[:, None].astype(np.float32)))
    steps = np.linalg.norm(np.diff(way, axis=0), axis=1)
    progress = np.concatenate([[0], np.cumsum(steps) / steps.sum()])
    for moment in (1, 3, 5):
        truth = painted(turned(BLOB, CENTRE, 40 * progress[moment]) + way[moment] - CENTRE)
        assert difference(result.pictures[moment - 1], truth) < 0.02


def test_art_beyond_the_border_comes_in_whole() -> None:
    hidden = BLOB - [70.0, 0.0]
    result = animate_gap(gap(painted(hidden), None, line((0, 48), (50, 48), 6)))
    assert difference(result.pictures[-1], painted(hidden + np.array([50.0, 0.0]))) < 0.01


def test_results_may_lie_beyond_the_border() -> None:
    result = animate_gap(gap(painted(BLOB), None, line((70, 48), (5, 48), 6)))
    assert result.pictures[-1].x < 0
    assert result.pictures[-1].width == painted(BLOB).width


def test_an_uncontrolled_layer_that_vanishes_fades() -> None:
    result = animate_gap(gap(painted(BLOB), EMPTY))
    assert result.method == "crossfade"
    mass = [picture.pixels[..., 3].sum() for picture in result.pictures]
    assert all(later < earlier for earlier, later in itertools.pairwise(mass))


def test_a_tracked_layer_that_enters_follows_its_path_from_the_key_that_shows_it() -> None:
    last = painted(BLOB)
    result = animate_gap(gap(EMPTY, last, line((10, 48), (70, 48), 7)))
    assert middle(result.pictures[2]) - middle(last) == pytest.approx([-30.0, 0.0], abs=0.05)


def test_crisp_takes_the_nearer_key_only() -> None:
    first, last = painted(BLOB), painted(turned(BLOB, CENTRE, 30), eye=EYE)
    soft = animate_gap(gap(first, last)).pictures[1]
    crisp = animate_gap(gap(first, last), crisp=True).pictures[1]
    assert difference(soft, crisp) > 0.0
    again = animate_gap(gap(first, last), crisp=True).pictures[1]
    assert np.array_equal(crisp.pixels, again.pixels)


def test_check_is_called_for_every_drawing_and_stops_the_work() -> None:
    calls: list[int] = []
    animate_gap(gap(painted(BLOB), painted(BLOB + 3.0)), check=lambda: calls.append(1))
    assert len(calls) >= len(TIMES)

    def stop() -> None:
        raise AcetateError("cancelled")

    with pytest.raises(AcetateError):
        animate_gap(gap(painted(BLOB), painted(BLOB + 3.0)), check=stop)


ONE_PIXEL = Picture(np.full((1, 1, 4), 255, np.uint8), 40, 40)
SCRIBBLE = np.zeros((HEIGHT, WIDTH), np.float32)
SCRIBBLE[40:42, 30:60] = 1.0


@pytest.mark.parametrize("first", [EMPTY, ONE_PIXEL, painted(BLOB)])
@pytest.mark.parametrize("last", [None, EMPTY, ONE_PIXEL, painted(BLOB - 4.0)])
@pytest.mark.parametrize("control", ["none", "still", "nan", "points", "sketch", "blank", "noise"])
def test_odd_inputs_never_fail(first: Picture, last: Picture | None, control: str) -> None:
    moments = 6 if last is None else 7
    tracks: dict[str, np.ndarray] = {
        "still": np.full((moments, 1, 2), 40.0, np.float32),
        "nan": np.full((moments, 1, 2), np.nan, np.float32),
        "points": np.tile(line((10, 10), (60, 30), moments), (1, 3, 1)),
    }
    noise = np.zeros((HEIGHT, WIDTH), np.float32)
    noise[:40, :60] = np.random.default_rng(1).random((40, 60))
    sketches: dict[str, dict[int, np.ndarray]] = {
        "sketch": {0: SCRIBBLE, 3: np.roll(SCRIBBLE, 9, axis=0)},
        "blank": dict.fromkeys(range(moments), np.zeros((HEIGHT, WIDTH), np.float32)),
        "noise": {2: noise, 4: np.full_like(noise, np.nan)},
    }
    task = GapTask(
        WIDTH, HEIGHT, first, last, TIMES,
        tracks=tracks.get(control), sketches=sketches.get(control, {}),
    )  # fmt: skip
    assert_sound(animate_gap(task))


def assert_sound(result: GapResult) -> None:
    """As many drawings as were asked for, each a legal picture."""
    assert len(result.pictures) == len(TIMES)
    for picture in result.pictures:
        assert picture.pixels.dtype == np.uint8
        assert picture.pixels.shape[2] == 4
