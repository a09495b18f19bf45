"""Which engines this process can run, and which one a request gets; `execute` asks here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from backend.layer_motion.task import GapResult, GapTask
from backend.models.layeranimate.clip import (
    Check,
    ClipConditions,
    ClipTokens,
    FloatArray,
    Report,
    SampleSettings,
)
from backend.pipeline.feature_store.contract import NoStore, TensorStore
from backend.pipeline.plan import ShotPlan
from shared.errors import AcetateError
from shared.result import ModelUsed
from shared.shot import Adapter, Sketch

if TYPE_CHECKING:
    from backend.models.adapters.factors import Worn
    from backend.models.adapters.wardrobe import Wardrobe
    from backend.models.layeranimate.bundle import LayerAnimateModel
    from backend.pipeline.likeness import LikenessBook
    from backend.pipeline.memory_plan import MemoryPlan

log = logging.getLogger("acetate.pipeline")

LAYER_MOTION = "layer-motion"
MINI = "mini"
LAYERANIMATE = "layeranimate"


@dataclass(frozen=True)
class SketchExpert:
    """A loaded network that refines sketched layers under its own gates.

    `refine` gets what layer motion got, what it made, and a check to call before every drawing.
    """

    used: ModelUsed
    refine: Callable[[GapTask, GapResult, Check], GapResult]


Paint = Callable[[ClipConditions, SampleSettings, Check, Report], np.ndarray]

PaintTakes = Callable[
    [ClipConditions, SampleSettings, Sequence[int], Check, Report], list[FloatArray]
]
"""One clip per seed; the settings' own seed does not count."""


@dataclass(frozen=True)
class ClipPainter:
    """A loaded LayerAnimate: paints whole clips of `clip_frames` frames.

    `paint` returns float32 [clip_frames, H, W, 3] in 0..1. `width` and `height` are the size it
    was trained at, in pixels; `layer_slots` how many layers it takes. `notes` are told in every
    take that it paints.
    `paint_with` gives the same pictures, computing only what a feature store does not hold;
    `batch_with` paints several seeds in one run, of which `takes_at_once` fit.
    `wearing` gives a painter with these adapters in its weights; the one that it was asked of stays
    as it was, and both may paint in any order. `decode`: the number format that the user wants of
    the two-key decoder. `likeness`: what is known of its approximate presets.
    """

    used: tuple[ModelUsed, ...]
    paint: Paint
    clip_frames: int = 16
    width: int = 512
    height: int = 320
    layer_slots: int = 4
    paint_with: Callable[[TensorStore], Paint] | None = None
    notes: tuple[str, ...] = ()
    wearing: Callable[[tuple[Adapter, ...]], ClipPainter] | None = None
    takes_at_once: int = 1
    batch_with: Callable[[TensorStore], PaintTakes] | None = None
    store: TensorStore = field(default_factory=NoStore)
    decode: str = ""
    likeness: LikenessBook | None = None

    def paint_takes(
        self,
        conditions: ClipConditions,
        settings: SampleSettings,
        seeds: Sequence[int],
        check: Check,
        report: Report,
    ) -> list[FloatArray]:
        """One clip per seed: one run where the painter can, else one by one."""
        if len(seeds) > 1 and self.batch_with is not None:
            return self.batch_with(self.store)(conditions, settings, seeds, check, report)
        each = (replace(settings, seed=seed) for seed in seeds)
        return [self.paint(conditions, own, check, report) for own in each]


Encode = Callable[[str, str, FloatArray], ClipTokens]
"""Prompt, negative prompt and first frame [H, W, 3] in 0..1 to the tokens that steer a model."""


def load_bundled_expert() -> SketchExpert:
    """The sketch expert of the package. Raises `model_missing` or `model_corrupt`."""
    # torch is loaded only for a shot that needs it: layer motion alone starts in a tenth of it.
    from backend.mini.expert import load_expert, refine_gap
    from backend.mini.weights import NAME

    expert = load_expert()

    def refine(task: GapTask, result: GapResult, check: Check) -> GapResult:
        return refine_gap(task, result, expert, check=check)

    return SketchExpert(ModelUsed(name=NAME, sha256=expert.sha256), refine)


def load_imported_painter(
    device: str, vram_bytes: int | None = None, takes: int = 1
) -> ClipPainter:
    """The imported LayerAnimate on a device, within so much of its memory (None: what is free).

    `takes`: how many seeds will be wanted of each clip. Raises `model_missing`, `model_corrupt` or
    `vram_too_small`.
    """
    from backend.pipeline.installed_painter import load_installed_painter

    return load_installed_painter(device, vram_bytes, takes)


def has_imported_painter() -> bool:
    """Whether a LayerAnimate is imported that would run; loads nothing."""
    from backend.models.registry.installed import chosen_model

    try:
        return bool(chosen_model(LAYERANIMATE).manifest.files)
    except AcetateError:
        return False


def painter_of(
    model: LayerAnimateModel,
    used: tuple[ModelUsed, ...] = (),
    *,
    encode: Encode | None = None,
    notes: tuple[str, ...] = (),
    plan: MemoryPlan | None = None,
    wardrobe: Wardrobe | None = None,
    worn: Sequence[Worn] = (),
) -> ClipPainter:
    """A painter that runs a loaded model at the size it was trained at, with any feature store.

    `encode` None leaves prompts unread, with neutral tokens. `plan` is the one that the model was
    placed with, None where all of it lies on its device. `wardrobe` holds the model's weights where
    several painters with different adapters share it.
    """
    from backend.models.adapters.wardrobe import Wardrobe
    from backend.models.layeranimate.generate import generate_takes
    from backend.pipeline.memory_plan import FAST

    closet = wardrobe or Wardrobe(model)

    def batch(
        conditions: ClipConditions,
        settings: SampleSettings,
        seeds: Sequence[int],
        check: Check,
        report: Report,
        store: TensorStore | None = None,
    ) -> list[FloatArray]:
        if encode is not None and conditions.tokens is None:
            check()
            prompts = (conditions.prompt, conditions.negative_prompt)
            conditions = replace(conditions, tokens=encode(*prompts, conditions.frames[0]))
        dressed = closet.wearing(worn)
        return generate_takes(
            dressed, conditions, settings, seeds, check, report, store=store, plan=plan or FAST
        )

    def paint(
        conditions: ClipConditions,
        settings: SampleSettings,
        check: Check,
        report: Report,
        store: TensorStore | None = None,
    ) -> np.ndarray:
        return batch(conditions, settings, (settings.seed,), check, report, store)[0]

    return ClipPainter(
        used=used,
        paint=paint,
        clip_frames=model.clip_frames,
        notes=(*notes, *_learned_notes(model)),
        paint_with=lambda store: partial(paint, store=store),
        batch_with=lambda store: partial(batch, store=store),
    )


def _learned_notes(model: LayerAnimateModel) -> tuple[str, ...]:
    """What of a request the model decides by itself."""
    guidance, few = model.config.unet.built_in_guidance, model.config.scheduler.student_steps
    learned = []
    if guidance is not None:
        learned.append(f"guidance {guidance.scale:g}")
    if few is not None:
        learned.append(f"{few} steps")
    if not learned:
        return ()
    return (f"the model has {' and '.join(learned)} built in: the shot's own did not count",)


def no_store(device: str) -> TensorStore:
    """The answer of a process that keeps no features."""
    del device
    return NoStore()


@dataclass(frozen=True)
class Engines:
    """How to load each engine's weights. Loading happens once per job that needs it.

    `open_store` gives the process's feature store; it is asked after the painter is loaded.
    `decode`: the number format that the user wants of the two-key decoder, "" by preset.
    """

    load_expert: Callable[[], SketchExpert] = load_bundled_expert
    load_painter: Callable[[str], ClipPainter] = load_imported_painter
    has_painter: Callable[[], bool] = has_imported_painter
    open_store: Callable[[str], TensorStore] = no_store
    decode: str = ""


@dataclass(frozen=True)
class Choice:
    """What runs for one request: layer motion always, with an expert or a painter on top.

    `required`: the request names the engine, so that its failure is the job's. Otherwise layer
    motion's own drawings stand in for a model that fails. `store` is what the painter uses.
    """

    expert: SketchExpert | None = None
    painter: ClipPainter | None = None
    required: bool = False
    store: TensorStore = field(default_factory=NoStore)
    warnings: tuple[str, ...] = field(default=())


def choose(plan: ShotPlan, engines: Engines, device: str) -> Choice:
    """The engine that a request names, or the best one for `auto`.

    Raises `model_missing` for an unknown engine, or one asked for by name without weights,
    `adapter_missing` or `adapter_unfit`, and `adapter_unused` for engines that take none.
    """
    name, adapters = plan.request.look.engine, plan.request.look.worn
    if name in (LAYER_MOTION, MINI) and adapters:
        raise AcetateError("adapter_unused", engine=name)
    if name == LAYER_MOTION:
        return Choice()
    if name == MINI:
        return Choice(expert=engines.load_expert(), required=True)
    if name == LAYERANIMATE:
        return Choice(painter=_dressed(engines.load_painter(device), adapters), required=True)
    if name != "auto":
        raise AcetateError("model_missing", model=name)
    return _best(plan, engines, device)


def _dressed(painter: ClipPainter, adapters: tuple[Adapter, ...]) -> ClipPainter:
    """The painter with the adapters that a request wants; named ones are never left out."""
    if not adapters:
        return painter
    if painter.wearing is None:
        raise AcetateError("adapter_unused", engine="this LayerAnimate")
    return painter.wearing(adapters)


def with_store(choice: Choice, engines: Engines, device: str) -> Choice:
    """The choice with its painter, if there is one that can, on the process's feature store."""
    painter = choice.painter
    if painter is None:
        return choice
    painter = replace(painter, decode=engines.decode)
    if painter.paint_with is None:
        return replace(choice, painter=painter)
    store = engines.open_store(device)
    bound = replace(painter, paint=painter.paint_with(store), store=store)
    return replace(choice, painter=bound, store=store)


def _best(plan: ShotPlan, engines: Engines, device: str) -> Choice:
    """What `auto` means: the best that is installed, loads, and suits the device."""
    warnings: list[str] = []
    adapters = plan.request.look.worn
    if _suits_a_painter(device) and engines.has_painter():
        painter, fault = attempt(lambda: engines.load_painter(device))
        if painter is not None:
            return Choice(painter=_dressed(painter, adapters))
        warnings.append(f"{NOT_PAINTED}: {fault}")
    if adapters:
        warnings.append(f"{NOT_WORN}: {', '.join(adapter.name for adapter in adapters)}")
    expert: SketchExpert | None = None
    if _has_sketch(plan):
        expert, fault = attempt(engines.load_expert)
        if expert is None:
            warnings.append(f"{NOT_REFINED}: {fault}")
    return Choice(expert=expert, warnings=tuple(warnings))


NOT_PAINTED = "LayerAnimate did not paint this take"
NOT_WORN = "only LayerAnimate takes adapters, which did not run"
NOT_REFINED = "sketched layers were not refined"
_Made = TypeVar("_Made")


def attempt(work: Callable[[], _Made]) -> tuple[_Made | None, str]:
    """What a model makes, or None and one line saying why it could not. A cancel goes through."""
    try:
        return work(), ""
    except Exception as error:
        # The one border where any fault of a model counts as "it does not work today": layer
        # motion has the drawings already, and the log has the whole story.
        if isinstance(error, AcetateError) and error.name == "cancelled":
            raise
        log.exception("a model failed; layer motion stands in")
        if isinstance(error, AcetateError):
            return None, error.text
        return None, f"{type(error).__name__}: {error}"[:200]


def _suits_a_painter(device: str) -> bool:
    """Whether `auto` may take LayerAnimate there: on a CPU one step at full size takes minutes."""
    return device.partition(":")[0] != "cpu"


def _has_sketch(plan: ShotPlan) -> bool:
    return any(
        isinstance(control, Sketch) and control.frames
        for layer_plan in plan.layers
        if layer_plan.gaps
        for control in layer_plan.layer.controls
    )
