"""What goes further than optical flow reaches, and labels that stay behind on other things."""

from __future__ import annotations

from functools import cache

import numpy as np

from curation.bench.bars import BENCH
from curation.bench.measures import best_layer, flow_error
from curation.bench.synthetic import BACKDROP, BALL, CHARACTER
from curation.stages.chain import ChainSettings, layered_clip, region_motion
from curation.stages.far_flow import FarSettings, far_ways, with_leaps
from curation.stages.flow import FlowSettings, raw_flow, textured_pixels
from curation.stages.layering import find_layers
from curation.stages.leaps import LeapSettings
from curation.stages.masklets import MaskletSettings
from curation.stages.motion import left_out, on_pixels
from curation.stages.presence import like_themselves

from .conftest import clip


@cache
def _leaps(kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames' labels by truth, DIS flow and leaps of a clip's first steps."""
    made, settings = clip(kind), FlowSettings()
    frames, labels = made.frames[:3], made.things[:3].astype(np.int32)
    flow = raw_flow(frames, settings)
    ways = far_ways(frames, labels, flow, textured_pixels(frames, settings), LeapSettings())
    return labels, flow, ways


def test_a_ball_that_crosses_its_width_in_a_frame_moves_as_it_leaps() -> None:
    labels, flow, ways = _leaps("fast")
    assert (np.abs(np.linalg.norm(ways[:, BALL], axis=1) - 26) < 2).all()
    mended = with_leaps(flow, labels, ways)
    assert flow_error(clip("fast"), 0, flow[0], BALL) > 10
    assert flow_error(clip("fast"), 0, mended[0], BALL) < 4
    backdrop = labels[:-1] == BACKDROP
    assert (mended[backdrop] == flow[backdrop]).all()


def test_what_flow_can_follow_does_not_leap() -> None:
    assert np.isnan(_leaps("pan")[2]).all()


def test_a_ball_that_leaps_has_a_layer_of_its_own() -> None:
    made = clip("fast")
    layers = layered_clip(made.frames, 12.0, ChainSettings(), BENCH).layer_labels()[0]
    assert best_layer(layers, made.things[0] == BALL) > 0.64
    assert best_layer(layers, made.things[0] == CHARACTER) > 0.72


def test_a_label_that_stays_behind_on_other_colours_is_not_the_element() -> None:
    frames = np.full((3, 32, 32, 3), (40, 160, 60), np.uint8)
    frames[:2, 8:20, 8:20] = (220, 40, 40)
    labels = np.zeros((3, 32, 32), np.int32)
    labels[:, 8:20, 8:20] = 1
    assert like_themselves(frames, labels).tolist() == [[True, True], [True, True], [True, False]]


def test_a_label_that_shrinks_to_a_sliver_is_not_the_element() -> None:
    frames = np.full((2, 32, 32, 3), (220, 40, 40), np.uint8)
    labels = np.zeros((2, 32, 32), np.int32)
    labels[0, :20] = 1
    labels[1, :2] = 1
    assert like_themselves(frames, labels)[:, 1].tolist() == [True, False]


def test_speckles_are_like_themselves() -> None:
    frames = np.full((2, 32, 32, 3), 200, np.uint8)
    frames[:, :10, :10] = np.random.default_rng(0).integers(0, 255, (10, 10, 3), np.uint8)
    labels = np.zeros((2, 32, 32), np.int32)
    labels[:, :10, :10] = 1
    assert like_themselves(frames, labels).all()


def test_what_is_wider_than_its_leap_must_land_better_than_it_stays() -> None:
    labels, _, ways = _leaps("fast")
    assert np.isnan(ways[:, BACKDROP]).all()
    wide = np.zeros((2, 64, 160), np.int32)
    wide[:, :, 20:140] = 1
    frames = np.repeat(np.tile(np.arange(160, dtype=np.uint8) // 40 * 60, (64, 1))[..., None], 3, 2)
    frames = np.stack([frames, np.roll(frames, 40, axis=1)])
    still, told = np.zeros((1, 64, 160, 2), np.float32), np.ones((2, 64, 160), bool)
    anywhere = LeapSettings(largest=1.0, alike=2.0, unlike=0.0)
    assert np.isnan(far_ways(frames, wide, still, told, anywhere)).all()
    assert labels.max() == CHARACTER


def test_steps_are_left_out_before_and_after_but_never_all() -> None:
    strayed = np.array([[False, True], [False, False], [True, True], [True, False]])
    steps = left_out(strayed)
    assert steps.tolist() == [[False, False], [True, False], [True, False]]
    labels = np.tile(np.array([[0, 1]]), (4, 1, 1))
    assert on_pixels(steps, labels)[:, 0].tolist() == steps.tolist()


def _hidden_leaper() -> tuple[np.ndarray, np.ndarray]:
    """A chequered card that leaps 20 px a frame and is gone from the fifth on; its label stays."""
    rng = np.random.default_rng(0)
    wall = np.kron(rng.integers(60, 120, (12, 24)), np.ones((8, 8))).astype(np.uint8)
    frames = np.repeat(np.repeat(wall[None, ..., None], 8, 0), 3, 3)
    labels = np.zeros(frames.shape[:3], np.int32)
    for frame in range(8):
        left = 10 + 20 * min(frame, 4)
        labels[frame, 30:60, left : left + 30] = 1
        if frame < 5:
            frames[frame, 30:60, left : left + 30] = (230, 40, 40)
            frames[frame, 30:45, left : left + 15] = (250, 220, 60)
    return frames, labels


def test_motion_of_a_leaper_is_that_of_the_frames_that_show_it() -> None:
    frames, labels = _hidden_leaper()
    flow, textured, moving = region_motion(
        frames, labels, labels, FlowSettings(), MaskletSettings(), FarSettings()
    )
    assert moving.hidden is not None
    assert moving.rests is not None
    assert moving.hidden[:, 1].tolist() == [False] * 4 + [True] * 3
    assert np.abs(moving.vectors[1, :4] - (20, 0)).max() < 4  # DIS finds every second step
    assert np.isnan(moving.vectors[1, 4:]).all()
    assert abs(moving.scores[1] - 20) < 2
    assert moving.rests[1] < 0.5 < moving.rests[0]
    layered = find_layers(labels, moving, flow, textured, ChainSettings())
    assert abs(max(layered.layer_scores) - 20) < 2
