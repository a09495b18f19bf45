"""The adapter to CoTracker3's own package, against a stand-in package with the same calls.

The package and its weights are not for commercial use and are not here: what is shown is that
coordinates, order, limits and licence are right, not that its tracks are good.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from curation.backends import cotracker3
from curation.backends.cotracker3 import LICENCE, NAME, WEIGHTS, load
from curation.dataset.provenance import Annotation, own_work
from curation.dataset.rights import is_nc_tainted
from shared.errors import AcetateError

from .drawn_weights import write

FRAMES = np.zeros((5, 96, 128, 3), np.uint8)


def _weights(folder: Path) -> Path:
    """A drift of 4 and -2 pixels per frame in the picture of 384 x 512."""
    write(folder, WEIGHTS[0], {"drift": torch.tensor([4.0, -2.0])})
    return folder


@pytest.mark.usefixtures("cotracker_package")
def test_points_come_back_in_our_coordinates(tmp_path: Path) -> None:
    points = np.array([[0.5, 95.5], [64.0, 48.25], [127.0, 90.0]], np.float32)
    places, visible = load(_weights(tmp_path), "cpu")(FRAMES, points)
    step = np.array([4 * 127 / 511, -2 * 95 / 383])
    expected = points[:, None] + np.arange(5)[None, :, None] * step
    assert places.dtype == np.float32
    assert np.allclose(places, expected, atol=1e-4)
    assert visible.dtype == bool
    assert visible.tolist() == [[True] * 5, [True] * 5, [True, False, False, False, False]]


@pytest.mark.usefixtures("cotracker_package")
def test_the_published_grid_goes_row_by_row_with_equal_margins(tmp_path: Path) -> None:
    places, visible = load(_weights(tmp_path), "cpu").grid(FRAMES)
    assert places.shape == (3600, 5, 2)
    assert visible.shape == (3600, 5)
    assert np.allclose(places[0, 0], (8 * 127 / 511 + 0.5, 8 * 95 / 383 + 0.5), atol=1e-4)
    assert np.allclose(places[:60, 0, 1], places[0, 0, 1])


@pytest.mark.usefixtures("cotracker_package")
def test_many_points_go_in_bounded_batches_and_keep_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = np.random.RandomState(0).uniform(10, 90, (25, 2)).astype(np.float32)
    tracker = load(_weights(tmp_path), "cpu")
    whole, _ = tracker(FRAMES, points)
    monkeypatch.setattr(cotracker3, "POINTS_AT_ONCE", 7)
    parts, visible = tracker(FRAMES, points)
    assert np.array_equal(whole, parts)
    assert visible.shape == (25, 5)


@pytest.mark.usefixtures("cotracker_package")
def test_no_points_give_no_tracks(tmp_path: Path) -> None:
    places, visible = load(_weights(tmp_path), "cpu")(FRAMES, np.zeros((0, 2), np.float32))
    assert places.shape == (0, 5, 2)
    assert visible.shape == (0, 5)


@pytest.mark.usefixtures("cotracker_package")
def test_weights_of_another_layout_are_refused(tmp_path: Path) -> None:
    write(tmp_path, WEIGHTS[0], {"drift": torch.zeros(3)})
    with pytest.raises(AcetateError) as caught:
        load(tmp_path, "cpu")
    assert caught.value.name == "weights_unfit"
    assert "drift" in caught.value.detail


@pytest.mark.usefixtures("cotracker_package")
def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(AcetateError) as caught:
        load(tmp_path, "cpu")
    assert caught.value.name == "weights_missing"
    assert WEIGHTS[0] in caught.value.text


def test_without_the_package_the_error_says_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cotracker", None)
    with pytest.raises(AcetateError) as caught:
        load(_weights(tmp_path), "cpu")
    assert caught.value.name == "backend_package"
    assert cotracker3.SOURCE in caught.value.detail


def test_an_older_package_is_told_from_version_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cotracker").mkdir()
    (tmp_path / "cotracker" / "__init__.py").write_text("")
    old = "class CoTrackerPredictor:\n    def __init__(self, checkpoint=None, window_len=8): ...\n"
    (tmp_path / "cotracker" / "predictor.py").write_text(old)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(AcetateError) as caught:
        load(tmp_path, "cpu")
    for name in ("cotracker", "cotracker.predictor"):
        sys.modules.pop(name, None)
    assert caught.value.name == "backend_package"
    assert "version 3" in caught.value.detail


def test_data_that_it_touched_is_marked_non_commercial() -> None:
    made = msgspec.structs.replace(
        own_work("A clip", 5), annotations=(Annotation("tracks", NAME, "3", LICENCE),)
    )
    assert not is_nc_tainted(own_work("A clip", 5))
    assert is_nc_tainted(made)
