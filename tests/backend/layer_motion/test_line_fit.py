"""Promises about fitting one drawing's points to another with a single affine map."""

from __future__ import annotations

import numpy as np

from backend.layer_motion import affine
from backend.layer_motion.line_fit import LineFitter
from backend.layer_motion.line_points import sketch_points

from .drawn import HEIGHT, WIDTH, outline, sketched, turned

BLOB = outline((70.0, 48.0), (30.0, 18.0))
EYE = outline((84.0, 42.0), (4.0, 4.0))
MIDDLE = np.array([70.0, 48.0])


def fitter() -> LineFitter:
    """Fits the blob and its eye, read as a sketch, inside the camera."""
    return LineFitter(sketch_points(sketched(BLOB, EYE), 1.0), (float(WIDTH), float(HEIGHT)))


def carried(points: np.ndarray) -> np.ndarray:
    """Points turned a little and shifted."""
    return turned(points, MIDDLE, 2.0) + np.array([1.0, -1.0])


def test_a_stiff_fit_finds_a_turn_and_a_shift() -> None:
    lines = fitter()
    target = sketch_points(sketched(carried(BLOB), carried(EYE)), 1.0)
    fit = lines.follow_stiffly(lines.source, target)
    assert np.hypot(*(fit.moved - carried(lines.source)).T).mean() < 0.7
    assert fit.error_px < 0.3


def test_a_stiff_fit_is_one_affine_map_even_to_a_bent_drawing() -> None:
    lines = fitter()
    bent = [
        line + np.stack([np.zeros(len(line)), 0.006 * (line[:, 0] - 70.0) ** 2], axis=1)
        for line in (BLOB, EYE)
    ]
    target = sketch_points(sketched(*bent), 1.0)
    fit = lines.follow_stiffly(lines.source, target)
    matrix = affine.fit_affine(lines.source, fit.moved, stiffness=0.0)
    assert np.allclose(affine.apply(matrix, lines.source), fit.moved, atol=1e-6)
    assert lines.follow(lines.source, target).error_px < fit.error_px == fit.stiff_error_px
