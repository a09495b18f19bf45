"""Plans in-betweens of layers whose strokes match between two keys; called by the engine.

Strokes are redrawn where a redrawn key looks like the key's own picture; where it does not
(textures, effects), the pictures themselves are bent by the strokes' displacement.
"""

from __future__ import annotations

import numpy as np

from backend import raster
from shared.pictures import Picture
from shared.strokes import Drawing

from . import affine, trajectory
from .field_fit import pose_of_points
from .plan import Plan, Scene, Step, gentle
from .stroke_match import pair_strokes
from .stroke_morph import Morph
from .stroke_pair import StrokePair
from .task import GapTask
from .warp import OVERSCAN

_WORKING_LINES = 160
_LIKENESS = 0.06


def plan_strokes(scene: Scene) -> Plan | None:
    """In-betweens from matched strokes, or None where the strokes do not match."""
    if scene.last is None or not all(scene.visible):
        return None
    hint = None if scene.tracks is None else trajectory.motion(scene.tracks)[-1]
    pair = pair_strokes(scene.task.first_strokes, scene.task.last_strokes, hint)
    if pair is None:
        return None
    morph = Morph(pair)
    redraw = _redrawn_alike(scene)
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


def draw_strokes(drawing: Drawing, width: int, height: int) -> Picture:
    """The drawing at camera size with overscan."""
    return raster.draw(
        drawing, width=width, height=height, margin_px=int(OVERSCAN * max(width, height))
    )


def _common_motion(scene: Scene, pair: StrokePair) -> tuple[list[np.ndarray], np.ndarray]:
    """Motion of the whole at each wanted moment, and progress of every moment."""
    if scene.tracks is None:
        way = gentle(scene.times)
        middle = pair.first.points.mean(axis=0).astype(float)
        return [affine.interpolate(pair.matrix, way[m], middle) for m in scene.wanted], way
    moves = trajectory.motion(scene.tracks)
    way = trajectory.progress(scene.tracks, scene.times)
    rest = np.linalg.inv(moves[-1]) @ pair.matrix
    centre = scene.tracks[0].mean(axis=0)
    return [moves[m] @ affine.interpolate(rest, way[m], centre) for m in scene.wanted], way


def _redrawn_alike(scene: Scene) -> bool:
    """True where both keys, redrawn from their strokes, look like their pictures."""
    task = scene.task
    pairs = ((task.first_strokes, task.first), (task.last_strokes, task.last))
    for strokes, picture in pairs:
        scene.check()
        if strokes is None or picture is None:
            return False
        if _difference(draw_strokes(strokes, task.width, task.height), picture, task) > _LIKENESS:
            return False
    return True


def _difference(one: Picture, other: Picture, task: GapTask) -> float:
    """Mean difference 0..1 of premultiplied colour and alpha over the camera where either shows."""
    width, height = task.width, task.height
    a, b = one.on_canvas(width, height), other.on_canvas(width, height)
    shown = (a[..., 3] > 0) | (b[..., 3] > 0)
    if not shown.any():
        return 0.0
    return float(np.abs(_premultiplied(a[shown]) - _premultiplied(b[shown])).mean())


def _premultiplied(pixels: np.ndarray) -> np.ndarray:
    values = pixels.astype(np.float32) / 255
    values[:, :3] *= values[:, 3:]
    return values


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
