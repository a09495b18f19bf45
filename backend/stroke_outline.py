"""Outlines of strokes and fills as Skia paths; only the rasteriser calls this.

A stroke of even width is a centre line with a width; a tapered one is the union of a disc at each
point and the tangent quadrilateral between neighbours, in one path filled by winding. Everything
that can be is computed for all strokes at once: a scene has many short strokes.
"""

from __future__ import annotations

import numpy as np
import skia

_EVEN_RADIUS_PX = 0.02
_EVEN_RADIUS_PART = 0.01


def centre_line(points: np.ndarray, *, closed: bool) -> skia.Path:
    """A line through points [p, 2], to be drawn with a stroking paint; one point gives a dot."""
    if len(points) == 1:
        points = np.concatenate([points, points + np.array([[0.001, 0.0]], np.float32)])
    return skia.Path.Polygon(_skia_points(points), closed)


class StrokeOutlines:
    """Paths of all strokes of a drawing.

    `offsets` int [S + 1], `points` float32 [P, 2] and `radius` float32 [P] in pixels, `cyclic`
    and `round_caps` bool [S].
    """

    def __init__(
        self,
        offsets: np.ndarray,
        points: np.ndarray,
        radius: np.ndarray,
        cyclic: np.ndarray,
        round_caps: np.ndarray,
    ) -> None:
        self._offsets: list[int] = offsets.tolist()
        self._points = points
        self._radius: list[float] = radius.tolist()
        self._cyclic: list[bool] = cyclic.tolist()
        self._round_caps: list[bool] = round_caps.tolist()
        self._skia_points = _skia_points(points)
        self._corners, self._has_quad = _tangent_quads(offsets, points, radius, cyclic)

    def fill(self, stroke: int) -> skia.Path:
        """The closed polygon of a stroke's fill."""
        start, stop = self._offsets[stroke], self._offsets[stroke + 1]
        return skia.Path.Polygon(self._skia_points[start:stop], True)

    def line(self, stroke: int) -> skia.Path:
        """The area that a stroke's line covers. The stroke has at least one point."""
        start, stop = self._offsets[stroke], self._offsets[stroke + 1]
        radius = self._radius[start:stop]
        widest = max(radius)
        if widest - min(radius) <= max(_EVEN_RADIUS_PX, _EVEN_RADIUS_PART * widest):
            return self._even(stroke, start, stop, sum(radius) / len(radius))
        return self._tapered(stroke, start, stop)

    def _even(self, stroke: int, start: int, stop: int, radius: float) -> skia.Path:
        if stop - start == 1:
            x, y = self._points[start].tolist()
            return skia.Path.Circle(x, y, radius)
        round_caps = self._round_caps[stroke]
        paint = skia.Paint(
            Style=skia.Paint.kStroke_Style,
            StrokeWidth=max(2.0 * radius, 1e-3),
            StrokeCap=skia.Paint.kRound_Cap if round_caps else skia.Paint.kButt_Cap,
            StrokeJoin=skia.Paint.kRound_Join,
        )
        outline = skia.Path()
        centre = skia.Path.Polygon(self._skia_points[start:stop], self._cyclic[stroke])
        paint.getFillPath(centre, outline)
        return outline

    def _tapered(self, stroke: int, start: int, stop: int) -> skia.Path:
        path = skia.Path()
        corners = self._corners[start:stop][self._has_quad[start:stop]]  # [quads, 4, 2]
        points = _skia_points(corners.reshape(-1, 2))
        for first in range(0, len(points), 4):
            path.addPoly(points[first : first + 4], True)
        if not (self._round_caps[stroke] or self._cyclic[stroke]):
            start, stop = start + 1, stop - 1
        discs = zip(self._points[start:stop].tolist(), self._radius[start:stop], strict=True)
        for (x, y), radius in discs:
            path.addCircle(x, y, radius)
        return path


def _skia_points(points: np.ndarray) -> list[skia.Point]:
    return list(map(skia.Point, points[:, 0].tolist(), points[:, 1].tolist()))


def _tangent_quads(
    offsets: np.ndarray, points: np.ndarray, radius: np.ndarray, cyclic: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where the common tangents of each point's disc and its successor's touch them.

    Returns corners [P, 4, 2], clockwise, and bool [P]: whether there is a quadrilateral at all.
    There is none after the last point of an open stroke, nor where one disc holds the other.
    """
    following, linked = _successors(offsets, cyclic, len(points))
    along = points[following] - points  # [P, 2]
    shrink = radius - radius[following]  # [P]
    distance = np.hypot(along[:, 0], along[:, 1])
    has_quad = linked & (distance > np.maximum(np.abs(shrink), 1e-6))
    safe = np.where(has_quad, distance, 1.0)
    along = along / safe[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    cosine = np.where(has_quad, shrink / safe, 0.0)[:, None]
    sine = np.sqrt(1.0 - cosine**2)
    left, right = along * cosine - across * sine, along * cosine + across * sine
    near, far = radius[:, None], radius[following][:, None]
    there = points[following]
    corners = (
        points + near * left,
        there + far * left,
        there + far * right,
        points + near * right,
    )
    return np.stack(corners, axis=1), has_quad


def _successors(
    offsets: np.ndarray, cyclic: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Index of each point's successor [P], and whether it has one [P]."""
    following = np.arange(1, count + 1)
    linked = np.ones(count, bool)
    filled = np.diff(offsets) > 0
    last = offsets[1:][filled] - 1
    following[last] = offsets[:-1][filled]
    linked[last] = cyclic[filled]
    return following, linked
