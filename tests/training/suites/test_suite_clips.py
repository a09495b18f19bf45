"""Clips of the suites: layers cut out exactly, nothing of the truth looked up, statics told."""

from __future__ import annotations

import numpy as np
import pytest

from training.data.procedural_source import ProceduralClips
from training.procedural import make_clip, render
from training.suites.clip import SCORE_WIDTH_PX, grown, spread_out
from training.suites.layered import data_set_clips, of_layered
from training.suites.procedural import of_rendered, procedural_clips
from training.suites.suite import SUITES, Control, suites_called

from .clips import FRAMES, HEIGHT, LEFT, SIDE, STEP_PX, TOP, WIDTH, crossing, crossing_suite_clip


def test_the_six_tasks_are_the_papers() -> None:
    assert [suite.name for suite in SUITES] == [
        "i2v",
        "i2v-trajectory",
        "i2v-sketch",
        "interpolation",
        "interpolation-trajectory",
        "interpolation-sketch",
    ]
    assert {(s.last_key, s.control) for s in SUITES} == {
        (key, control) for key in (False, True) for control in Control
    }
    assert suites_called("all") == SUITES
    assert list(SUITES[0].made(16)) == list(range(1, 16))
    assert list(SUITES[3].made(16)) == list(range(1, 15))


def test_a_procedural_clip_keeps_what_the_generator_knows() -> None:
    rendered = render(make_clip(3, frames=5), 96, 60)
    clip = of_rendered(rendered)
    np.testing.assert_array_equal(clip.frames, rendered.composites[..., :3])
    assert len(clip.layers) == len(rendered.layers)
    still = [layer.stratum == "static" for layer in rendered.clip.layers]
    assert [layer.is_static for layer in clip.layers] == still
    for index, layer in enumerate(clip.layers):
        assert layer.first is rendered.layers[index][0]
        for frame, point in np.argwhere(layer.visible):
            x, y = np.floor(layer.tracks[frame, point]).astype(int)
            assert clip.labels[frame, y, x] == index + 1


def test_a_labelled_clip_is_cut_out_exactly() -> None:
    clip = crossing_suite_clip()
    (square,) = clip.layers
    assert (square.first.x, square.first.y) == (LEFT, TOP)
    assert (square.last.x, square.last.width) == (LEFT + STEP_PX * (FRAMES - 1), SIDE)
    np.testing.assert_array_equal(
        square.first.on_canvas(WIDTH, HEIGHT)[clip.labels[0] == 1][:, :3],
        clip.frames[0][clip.labels[0] == 1],
    )
    assert square.tracks.shape == (FRAMES, 3, 2)
    assert square.visible.all()
    assert square.score == pytest.approx(STEP_PX * SCORE_WIDTH_PX / 512)


def test_the_backdrop_knows_only_what_the_keys_show() -> None:
    clip = crossing_suite_clip()
    bare = ~grown(clip.labels[0] > 0)
    np.testing.assert_array_equal(clip.backdrop[bare][:, :3], clip.frames[0][bare])
    hidden = (slice(TOP + 6, TOP + SIDE - 6), slice(LEFT + 6, LEFT + SIDE - 6))
    assert not np.array_equal(clip.backdrop[hidden][..., :3], clip.frames[-1][hidden])
    # the last key shows what lay under the square at first
    np.testing.assert_array_equal(
        clip.backdrop_of_two[hidden][:, :4, :3], clip.frames[-1][hidden][:, :4]
    )


def test_a_still_ground_with_a_label_becomes_the_backdrop() -> None:
    bare, labelled = crossing_suite_clip(), of_layered(crossing(ground_label=2), WIDTH, HEIGHT, "x")
    assert [layer.name for layer in labelled.layers] == ["square"]
    np.testing.assert_array_equal(bare.labels, labelled.labels)
    np.testing.assert_array_equal(bare.backdrop, labelled.backdrop)


def test_another_size_scales_tracks_with_the_picture() -> None:
    clip = of_layered(crossing(), WIDTH * 2, HEIGHT * 2, "larger")
    own = crossing_suite_clip()
    np.testing.assert_allclose(clip.layers[0].tracks, own.layers[0].tracks * 2, atol=1e-4)
    assert clip.layers[0].score == own.layers[0].score
    narrow = of_layered(crossing(), HEIGHT, HEIGHT, "narrow")  # cut off centrally
    shift = (WIDTH - HEIGHT) / 2
    np.testing.assert_allclose(
        narrow.layers[0].tracks[..., 0], own.layers[0].tracks[..., 0] - shift, atol=1e-4
    )


def test_clips_without_motion_are_static() -> None:
    assert of_layered(crossing(step_px=0), WIDTH, HEIGHT, "still").is_static
    assert not crossing_suite_clip().is_static
    seed = next(n for n in range(500) if make_clip(n).stratum == "static")
    told = [clip.is_static for clip in procedural_clips(8, seed, frames=3, width=32, height=32)]
    assert told == [make_clip(n).stratum == "static" for n in range(seed, seed + 8)]


def test_points_are_chosen_far_apart() -> None:
    points = np.array([[0, 0], [1, 0], [0, 1], [50, 50], [100, 0]], np.float32)
    assert set(spread_out(points, 3).tolist()) >= {4}
    assert len(spread_out(points[:1], 3)) == 1
    assert len(spread_out(points[:0], 3)) == 0


def test_scores_and_rate_count_the_frames_that_are_taken() -> None:
    source = ProceduralClips(count=1, seed=3, width=96, height=64, length=9)
    numbers = np.array([0])
    (whole,) = data_set_clips(source, numbers, frames=9, width=96, height=64)
    (every_fourth,) = data_set_clips(source, numbers, frames=3, width=96, height=64)
    assert every_fourth.fps == whole.fps / 4
    assert [layer.score for layer in every_fourth.layers] == pytest.approx(
        [4 * layer.score for layer in whole.layers]
    )


def test_a_score_counts_pixels_of_what_is_left_of_the_picture() -> None:
    narrow = of_layered(crossing(), HEIGHT, HEIGHT, "narrow")
    moved = np.linalg.norm(np.diff(narrow.layers[0].tracks, axis=0), axis=-1).mean()
    whole = crossing_suite_clip().layers[0].score
    assert narrow.layers[0].score == pytest.approx(whole * WIDTH / HEIGHT)
    assert moved == pytest.approx(STEP_PX)
