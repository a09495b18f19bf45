"""Promises of laying a key's rough sketch on its own art: lines in place, tremble told apart."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import KDTree

from backend.layer_motion.key_lines import key_lines, laid_on, stray_px
from backend.layer_motion.line_points import NO_POINTS, LinePoints, sketch_points
from backend.layer_motion.warp import Art, prepare
from shared.pictures import Picture

from .drawn import HEIGHT, WIDTH, outline, painted, sketched

BLOB = outline((70.0, 48.0), (30.0, 18.0))
JITTER_PX = 0.6


def wobbling(points: np.ndarray, seed: int = 1) -> np.ndarray:
    """The outline as a hasty hand draws it."""
    rng = np.random.default_rng(seed)
    along = np.linspace(0, 2 * np.pi, len(points), endpoint=False)[:, None]
    shifts = [
        rng.normal(0, JITTER_PX * np.sqrt(2 / 3), 2) * np.cos(n * along + rng.uniform(0, 6, 2))
        for n in (1, 2, 3)
    ]
    return points + np.sum(shifts, axis=0)


def read(points: np.ndarray) -> LinePoints:
    """A line as it is read from a sketch."""
    return sketch_points(sketched(points), 1.0)


def art(picture: Picture) -> Art:
    """A key's picture, ready to be moved."""
    return prepare(picture, WIDTH, HEIGHT)


def coloured(inside: int, line: int) -> Picture:
    """The blob in grey tones."""
    picture = painted(BLOB)
    pixels = picture.pixels.copy()
    inked = pixels[..., :3].mean(axis=2) < 80
    pixels[~inked, :3] = inside
    pixels[inked, :3] = line
    pixels[pixels[..., 3] == 0] = 0
    return Picture(pixels, picture.x, picture.y)


def far_px(points: LinePoints) -> np.ndarray:
    """Distances of points from the true outline."""
    fine = np.concatenate([BLOB + part * (np.roll(BLOB, -1, 0) - BLOB) for part in (0, 0.3, 0.6)])
    return KDTree(fine).query(points.place)[0]


def test_lines_lie_in_the_middle_of_an_outline_with_a_fill_on_one_side_only() -> None:
    assert np.median(far_px(key_lines(art(coloured(140, 10)), 1.0))) < 0.25


def test_a_line_without_fill_is_found_too() -> None:
    picture = painted(BLOB)
    pixels = picture.pixels.copy()
    pixels[pixels[..., :3].mean(axis=2) > 80] = 0
    lines = key_lines(art(Picture(pixels, picture.x, picture.y)), 1.0)
    assert np.median(far_px(lines)) < 0.2


def test_a_clean_sketch_does_not_stray_from_its_art() -> None:
    assert stray_px(read(BLOB), key_lines(art(painted(BLOB)), 1.0)) < 0.15


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_rough_sketch_strays_from_its_art(seed: int) -> None:
    assert stray_px(read(wobbling(BLOB, seed)), key_lines(art(painted(BLOB)), 1.0)) > 0.27


@pytest.mark.parametrize(("inside", "line"), [(30, 240), (25, 25)])
def test_a_sketch_that_keeps_beside_the_edges_of_its_art_does_not_stray(
    inside: int, line: int
) -> None:
    assert stray_px(read(BLOB), key_lines(art(coloured(inside, line)), 1.0)) < 0.25


def test_a_rough_sketch_is_laid_where_the_lines_are() -> None:
    rough = read(wobbling(BLOB))
    laid = laid_on(rough, key_lines(art(painted(BLOB)), 1.0))
    assert np.median(far_px(laid)) < 0.2 < np.median(far_px(rough))


def test_what_the_art_does_not_show_stays_as_sketched() -> None:
    tail = np.stack([np.linspace(120, 150, 60), np.full(60, 20.0)], axis=1)
    both = sketch_points(np.maximum(sketched(wobbling(BLOB)), sketched(tail)), 1.0)
    laid = laid_on(both, key_lines(art(painted(BLOB)), 1.0))
    assert KDTree(laid.place).query(tail)[0].max() < 1.5


def test_nothing_drawn_strays_from_nothing() -> None:
    assert stray_px(NO_POINTS, key_lines(art(painted(BLOB)), 1.0)) == 0.0
    assert stray_px(read(BLOB), NO_POINTS) == 0.0
    assert not len(key_lines(art(Picture(np.zeros((1, 1, 4), np.uint8))), 1.0))
