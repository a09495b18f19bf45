"""Outlines of strokes and fills as Skia paths; only the rasteriser calls this.

A stroke of even width is a path to be stroked; a tapered one is the union of a disc at each point
and the tangent quadrilateral between neighbours, in one path filled by winding.
"""

from __future__ import annotations

import numpy as np
import skia

_EVEN_RADIUS_PX = 0.02
_EVEN_RADIUS_PART = 0.01


def fill_path(points: np.ndarray) -> skia.Path:
    """The closed polygon [p, 2] of a fill."""
    return _polygon(points, closed=True)


def constant_width_path(points: np.ndarray, cyclic: bool) -> skia.Path:
    """The centre line [p, 2], to be drawn with a stroking paint; one point gives a dot."""
    if len(points) == 1:
        points = np.concatenate([points, points + np.array([[0.001, 0.0]], np.float32)])
    return _polygon(points, closed=cyclic)


def stroke_path(
    points: np.ndarray, radius: np.ndarray, cyclic: bool, round_caps: bool
) -> skia.Path:
    """The area that a stroke covers: points [p, 2] and radius [p] in pixels."""
    widest = float(radius.max())
    if widest - float(radius.min()) <= max(_EVEN_RADIUS_PX, _EVEN_RADIUS_PART * widest):
        return _even_path(points, float(radius.mean()), cyclic, round_caps)
    return _tapered_path(points, radius, cyclic, round_caps)


def _polygon(points: np.ndarray, *, closed: bool) -> skia.Path:
    return skia.Path.Polygon([skia.Point(x, y) for x, y in points.tolist()], closed)


def _even_path(points: np.ndarray, radius: float, cyclic: bool, round_caps: bool) -> skia.Path:
    if len(points) == 1:
        return skia.Path.Circle(float(points[0, 0]), float(points[0, 1]), radius)
    paint = skia.Paint(
        Style=skia.Paint.kStroke_Style,
        StrokeWidth=max(2.0 * radius, 1e-3),
        StrokeCap=skia.Paint.kRound_Cap if round_caps else skia.Paint.kButt_Cap,
        StrokeJoin=skia.Paint.kRound_Join,
    )
    outline = skia.Path()
    paint.getFillPath(_polygon(points, closed=cyclic), outline)
    return outline


def _tapered_path(
    points: np.ndarray, radius: np.ndarray, cyclic: bool, round_caps: bool
) -> skia.Path:
    path = skia.Path()
    if cyclic:
        points = np.concatenate([points, points[:1]])
        radius = np.concatenate([radius, radius[:1]])
    for quad in _tangent_quads(points, radius).tolist():
        path.addPoly([skia.Point(x, y) for x, y in quad], True)
    discs = slice(None) if round_caps or cyclic else slice(1, -1)
    for (x, y), r in zip(points[discs].tolist(), radius[discs].tolist(), strict=True):
        path.addCircle(x, y, r)
    return path


def _tangent_quads(points: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Corners where the common tangents of neighbouring discs touch them: [n, 4, 2], clockwise.

    Neighbours of which one disc holds the other have none.
    """
    start, stop = points[:-1], points[1:]
    start_radius, stop_radius = radius[:-1], radius[1:]
    along = stop - start  # [p - 1, 2]
    distance = np.linalg.norm(along, axis=1)
    kept = distance > np.maximum(np.abs(start_radius - stop_radius), 1e-6)
    along = along[kept] / distance[kept, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    cosine = ((start_radius - stop_radius)[kept] / distance[kept])[:, None]
    sine = np.sqrt(1.0 - cosine**2)
    left, right = along * cosine - across * sine, along * cosine + across * sine
    near, far = start_radius[kept, None], stop_radius[kept, None]
    corners = (
        start[kept] + near * left,
        stop[kept] + far * left,
        stop[kept] + far * right,
        start[kept] + near * right,
    )
    return np.stack(corners, axis=1)
