"""The sketch expert changes only what its rules allow; everything else is bit-equal."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from backend.layer_motion.task import GapResult
from backend.mini.expert import MAX_ENLARGEMENT, Expert, refine_gap
from backend.mini.frames import REACH_PX
from shared.pictures import Picture
from tests.backend.mini.conftest import moved


def _same(one: Picture, other: Picture) -> bool:
    return np.array_equal(one.on_canvas(400, 300), other.on_canvas(400, 300))


@pytest.mark.parametrize(
    "name", ["interpolate/none", "interpolate/1-point", "animate/1-point", "animate/3-points"]
)
def test_without_sketches_the_result_is_layer_motions_own(eager: Expert, name: str) -> None:
    task, result = moved(name)
    assert refine_gap(task, result, eager) is result


def test_a_static_layer_is_layer_motions_own(eager: Expert) -> None:
    task, result = moved("interpolate/dense-sketch", "static")
    assert refine_gap(task, result, eager) is result


def test_only_sketched_drawings_change(eager: Expert) -> None:
    task, result = moved("interpolate/4-sketches")
    refined = refine_gap(task, _badly_fitted(result), eager)
    assert refined.method == f"{result.method}+mini"
    changed = [
        moment
        for moment, (new, old) in enumerate(
            zip(refined.pictures, result.pictures, strict=True), start=1
        )
        if new is not old
    ]
    assert changed == [moment for moment in task.sketches if 0 < moment < 15]


def test_well_fitted_drawings_are_left_alone(eager: Expert) -> None:
    task, result = moved("interpolate/4-sketches")
    fitted = replace(result, fit_errors_px=(0.01,) * len(result.pictures))
    assert refine_gap(task, fitted, eager) is fitted


def test_drawings_of_unknown_fit_are_left_alone(eager: Expert) -> None:
    task, result = moved("interpolate/4-sketches")
    unknown = replace(result, fit_errors_px=())
    assert refine_gap(task, unknown, eager) is unknown


def test_a_keys_own_picture_is_left_alone(eager: Expert) -> None:
    task, result = moved("interpolate/4-sketches")
    held = _badly_fitted(replace(result, pictures=(task.first,) * len(result.pictures)))
    assert refine_gap(task, held, eager) is held


@pytest.mark.parametrize(("size", "reach_px"), [((160, 96), REACH_PX), ((320, 192), 18)])
def test_pixels_far_from_art_and_strokes_keep_their_bytes(
    eager: Expert, size: tuple[int, int], reach_px: int
) -> None:
    task, result = moved("interpolate/4-sketches", size=size)
    refined = refine_gap(task, _badly_fitted(result), eager)
    moment = 5
    old = result.pictures[moment - 1].on_canvas(task.width, task.height)
    new = refined.pictures[moment - 1].on_canvas(task.width, task.height)
    near = ((old[..., 3] > 0) | (task.sketches[moment] > 0)).astype(np.uint8)
    side = 2 * reach_px + 1
    near = cv2.dilate(near, np.ones((side, side), np.uint8)) > 0
    assert not np.array_equal(old, new)
    assert np.array_equal(old[~near], new[~near])


def test_art_beyond_the_border_keeps_its_bytes(eager: Expert) -> None:
    task, result = moved("interpolate/4-sketches")
    wide = np.full((task.height, task.width + 40, 4), 200, np.uint8)
    pictures = (Picture(wide, -20, 0),) * len(result.pictures)
    refined = refine_gap(task, _badly_fitted(replace(result, pictures=pictures)), eager)
    drawing = refined.pictures[4]
    shown = drawing.pixels[-drawing.y :][: task.height, -20 - drawing.x :]
    assert np.array_equal(shown[:, :20], wide[:, :20])
    assert np.array_equal(shown[:, 20 + task.width :][:, :20], wide[:, :20])


def test_the_same_input_gives_the_same_bits(eager: Expert) -> None:
    task, result = moved("animate/4-sketches")
    one, other = (refine_gap(task, _badly_fitted(result), eager) for _ in range(2))
    assert all(_same(a, b) for a, b in zip(one.pictures, other.pictures, strict=True))


def test_check_stops_the_work(eager: Expert) -> None:
    task, result = moved("animate/4-sketches")

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refine_gap(task, _badly_fitted(result), eager, check=stop)


@pytest.mark.parametrize("size", [(320, 192), (40, 24)])
def test_other_camera_sizes_are_refined_too(eager: Expert, size: tuple[int, int]) -> None:
    task, result = moved("animate/4-sketches", size=size)
    refined = refine_gap(task, _badly_fitted(result), eager)
    assert len(refined.pictures) == len(result.pictures)
    assert refined.method.endswith("+mini")


def test_cameras_far_above_the_working_height_are_layer_motions_own(eager: Expert) -> None:
    task, result = moved("animate/4-sketches")
    large = replace(task, width=480, height=int(MAX_ENLARGEMENT * eager.working_height) + 1)
    badly = _badly_fitted(result)
    assert refine_gap(large, badly, eager) is badly


def test_empty_drawings_and_empty_sketches_do_no_harm(eager: Expert) -> None:
    task, result = moved("animate/4-sketches")
    nothing = Picture(np.zeros((1, 1, 4), np.uint8), 500, 500)
    blank = dict.fromkeys(task.sketches, np.zeros((task.height, task.width), np.float32))
    empty = _badly_fitted(replace(result, pictures=(nothing,) * len(result.pictures)))
    assert refine_gap(replace(task, sketches=blank), empty, eager) is empty


def _badly_fitted(result: GapResult) -> GapResult:
    return replace(result, fit_errors_px=(2.0,) * len(result.pictures))
