"""What the sketch expert sees of a gap: each key's art moved to every moment, at a working size.

Called by `backend.mini`; the drawings themselves come from `engine.animate_gap`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from . import engine, plan, warp
from .pose import Box, Pose
from .task import GapTask


@dataclass(frozen=True, eq=False)
class SketchIngredients:
    """One wanted drawing of a gap whose layer follows sketches.

    `moment`: as in `GapTask`. `from_first`, `from_last` float32 [h, w, 4]: the keys' art moved to
    this moment, premultiplied, 0..1, camera-sized art scaled to the working size; all zero where
    that key is not used. `blended` float32 [h, w, 4]: what layer motion shows. `progress` 0..1:
    share of the last key. `sketch` float32 [h, w]: this moment's line map, None where it has none.
    `coverage` bool [h, w]: where either key's art lies. `fit_error_px`: distance left between
    fitted lines and sketch in working pixels.
    """

    moment: int
    from_first: np.ndarray
    from_last: np.ndarray
    blended: np.ndarray
    progress: float
    sketch: np.ndarray | None
    coverage: np.ndarray
    fit_error_px: float


def sketch_ingredients(task: GapTask, *, lines: int = 96) -> list[SketchIngredients]:
    """Ingredients of every wanted drawing; empty where the layer does not follow sketches.

    `lines`: working height; pictures that are smaller keep their size.
    """
    scene = plan.open_scene(task, lambda: None)
    decided = engine.make_plan(scene)
    if decided.method != "sketch":
        return []
    scale = min(1.0, lines / task.height)
    size = (max(1, round(task.width * scale)), max(1, round(task.height * scale)))
    return [
        _one(scene, moment, step, size)
        for moment, step in zip(scene.wanted, decided.steps, strict=True)
    ]


def _one(
    scene: plan.Scene, moment: int, step: plan.Step, size: tuple[int, int]
) -> SketchIngredients:
    arts = ((scene.first, step.from_first), (scene.last, step.from_last))
    first, last = (_moved(scene, art, pose) for art, pose in arts)
    shown = [patch for patch in (first, last) if patch is not None]
    blended = warp.blend(shown[0], shown[1], step.share) if len(shown) == 2 else shown[0]
    small = [_small(patch, size) for patch in (first, last)]
    lines = scene.task.sketches.get(moment)
    sketch = None if lines is None else cv2.resize(lines, size, interpolation=cv2.INTER_AREA)
    return SketchIngredients(
        moment=moment,
        from_first=small[0],
        from_last=small[1],
        blended=_small(blended, size),
        progress=step.share,
        sketch=sketch,
        coverage=np.maximum(small[0][..., 3], small[1][..., 3]) > 1 / 255,
        fit_error_px=step.fit_error_px or 0.0,
    )


def _moved(scene: plan.Scene, art: warp.Art | None, pose: Pose | None) -> warp.Patch | None:
    if art is None or pose is None:
        return None
    camera = Box(0, 0, scene.task.width, scene.task.height)
    patch = warp.sample(art, pose, camera)
    return warp.placed(patch, camera)


def _small(patch: warp.Patch | None, size: tuple[int, int]) -> np.ndarray:
    if patch is None:
        return np.zeros((size[1], size[0], 4), np.float32)
    return cv2.resize(patch.pixels, size, interpolation=cv2.INTER_AREA)
