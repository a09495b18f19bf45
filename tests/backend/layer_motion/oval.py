"""A closed line in working pixels, for fits to runs of roughs."""

from __future__ import annotations

import numpy as np

from backend.layer_motion.line_points import LinePoints

FRAME = (160.0, 96.0)
AROUND = np.linspace(0, 2 * np.pi, 180, endpoint=False)
OVAL = np.stack([70 + 24 * np.cos(AROUND), 48 + 17 * np.sin(AROUND)], axis=1)


def line(points: np.ndarray) -> LinePoints:
    """A closed line through points [n, 2]."""
    along = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    twice = 2 * np.arctan2(along[:, 1], along[:, 0])
    return LinePoints(points, np.stack([np.cos(twice), np.sin(twice)], axis=1))
