"""Chosen by their weights, networks take their slots in the chain and sign the clip they made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from curation.backends import anime2sketch, cotracker3, unimatch
from curation.backends.build import built
from curation.backends.choose import BackendSettings, choose
from curation.dataset.provenance import own_work
from curation.dataset.rights import is_nc_tainted
from curation.stages.chain import ChainSettings, layered_clip
from curation.stages.tracks import TrackSettings

from .drawn_weights import drawn, picture, write
from .test_anime2sketch import small_weights
from .test_unimatch import official_shapes


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    write(folder / "unimatch", unimatch.WEIGHTS[1], drawn(official_shapes()))
    write(folder / "anime2sketch", anime2sketch.WEIGHTS[0], small_weights(improved=False))
    write(folder / "cotracker3", cotracker3.WEIGHTS[0], {"drift": torch.tensor([1.0, 0.0])})
    return folder


@pytest.mark.usefixtures("cotracker_package")
def test_a_clip_made_by_networks_says_which_and_what_they_allow(weights: Path) -> None:
    choice = choose(BackendSettings(track="cotracker3"), weights)
    frames = np.stack([picture(64, 96, seed) for seed in (1, 2)])
    settings = ChainSettings(tracks=TrackSettings(grid=8))
    clip = layered_clip(frames, 8.0, settings, own_work("Noise", 2), built(settings, choice))
    made = {note.kind: note for note in clip.provenance.annotations}
    assert [made[kind].name for kind in ("flow", "tracks", "sketch")] == [
        "unimatch",
        "cotracker3",
        "anime2sketch",
    ]
    assert all(len(made[kind].weights_sha256) == 64 for kind in ("flow", "tracks", "sketch"))
    assert is_nc_tainted(clip.provenance)
    drift = np.diff(clip.tracks.points, axis=1)[..., 0]
    assert len(clip.tracks)
    assert np.allclose(drift, 95 / 511, atol=0.02)
    assert clip.sketch is not None
    assert clip.sketch.shape == (2, 64, 96)


def test_what_forbids_commerce_is_not_taken_unasked(weights: Path) -> None:
    choice = choose(BackendSettings(), weights)
    names = {part.slot: part.name for part in choice.parts}
    assert (names["flow"], names["sketch"], names["track"]) == ("unimatch", "anime2sketch", "lk")
