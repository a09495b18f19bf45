"""Art that lands between pixels: as crisp as it was drawn, never a ring beside an outline."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.layer_motion import affine
from backend.layer_motion.pose import Pose
from backend.layer_motion.resampling import resampled
from backend.layer_motion.warp import frame_limit, prepare, sample
from shared.pictures import Picture

SUB, SIZE = 8, 64
WHOLE = (False, False, False, False)
SHIFTS = ((0.5, 0.5), (0.3, 0.0), (0.25, 0.6))


def disc(x: float, y: float) -> np.ndarray:
    """An outlined disc about x, y as coverage would draw it: premultiplied float32 [64, 64, 4]."""
    large = np.zeros((SIZE * SUB, SIZE * SUB, 4), np.float32)
    middle = round(x * SUB), round(y * SUB)
    cv2.circle(large, middle, 20 * SUB, (0.1, 0.1, 0.2, 1.0), -1)
    cv2.circle(large, middle, 18 * SUB, (0.9, 0.7, 0.4, 1.0), -1)
    return cv2.resize(large, (SIZE, SIZE), interpolation=cv2.INTER_AREA)


def indices(shift: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Where art that moved by `shift` is to be looked up."""
    down, across = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    return across - np.float32(shift[0]), down - np.float32(shift[1])


def moved(art: np.ndarray, shift: tuple[float, float]) -> np.ndarray:
    return resampled(art, *indices(shift), WHOLE)


def steepness(pixels: np.ndarray) -> float:
    return float(np.sqrt(sum((np.diff(pixels, axis=axis) ** 2).sum() for axis in (0, 1))))


@pytest.mark.parametrize("shift", SHIFTS)
def test_moved_art_is_nearer_to_art_drawn_there_than_by_a_cubic_kernel(
    shift: tuple[float, float],
) -> None:
    art, truth = disc(32, 32), disc(32 + shift[0], 32 + shift[1])
    cubic = cv2.remap(art, *indices(shift), cv2.INTER_CUBIC)
    error, plain = (((pixels - truth) ** 2).mean() for pixels in (moved(art, shift), cubic))
    assert error < 0.58 * plain
    assert 0.92 < steepness(moved(art, shift)) / steepness(truth) < 1.0


@pytest.mark.parametrize("shift", SHIFTS)
def test_nothing_rings_beside_an_outline(shift: tuple[float, float]) -> None:
    after = moved(disc(32, 32), shift)
    down, across = np.mgrid[:SIZE, :SIZE] + 0.5
    depth = np.hypot(across - 32 - shift[0], down - 32 - shift[1])
    inner, outer = after[depth < 16], after[depth > 22]
    assert np.ptp(inner, axis=0).max() < 1e-5
    assert not outer.any()


def test_whole_pixels_are_the_arts_own() -> None:
    art = disc(32, 32)
    assert np.allclose(moved(art, (3, -2)), np.roll(art, (-2, 3), axis=(0, 1)), atol=1e-6)


def test_colour_stays_below_alpha_in_noisy_art() -> None:
    rng = np.random.default_rng(4)
    art = rng.random((SIZE, SIZE, 4)).astype(np.float32)
    art[..., :3] *= art[..., 3:]
    after = moved(art, (0.4, 0.7))
    assert after.min() >= 0
    assert after[..., 3].max() <= 1
    assert (after[..., :3] <= after[..., 3:]).all()


def cut_left(turn: float) -> tuple[np.ndarray, float]:
    """Alpha [96, 160] of solid art that all but its right side is cut from, moved and turned."""
    art = prepare(Picture(np.full((96, 80, 4), (200, 120, 60, 255), np.uint8)), 160, 96)
    place = affine.translation(20.4, 0.3) @ affine.rotation_about(np.array([40.0, 48.0]), turn)
    patch = sample(art, Pose(place), frame_limit(160, 96, art))
    alpha = np.zeros((400, 400), np.float32)
    top, left = 150 + patch.box.top, 150 + patch.box.left
    alpha[top : top + patch.box.height, left : left + patch.box.width] = patch.pixels[..., 3]
    return alpha[150:246, 150:310], float(alpha.sum())


def test_art_that_the_border_cuts_does_not_fade_there() -> None:
    assert cut_left(0.0)[0][:, 21:99].min() > 0.999


def test_art_does_not_go_on_beyond_its_cut() -> None:
    assert cut_left(20.0)[1] < 1.04 * 80 * 96


def test_only_cut_sides_go_on() -> None:
    down, across = np.mgrid[-3:9, -3:11].astype(np.float32)
    alpha = resampled(np.ones((6, 8, 4), np.float32), across, down, (True, False, False, True))
    assert alpha[3:, : 3 + 8].min() == 1
    assert not alpha[:3].any()
    assert not alpha[:, 3 + 8 :].any()


def test_a_part_of_large_art_is_looked_up_as_in_the_whole() -> None:
    rng = np.random.default_rng(6)
    art = rng.random((90, 120, 4)).astype(np.float32)
    art[..., :3] *= art[..., 3:]
    down, across = np.mgrid[-4:94, -4:124].astype(np.float32)
    across, down = across + np.float32(0.3), down + np.float32(0.6)
    whole = resampled(art, across, down, (True, False, True, False))
    part = np.s_[40:60, 100:]
    some = resampled(art, across[part], down[part], (True, False, True, False))
    assert np.array_equal(some, whole[part])
    far = resampled(art, across[part] + 500, down[part], (False, False, False, False))
    assert not far.any()
