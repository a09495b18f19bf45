"""Runs one shot from request to result; called by worker processes and by `acetate generate`."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from threadpoolctl import threadpool_limits

from backend.models.layeranimate.clip import ClipProgress
from backend.pipeline.artwork import Artwork
from backend.pipeline.context import RunContext
from backend.pipeline.deliver import composite, deliver, offer_preview, picture_source
from backend.pipeline.engines import (
    LAYER_MOTION,
    LAYERANIMATE,
    MINI,
    NOT_PAINTED,
    Choice,
    ClipPainter,
    Engines,
    attempt,
    choose,
    with_store,
)
from backend.pipeline.feature_store.contract import NoStore
from backend.pipeline.likeness import is_quick, measure
from backend.pipeline.motion import MotionResult, run_motion, score_warnings
from backend.pipeline.notes import blend_notes
from backend.pipeline.paint import PaintResult, paint, store_painted
from backend.pipeline.plan import ShotPlan, make_plan
from backend.pipeline.presets import preset_of
from backend.pipeline.takes import TakeGroup
from shared.blobs import Blobs
from shared.result import ModelUsed, ResultManifest
from shared.shot import ShotRequest, validate

log = logging.getLogger("acetate.pipeline")


def execute(
    request: ShotRequest,
    inputs: Blobs,
    outputs: Blobs,
    context: RunContext,
    engines: Engines | None = None,
    takes: TakeGroup | None = None,
) -> ResultManifest:
    """Generate one take of a shot.

    `inputs` holds the request's blobs, `outputs` receives the result's. `look.takes` is ignored:
    whoever wants several takes runs `shot.single_takes`, with one `takes` group for all of them
    where a model may paint them together. Raises `AcetateError` for every fault of
    the material, a missing model, or a cancel; nothing of a failed run is named in a manifest.
    Under `auto` a model that fails leaves layer motion's drawings and a warning.
    """
    clock = _Clock()
    context.report("plan", 0, 1)
    validate(request)
    plan = make_plan(request)
    artwork = Artwork(request, inputs)
    artwork.check(plan)
    engines = engines or Engines()
    choice = with_store(choose(plan, engines, context.device), engines, context.device)
    context.report("plan", 1, 1)
    clock.lap("plan")

    # Thousands of small products: threads would wait for each other longer than they work.
    with threadpool_limits(limits=1):
        motion = _move(plan, artwork, choice, context, outputs)
    clock.lap("motion")

    result = None
    if choice.painter is not None:
        group = takes or TakeGroup(())
        choice, result = _paint(plan, artwork, motion, choice, choice.painter, context, group)
        motion = result.motion if result else motion
        clock.lap("paint")
        # a later take finds its clip painted: its time tells nothing
        if group.is_first(request.look.seed):
            _measure_once(plan, choice, context, clock.timings["paint"])

    delivered = deliver(plan, artwork, motion, outputs, context)
    painted = store_painted(plan, result, delivered.composite, outputs) if result else ()
    clock.lap("deliver")
    engine, models, warnings = _credits(plan, choice, motion)
    return ResultManifest(
        request_sha256=request.sha256,
        engine=engine,
        width=request.width,
        height=request.height,
        fps=request.fps,
        start=request.start,
        end=request.end,
        layers=delivered.layers,
        composite=delivered.composite,
        painted=painted,
        models=models,
        seed=request.look.seed,
        timings=clock.timings,
        warnings=warnings,
    )


class _Clock:
    """Wall seconds per stage."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.timings: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """Book the time since the last lap on `stage`."""
        now = time.perf_counter()
        self.timings[stage] = round(now - self._last, 4)
        self._last = now


def _move(
    plan: ShotPlan, artwork: Artwork, choice: Choice, context: RunContext, outputs: Blobs
) -> MotionResult:
    """Fill all gaps, showing the middle of the shot after each."""
    middle = len(plan.frames) // 2
    state: MotionResult | None = None
    for state in run_motion(plan, artwork, choice, context, outputs):
        picture_of = picture_source(artwork, state.spool)
        offer_preview(context, composite(plan, middle, picture_of))
        context.check()
    if state is None:
        raise RuntimeError("layer motion reported no state")
    return state


def _paint(
    plan: ShotPlan,
    artwork: Artwork,
    motion: MotionResult,
    choice: Choice,
    painter: ClipPainter,
    context: RunContext,
    takes: TakeGroup,
) -> tuple[Choice, PaintResult | None]:
    """Let the model paint; under `auto`, where it fails, the choice is layer motion after all."""

    def work() -> PaintResult:
        return paint(plan, artwork, motion, painter, context, takes)

    if choice.required:
        return choice, work()
    result, fault = attempt(work)
    if result is not None:
        return choice, result
    return Choice(warnings=(*choice.warnings, f"{NOT_PAINTED}: {fault}")), None


def _credits(
    plan: ShotPlan, choice: Choice, motion: MotionResult
) -> tuple[str, tuple[ModelUsed, ...], tuple[str, ...]]:
    """Engine that really ran, models that took part, and warnings."""
    warnings = (*choice.warnings, *motion.warnings, *blend_notes(plan))
    if choice.painter is not None:
        news = choice.store.news()
        told = (*warnings, *choice.painter.notes, *news, *_preset_notes(plan, choice.painter))
        return LAYERANIMATE, choice.painter.used, told
    warnings += score_warnings(plan, motion.methods)
    refined = any(method.endswith("+mini") for row in motion.methods.values() for method in row)
    if choice.expert is not None and refined:
        return MINI, (choice.expert.used,), warnings
    if plan.request.look.engine == MINI and not motion.warnings:
        warnings += (
            "mini had nothing to refine: it mends drawings made of pixels that follow a sketch, "
            "on cameras of at most 480 lines",
        )
    return LAYER_MOTION, (), warnings


def _measure_once(plan: ShotPlan, choice: Choice, context: RunContext, paint_s: float) -> None:
    """Measures an approximate preset when it first ran with a model, if that is soon done."""
    preset, painter = preset_of(plan.request.look.preset), choice.painter
    book = painter.likeness if painter else None
    if painter is None or book is None or preset.is_exact:
        return
    if not is_quick(paint_s) or book.known(preset) is not None:
        return

    if painter.paint_with is not None:  # the shot's own features must not make way for these
        painter = replace(painter, paint=painter.paint_with(NoStore()))

    def told(progress: ClipProgress) -> None:
        context.report("calibrate", progress.done, progress.total)

    found, fault = attempt(lambda: measure(painter, preset, context.check, told))
    if found is not None:
        book.keep(preset, found)
    else:
        log.warning("preset %s was not measured: %s", preset.name, fault)


def _preset_notes(plan: ShotPlan, painter: ClipPainter) -> tuple[str, ...]:
    """What an approximate preset left out and how near it comes, and what was asked besides."""
    preset = preset_of(plan.request.look.preset)
    notes: tuple[str, ...] = ()
    if not preset.is_exact:
        book = painter.likeness
        near = "not measured for this model" if book is None else book.told(preset)
        notes += (f"preset {preset.name}, approximate: {preset.about}; {near}",)
    if painter.decode:
        notes += (f"the two-key decoder multiplied in {painter.decode}, as asked (--decode)",)
    return notes
