"""Runs layer motion over the gaps of a plan and spools its drawings; called by `execute`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from backend.layer_motion.engine import animate_gap
from backend.layer_motion.task import GapResult, GapTask
from backend.pipeline.artwork import Artwork
from backend.pipeline.context import RunContext
from backend.pipeline.engines import Choice
from backend.pipeline.plan import Gap, LayerPlan, ShotPlan
from backend.pipeline.spool import PictureSpool
from shared.errors import AcetateError
from shared.shot import Layer, MotionScore

MAX_GAP_BYTES = 1_200_000_000
"""Pixels of one layer's drawings in one gap; they are in memory together while it is filled."""


@dataclass(frozen=True)
class MotionResult:
    """What layer motion made. `spool` holds drawings by (layer name, scene frame).

    `methods`: layer name -> one method per gap, as in `GapResult.method`.
    """

    spool: PictureSpool
    methods: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def gap_task(plan: ShotPlan, layer: Layer, gap: Gap, artwork: Artwork) -> GapTask:
    """Collect everything layer motion needs to know about one gap of one layer."""
    request = plan.request
    moments = gap.moments
    scores = [control.score for control in layer.controls if isinstance(control, MotionScore)]
    return GapTask(
        width=request.width,
        height=request.height,
        first=artwork.key_picture(gap.first),
        last=artwork.key_picture(gap.last) if gap.last else None,
        times=tuple(gap.time_of(frame) for frame in gap.frames),
        seconds=(gap.stop - gap.first.frame) / request.fps,
        tracks=_gap_tracks(layer, gap, artwork),
        sketches=_gap_sketches(layer, moments, artwork),
        first_strokes=artwork.key_strokes(gap.first),
        last_strokes=artwork.key_strokes(gap.last) if gap.last else None,
        motion_score=scores[0] if scores else None,
        seed=request.look.seed,
    )


def run_motion(
    plan: ShotPlan, artwork: Artwork, choice: Choice, context: RunContext
) -> Iterator[MotionResult]:
    """Fill all gaps; yields the state after each one, the last being complete.

    At least one state is yielded, also for a plan without gaps.
    """
    spool = PictureSpool()
    methods: dict[str, tuple[str, ...]] = {}
    done, total = 0, plan.drawings_count
    context.report("motion", 0, total)
    yield MotionResult(spool, methods)
    for layer_plan in plan.layers:
        for gap in layer_plan.gaps:
            result = _fill(plan, layer_plan, gap, artwork, choice, context)
            name = layer_plan.layer.name
            methods[name] = (*methods.get(name, ()), result.method)
            for frame, picture in zip(gap.frames, result.pictures, strict=True):
                spool.put((name, frame), picture)
            done += len(gap.frames)
            context.report("motion", done, total)
            yield MotionResult(spool, methods)


def _fill(
    plan: ShotPlan,
    layer_plan: LayerPlan,
    gap: Gap,
    artwork: Artwork,
    choice: Choice,
    context: RunContext,
) -> GapResult:
    context.check()
    task = gap_task(plan, layer_plan.layer, gap, artwork)
    _check_memory(task)
    crisp = plan.request.look.preset == "crisp"
    result = animate_gap(task, crisp=crisp, check=context.check)
    context.check()
    if choice.expert is not None and task.sketches:
        context.report("sketch", 0, 1)
        result = choice.expert.refine(task, result, context.check)
        context.report("sketch", 1, 1)
    return result


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
