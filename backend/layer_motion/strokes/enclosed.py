"""Lets what lies in a shape come and go with it, as teeth in a mouth that shuts; matching only.

A stroke that one key alone shows is there up to the middle, or from there on. In a shape that
closes it would vanish from an opening still wide, or stand whole in one that has hardly begun.
"""

from __future__ import annotations

from collections.abc import Collection

import cv2
import numpy as np

from .. import affine
from .level import Line
from .root import Level

_INSIDE = 0.85  # share of a stroke's points
_CLOSED = 0.35  # of the area that a shape has where it is open
_STIFF = 1e-3


def closing_around(line: Line, level: Collection[tuple[Line, Line]]) -> np.ndarray | None:
    """How the narrowest shape moves that lies around a stroke and all but closes: 3 x 3; or None.

    `level`: partners, point by point; the stroke is among the first of each.
    """
    found: list[tuple[float, Level]] = []
    for one, other in level:
        if not (one.cyclic and one.is_filled) or len(one.values) < 3:
            continue
        area = _area(one.points)
        if area > 0 and _area(other.points) < _CLOSED * area and _is_inside(line, one):
            found.append((area, (one, other)))
    if not found:
        return None
    one, other = min(found, key=lambda pair: pair[0])[1]
    return affine.fit_affine(one.points, other.points, stiffness=_STIFF)


def _area(points: np.ndarray) -> float:
    return abs(float(cv2.contourArea(points.astype(np.float32)[:, None])))


def _is_inside(line: Line, shape: Line) -> bool:
    outline = shape.points.astype(np.float32)[:, None]
    inside = [cv2.pointPolygonTest(outline, point, False) >= 0 for point in line.points.tolist()]
    return float(np.mean(inside)) >= _INSIDE
