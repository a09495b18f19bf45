"""Art that lands between pixels: as crisp as it was drawn, never a ring beside an outline."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.layer_motion import affine
from backend.layer_motion.pose import Pose
from backend.layer_motion.resampling import RIM_PX, resampled, with_rim
from backend.layer_motion.warp import frame_limit, prepare, sample
from shared.pictures import Picture

SUB, SIZE = 8, 64
SHIFTS = ((0.5, 0.5), (0.3, 0.0), (0.25, 0.6))


def disc(x: float, y: float) -> np.ndarray:
    """An outlined disc about x, y as coverage would draw it: premultiplied float32 [64, 64, 4]."""
    large = np.zeros((SIZE * SUB, SIZE * SUB, 4), np.float32)
    middle = round(x * SUB), round(y * SUB)
    cv2.circle(large, middle, 20 * SUB, (0.1, 0.1, 0.2, 1.0), -1)
    cv2.circle(large, middle, 18 * SUB, (0.9, 0.7, 0.4, 1.0), -1)
    return cv2.resize(large, (SIZE, SIZE), interpolation=cv2.INTER_AREA)


def indices(shift: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Where art that moved by `shift` is to be looked up, rim included."""
    down, across = np.mgrid[:SIZE, :SIZE].astype(np.float32) + np.float32(RIM_PX)
    return across - np.float32(shift[0]), down - np.float32(shift[1])


def moved(art: np.ndarray, shift: tuple[float, float]) -> np.ndarray:
    return resampled(with_rim(art, (False,) * 4), *indices(shift))


def steepness(pixels: np.ndarray) -> float:
    return float(np.sqrt(sum((np.diff(pixels, axis=axis) ** 2).sum() for axis in (0, 1))))


@pytest.mark.parametrize("shift", SHIFTS)
def test_moved_art_is_nearer_to_art_drawn_there_than_by_a_cubic_kernel(
    shift: tuple[float, float],
) -> None:
    art, truth = disc(32, 32), disc(32 + shift[0], 32 + shift[1])
    padded = with_rim(art, (False,) * 4)
    cubic = cv2.remap(padded, *indices(shift), cv2.INTER_CUBIC)
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
    art = with_rim(np.ones((6, 8, 4), np.float32), (True, False, False, True))
    assert art.shape == (6 + 2 * RIM_PX, 8 + 2 * RIM_PX, 4)
    assert art[RIM_PX:, : RIM_PX + 8].all()
    assert not art[:RIM_PX].any()
    assert not art[:, RIM_PX + 8 :].any()
