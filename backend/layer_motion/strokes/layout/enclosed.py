"""Lets what lies in a shape come and go with it, as teeth in a mouth that shuts; matching only.

A stroke that one key alone shows is there up to the middle, or from there on. In a shape that
closes it would vanish from an opening still wide, or stand whole in one that has hardly begun.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from ... import affine
from .root import Level

_INSIDE = 0.85  # share of a stroke's points
_CLOSED = 0.35  # of its area for its length that a shape has where it is open
_STIFF = 1e-3
_FEWEST_POINTS = 3


@dataclass(frozen=True, eq=False)
class Closing:
    """A shape that all but closes from one key to the other, which it does not by being far away.

    `outline` float32 [n, 1, 2]: where it is open, `area` square pixels; `motion` 3 x 3.
    """

    outline: np.ndarray
    area: float
    motion: np.ndarray

    def holds(self, points: np.ndarray) -> bool:
        """True where points [n, 2] lie in it."""
        low, high = self.outline.min(axis=0), self.outline.max(axis=0)
        boxed = ((points >= low) & (points <= high)).all(axis=1)
        if float(boxed.mean()) < _INSIDE:
            return False
        inside = [cv2.pointPolygonTest(self.outline, p, False) >= 0 for p in points.tolist()]
        return float(np.mean(inside)) >= _INSIDE


def closing_shapes(level: Iterable[Level]) -> list[Closing]:
    """The filled outlines among partners, point by point, that close; the narrowest first."""
    found: list[Closing] = []
    for one, other in level:
        if not (one.cyclic and one.is_filled) or len(one.values) < _FEWEST_POINTS:
            continue
        area, left = abs(one.area), abs(other.area)
        shorter = (_length(other.points) / max(_length(one.points), 1e-9)) ** 2
        if area > 0 and left < _CLOSED * area * shorter:
            motion = affine.fit_affine(one.points, other.points, stiffness=_STIFF)
            found.append(Closing(one.points.astype(np.float32)[:, None], area, motion))
    return sorted(found, key=lambda shape: shape.area)


def _length(points: np.ndarray) -> float:
    """Rms distance of points [n, 2] from their middle, along their longer side."""
    return (
        float(np.linalg.svd(points - points.mean(axis=0), compute_uv=False)[0]) / len(points) ** 0.5
    )
