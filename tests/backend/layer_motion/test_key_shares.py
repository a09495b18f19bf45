"""Which key shows what: the one whose lines the sketch confirms there, and no other's ghost."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.layer_motion.engine import animate_gap, make_plan
from backend.layer_motion.key_shares import KeyShares, between, by_lines, even
from backend.layer_motion.plan import Step, open_scene
from backend.layer_motion.task import GapTask
from shared.pictures import Picture

from .drawn import outline, painted, sketched
from .heads import face

SIZE = (96, 160)  # rows, columns
TIMES = tuple(step / 8 for step in range(1, 8))


def upright(x: float) -> np.ndarray:
    return np.stack([np.full(60, x), np.linspace(18, 78, 60)], axis=1)


def share_at(values: np.ndarray | None, x: int) -> float:
    assert values is not None
    return float(values[48, x])


def test_a_key_shows_the_places_where_its_lines_met_the_sketch() -> None:
    sketch = np.concatenate([upright(40), upright(120)])
    first = np.concatenate([upright(40), upright(123)])  # missed the right line
    last = np.concatenate([upright(43), upright(120)])  # missed the left one
    values = by_lines([first, last], sketch, 0.5, SIZE, alike_px=0.4)
    assert share_at(values, 40) < 0.05
    assert share_at(values, 120) > 0.95
    assert share_at(values, 80) == pytest.approx(0.5, abs=0.05)


def test_lines_that_are_not_drawn_count_against_a_key_too() -> None:
    both = np.concatenate([upright(40), upright(120)])
    values = by_lines([both, upright(120)], upright(120), 0.5, SIZE, alike_px=0.4)
    assert share_at(values, 40) > 0.95


@pytest.mark.parametrize("time", [0.2, 0.7])
def test_lines_that_both_keys_meet_are_shared_by_time(time: float) -> None:
    values = by_lines([upright(40.1), upright(39.9)], upright(40), time, SIZE, alike_px=0.4)
    assert values == pytest.approx(np.full(SIZE, time), abs=0.02)


def test_art_out_of_view_leaves_no_choice() -> None:
    assert by_lines([upright(-20), upright(40)], upright(40), 0.5, SIZE, alike_px=0.4) is None


def test_shares_are_looked_up_in_the_middle_of_their_cells() -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3) / 10
    where = np.array([[[20.0, 15.0], [60.0, 45.0], [40.0, 15.0]]], np.float32)
    assert KeyShares(values, (40.0, 30.0)).at(where) == pytest.approx(np.array([[0.0, 0.4, 0.05]]))


def test_moments_between_sketches_follow_both_and_others_none() -> None:
    def told_by(sketched: int, moment: int) -> np.ndarray | None:
        return np.full((2, 2), sketched / 10, np.float32)

    assert between(told_by, [2, 6], 3) == pytest.approx(np.full((2, 2), 0.3))
    assert between(told_by, [2, 6], 6) == pytest.approx(np.full((2, 2), 0.6))
    assert between(told_by, [2, 6], 1) is None
    assert between(told_by, [2, 6], 7) is None
    assert between(lambda *_: None, [2, 6], 3) is None


def test_shares_go_on_beyond_the_frame_and_become_steep() -> None:
    shares = KeyShares(np.array([[0.1, 0.6]], np.float32), (80.0, 96.0))
    beyond = np.array([[[-50.0, 10.0], [300.0, 10.0]]], np.float32)
    assert shares.at(beyond) == pytest.approx(np.array([[0.1, 0.6]]))
    assert shares.steep(2.0).at(beyond) == pytest.approx(np.array([[0.0, 0.7]]))
    assert not even(1.0).is_mixed


def lines(art: np.ndarray) -> np.ndarray:
    dark = (art[..., :3].max(axis=2) < 90) & (art[..., 3] > 127)
    return dark.astype(np.float32)


def test_a_turning_head_shows_no_ghost_half_way() -> None:
    """There either key's patch is half of what the sketch shows, and was seen beside the other."""
    turns = np.linspace(-0.8, 0.8, 9)
    sketches = {moment: lines(face(turn)) for moment, turn in enumerate(turns)}
    first, last = Picture(face(turns[0])), Picture(face(turns[-1]))
    shown = animate_gap(GapTask(160, 96, first, last, TIMES, sketches=sketches)).pictures[3]
    rows, columns = np.mgrid[:96, :160]
    inner = np.hypot(rows - 48, columns - 80) < 33
    apart = np.abs(shown.on_canvas(160, 96).astype(int) - face(0.0))[..., :3].max(axis=2)
    assert (apart[inner] > 60).mean() < 0.1  # evenly mixed: 0.28


def sketched_steps(bend: float, camera: tuple[int, int] = (160, 96)) -> tuple[Step, ...]:
    """Steps of an outline that travels, and changes its shape by `bend` on the way."""
    shapes = [
        outline((60 + 40 * time, 48), (24, 18), 0.25 + bend * time) for time in (0, *TIMES, 1)
    ]
    keys = [painted(shape) for shape in (shapes[0], shapes[-1])]
    sketches = {moment: sketched(shape) for moment, shape in enumerate(shapes)}
    if camera != (160, 96):
        keys = [Picture(enlarged(key.on_canvas(160, 96), camera)) for key in keys]
        sketches = {moment: enlarged(shape, camera) for moment, shape in sketches.items()}
    task = GapTask(*camera, keys[0], keys[1], TIMES, sketches=sketches)
    return make_plan(open_scene(task, lambda: None)).steps


def enlarged(pixels: np.ndarray, camera: tuple[int, int]) -> np.ndarray:
    return cv2.resize(pixels, camera, interpolation=cv2.INTER_LINEAR)


def test_stiff_figures_are_shared_by_time_alone() -> None:
    steps = sketched_steps(bend=0.0)
    assert all(step.from_first is not None and step.from_last is not None for step in steps)
    assert all(step.shares is None for step in steps)


@pytest.mark.parametrize("camera", [(160, 96), (480, 288)])
def test_shares_of_bending_figures_cover_the_frame(camera: tuple[int, int]) -> None:
    for step in sketched_steps(bend=0.2, camera=camera):
        assert step.shares is not None
        rows, columns = step.shares.values.shape
        across, down = step.shares.cell
        assert (columns * across, rows * down) == pytest.approx(camera, abs=max(across, down))
