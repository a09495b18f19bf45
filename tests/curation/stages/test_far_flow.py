"""What goes further than optical flow reaches, and labels that stay behind on other things."""

from __future__ import annotations

from functools import cache

import numpy as np

from curation.bench.bars import BENCH
from curation.bench.measures import best_layer, flow_error
from curation.bench.synthetic import BACKDROP, BALL, CHARACTER
from curation.stages.chain import ChainSettings, layered_clip
from curation.stages.far_flow import far_ways, with_leaps
from curation.stages.flow import FlowSettings, raw_flow, textured_pixels
from curation.stages.leaps import LeapSettings
from curation.stages.motion import unseen_left_out
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


def test_motion_of_strayed_frames_is_left_out_but_never_all_of_it() -> None:
    vectors = np.ones((2, 3, 2))
    strayed = np.array([[False, True], [False, False], [True, True], [True, False]])
    left = unseen_left_out(vectors, strayed)
    assert np.isnan(left[0, 1:]).all()
    assert (left[0, 0] == 1).all()
    assert (left[1] == 1).all()
