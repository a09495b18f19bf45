"""Takes layers that are drawn on the same lines as one drawing, so that they move as one.

Ink and paint are two layers for the artist's convenience alone. Their strokes are matched each
with its own layer's, but tell each other where they go; what guides one of them guides them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, reduce
from itertools import pairwise

import numpy as np

from shared.strokes import Drawing

from . import notes
from .plan import Plan, Step
from .strokes.look import draw_strokes
from .strokes.morphing.morph import reordered
from .strokes.shape.level import LABEL
from .task import GapTask, Neighbour

_KEPT_DRAWINGS = 10  # a gap looks at eight keys


def may_join(task: GapTask) -> bool:
    """Whether a layer consists of strokes whose materials leave room for a label."""
    keys = task.first_strokes, task.last_strokes
    return all(
        key is not None
        and len(key.points) > 0
        and bool(np.isfinite(key.points).all())
        and bool(((key.material >= 0) & (key.material < LABEL)).all())
        for key in keys
    )


def agree(tasks: Sequence[GapTask]) -> bool:
    """Whether nothing that is said about these layers' motion contradicts itself."""
    paths = [task.tracks for task in tasks if task.tracks is not None]
    one = all(np.array_equal(a, b) for a, b in pairwise(paths))
    charts = {task.progress for task in tasks}
    return one and len(charts) == 1 and len({task.times for task in tasks}) == 1


def joined(tasks: Sequence[GapTask]) -> GapTask:
    """One task for layers that `agree`, and each of which `may_join`."""
    first = _as_one(tuple(task.first_strokes for task in tasks if task.first_strokes))
    last = _as_one(tuple(task.last_strokes for task in tasks if task.last_strokes))
    leader = next((task for task in tasks if task.tracks is not None), tasks[0])
    width, height = leader.width, leader.height
    return replace(
        leader,
        first=draw_strokes(first, width, height),
        last=draw_strokes(last, width, height),
        sketches=_sketches(tasks),
        first_strokes=first,
        last_strokes=last,
        motion_score=None,
        before=_neighbours([task.before for task in tasks], leader.before),
        behind=_neighbours([task.behind for task in tasks], leader.behind),
    )


def _sketches(tasks: Sequence[GapTask]) -> dict[int, np.ndarray]:
    """All layers' lines, each moment once."""
    moments = sorted({moment for task in tasks for moment in task.sketches})
    maps = {m: [task.sketches[m] for task in tasks if m in task.sketches] for m in moments}
    return {moment: reduce(np.maximum, lines) for moment, lines in maps.items()}


def _neighbours(
    rows: Sequence[tuple[Neighbour, ...]], leading: tuple[Neighbour, ...]
) -> tuple[Neighbour, ...]:
    """Further keys as far as all layers have them."""
    found: list[Neighbour] = []
    for lead, *keys in zip(leading, *rows, strict=False):
        if {(key.time, key.again) for key in keys} != {(lead.time, lead.again)}:
            break
        found.append(replace(lead, strokes=_as_one(tuple(key.strokes for key in keys))))
    return tuple(found)


@lru_cache(maxsize=_KEPT_DRAWINGS)
def _as_one(drawings: tuple[Drawing, ...]) -> Drawing:
    """All strokes, their materials labelled with their drawing's number.

    The same object for the same drawings: pairs of keys are known by that.
    """
    counts = np.concatenate([np.diff(drawing.offsets) for drawing in drawings])

    def all_of(name: str) -> np.ndarray:
        return np.concatenate([getattr(drawing, name) for drawing in drawings])

    labels = [
        drawing.material + np.int32(number * LABEL) for number, drawing in enumerate(drawings)
    ]
    return Drawing(
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        points=all_of("points"),
        radius=all_of("radius"),
        opacity=all_of("opacity"),
        stroke_colour=all_of("stroke_colour"),
        fill_colour=all_of("fill_colour"),
        point_colour=all_of("point_colour"),
        cyclic=all_of("cyclic"),
        holdout=all_of("holdout"),
        round_caps=all_of("round_caps"),
        material=np.concatenate(labels),
        layer_opacity=np.ones(1, np.float32),
    )


def parted(plan: Plan, tasks: Sequence[GapTask]) -> tuple[Plan, ...] | None:
    """Each layer's own plan out of that of the joined task; None where pictures are bent there."""
    if any(step.drawing is None for step in plan.steps):
        return None
    return tuple(
        replace(
            plan,
            steps=tuple(_own(step, number, task) for step in plan.steps),
            notes=tuple(note for note in plan.notes if task.sketches or note != notes.UNRELATED),
        )
        for number, task in enumerate(tasks)
    )


def _own(step: Step, number: int, task: GapTask) -> Step:
    drawing, first, last = step.drawing, task.first_strokes, task.last_strokes
    assert drawing is not None and first is not None and last is not None  # noqa: S101, PT018
    own = reordered(drawing, np.flatnonzero(drawing.material // LABEL == number))
    opacity = (1 - step.share) * first.layer_opacity + step.share * last.layer_opacity
    material = own.material - np.int32(number * LABEL)
    return replace(
        step, drawing=replace(own, material=material, layer_opacity=opacity.astype(np.float32))
    )
