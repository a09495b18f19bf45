"""Painting a sketch with the colours of the art."""

from __future__ import annotations

import cv2
import numpy as np

from backend.mini.candidate import paint_sketch


def _disc(size: int, centre: tuple[int, int], radius: int, thickness: int) -> np.ndarray:
    canvas = np.zeros((size, size), np.float32)
    cv2.circle(canvas, centre, radius, 1.0, thickness)
    return canvas


def test_a_region_takes_the_colour_most_of_the_art_shows_there() -> None:
    sketch = _disc(64, (32, 32), 20, 1)
    art = np.zeros((64, 64, 4), np.float32)
    inside = _disc(64, (32, 32), 20, -1) > 0
    art[inside] = (0.8, 0.2, 0.1, 1.0)
    art[:, 40:] = 0  # a part of the disc is missing
    painted = paint_sketch(art, sketch)
    assert np.allclose(painted[32, 44], (0.8, 0.2, 0.1, 1.0), atol=1e-3)
    assert np.allclose(painted[2, 2], 0)


def test_ghosts_outside_the_strokes_vanish() -> None:
    sketch = _disc(64, (32, 32), 12, 1)
    art = np.zeros((64, 64, 4), np.float32)
    art[5:12, 5:12] = (0.3, 0.3, 0.3, 0.5)
    assert not paint_sketch(art, sketch)[5:12, 5:12].any()


def test_strokes_take_the_dark_colour_beneath_them() -> None:
    sketch = _disc(64, (32, 32), 20, 2)
    art = np.zeros((64, 64, 4), np.float32)
    art[_disc(64, (32, 32), 20, -1) > 0] = (0.8, 0.2, 0.1, 1.0)
    art[_disc(64, (32, 32), 20, 3) > 0] = (0.1, 0.0, 0.2, 1.0)
    painted = paint_sketch(art, sketch)
    assert np.allclose(painted[sketch == 1], (0.1, 0.0, 0.2, 1.0), atol=1e-3)


def test_blank_and_full_sketches_are_survived() -> None:
    art = np.random.default_rng(0).random((16, 24, 4)).astype(np.float32)
    for value in (0.0, 1.0):
        painted = paint_sketch(art, np.full((16, 24), value, np.float32))
        assert painted.shape == art.shape
        assert np.isfinite(painted).all()
