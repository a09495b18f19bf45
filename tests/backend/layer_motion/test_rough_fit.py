"""Promises of fitting a run of rough sketches at once: nearer than drawn, stiff stays stiff."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.layer_motion import affine
from backend.layer_motion.line_points import LinePoints
from backend.layer_motion.rough_fit import fit_bent, fit_stiff
from backend.layer_motion.rough_pull import Run
from backend.layer_motion.steady import steadied, steadied_stiffly

from .oval import AROUND, FRAME, OVAL, line

MOMENTS = tuple(range(13))


def turning(moment: int) -> np.ndarray:
    """The oval on its way, turned and moved, never stretched."""
    time = moment / MOMENTS[-1]
    turn = affine.rotation_about(OVAL.mean(axis=0), 40 * time)
    return affine.apply(turn, OVAL) + np.array([20 * time**2, 6 * time])


def bowing(moment: int) -> np.ndarray:
    """The oval, its right half rising."""
    across = np.maximum(OVAL[:, 0] - 66.0, 0.0) / 28.0
    rise = 9.0 * (moment / MOMENTS[-1]) ** 2 * across**2
    return OVAL - np.stack([np.zeros(len(OVAL)), rise], axis=1)


def wobble(rng: np.random.Generator, rms_px: float) -> np.ndarray:
    """A hand's error along the oval [n, 2]: a few slow waves."""
    shifts = [
        rng.normal(0, rms_px, 2) * np.cos(n * AROUND[:, None] + rng.uniform(0, 6, 2))
        for n in (1, 2, 3)
    ]
    return np.sum(shifts, axis=0) * np.sqrt(2 / 3)


def roughly(points: np.ndarray, rng: np.random.Generator) -> LinePoints:
    """The line drawn twice by hand, with a fifth of each stroke left out."""
    strokes = []
    for _ in range(2):
        drawn = line(points + wobble(rng, 0.6))
        kept = np.roll(np.arange(len(points)) < 0.8 * len(points), rng.integers(len(points)))
        strokes.append((drawn.place[kept], drawn.heading[kept]))
    places, headings = zip(*strokes, strict=True)
    return LinePoints(np.concatenate(places), np.concatenate(headings))


def rough_run(ways: list[np.ndarray]) -> Run:
    """A run of doubled rough sketches of the oval's ways; the key's own is exact."""
    rng = np.random.default_rng(11)
    source = line(ways[0])
    targets = {m: source if m == 0 else roughly(way, rng) for m, way in enumerate(ways)}
    return Run(source.place, source.heading, targets, 0, frozenset({0}), FRAME)


def error_px(path: np.ndarray, ways: list[np.ndarray]) -> float:
    """Rms distance across the true lines."""
    left = []
    for points, way in zip(path[1:], ways[1:], strict=True):
        along = np.roll(way, -1, axis=0) - np.roll(way, 1, axis=0)
        across = np.stack([-along[:, 1], along[:, 0]], axis=1)
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        left.append(((points - way) * across).sum(axis=1))
    return float(np.sqrt(np.mean(np.square(left))))


def drawn(ways: list[np.ndarray], rms_px: float) -> np.ndarray:
    """The ways [moments, n, 2] with a tremble of their own at every moment but the first."""
    rng = np.random.default_rng(12)
    return np.stack([points + (m > 0) * wobble(rng, rms_px) for m, points in enumerate(ways)])


def test_a_run_of_rough_sketches_is_fitted_nearer_than_it_is_drawn() -> None:
    ways = [bowing(m) for m in MOMENTS]
    run, single = rough_run(ways), drawn(ways, 0.6)
    fitted = fit_bent(run, MOMENTS, steadied(single, [m == 0 for m in MOMENTS]))
    assert error_px(fitted, ways) < 0.55 * error_px(single, ways)
    assert np.array_equal(fitted[0], run.source)


def test_a_stiff_drawing_comes_nearer_still() -> None:
    ways = [turning(m) for m in MOMENTS]
    single = drawn(ways, 0.6)
    fitted = fit_stiff(rough_run(ways), MOMENTS, single)
    assert error_px(fitted, ways) < 0.4 * error_px(single, ways)


def test_a_drawing_that_only_turns_is_not_stretched_by_a_trembling_hand() -> None:
    ways = [turning(m) for m in MOMENTS]
    path = drawn(ways, 0.5)
    calm = steadied_stiffly(OVAL, path, 0, [m == 0 for m in MOMENTS])
    for points in calm:
        sizes = np.linalg.svd(affine.fit_affine(OVAL, points, stiffness=0.0)[:2, :2])[1]
        assert sizes[0] / sizes[1] < 1.002
    assert error_px(calm, ways) < 0.4 * error_px(path, ways)


def test_a_stretch_that_is_meant_stays() -> None:
    ways = [np.array([70.0, 48.0]) + (OVAL - [70.0, 48.0]) * [1 + m / 40, 1] for m in MOMENTS]
    calm = steadied_stiffly(OVAL, np.stack(ways), 0, [m == 0 for m in MOMENTS])
    assert np.abs(calm - np.stack(ways)).max() < 0.02


def test_what_travels_turns_and_grows_at_one_pace_trembles_less() -> None:
    ends = MOMENTS[0], MOMENTS[-1]
    ways = [eased(m) for m in MOMENTS]
    left: list[float] = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        path = np.stack([way + (m not in ends) * wobble(rng, 0.5) for m, way in enumerate(ways)])
        calm = steadied_stiffly(OVAL, path, 0, [m in ends for m in MOMENTS])
        left.append(error_px(calm, ways) / error_px(path, ways))
    assert np.mean(left) < 0.15  # .23 with a course of its own for each of shift, turn and growth


def eased(moment: int) -> np.ndarray:
    """The oval as it leaves late, turns, grows and passes its goal before it settles."""
    time = moment / MOMENTS[-1]
    pace = 1 + 2.4 * (time - 1) ** 3 + 1.4 * (time - 1) ** 2
    turn = affine.rotation_about(OVAL.mean(axis=0), 50 * pace)
    middle = OVAL.mean(axis=0)
    grown = middle + (OVAL - middle) * 1.3**pace
    return affine.apply(turn, grown) + np.array([40 * pace, 9 * pace])


def test_moments_that_show_next_to_nothing_do_not_lead_the_others_astray() -> None:
    ways = [turning(m) for m in MOMENTS]
    path, shown = drawn(ways, 0.2), np.ones(len(MOMENTS))
    shown[-3:] = 0.05
    path[-3:] += np.array([6.0, -4.0])
    start = [m == 0 for m in MOMENTS]
    led = steadied_stiffly(OVAL, path, 0, start)
    calm = steadied_stiffly(OVAL, path, 0, start, shown)
    assert error_px(calm[:-3], ways[:-3]) < 0.3 * error_px(led[:-3], ways[:-3])


def test_a_body_that_the_camera_cuts_all_the_time_is_steadied_like_any_other() -> None:
    ways = [turning(m) for m in MOMENTS]
    path, start = drawn(ways, 0.5), [m == 0 for m in MOMENTS]
    half = steadied_stiffly(OVAL, path, 0, start, np.full(len(MOMENTS), 0.3))
    assert np.allclose(half, steadied_stiffly(OVAL, path, 0, start))


def test_sketches_that_show_next_to_nothing_lead_a_stiff_drawing_nowhere() -> None:
    ways = [turning(m) for m in MOMENTS]
    run = rough_run(ways)
    cut = {m: LinePoints(t.place[:14], t.heading[:14]) for m, t in run.targets.items()}
    late = {m: cut[m] if m > 9 else target for m, target in run.targets.items()}
    path = drawn(ways, 0.2)
    path[10:] += np.array([2.5, -1.5])
    fitted = fit_stiff(replace(run, targets=late), MOMENTS, path)
    assert error_px(fitted[:10], ways[:10]) < 0.2


def leaving(moment: int) -> np.ndarray:
    """The oval on its way out of the picture, turning: at last a third of it is left."""
    return turning(moment) + np.array([80.0 * moment / MOMENTS[-1], 0.0])


def in_picture(lines: LinePoints) -> LinePoints:
    seen = ((lines.place > 0) & (lines.place < FRAME)).all(axis=1)
    return LinePoints(lines.place[seen], lines.heading[seen])


def test_the_end_of_a_body_that_leaves_takes_its_place_from_the_moments_before() -> None:
    ways = [leaving(m) for m in MOMENTS]
    run = rough_run(ways)
    seen = {m: in_picture(target) for m, target in run.targets.items()}
    left: list[float] = []
    for seed in range(8):
        rng, path = np.random.default_rng(seed), drawn(ways, 0.3)
        for points in path[9:]:  # fitted to what is left alone, it may lie and be stretched anyhow
            stretch = np.eye(2) + rng.normal(0, 0.25, (2, 2))
            middle = points.mean(axis=0)
            points[:] = middle + (points - middle) @ stretch + rng.normal(0, 6, 2)
        fitted = fit_stiff(replace(run, targets=seen), MOMENTS, path)
        left.append(error_px(fitted, ways) / error_px(path, ways))
    assert np.mean(left) < 0.07


@pytest.mark.parametrize("known", [{0}, {0, 12}])
def test_a_body_that_holds_still_comes_to_rest(known: set[int]) -> None:
    ways = [OVAL for _ in MOMENTS]
    left: list[float] = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        path = np.stack(
            [OVAL + (m not in known) * (wobble(rng, 0.5) + rng.normal(0, 0.5, 2)) for m in MOMENTS]
        )
        calm = steadied_stiffly(OVAL, path, 0, [m in known for m in MOMENTS])
        left.append(error_px(calm, ways))
    assert np.mean(left) < 0.14  # .18 and more where the tremble itself counts as a way
