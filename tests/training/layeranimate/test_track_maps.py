"""Maps of a batch are those that the pipeline draws, clip by clip and point by point."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.models.layeranimate.trajectory import normalised, raw_maps
from training.layeranimate.track_maps import track_maps

FRAMES, PLACES = 3, 5


def _drawn_one_by_one(
    tracks: np.ndarray, tracked: np.ndarray, clips: list[int], size: tuple[int, int]
) -> np.ndarray:
    found = np.zeros((len(tracks), FRAMES, 3, *size), np.float32)
    for clip in set(clips):
        at = [row for row, owner in enumerate(clips) if owner == clip]
        own = [tracks[row][tracked[row]].swapaxes(0, 1) for row in at]
        found[at] = normalised(raw_maps(own, FRAMES, size[1], size[0])).swapaxes(0, 1)
    return found


def _some_tracks(size: tuple[int, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points inside, outside, on edges, on one pixel, moving and at rest; rows without any."""
    rng = np.random.default_rng(seed)
    height, width = size
    scale = np.array([width, height], np.float32)
    tracks = rng.uniform(-0.2, 1.2, (4, PLACES, FRAMES, 2)).astype(np.float32) * scale
    tracks[0, 0] = tracks[0, 0, :1]
    tracks[0, 2, 0] = tracks[0, 1, 0] + 1e-3
    tracks[1, 0, 0], tracks[1, 1, 0], tracks[1, 2, 0] = (0, 0), scale - 1, scale - 1e-4
    tracked = rng.random((4, PLACES)) < 0.7
    tracked[:2] = True
    tracked[3] = False
    return tracks, tracked


@pytest.mark.parametrize("size", [(64, 128), (8, 16), (45, 41), (96, 30)])
def test_maps_of_a_batch_equal_those_drawn_one_by_one(size: tuple[int, int]) -> None:
    for seed in range(4):
        tracks, tracked = _some_tracks(size, seed)
        clips = [0, 0, 2, 2]
        found = track_maps(
            torch.from_numpy(tracks), torch.from_numpy(tracked), torch.tensor(clips), size
        )
        wanted = _drawn_one_by_one(tracks, tracked, clips, size)
        assert np.array_equal(found[:, :, 0].numpy(), wanted[:, :, 0])
        np.testing.assert_allclose(found.numpy(), wanted, rtol=0, atol=2e-6)


def test_a_batch_without_tracks_is_cold_and_at_rest() -> None:
    for places in (0, 2):
        tracks, tracked = torch.zeros(3, places, 2, 2), torch.zeros(3, places, dtype=torch.bool)
        maps = track_maps(tracks, tracked, torch.tensor([0, 0, 1]), (16, 24))
        assert maps.shape == (3, 2, 3, 16, 24)
        assert bool((maps[:, :, 0] == -1).all())
        assert not maps[:, :, 1:].any()


def test_no_rows_give_no_maps() -> None:
    tracks, tracked = torch.zeros(0, 2, 2, 2), torch.zeros(0, 2, dtype=torch.bool)
    assert track_maps(tracks, tracked, torch.zeros(0).long(), (16, 16)).shape == (0, 2, 3, 16, 16)
