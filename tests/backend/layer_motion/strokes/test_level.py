"""Promises of laying closed strokes start to start."""

from __future__ import annotations

import numpy as np
import pytest

from backend.layer_motion import affine
from backend.layer_motion.strokes.shape.level import Line, like


def egg(count: int, begin: float, way: int) -> Line:
    angle = way * 2 * np.pi * (np.arange(count) / count + begin)
    points = np.stack([90 * np.cos(angle) + 9 * np.cos(2 * angle), 60 * np.sin(angle)], axis=1)
    values = np.concatenate([points, np.ones((count, 6))], axis=1)
    return Line(values, np.ones(8), True, 0, True, 0)


@pytest.mark.parametrize("begin", [0.0, 0.013, 0.4])
@pytest.mark.parametrize("way", [1, -1])
def test_a_redrawn_outline_begins_where_its_partner_does(begin: float, way: int) -> None:
    one, other = like(egg(40, 0.0, 1), egg(53, begin, way), affine.IDENTITY)
    assert np.linalg.norm(one.points[0] - other.points[0]) < 1.5
    assert other.points[2, 1] > 0 < one.points[2, 1]
