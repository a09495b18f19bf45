"""Lets LayerAnimate paint a shot window by window and separates its frames; called by `execute`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from backend.models.layeranimate.clip import ClipProgress, SampleSettings
from backend.pipeline.artwork import Artwork
from backend.pipeline.clip_inputs import KeyView, clip_conditions
from backend.pipeline.context import RunContext
from backend.pipeline.deliver import PictureOf, offer_preview, picture_source
from backend.pipeline.engines import LAYERANIMATE, ClipPainter
from backend.pipeline.frame_fit import FrameFit, fit_frame
from backend.pipeline.model_layers import assign_slots
from backend.pipeline.motion import MotionResult
from backend.pipeline.plan import LayerPlan, ShotPlan, Shown, key_in_effect
from backend.pipeline.presets import preset_of
from backend.pipeline.separate import separate
from backend.pipeline.spool import PictureSpool
from backend.pipeline.takes import TakeGroup, window_seed
from backend.pipeline.windows import Stretch, Window, cut
from shared.blobs import Blobs
from shared.exposure import held_frame
from shared.pictures import Picture, encode_png
from shared.shot import Mode

_STAGES = {"encode": "condition", "sample": "sample", "decode": "decode"}
_PREVIEW_EVERY = 5


@dataclass(frozen=True)
class PaintResult:
    """What the model painted. `frames`: the scene frames it painted whole, spooled by frame.

    `motion`: layer motion's result with the drawings replaced by separated ones.
    """

    motion: MotionResult
    spool: PictureSpool
    frames: tuple[int, ...]


def paint(
    plan: ShotPlan,
    artwork: Artwork,
    motion: MotionResult,
    painter: ClipPainter,
    context: RunContext,
    takes: TakeGroup | None = None,
) -> PaintResult:
    """Paint all stretches of a shot and give the animated layers the painted colours.

    Layer motion's drawings are the mattes and stay as they are, for whoever needs them where this
    fails half-way; the artist's own drawings are never touched. `takes`: the group of this take.
    """
    painted = PictureSpool()
    separated = PictureSpool(under=motion.spool)
    windows = [
        window for stretch in stretches(plan) for window in cut(stretch, painter.clip_frames)
    ]
    group = takes or TakeGroup(())
    stage = _Stage(plan, artwork, separated, painted, painter, context, group)
    for number, window in enumerate(windows):
        context.check()
        stage.run(window, number, len(windows))
    frames = tuple(sorted(frame for window in windows for frame in window.frames))
    for number, frame in enumerate(frames):
        context.check()
        stage.separate(frame)
        context.report("separate", number + 1, len(frames))
    methods = {name: (LAYERANIMATE,) * len(used) for name, used in motion.methods.items()}
    moved = replace(motion, spool=separated, methods=methods, strokes={})
    return PaintResult(moved, painted, frames)


def stretches(plan: ShotPlan) -> tuple[Stretch, ...]:
    """The stretches between shot keys that hold drawings to paint, in time order."""
    wanted = sorted(
        {
            shown.frame
            for layer in plan.layers
            for shown in layer.shown
            if shown is not None and not shown.is_key
        }
    )
    keys = _shot_keys(plan)
    found: list[Stretch] = []
    for index, first in enumerate(keys):
        last = keys[index + 1] if index + 1 < len(keys) else None
        inside = tuple(f for f in wanted if f > first and (last is None or f < last))
        if inside:
            closed = last if plan.request.mode is Mode.INTERPOLATE else None
            found.append(Stretch(first, closed, inside))
    return tuple(found)


def store_painted(
    plan: ShotPlan, result: PaintResult, composite: tuple[str, ...], outputs: Blobs
) -> tuple[str, ...]:
    """Store the model's own pictures: one hash per scene frame.

    Frames that the model did not paint carry the result's composite, as keys do.
    """
    hashes = {
        frame: outputs.put(encode_png(result.spool.get(frame).pixels)) for frame in result.frames
    }
    marks = sorted({*result.frames, *_shot_keys(plan)})
    stored = []
    for frame, own in zip(plan.frames, composite, strict=True):
        held = held_frame(marks, frame)
        stored.append(hashes.get(held, own) if held is not None else own)
    return tuple(stored)


def _shot_keys(plan: ShotPlan) -> list[int]:
    """Key frames of the shot: those asked for, else the animated layers' own.

    Keys beyond the range are kept too where a gap hangs on them.
    """
    ends = {
        key.frame
        for layer in plan.layers
        for gap in layer.gaps
        for key in (gap.first, gap.last)
        if key is not None
    }
    chosen = set(plan.request.keys) or {frame for frame in ends if frame in plan.frames}
    return sorted(chosen | {frame for frame in ends if frame not in plan.frames})


class _Stage:
    """One shot in the hands of the model."""

    def __init__(
        self,
        plan: ShotPlan,
        artwork: Artwork,
        drawings: PictureSpool,
        painted: PictureSpool,
        painter: ClipPainter,
        context: RunContext,
        takes: TakeGroup,
    ) -> None:
        request = plan.request
        self._plan = plan
        self._artwork = artwork
        self._drawings = drawings
        self._painted = painted
        self._painter = painter
        self._context = context
        self._takes = takes
        self._fit: FrameFit = fit_frame(
            request.width, request.height, painter.width, painter.height
        )
        self._slots = assign_slots(plan.layers, painter.layer_slots)
        self._picture_of: PictureOf = picture_source(artwork, drawings)

    def run(self, window: Window, number: int, count: int) -> None:
        """Paint one window and spool the drawings that it is for."""
        look = self._plan.request.look
        settings = preset_of(look.preset).applied(
            SampleSettings(
                steps=look.steps,
                guidance_scale=look.guidance,
                guidance_rescale=look.guidance_rescale,
                eta=look.eta,
                seed=window_seed(look.seed, number),
                preview_every=_PREVIEW_EVERY,
                decode=self._painter.decode,
            )
        )

        def report(progress: ClipProgress) -> None:
            done = number * progress.total + progress.done
            stage = _STAGES.get(progress.stage, progress.stage)
            self._context.report(stage, done, count * progress.total)
            if progress.preview is not None:
                offer_preview(self._context, _opaque(progress.preview * 255))

        conditions = clip_conditions(
            self._plan, self._artwork, window, self._slots, self._fit, self._view
        )
        siblings = () if self._hangs_on_paint(window) else self._takes.later(look.seed)
        clip = self._takes.paint(
            self._painter,
            conditions,
            settings,
            [window_seed(seed, number) for seed in siblings],
            self._context.check,
            report,
        )
        for frame in window.frames:
            picture = self._fit.to_camera(clip[window.index_of(frame)] * 255)
            self._painted.put(frame, Picture(_opaque(picture)))

    def _hangs_on_paint(self, window: Window) -> bool:
        """Whether its keys are the model's own pictures, which differ from take to take."""
        return any(frame in self._painted for frame in (window.first, window.last))

    def separate(self, frame: int) -> None:
        """Replace the drawings made for one frame by their painted form."""
        free = [
            plan.shown[frame - self._plan.request.start] == Shown(frame, is_key=False)
            for plan in self._plan.layers
        ]
        painted = self._painted.get(frame).pixels[..., :3].astype(np.float32)
        separated = separate(painted, self._canvases(frame), free)
        for plan, is_free, pixels in zip(self._plan.layers, free, separated, strict=True):
            if is_free:
                self._drawings.put((plan.layer.name, frame), Picture(pixels))

    def _view(self, frame: int) -> KeyView:
        layers = self._canvases(frame)
        if frame in self._painted:
            picture = self._painted.get(frame).pixels[..., :3].astype(np.float32)
            return KeyView(picture, tuple(layers))
        return KeyView.of_layers(layers)

    def _canvases(self, frame: int) -> list[np.ndarray]:
        """All layers as seen on a frame, lowest first: uint8 [h, w, 4] each."""
        width, height = self._plan.request.width, self._plan.request.height
        canvases = []
        for layer_plan in self._plan.layers:
            shown = self._shown(layer_plan, frame)
            if shown is None:
                canvases.append(np.zeros((height, width, 4), np.uint8))
            else:
                canvases.append(self._picture_of(layer_plan, shown).on_canvas(width, height))
        return canvases

    def _shown(self, layer_plan: LayerPlan, frame: int) -> Shown | None:
        """What a layer shows on a frame, also on a key beyond the range."""
        if frame in self._plan.frames:
            return layer_plan.shown[frame - self._plan.request.start]
        key = key_in_effect(layer_plan.layer, frame)
        return None if key is None or key.is_empty else Shown(key.frame, is_key=True)


def _opaque(picture: np.ndarray) -> np.ndarray:
    """Float [h, w, 3] in 0..255 as opaque uint8 [h, w, 4]."""
    colour = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return np.concatenate([colour, np.full_like(colour[..., :1], 255)], axis=-1)
