"""The baselines do what their names say."""

from __future__ import annotations

import numpy as np
import pytest

from backend.measure.fidelity import psnr_db
from training import baselines
from training.procedural import RenderedClip, make_clip, render


@pytest.fixture(scope="module")
def moving() -> RenderedClip:
    return render(make_clip(2, strata=("translate",)), 160, 96)


def test_hold_is_the_first_frame(moving: RenderedClip) -> None:
    assert all(np.array_equal(f, moving.composites[0]) for f in baselines.hold(moving, (1, 9)))


def test_cross_fade_ends_at_the_keys(moving: RenderedClip) -> None:
    first, last = baselines.cross_fade(moving, (0, 15))
    assert np.array_equal(first, moving.composites[0])
    assert np.array_equal(last, moving.composites[-1])


def test_flow_warp_ends_at_the_keys(moving: RenderedClip) -> None:
    first, last = baselines.flow_warp(moving, (0, 15))
    assert np.array_equal(first, moving.composites[0])
    assert np.array_equal(last, moving.composites[-1])


@pytest.mark.parametrize("two_keys", [False, True])
def test_rigid_warp_is_close_on_a_pure_translation(moving: RenderedClip, two_keys: bool) -> None:
    frames = baselines.rigid_warp(moving, (3, 8, 12), two_keys=two_keys)
    truths = [moving.composites[frame] for frame in (3, 8, 12)]
    held = [psnr_db(moving.composites[0], truth) for truth in truths]
    warped = [psnr_db(*pair) for pair in zip(frames, truths, strict=True)]
    assert min(warped) > 32
    assert min(np.array(warped) - held) > 8
