"""Trajectory maps equal their definition: whole blobs in boxes, offsets spread by a filter."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.models.layeranimate.trajectory import blob_template, normalised, raw_maps


def _track(*points: tuple[float, float]) -> np.ndarray:
    """One point's way [frames, 1, 2]."""
    return np.array(points, np.float32)[:, None]


def test_the_template_has_its_known_values() -> None:
    template = blob_template()
    assert template[100, 100] == 255
    assert template[0, 100] == 11
    assert template[199, 100] == 11
    assert template[0, 0] == 0
    assert (template == 0).mean() == pytest.approx(0.2146, abs=1e-4)


def test_a_point_inside_leaves_a_whole_blob_with_its_peak_at_the_point() -> None:
    heat = raw_maps([_track((50.0, 30.0))], 1, 128, 64)[0, 0, 0]
    assert heat.max() == 254
    assert heat[30, 50] == 254
    assert heat[:, :30].max() == heat[:, 70:].max() == 0


def test_a_blob_at_the_border_is_squeezed_not_cropped() -> None:
    heat = raw_maps([_track((2.0, 30.0))], 1, 128, 64)[0, 0, 0]
    assert heat[:, 22:].max() == 0
    assert heat[:, 9:13].max() > 250


@pytest.mark.parametrize("point", [(-1.0, 5.0), (5.0, -0.5), (128.0, 5.0), (5.0, 64.0)])
def test_a_point_outside_leaves_no_mark_but_its_arrival_counts(point: tuple[float, float]) -> None:
    maps = raw_maps([_track(point, (60.0, 30.0))], 2, 128, 64)
    assert not maps[0].any()
    back = raw_maps([_track((60.0, 30.0), point)], 2, 128, 64)
    assert back[0, 0, 1, 30, 60] == pytest.approx(point[0] - 60, abs=1e-4)


def test_the_last_frame_moves_nowhere() -> None:
    maps = raw_maps([_track((50.0, 30.0), (60.0, 30.0))], 2, 128, 64)
    assert maps[0, 0, 1].any()
    assert not maps[1, 0, 1:].any()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 127), st.integers(0, 63)), min_size=1, max_size=6))
def test_sparse_stamps_equal_filtering_the_whole_picture(points: list[tuple[int, int]]) -> None:
    start = np.array(points, np.float32)
    tracks = np.stack([start, start + np.array([3, -2], np.float32)])  # [2, points, 2]
    found = raw_maps([tracks], 2, 128, 64)[0, 0, 1:]
    sources = np.zeros((64, 128, 2), np.float32)
    for x, y in points:
        sources[y, x] = (3, -2)
    scaled = (blob_template() / 255.0).astype(np.float32)
    kernel = cv2.resize(scaled, (41, 41))
    kernel = kernel / kernel[20, 20]
    wanted = cv2.filter2D(sources, -1, kernel, borderType=cv2.BORDER_REFLECT_101)
    np.testing.assert_allclose(found, wanted.transpose(2, 0, 1), atol=1e-4)


def test_normalised_offsets_lie_in_the_unit_disc_of_the_whole_clip() -> None:
    slow = _track((30.0, 30.0), (31.0, 30.0))
    fast = _track((90.0, 30.0), (90.0, 40.0))
    maps = normalised(raw_maps([slow, fast], 2, 128, 64))
    length = np.linalg.norm(maps[:, :, 1:], axis=2)
    assert length.max() == pytest.approx(1.0, abs=1e-5)
    assert length[:, 0].max() == pytest.approx(0.1, abs=1e-3)


def test_no_tracks_give_the_neutral_map() -> None:
    maps = normalised(raw_maps([np.zeros((2, 0, 2), np.float32)], 2, 64, 64))
    assert (maps[:, :, 0] == -1).all()
    assert not maps[:, :, 1:].any()


def test_normalised_maps_equal_the_official_ones(reference_dir: Path) -> None:
    folder = reference_dir / "reference" / "unet" / "golden"
    with np.load(folder / "heatmap.npz", allow_pickle=False) as archive:
        raw = archive["raw"]
    with np.load(folder / "pipeline_inputs.npz", allow_pickle=False) as archive:
        wanted = archive["in_trajectory"][0]
    np.testing.assert_allclose(normalised(raw).swapaxes(0, 1), wanted, atol=1e-6)
