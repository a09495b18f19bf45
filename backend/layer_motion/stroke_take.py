"""A gap's in-betweens as strokes that stay editable; the pipeline calls it."""

from __future__ import annotations

from collections.abc import Callable

from shared.strokes import Drawing

from . import engine, plan
from .pose import AT_REST
from .task import GapTask


def _no_check() -> None:
    return


def animate_strokes(
    task: GapTask, check: Callable[[], None] = _no_check
) -> tuple[Drawing | None, ...]:
    """The strokes of every wanted drawing of a gap, in camera pixels; same order as `task.times`.

    They are what `animate_gap` draws. A held drawing is its key's own strokes. None where a drawing
    is made of pixels, so that no strokes show it.
    """
    if not task.times:
        return ()
    decided = engine.make_plan(plan.open_scene(task, check))
    return tuple(_strokes(task, step) for step in decided.steps)


def _strokes(task: GapTask, step: plan.Step) -> Drawing | None:
    if step.drawing is not None:
        return step.drawing
    held = step.from_first is AT_REST and step.from_last is None and step.strength == 1.0
    return task.first_strokes if held else None
