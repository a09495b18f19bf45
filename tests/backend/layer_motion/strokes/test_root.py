"""Promises of limbs that keep their root on the body after a redraw."""

from __future__ import annotations

import numpy as np
import pytest

from backend.layer_motion import affine
from backend.layer_motion.strokes.layout.pair import StrokePair
from backend.layer_motion.strokes.matching.match import pair_strokes
from backend.layer_motion.strokes.shape.level import lines_of, resampled
from shared.strokes import Drawing

from ..drawn import outline, strokes

SHOULDER = np.array([150.0, 100.0])


def figure(degrees: float, start: int = 0, count: int = 120) -> Drawing:
    """A body, and an arm from its shoulder at an angle, begun and divided by any hand."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    arm = np.stack([33 + 41 * np.cos(angle), 8 * np.sin(angle)], axis=1)
    turned = affine.apply(affine.rotation_about(np.zeros(2), degrees), arm) + SHOULDER
    return strokes(np.roll(turned, start, axis=0), outline((120, 130), (34, 50)))


def root_px(pair: StrokePair) -> float:
    """How far the arm's point next to the shoulder moves between both keys."""
    first, last = (lines_of(drawing) for drawing in (pair.first, pair.last))
    arm = int(np.argmax([np.linalg.norm(line.points - SHOULDER, axis=1).max() for line in first]))
    nearest = int(np.linalg.norm(first[arm].points - SHOULDER, axis=1).argmin())
    return float(np.linalg.norm(first[arm].points[nearest] - last[arm].points[nearest]))


@pytest.mark.parametrize("degrees", [-60, 110, 140])
def test_a_redrawn_arm_keeps_its_shoulder_however_far_it_swings(degrees: int) -> None:
    pair = pair_strokes(figure(-70), figure(-70 + degrees, start=37, count=97))
    assert pair is not None
    assert root_px(pair) < 20


def test_what_slides_over_its_carrier_is_no_limb() -> None:
    def face(shift_px: float, start: int, step: int) -> Drawing:
        eye = np.roll(outline((120 + shift_px, 100), (9, 4), 0.0), start, axis=0)[::step]
        return strokes(outline((120, 110), (50, 60)), eye)

    pair = pair_strokes(face(0, 0, 1), face(12, 40, 2))
    assert pair is not None
    eye = [lines_of(drawing)[1] for drawing in (pair.first, pair.last)]
    moved = resampled(eye[1], 40).points - resampled(eye[0], 40).points
    assert np.abs(moved - (12, 0)).max() < 6  # half way round it would be 18
