"""Plans in-betweens of layers whose strokes match between two keys; called by the engine.

Strokes are redrawn where a redrawn key looks like the key's own picture; where it does not
(textures, effects), the pictures themselves are bent by the strokes' displacement.
"""

from __future__ import annotations

import numpy as np

from shared.strokes import Drawing

from . import affine, trajectory
from .field_fit import pose_of_points
from .plan import Plan, Scene, Step, pace
from .stroke_look import redrawn_alike
from .stroke_match import pair_strokes
from .stroke_morph import Morph
from .stroke_pair import StrokePair

_WORKING_LINES = 160


def plan_strokes(scene: Scene) -> Plan | None:
    """In-betweens from matched strokes, or None where the strokes do not match."""
    if scene.last is None or not all(scene.visible):
        return None
    hint = None if scene.tracks is None else trajectory.motion(scene.tracks)[-1]
    pair = pair_strokes(scene.task.first_strokes, scene.task.last_strokes, hint)
    if pair is None:
        return None
    morph = Morph(pair)
    redraw = redrawn_alike(scene)
    poses, way = _common_motion(scene, pair)
    steps: list[Step] = []
    for moment, pose in zip(scene.wanted, poses, strict=True):
        scene.check()
        progress = float(np.clip(way[moment], 0.0, 1.0))
        drawing = morph.at(pose, progress)
        steps.append(
            Step(None, drawing=drawing, share=progress)
            if redraw
            else _bent(scene, pair, drawing, progress)
        )
    return Plan("strokes", tuple(steps))


def _common_motion(scene: Scene, pair: StrokePair) -> tuple[list[np.ndarray], np.ndarray]:
    """Motion of the whole at each wanted moment, and progress of every moment."""
    if scene.tracks is None:
        way = pace(scene)
        middle = pair.first.points.mean(axis=0).astype(float)
        return [affine.interpolate(pair.matrix, way[m], middle) for m in scene.wanted], way
    moves = trajectory.motion(scene.tracks)
    way = trajectory.progress(scene.tracks, scene.times)
    rest = np.linalg.inv(moves[-1]) @ pair.matrix
    centre = scene.tracks[0].mean(axis=0)
    return [moves[m] @ affine.interpolate(rest, way[m], centre) for m in scene.wanted], way


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
