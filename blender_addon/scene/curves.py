"""Points along Blender's curve objects, for paths drawn as curves; the exporter calls it."""

from __future__ import annotations

from itertools import pairwise

import bpy
import numpy as np
from mathutils import geometry

_STEPS = 24


def curve_points(item: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> np.ndarray:
    """World points along the first spline of a curve object: [n, 3].

    Poly and Bezier splines are followed exactly; of a NURBS spline, its control points.
    """
    evaluated = item.evaluated_get(depsgraph)
    matrix = np.array(evaluated.matrix_world)
    splines = evaluated.data.splines
    if not len(splines):
        return np.zeros((0, 3))
    spline = splines[0]
    if spline.type == "BEZIER":
        local = _bezier(spline)
    else:
        local = np.array([tuple(point.co)[:3] for point in spline.points], np.float64)
    return local @ matrix[:3, :3].T + matrix[:3, 3]


def _bezier(spline: bpy.types.Spline) -> np.ndarray:
    points = list(spline.bezier_points)
    if spline.use_cyclic_u:
        points.append(points[0])
    parts = [np.array([tuple(points[0].co)])]
    for start, stop in pairwise(points):
        piece = geometry.interpolate_bezier(
            start.co, start.handle_right, stop.handle_left, stop.co, _STEPS
        )
        parts.append(np.array([tuple(point) for point in piece[1:]]))
    return np.concatenate(parts).astype(np.float64)
