"""Lines cut where what they outline changes; the backdrop told by looking far ahead."""

from __future__ import annotations

import numpy as np

from curation.bench.measures import iou
from curation.bench.synthetic import BACKDROP, CHARACTER
from curation.stages.elements import region_labels
from curation.stages.flow import FlowSettings, raw_flow, textured_pixels
from curation.stages.motion import Motion, steadied
from curation.stages.rests import RestSettings, camera_path, region_rests, resting
from curation.stages.strokes import cut_strokes

from .conftest import clip


def test_a_line_is_cut_where_the_surface_beside_it_changes() -> None:
    labels = np.zeros((60, 90), np.int32)
    labels[30:] = 1
    labels[30:, 45:] = 2
    labels[28:31] = 3
    cut = cut_strokes(labels)
    assert cut[29, 10] != cut[29, 80]
    assert cut[10, 10] == cut[10, 80]
    assert {cut[29, 10], cut[29, 80]}.isdisjoint({cut[10, 10], cut[50, 10], cut[50, 80]})


def test_pieces_stay_within_their_region_and_leave_no_number_out() -> None:
    labels = region_labels(clip("pan").frames[0])
    cut = cut_strokes(labels)
    assert set(np.unique(cut)) == set(range(int(cut.max()) + 1))
    for piece in range(int(cut.max()) + 1):
        assert len(np.unique(labels[cut == piece])) == 1


def test_grain_is_not_cut_to_dust() -> None:
    grain = np.random.default_rng(3).integers(0, 256, (96, 128, 3)).astype(np.uint8)
    labels = region_labels(grain)
    assert int(cut_strokes(labels, most=250).max()) < 250
    assert (cut_strokes(labels, most=1) == labels).all()


def test_cut_lines_let_masks_be_built_more_closely() -> None:
    made = clip("mid")
    mask = made.things[0] == CHARACTER
    found = []
    for labels in (region_labels(made.frames[0]), cut_strokes(region_labels(made.frames[0]))):
        inside = np.bincount(labels.ravel(), mask.ravel())
        chosen = np.flatnonzero(inside > np.bincount(labels.ravel()) / 2)
        found.append(iou(np.isin(labels, chosen), mask))
    assert found[1] > found[0]
    assert found[1] > 0.965


def test_what_goes_with_the_camera_is_told_from_what_does_not() -> None:
    made = clip("pan")
    settings = FlowSettings()
    path = camera_path(raw_flow(made.frames, settings), textured_pixels(made.frames, settings))
    rests = resting(made.frames, path)
    share = region_rests(rests[0], made.things[0].astype(np.int32), 3)
    assert np.abs(path[-1] - (-4.0 * (len(made.frames) - 1), 0)).max() < 1.0
    assert share[BACKDROP] > RestSettings().still
    assert share[CHARACTER] < RestSettings().moving


def test_too_short_a_clip_tells_nothing() -> None:
    frames = clip("pan").frames[:2]
    assert np.isnan(resting(frames, np.zeros((2, 2)))).all()
    assert np.isnan(resting(frames[:1], np.zeros((1, 2)))).all()


def test_plain_backdrop_goes_with_the_camera() -> None:
    moving = np.broadcast_to((3.0, 0.0), (3, 10, 2)).copy()
    measured = Motion(np.full(3, 3.0), moving, np.full(3, 50.0))
    camera = np.zeros((10, 2))
    found = steadied(measured, measured, camera, np.array([True, False, False]))
    assert not found[0].any()
    assert (found[1:] == moving[1:]).all()
