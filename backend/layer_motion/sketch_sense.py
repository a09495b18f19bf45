"""Tells whether sketches have to do with the art they are to move; called by the engine.

A sketch that hangs on the wrong layer can be fitted as well, at the price of a torn picture.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from .folding import TORN_SHARE, folded_shares
from .key_lines import key_lines
from .line_points import sketch_points
from .plan import Plan, Scene
from .pose import AT_REST, Pose, source_positions
from .warp import Art

_WORKING_LINES = 112
_NEAR_PX = 3.0
_MIN_POINTS = 12
_RELATED_SHARE = 0.45  # procedural clips 41000-41005: right ones from 0.91, wrong ones to 0.34
_OWN_SHARE = 0.8  # of a key's sketch on lines of its art: right ones from 0.98, wrong ones to 0.66
_UNLIKE_PX = 1.7


def explains(scene: Scene, plan: Plan) -> bool:
    """Whether sketches and art fit together: at the keys as drawn, between them as the plan says.

    False where most of the sketches' lines lie far from any line of the art, where no key has a
    sketch and the art cannot take the sketches' shapes, or where following them folds it over
    itself and the keys' own sketches do not lie on its lines. A sketch without one at a key that
    suits by its shape cannot be told from a right one.
    """
    scale = min(1.0, _WORKING_LINES / scene.task.height)
    drawn: dict[Art, np.ndarray] = {}  # the lines of each key that is asked for, [n, 2]
    at_keys, between, own = [], [], []
    for moment, lines in sorted(scene.task.sketches.items()):
        scene.check()
        strokes = sketch_points(lines, scale).place  # [n, 2] working pixels
        placed = _pose_at(scene, plan, moment)
        if placed is None or len(strokes) < _MIN_POINTS:
            continue
        art, pose = placed
        if art not in drawn:
            drawn[art] = key_lines(art, scale).place
        near = _near_share(strokes / scale, drawn[art], pose, scale)
        if near is not None:
            (between if moment in scene.wanted else at_keys).append(near)
        if moment not in scene.wanted:
            own.append(_own_share(strokes, drawn[art]))
    related = all(not found or np.mean(found) >= _RELATED_SHARE for found in (at_keys, between))
    unlike = not at_keys and _fit_error_px(scene, plan) > _UNLIKE_PX
    is_own = bool(own) and float(np.mean(own)) >= _OWN_SHARE
    return related and not unlike and (is_own or not _is_torn(scene, plan))


def _own_share(strokes: np.ndarray, lines: np.ndarray) -> float:
    """Share 0..1 of a key's stroke points [n, 2] that lie on lines [m, 2] of its art."""
    if len(lines) < _MIN_POINTS:
        return 0.0
    return float((KDTree(lines).query(strokes)[0] < _NEAR_PX).mean())


def _fit_error_px(scene: Scene, plan: Plan) -> float:
    """Median distance, in working pixels, that is left to the sketches between the keys."""
    errors = [
        step.fit_error_px
        for moment, step in zip(scene.wanted, plan.steps, strict=True)
        if moment in scene.task.sketches and step.fit_error_px is not None
    ]
    return float(np.median(errors)) if errors else 0.0


def _pose_at(scene: Scene, plan: Plan, moment: int) -> tuple[Art, Pose] | None:
    """The art that is seen at a moment, and where: the nearer key's where both are."""
    if moment == 0:
        return (scene.first, AT_REST) if scene.visible[0] else None
    if moment not in scene.wanted:
        return (scene.last, AT_REST) if scene.last is not None and scene.visible[1] else None
    step = plan.steps[moment - 1]
    first = None if step.from_first is None else (scene.first, step.from_first)
    last = None
    if step.from_last is not None and scene.last is not None:
        last = (scene.last, step.from_last)
    return last or first if step.share >= 0.5 else first or last


def _near_share(strokes: np.ndarray, lines: np.ndarray, pose: Pose, scale: float) -> float | None:
    """Share 0..1 of stroke points [n, 2] camera pixels that have a line of the moved art nearby.

    `lines` [m, 2]: the art's, unmoved, in working pixels.
    """
    if len(lines) < _MIN_POINTS:
        return None
    where = strokes[:, None].astype(np.float32)
    source = source_positions(pose, where)[:, 0].astype(np.float64) * scale
    distances = KDTree(lines).query(source)[0]
    return float((distances < _NEAR_PX).mean())


def _is_torn(scene: Scene, plan: Plan) -> bool:
    """Whether most drawings fold one key's art."""
    for art, poses in (
        (scene.first, [step.from_first for step in plan.steps]),
        (scene.last, [step.from_last for step in plan.steps]),
    ):
        folded = folded_shares(scene, art, poses)
        if folded and float(np.median(folded)) > TORN_SHARE:
            return True
    return False
