"""Runs layer motion over the gaps of a plan and spools its drawings; called by `execute`."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from backend.layer_motion.engine import animate_gap, plan_together
from backend.layer_motion.plan import Plan
from backend.layer_motion.spacing import progress_at
from backend.layer_motion.task import GapResult, GapTask
from backend.pipeline.artwork import Artwork
from backend.pipeline.bundles import Bundle, bundles, with_frames_of_all
from backend.pipeline.context import RunContext
from backend.pipeline.engines import NOT_REFINED, Choice, SketchExpert, attempt
from backend.pipeline.neighbours import neighbours
from backend.pipeline.notes import Notes
from backend.pipeline.plan import Gap, LayerPlan, ShotPlan
from backend.pipeline.spool import PictureSpool
from shared.blobs import Blobs
from shared.errors import AcetateError
from shared.shot import Layer, MotionScore, Spacing
from shared.strokes import drawing_to_bytes

MAX_GAP_BYTES = 1_200_000_000
"""Pixels of one layer's drawings in one gap; they are in memory together while it is filled."""


@dataclass(frozen=True)
class MotionResult:
    """What layer motion made. `spool` holds drawings by (layer name, scene frame).

    `methods`: layer name -> one method per gap, as in `GapResult.method`. `warnings`: what went
    otherwise than asked, one line each. `strokes`: hashes of those drawings that strokes show, by
    (layer name, scene frame).
    """

    spool: PictureSpool
    methods: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    strokes: Mapping[tuple[str, int], str] = field(default_factory=dict)


def gap_task(plan: ShotPlan, layer: Layer, gap: Gap, artwork: Artwork) -> GapTask:
    """Collect everything layer motion needs to know about one gap of one layer."""
    request = plan.request
    moments = gap.moments
    times = tuple(gap.time_of(frame) for frame in gap.frames)
    scores = [control.score for control in layer.controls if isinstance(control, MotionScore)]
    return GapTask(
        width=request.width,
        height=request.height,
        first=artwork.key_picture(gap.first),
        last=artwork.key_picture(gap.last) if gap.last else None,
        times=times,
        seconds=(gap.stop - gap.first.frame) / request.fps,
        tracks=_gap_tracks(layer, gap, artwork),
        sketches=_gap_sketches(layer, moments, artwork),
        first_strokes=artwork.key_strokes(gap.first),
        last_strokes=artwork.key_strokes(gap.last) if gap.last else None,
        motion_score=scores[0] if scores else None,
        # Two layers with one score must not move in step.
        seed=zlib.crc32(f"{request.look.seed} {layer.name}".encode()),
        progress=_progress(layer, gap, times),
        before=neighbours(layer, gap, artwork, ahead=False),
        behind=neighbours(layer, gap, artwork, ahead=True),
    )


def _progress(layer: Layer, gap: Gap, times: tuple[float, ...]) -> tuple[float, ...] | None:
    charts = [control.chart for control in layer.controls if isinstance(control, Spacing)]
    if not charts or gap.last is None:
        return None
    return tuple(float(part) for part in progress_at(charts[0], np.array(times)))


def score_warnings(plan: ShotPlan, methods: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """One line per layer whose motion score moved nothing, because a path or a sketch did."""
    return tuple(
        f'"{layer_plan.layer.name}": its motion score is not used, because its path or sketch says '
        "more. Switch Motion off, or take the path or sketch away."
        for layer_plan in plan.layers
        if _has_score(layer_plan) and "idle" not in methods.get(layer_plan.layer.name, ())
    )


def _has_score(layer_plan: LayerPlan) -> bool:
    controls = layer_plan.layer.controls if layer_plan.gaps else ()
    return any(isinstance(control, MotionScore) and control.score > 0 for control in controls)


def run_motion(
    plan: ShotPlan, artwork: Artwork, choice: Choice, context: RunContext, outputs: Blobs
) -> Iterator[MotionResult]:
    """Fill all gaps; yields the state after each one, the last being complete.

    Strokes of drawings go into `outputs`: of thousands of them, memory would not hold many frames.

    At least one state is yielded, also for a plan without gaps. Every drawing is a step of the
    stage `motion`, and every drawing that has a sketch for the expert is one more.
    """
    spool = PictureSpool()
    methods: dict[str, tuple[str, ...]] = {}
    strokes: dict[tuple[str, int], str] = {}
    bundled = bundles(plan, artwork, context.check)
    sketched = sum(_sketched_count(*one, artwork, choice) for some in bundled for one in some)
    steps = _Steps(context, plan.drawings_count + sketched)
    filler = _Filler(plan, artwork, choice, context, steps)
    yield MotionResult(spool, methods)
    for (layer_plan, gap), planned in _planned(bundled, plan, artwork, context):
        result = filler.fill(layer_plan, gap, planned)
        name = layer_plan.layer.name
        methods[name] = (*methods.get(name, ()), result.method)
        for frame, picture in zip(gap.frames, result.pictures, strict=True):
            spool.put((name, frame), picture)
        for frame, drawing in zip(gap.frames, result.strokes, strict=False):
            if drawing is not None:
                strokes[name, frame] = outputs.put(drawing_to_bytes(drawing))
        yield MotionResult(spool, methods, filler.notes.lines(), strokes)


def _planned(
    bundled: Sequence[Bundle], plan: ShotPlan, artwork: Artwork, context: RunContext
) -> Iterator[tuple[tuple[LayerPlan, Gap], Plan | None]]:
    """All gaps in their order, with what is known of the motion of layers that go together."""
    for bundle in bundled:
        if len(bundle) == 1:
            yield bundle[0], None
            continue
        wider = with_frames_of_all(bundle)
        tasks = [
            gap_task(plan, layer_plan.layer, gap, artwork)
            for (layer_plan, _), gap in zip(bundle, wider, strict=True)
        ]
        plans = plan_together(tasks, context.check)
        for (layer_plan, gap), wide, found in zip(bundle, wider, plans, strict=True):
            yield (layer_plan, gap), found and _of_frames(found, wide.frames, gap.frames)


def _of_frames(plan: Plan, frames: Sequence[int], wanted: Sequence[int]) -> Plan:
    steps = dict(zip(frames, plan.steps, strict=True))
    return replace(plan, steps=tuple(steps[frame] for frame in wanted))


def _sketched_count(layer_plan: LayerPlan, gap: Gap, artwork: Artwork, choice: Choice) -> int:
    """Drawings of a gap that the expert may have to do with."""
    if choice.expert is None:
        return 0
    return len(set(gap.frames) & artwork.sketch_frames(layer_plan.layer).keys())


class _Steps:
    """Steps done of the stage `motion`."""

    def __init__(self, context: RunContext, total: int) -> None:
        self._context = context
        self._total = total
        self.done = 0
        context.report("motion", 0, total)

    def reach(self, done: int) -> None:
        """Note that so many are done in all; never goes back."""
        if done > self.done:
            self.done = done
            self._context.report("motion", done, self._total)


class _Filler:
    """Fills gaps with drawings, refined where there is an expert; notes what did not work."""

    def __init__(
        self,
        plan: ShotPlan,
        artwork: Artwork,
        choice: Choice,
        context: RunContext,
        steps: _Steps,
    ) -> None:
        self._plan = plan
        self._artwork = artwork
        self._choice = choice
        self._context = context
        self._steps = steps
        self.notes = Notes()

    def fill(self, layer_plan: LayerPlan, gap: Gap, planned: Plan | None) -> GapResult:
        """The drawings of one gap, some with a plan; those that have a sketch are steps again."""
        self._context.check()
        task = gap_task(self._plan, layer_plan.layer, gap, self._artwork)
        _check_memory(task)
        crisp = self._plan.request.look.preset == "crisp"
        result = animate_gap(task, crisp=crisp, check=self._context.check, planned=planned)
        for note in result.notes:
            self.notes.about(layer_plan, gap, note)
        self._context.check()
        self._steps.reach(self._steps.done + len(gap.frames))
        end = self._steps.done + _sketched_count(layer_plan, gap, self._artwork, self._choice)
        if self._choice.expert is not None and task.sketches:
            result = self._refined(self._choice.expert, task, result, end)
        self._steps.reach(end)
        return result

    def _refined(
        self, expert: SketchExpert, task: GapTask, result: GapResult, last_step: int
    ) -> GapResult:
        done = self._steps.done

        def before_drawing() -> None:
            nonlocal done
            self._context.check()
            self._steps.reach(min(done, last_step))
            done += 1

        def refine() -> GapResult:
            return expert.refine(task, result, before_drawing)

        if self._choice.required:
            return refine()
        refined, fault = attempt(refine)
        if fault:
            self.notes.say(f"{NOT_REFINED}: {fault}")
        return refined or result


def _check_memory(task: GapTask) -> None:
    ends = [task.first.cropped()] + ([task.last.cropped()] if task.last else [])
    largest = max(picture.pixels.nbytes for picture in ends)
    limit = int(MAX_GAP_BYTES // max(largest, 1))
    if len(task.times) > limit:
        raise AcetateError("gap_too_long", frames=len(task.times), limit=limit)


def _gap_tracks(layer: Layer, gap: Gap, artwork: Artwork) -> np.ndarray | None:
    tracks = artwork.tracks(layer)
    if tracks is None or not tracks.moves_within(gap.first.frame, gap.stop):
        return None
    points = tracks.at(gap.moments)  # [moments, p, 2]
    return points if points.shape[1] else None


def _gap_sketches(
    layer: Layer, moments: tuple[int, ...], artwork: Artwork
) -> dict[int, np.ndarray]:
    frames = artwork.sketch_frames(layer)
    lines: dict[int, np.ndarray] = {}
    for moment, frame in enumerate(moments):
        if frame in frames:
            line_map = artwork.line_map(frames[frame])
            if line_map.any():
                lines[moment] = line_map
    return lines
