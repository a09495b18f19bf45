"""Idle motion for layers that have a motion score and nothing else; called by the engine.

A score says how lively a layer is, not how it moves. What it does is chosen from its art
(`idle_shape`), how from its seed (`idle_motion`). Art is moved by a smooth field, sampled once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import cv2
import numpy as np

from shared.strokes import Drawing

from .idle_motion import Rhythm, displaced, rhythm_of, strength_at
from .idle_shape import Stance, between, kind_of, stance_of
from .plan import Plan, Scene, Step
from .pose import Box, Field, Pose, pixel_centres
from .warp import Patch

_CELLS = 72
_LEAST_CELL_PX = 2.0
_INVERSE_STEPS = 4
_UNMOVED_PX = 0.01
_SOFT_SIGMA = 0.8
_STEEPER = 0.35

_Move = Callable[[np.ndarray], np.ndarray]


def is_wanted(scene: Scene) -> bool:
    """True where a score above 0 is all that is said about a layer's motion."""
    task = scene.task
    return bool(task.motion_score) and scene.tracks is None and not task.sketches


def enliven(scene: Scene, base: Plan) -> Plan:
    """The plan with idle motion on top of every step, nothing at the keys.

    From one key it loops: a drawing at time 1 is the key again. Between two keys it grows from
    the first and dies down towards the last.
    """
    task = scene.task
    score = float(np.clip(task.motion_score or 0.0, 0.0, 1.0))
    kind = kind_of(scene.key_art(), task.height)
    rhythm = rhythm_of(kind, score, task.height, task.seconds, len(task.times), task.seed)
    stances = [stance_of(art) for art in (scene.first, scene.last) if art is not None]
    steps: list[Step] = []
    for step, time in zip(base.steps, task.times, strict=True):
        scene.check()
        steps.append(_livelier(scene, step, _stance_at(scene, stances, step), rhythm, time))
    return Plan("idle", tuple(steps), base.notes)


def _stance_at(scene: Scene, stances: list[Stance], step: Step) -> Stance:
    if len(stances) == 1 or not scene.visible[1]:
        return stances[0]
    if not scene.visible[0]:
        return stances[1]
    return between(stances[0], stances[1], step.share)


def _livelier(scene: Scene, step: Step, stance: Stance, rhythm: Rhythm, time: float) -> Step:
    # Between keys the drawing leaves and reaches them at rest; alone it goes round evenly.
    window = 1.0 if scene.last is None else float(np.sin(np.pi * time))
    score = float(scene.task.motion_score or 0.0)
    dimmed = 1.0 - window * (1.0 - strength_at(rhythm, score, time))

    def move(points: np.ndarray) -> np.ndarray:
        return window * displaced(points, stance, rhythm, time)

    if step.drawing is not None:
        return replace(step, drawing=_moved(step.drawing, move(step.drawing.points)))
    field = _field(_reach_box(scene, rhythm), move)
    if field.reach < _UNMOVED_PX:
        return step
    return replace(step, idle=field, strength=step.strength * dimmed)


def _moved(drawing: Drawing, shift: np.ndarray) -> Drawing:
    current = {field.name: getattr(drawing, field.name) for field in fields(Drawing)}
    return Drawing(**{**current, "points": (drawing.points + shift).astype(np.float32)})


def _reach_box(scene: Scene, rhythm: Rhythm) -> Box:
    """Where art may lie while it idles."""
    box = scene.first.box if scene.last is None else scene.first.box.union(scene.last.box)
    margin = int(np.ceil(2 * rhythm.reach_px)) + 2
    return Box(box.left - margin, box.top - margin, box.right + margin, box.bottom + margin)


def _field(box: Box, move: _Move) -> Field:
    """The displacement that takes pixels of a moment back to where their art rests."""
    cell = max(max(box.width, box.height) / _CELLS, _LEAST_CELL_PX)
    size = max(2, round(box.width / cell)), max(2, round(box.height / cell))
    places = pixel_centres(box, size).astype(np.float64)  # [rows, columns, 2]
    flat = places.reshape(-1, 2)
    source = flat.copy()
    for _ in range(_INVERSE_STEPS):
        source = flat - move(source)
    offsets = (source - flat).reshape(places.shape).astype(np.float32)
    return Field(offsets, box.left, box.top, (box.width / size[0], box.height / size[1]))


def on_top(pose: Pose, idle: Field) -> Pose:
    """A pose whose art idles at the moment's own pixels."""
    if pose.nudge is None:
        return replace(pose, nudge=idle)
    rows = max(idle.offsets.shape[0], pose.nudge.offsets.shape[0])
    columns = max(idle.offsets.shape[1], pose.nudge.offsets.shape[1])
    box = _box_of(idle).union(_box_of(pose.nudge))
    where = pixel_centres(box, (columns, rows))
    first = idle.at(where)
    offsets = first + pose.nudge.at(where + first)
    return replace(
        pose, nudge=Field(offsets, box.left, box.top, (box.width / columns, box.height / rows))
    )


def crisped(patch: Patch) -> Patch:
    """Edges as steep as before they were sampled between pixels, without rims beside them.

    A drawing that idles hardly moves, so that softer outlines than the key's would be seen.
    """
    pixels = patch.pixels
    soft = cv2.GaussianBlur(pixels, (3, 3), _SOFT_SIGMA)
    steep = pixels + np.float32(_STEEPER) * (pixels - soft)
    around = np.ones((3, 3), np.uint8)
    steep = np.clip(steep, cv2.erode(pixels, around), cv2.dilate(pixels, around))
    steep[..., :3] = np.minimum(steep[..., :3], steep[..., 3:])
    return Patch(steep, patch.box, patch.weight)


def _box_of(field: Field) -> Box:
    rows, columns = field.offsets.shape[:2]
    right, bottom = field.x + columns * field.step[0], field.y + rows * field.step[1]
    return Box(int(field.x), int(field.y), int(np.ceil(right)), int(np.ceil(bottom)))
