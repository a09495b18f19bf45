"""Plans in-betweens of layers whose strokes match between two keys; called by the engine.

Strokes are redrawn where a redrawn key looks like the key's own picture; where it does not
(textures, effects), the pictures themselves are bent by the strokes' displacement.
"""

from __future__ import annotations

import numpy as np

from shared.strokes import Drawing

from ..field_fit import pose_of_points
from ..plan import Plan, Scene, Step
from .course.course import Course, hint
from .course.key_places import pair_keys
from .layout.pair import StrokePair
from .look import redrawn_alike

_WORKING_LINES = 160


def plan_strokes(scene: Scene) -> Plan | None:
    """In-betweens from matched strokes, or None where the strokes do not match."""
    if scene.last is None:
        return None
    pair = pair_keys(scene.task.first_strokes, scene.task.last_strokes, hint(scene))
    if pair is None:
        return None
    course = Course(scene, pair)
    redraw = redrawn_alike(scene)
    steps: list[Step] = []
    for moment in scene.wanted:
        scene.check()
        progress = float(course.way[moment])
        drawing = course.drawing(moment, progress)
        steps.append(
            Step(None, drawing=course.morph.shown(drawing, progress), share=progress)
            if redraw
            else _bent(scene, pair, drawing, progress)
        )
    return Plan("strokes", tuple(steps))


def _bent(scene: Scene, pair: StrokePair, drawing: Drawing, progress: float) -> Step:
    scale = min(1.0, _WORKING_LINES / scene.task.height)
    frame = scene.task.width, scene.task.height
    moved = drawing.points.astype(float)
    trust = np.ones(len(moved))
    poses = [
        pose_of_points(source.points.astype(float) * scale, moved * scale, trust, frame, scale)
        for source in (pair.first, pair.last)
    ]
    return Step(poses[0], poses[1], progress)
