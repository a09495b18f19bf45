"""Flow, masklets, tracks and motion against the exact truth of synthetic clips."""

from __future__ import annotations

import numpy as np
import pytest

from curation.bench.measures import flow_error, followed
from curation.bench.synthetic import BACKDROP, BALL, CHARACTER
from curation.stages.elements import region_labels
from curation.stages.flow import clip_flow, dis_flow, region_flow
from curation.stages.masklets import propagate
from curation.stages.motion import measure_motion
from curation.stages.tracks import TrackSettings, follow, grid_points, in_element

from .conftest import clip


@pytest.mark.parametrize("kind", ["mid", "pan", "fast"])
def test_repair_takes_the_motion_of_things_out_of_the_backdrop(kind: str) -> None:
    made = clip(kind)
    first, second = made.frames[0], made.frames[1]
    raw = dis_flow(first, second)
    repaired = region_flow(first, second, raw, region_labels(first))
    error = flow_error(made, 0, repaired, BACKDROP)
    assert error < 0.3
    assert error < flow_error(made, 0, raw, BACKDROP)


def test_held_drawings_have_no_flow() -> None:
    frames = np.repeat(clip("twos").frames[:1], 3, 0)
    assert not clip_flow(frames).any()


def test_tiny_pictures_have_no_flow() -> None:
    frames = np.random.default_rng(0).integers(0, 255, (3, 5, 5, 3), np.uint8)
    assert clip_flow(frames).shape == (2, 5, 5, 2)


@pytest.mark.parametrize(("kind", "least"), [("mid", 0.9), ("pan", 0.9), ("fast", 0.8)])
def test_given_masks_are_followed(kind: str, least: float) -> None:
    made = clip(kind)
    labels = propagate(made.frames, made.things[0].astype(np.int32)).labels
    assert followed(made, labels, BALL) > least
    assert followed(made, labels, CHARACTER) > 0.75


def test_a_held_drawing_keeps_its_labels() -> None:
    made = clip("twos")
    frames = np.repeat(made.frames[:1], 3, 0)
    found = propagate(frames, made.things[0].astype(np.int32))
    assert (found.labels == made.things[0]).all()
    assert not found.lost[:, CHARACTER].any()


def test_a_score_is_the_length_of_the_way_and_doubles_with_size() -> None:
    flow = np.zeros((4, 20, 30, 2), np.float32)
    flow[:, :10] = (3.0, 4.0)
    labels = np.zeros((5, 20, 30), np.int32)
    labels[:, 10:] = 1
    labels[3:, :, :] = 0
    told = measure_motion(flow, labels, np.ones((5, 20, 30), bool), 2)
    assert told.scores[1] == 0.0
    assert told.scores[0] == pytest.approx((3 * 5 + 2.5) / 4)
    assert told.vectors[0, 0] == pytest.approx((3.0, 4.0))
    assert np.isnan(told.vectors[1, 3]).all()


def test_kept_points_on_the_character_are_right() -> None:
    made = clip("twos", 10)
    points = grid_points(320, 512, 60)
    places, trusted = follow(made.frames, points)
    truth, seen = made.follow(points.astype(np.float64))
    keep, element = in_element(places, trusted, made.things + 1, TrackSettings())
    keep &= element == CHARACTER
    error = np.linalg.norm(places - truth, axis=2)[keep]
    assert keep.sum() > 50
    assert (error < 4)[trusted[keep] & seen[keep]].mean() >= 0.9


@pytest.mark.parametrize(("inside", "kept"), [(80, False), (81, True)])
def test_exactly_the_share_inside_is_not_enough(inside: int, kept: bool) -> None:
    labels = np.ones((100, 4, 8), np.uint16)
    labels[:, :, 4:] = 2
    places = np.full((1, 100, 2), 1.5, np.float32)
    places[0, inside:, 0] = 6.5
    keep, element = in_element(places, np.ones((1, 100), bool), labels, TrackSettings())
    assert keep.tolist() == [kept]
    assert element.tolist() == [0]


def test_frames_out_of_the_picture_do_not_count() -> None:
    labels = np.ones((10, 4, 8), np.uint16)
    places = np.full((1, 10, 2), 1.5, np.float32)
    places[0, 5:, 0] = -30.0
    keep, _ = in_element(places, np.ones((1, 10), bool), labels, TrackSettings())
    assert keep.tolist() == [True]
