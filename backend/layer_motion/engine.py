"""Draws the in-betweens of one layer in one gap without any weights; called by the pipeline."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from shared.pictures import Picture
from shared.strokes import Drawing

from . import agreement, idle, notes, plan, sketch_fit, sketch_sense, together, unlike, warp
from .double_outlines import doubled
from .key_shares import KeyShares, even
from .pose import AT_REST, Box, Pose
from .strokes import look as stroke_look
from .strokes import plan as stroke_plan
from .strokes import sketch as stroke_sketch
from .task import GapResult, GapTask

# How steeply one key's art gives way to the other's: over half a gap; where outlines would be
# doubled, within two or three drawings, but not in the only one of a gap; never mixed.
_SOFT, _QUICK, _CRISP = 2.0, 6.0, math.inf
_MIXED_DRAWINGS = 2.5
_CRISP_FROM = 0.5


def _no_check() -> None:
    return


def animate_gap(
    task: GapTask,
    *,
    crisp: bool = False,
    check: Callable[[], None] = _no_check,
    planned: plan.Plan | None = None,
) -> GapResult:
    """Every wanted drawing of a gap, by the method the layer's controls allow.

    `crisp`: between two keys take outlines from the nearer key only (no double lines, a visible
    change in the middle). `check` is called before every drawing and may raise to stop.
    `planned`: what `plan_together` found for this layer.
    """
    if not task.times:
        return GapResult((), "hold")
    scene = plan.open_scene(task, check)
    decided = planned or make_plan(scene)
    limit = warp.frame_limit(
        task.width, task.height, *(art for art in (scene.first, scene.last) if art is not None)
    )
    steepness = _CRISP if crisp else _steepness(scene, decided.steps, limit)
    pictures: list[Picture] = []
    for step in decided.steps:
        check()
        pictures.append(_draw(scene, step, limit, steepness))
    errors = tuple(None if s.is_steadied else s.fit_error_px for s in decided.steps)
    strokes = tuple(_strokes(task, step) for step in decided.steps)
    return GapResult(tuple(pictures), decided.method, errors, decided.notes, strokes)


def plan_together(
    tasks: Sequence[GapTask], check: Callable[[], None] = _no_check
) -> tuple[plan.Plan | None, ...]:
    """Plans of layers that are drawn on the same lines in one gap; None: one goes its own way.

    All have the same times. Layers whose keys are alike, or whose pictures show something else than
    their strokes, stay out of it, and all do where their controls contradict each other.
    """
    scenes = [plan.open_scene(task, check) for task in tasks]
    able = [number for number, scene in enumerate(scenes) if _may_join(scene)]
    some = [tasks[number] for number in able]
    alone = (None,) * len(tasks)
    if len(some) < 2 or not together.agree(some):
        return alone
    parts = together.parted(make_plan(plan.open_scene(together.joined(some), check)), some)
    found = dict(zip(able, parts or (), strict=False))
    return tuple(found.get(number) for number in range(len(tasks)))


def _may_join(scene: plan.Scene) -> bool:
    moves = together.may_join(scene.task) and plan.plan_rest(scene) is None
    return moves and not idle.is_wanted(scene) and stroke_look.redrawn_alike(scene)


def make_plan(scene: plan.Scene) -> plan.Plan:
    """Choose the method by what the layer has; a motion score counts where nothing else does."""
    rest = plan.plan_rest(scene)
    if rest is None and scene.task.sketches:
        sketched = stroke_sketch.plan_sketched_strokes(scene) or sketch_fit.plan_sketch(scene)
        if sketched is not None and sketch_sense.explains(scene, sketched):
            return stroke_sketch.redraw(scene, sketched)
        if sketched is not None:
            bare = make_plan(replace(scene, task=replace(scene.task, sketches={})))
            return replace(bare, notes=(notes.UNRELATED, *bare.notes))
    decided = _noted(scene, rest or _unsketched_plan(scene))
    return idle.enliven(scene, decided) if idle.is_wanted(scene) else decided


def _unsketched_plan(scene: plan.Scene) -> plan.Plan:
    matched = stroke_plan.plan_strokes(scene)
    if matched is not None:
        return matched
    if scene.tracks is not None:
        return stroke_sketch.redraw(scene, plan.plan_trajectory(scene))
    if unlike.are_unlike(scene):
        return unlike.plan_dissolve(scene)
    return plan.plan_registration(scene)


def _noted(scene: plan.Scene, decided: plan.Plan) -> plan.Plan:
    """The plan with what the artist should know about the keys that it was made from."""
    if not _shows(scene.first) and (scene.last is None or not _shows(scene.last)):
        return replace(decided, notes=(notes.BLANK,))
    if decided.notes or scene.last is None:
        return decided
    if not all(scene.visible):
        fading = notes.FADES_OUT if scene.visible[0] else notes.FADES_IN
        return replace(decided, notes=(fading,)) if decided.method == "crossfade" else decided
    first, last = scene.task.first_strokes, scene.task.last_strokes
    drawn = first is not None and last is not None and first.stroke_count and last.stroke_count
    if drawn and decided.method in ("registration", "trajectory"):
        return replace(decided, notes=(notes.UNMATCHED,))
    return decided


def _shows(art: warp.Art) -> bool:
    return bool(art.pixels[..., 3].any())


def _draw(scene: plan.Scene, step: plan.Step, limit: Box, steepness: float) -> Picture:
    if step.drawing is not None:
        return stroke_look.draw_strokes(step.drawing, scene.task.width, scene.task.height)
    exact = _unsampled(scene, step)
    if exact is not None:
        return exact
    patch = _mixed(scene, step, limit, steepness)
    if step.idle is not None:
        nearer = scene.last if step.share >= 0.5 and scene.last is not None else scene.first
        patch = idle.crisped(patch, nearer)
    if step.strength < 1.0:
        patch = warp.faded(patch, step.strength)
    return warp.to_picture(patch)


def _strokes(task: GapTask, step: plan.Step) -> Drawing | None:
    """The strokes that show a drawing, or None where it is made of pixels."""
    if step.drawing is not None:
        return step.drawing
    held = step.from_first is AT_REST and step.from_last is None and step.idle is None
    return task.first_strokes if held and step.strength == 1.0 else None


def _steepness(scene: plan.Scene, steps: Sequence[plan.Step], limit: Box) -> float:
    """How fast one key's art gives way to the other's: faster where outlines would be doubled."""
    mixed = [
        step
        for step in steps
        if step.is_alike
        and step.shares is None
        and _shares(step).steep(_SOFT).is_mixed
        and len(_shown(scene, step)) > 1
    ]
    if not mixed or plan.are_plates(scene):
        return _SOFT
    middle = min(mixed, key=lambda step: abs(step.share - 0.5))
    surely = doubled(*_both(scene, middle, limit), scene.task.height)
    count = len(scene.task.times)
    if count == 1 and surely >= _CRISP_FROM:
        return _CRISP
    quick = max(_QUICK, (count + 1) / _MIXED_DRAWINGS)
    return _SOFT + surely * (quick - _SOFT)


def _mixed(scene: plan.Scene, step: plan.Step, limit: Box, steepness: float) -> warp.Patch:
    """One key's art at its pose, or that of both."""
    shown = _shown(scene, step)
    if len(shown) == 1:
        return warp.sample(shown[0][0], _idling(shown[0][1], step), limit)
    if math.isinf(steepness):
        shares = even(float(step.share >= 0.5))
    else:
        shares = _shares(step).steep(steepness)
    return warp.blend(*_both(scene, step, limit), shares, fills=step.is_alike)


def _shown(scene: plan.Scene, step: plan.Step) -> list[tuple[warp.Art, Pose]]:
    """The keys whose art a step shows, and where."""
    both = (scene.first, step.from_first), (scene.last, step.from_last)
    return [(art, pose) for art, pose in both if art is not None and pose is not None]


def _shares(step: plan.Step) -> KeyShares:
    return step.shares or even(step.share)


def _both(scene: plan.Scene, step: plan.Step, limit: Box) -> tuple[warp.Patch, warp.Patch]:
    """Both keys' art at its pose, brought together first on large cameras."""
    (first, start), (last, goal) = _shown(scene, step)
    poses, shares = (start, goal), _shares(step).steep(_SOFT)
    if shares.is_mixed and agreement.wanted(scene.task.height):
        frame = Box(0, 0, scene.task.width, scene.task.height)
        poses = agreement.agree((first, last), poses, shares, frame)
    start, goal = (_idling(pose, step) for pose in poses)
    cover = warp.landing_box(first, start).union(warp.landing_box(last, goal))
    return warp.sample(first, start, limit, cover), warp.sample(last, goal, limit, cover)


def _idling(pose: Pose, step: plan.Step) -> Pose:
    return pose if step.idle is None else idle.on_top(pose, step.idle)


def _unsampled(scene: plan.Scene, step: plan.Step) -> Picture | None:
    """The key's own pixels where a step only shifts one key's art by whole pixels."""
    both = step.from_first is not None and step.from_last is not None
    if both or step.strength < 1.0 or step.idle is not None:
        return None
    pose, art, picture = step.from_first, scene.first, scene.task.first
    if pose is None:
        if scene.last is None or scene.task.last is None:
            return None
        pose, art, picture = step.from_last, scene.last, scene.task.last
    shift = None if pose is None else warp.whole_shift(pose)
    if shift is None:
        return None
    return picture if shift == (0, 0) else warp.shifted(art, shift)


__all__ = ["Pose", "animate_gap", "make_plan", "plan_together"]
