"""Promises of sketch following: sub-pixel lines, dense and sparse sketches, both keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from backend.layer_motion import affine, sketch_fit
from backend.layer_motion.engine import animate_gap
from backend.layer_motion.field_fit import scattered_field
from backend.layer_motion.line_fit import LineFitter
from backend.layer_motion.line_points import sketch_points
from backend.layer_motion.plan import Step, open_scene
from backend.layer_motion.pose import AT_REST
from backend.layer_motion.task import GapTask

from .drawn import HEIGHT, WIDTH, difference, outline, painted, sketched, turned

TIMES = tuple(i / 6 for i in range(1, 7))
BLOB = outline((70.0, 48.0), (22.0, 16.0))
CENTRE = np.array([70.0, 48.0])


def bent(points: np.ndarray, amount: float) -> np.ndarray:
    """The right half bows upwards: no affine map does that."""
    across = np.maximum(points[:, 0] - 66.0, 0.0)
    return points - np.stack([np.zeros_like(across), amount * across**2 / 100], axis=1)


def sliding(points: np.ndarray, time: float) -> np.ndarray:
    """Turn and move at an uneven pace."""
    return turned(points, CENTRE, 35 * time) + np.array([20 * time**2, 6 * time])


def bending(points: np.ndarray, time: float) -> np.ndarray:
    """Bend more and more."""
    return bent(points, 2.2 * time)


Motion = Callable[[np.ndarray, float], np.ndarray]


def task(motion: Motion, moments: tuple[int, ...], *, last_key: bool = False) -> GapTask:
    """A gap of seven moments with sketches at some of them."""
    wanted = TIMES[:-1] if last_key else TIMES
    return GapTask(
        WIDTH,
        HEIGHT,
        painted(BLOB),
        painted(motion(BLOB, 1.0)) if last_key else None,
        wanted,
        sketches={m: sketched(motion(BLOB, m / 6)) for m in moments},
    )


def test_line_points_lie_on_the_line_within_a_twentieth_of_a_pixel() -> None:
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    circle = np.stack([80.3 + 30 * np.cos(angle), 47.6 + 30 * np.sin(angle)], axis=1)
    points = sketch_points(sketched(circle), 1.0)
    away = np.linalg.norm(points.place - [80.3, 47.6], axis=1) - 30
    assert abs(away.mean()) < 0.06
    assert away.std() < 0.1


@pytest.mark.parametrize("motion", [sliding, bending])
@pytest.mark.parametrize("last_key", [False, True])
def test_dense_sketches_bring_the_art_to_the_truth(motion: Motion, last_key: bool) -> None:
    result = animate_gap(task(motion, tuple(range(7)), last_key=last_key))
    assert result.method == "sketch"
    still = painted(BLOB)
    for moment in (2, 4, 5):
        truth = painted(motion(BLOB, moment / 6))
        assert difference(result.pictures[moment - 1], truth) < 0.3 * difference(still, truth)


def test_free_form_fits_a_bend_that_no_affine_map_does() -> None:
    source, target = sketch_points(sketched(BLOB), 1.0), sketch_points(sketched(bent(BLOB, 2.2)), 1)
    fitter = LineFitter(source, (WIDTH, HEIGHT))
    fit = fitter.follow(fitter.source, target)
    matrix = affine.fit_affine(fitter.source, fit.moved)
    left = np.linalg.norm(affine.apply(matrix, fitter.source) - fit.moved, axis=1)
    assert fit.error_px < 0.35
    assert left.max() > 1.0


def test_a_sketch_far_off_and_turned_is_found() -> None:
    goal = turned(BLOB, CENTRE, -55) + np.array([35.0, -10.0])
    fitter = LineFitter(sketch_points(sketched(BLOB), 1.0), (WIDTH, HEIGHT))
    fit = fitter.find([fitter.source], sketch_points(sketched(goal), 1.0))
    wanted = turned(fitter.source, CENTRE, -55) + np.array([35.0, -10.0])
    assert fit.error_px < 0.35
    assert np.linalg.norm(fit.moved - wanted, axis=1).mean() < 1.5  # may slide along the line


def test_sparse_sketches_hit_their_moments_and_pass_smoothly_between() -> None:
    result = animate_gap(task(sliding, (0, 3, 6)))
    still = painted(BLOB)
    for moment, share in ((3, 0.3), (6, 0.3), (2, 0.5), (5, 0.5)):
        truth = painted(sliding(BLOB, moment / 6))
        assert difference(result.pictures[moment - 1], truth) < share * difference(still, truth)


def test_a_key_without_its_own_sketch_uses_the_middle_of_its_arts_lines() -> None:
    result = animate_gap(task(sliding, (1, 2, 3, 4, 5, 6)))
    for moment, share in ((1, 0.25), (3, 0.12), (5, 0.1)):
        truth = painted(sliding(BLOB, moment / 6))
        assert difference(result.pictures[moment - 1], truth) < share * difference(
            painted(BLOB), truth
        )


@pytest.mark.parametrize("last_key", [False, True])
def test_what_a_sketch_does_not_show_beyond_the_border_fits_as_well(last_key: bool) -> None:
    def entering(points: np.ndarray, time: float) -> np.ndarray:
        out = 75.0 * (1 - time), 6 * (time - 1)
        return turned(points, CENTRE, 20 * (1 - time)) + np.array(out)

    outside = painted(entering(BLOB, 0.0))
    result = animate_gap(replace(task(entering, tuple(range(7)), last_key=last_key), first=outside))
    for moment in (2, 3, 5):
        truth = painted(entering(BLOB, moment / 6))
        ours = difference(result.pictures[moment - 1], truth)
        assert ours < 0.05 * difference(outside, truth)


def test_a_plan_folds_no_art(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = (Step(AT_REST),) * 6
    monkeypatch.setattr(sketch_fit, "whole_steps", lambda _scene, _steps: whole)
    plan = sketch_fit.plan_sketch(open_scene(task(sliding, tuple(range(7))), lambda: None))
    assert plan is not None
    assert plan.steps is whole


def test_a_field_gives_its_points_what_they_asked_for() -> None:
    rng = np.random.default_rng(3)
    place = rng.uniform([20, 20], [100, 70], (60, 2))
    offsets = np.stack([0.05 * place[:, 1], -0.03 * place[:, 0]], axis=1)
    field = scattered_field(place, offsets, np.ones(60), (96, 128))
    rows, columns = place[:, 1].astype(int), place[:, 0].astype(int)
    assert np.abs(field[rows, columns] - offsets).mean() < 0.25


def test_rough_sketches_move_the_art_nearer_to_the_truth_than_they_are_drawn() -> None:
    rng = np.random.default_rng(4)
    along = np.linspace(0, 2 * np.pi, len(BLOB), endpoint=False)[:, None]

    def wobble() -> np.ndarray:
        shifts = [
            rng.normal(0, 0.5, 2) * np.cos(n * along + rng.uniform(0, 6, 2)) for n in (1, 2, 3)
        ]
        return np.sum(shifts, axis=0)

    lines = [bending(BLOB, m / 6) + wobble() for m in range(7)]
    rough = replace(task(bending, ()), sketches={m: sketched(line) for m, line in enumerate(lines)})
    result = animate_gap(rough)
    ours, drawn = [], []
    for moment, picture in enumerate(result.pictures, start=1):
        truth = painted(bending(BLOB, moment / 6))
        ours.append(difference(picture, truth))
        drawn.append(difference(painted(lines[moment]), truth))
    assert np.mean(ours) < 0.75 * np.mean(drawn)
