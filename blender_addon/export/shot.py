"""Exports a scene as a shot request in short steps; the interface's timer and scripts call it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from ..scene.camera import camera_view, picture_size
from ..scene.layers import SceneLayer, scan
from ..scene.motion import may_change
from ..scene.settings import LayerId, LayerSettings, ShotSettings, TrajectoryKind
from ..shared.blobs import Blobs
from ..shared.errors import AcetateError
from ..shared.shot import (
    ArrayRef,
    Control,
    Key,
    Layer,
    Look,
    MotionScore,
    ShotRequest,
    Sketch,
    SketchFrame,
    Spacing,
    Trajectory,
    validate,
)
from ..shared.strokes import drawing_to_bytes, save_arrays
from .drawing import to_drawing
from .keys import KeyMaker
from .paths import Track, along_path, check_inside, track_of
from .plan import LayerPlan, plan_layers
from .reading import FrameReading, frames_to_read, gather, read_frame
from .render import look_of


@dataclass(frozen=True)
class ExportWarning:
    """Something the artist should know but that stops nothing: `name` for programs, `text`."""

    name: str
    text: str


@dataclass(frozen=True)
class ExportProgress:
    """One finished piece of work: `done` of `total` steps. The last one carries the request."""

    done: int
    total: int
    text: str
    warnings: tuple[ExportWarning, ...] = ()
    request: ShotRequest | None = None


def export_shot(
    context: bpy.types.Context,
    settings: ShotSettings,
    layers: Sequence[LayerSettings],
    blobs: Blobs,
) -> ShotRequest:
    """Export without pausing; see `export_steps`."""
    request: ShotRequest | None = None
    for progress in export_steps(context, settings, layers, blobs):
        request = progress.request
    if request is None:
        raise AcetateError("bug", detail="the export ended without a request")
    return request


def export_steps(
    context: bpy.types.Context,
    settings: ShotSettings,
    layers: Sequence[LayerSettings],
    blobs: Blobs,
) -> Iterator[ExportProgress]:
    """Export `context.scene`: every `next()` does one short piece of work, at most one render.

    Pictures and strokes go into `blobs`. Between two steps nothing of this export is left in the
    file, so the artist may draw, undo or save meanwhile. The last item carries the request and
    all warnings. Raises `AcetateError`: `no_camera`, `no_layers`, `no_gap`, `empty_key`,
    `bad_numbers`, `trajectory_outside`, `size`, `too_many_layers`, `not_found`, `bad_picture`.
    """
    scene, view_layer = context.scene, context.view_layer
    scene_name, view_layer_name = scene.name, view_layer.name
    plans, warnings = _prepare(scene, context.evaluated_depsgraph_get(), settings, layers)
    frames = frames_to_read(plans)
    total = len(frames) + sum(len(plan.picture_frames) for plan in plans) + 1
    done = 0
    readings: dict[int, FrameReading] = {}
    handles: dict[LayerId, np.ndarray] = {}
    for frame in frames:
        readings[frame] = read_frame(_scene(scene_name), view_layer_name, plans, frame, handles)
        done += 1
        yield ExportProgress(done, total, f"Reading frame {frame}")
    maker = KeyMaker(blobs, settings.quality, look_of(_scene(scene_name)))
    finished: list[Layer] = []
    for plan in plans:
        keys: list[Key] = []
        for key in maker.keys(plan, readings):
            keys += [key] if key is not None else []
            done = min(done + 1, total - 1)
            yield ExportProgress(done, total, f"Drawing {plan.layer.name}")
        finished.append(_layer(plan, keys, readings, settings, blobs))
    request = _request(_scene(scene_name), settings, finished)
    validate(request)
    yield ExportProgress(total, total, "Exported", tuple(warnings), request)


def _scene(name: str) -> bpy.types.Scene:
    """The scene, looked up again after each pause: undo may have replaced it."""
    scene = bpy.data.scenes.get(name)
    if scene is None:
        raise AcetateError("not_found", what=f'scene "{name}"')
    return scene


def _prepare(
    scene: bpy.types.Scene,
    depsgraph: bpy.types.Depsgraph,
    settings: ShotSettings,
    layers: Sequence[LayerSettings],
) -> tuple[tuple[LayerPlan, ...], list[ExportWarning]]:
    found = scan(scene, depsgraph)
    if not found:
        raise AcetateError("no_layers")
    camera_view(scene, depsgraph)
    width, height = picture_size(scene)
    if not (16 <= width <= 8192 and 16 <= height <= 8192):
        raise AcetateError("size", width=width, height=height)
    changing = frozenset(
        layer.id
        for layer in found
        if may_change(bpy.data.objects[layer.id.object_name], scene.camera)
    )
    plans = plan_layers(found, layers, settings, changing)
    return plans, _warnings(scene, found, plans)


def _warnings(
    scene: bpy.types.Scene, found: Sequence[SceneLayer], plans: Sequence[LayerPlan]
) -> list[ExportWarning]:
    warnings: list[ExportWarning] = []
    view = scene.view_settings
    plain = view.look in ("None", "") and view.exposure == 0.0 and view.gamma == 1.0
    if view.view_transform != "Standard" or not plain:
        warnings.append(
            ExportWarning(
                "view_transform",
                f"View Transform is {view.view_transform}: colours match only with Standard",
            )
        )
    for plan in plans:
        name = plan.layer.name
        if plan.layer.hidden:
            warnings.append(ExportWarning("hidden", f'Hidden layer "{name}" is sent'))
        for frame in plan.empty_frames:
            text = f'"{name}" shows nothing from frame {frame}: its key is empty'
            warnings.append(ExportWarning("empty_key", text))
        if plan.settings.sketch is not None and not plan.sketch_frames:
            text = f'The sketch of "{name}" has no drawing in the frame range'
            warnings.append(ExportWarning("no_sketch", text))
    return warnings


def _layer(
    plan: LayerPlan,
    keys: Sequence[Key],
    readings: Mapping[int, FrameReading],
    settings: ShotSettings,
    blobs: Blobs,
) -> Layer:
    return Layer(
        name=plan.layer.name,
        order=plan.layer.order,
        role=plan.settings.role,
        keys=tuple(keys),
        controls=tuple(_controls(plan, readings, settings, blobs)),
        exposure=plan.settings.exposure,
        group=plan.layer.group,
        blend=plan.layer.blend,
        prompt=plan.settings.prompt,
    )


def _controls(
    plan: LayerPlan,
    readings: Mapping[int, FrameReading],
    settings: ShotSettings,
    blobs: Blobs,
) -> Iterator[Control]:
    if plan.settings.motion_score is not None:
        yield MotionScore(score=plan.settings.motion_score)
    track = _track(plan, readings, settings)
    if track is not None:
        yield Trajectory(tracks=ArrayRef(blob=blobs.put(save_arrays(track.arrays()))))
    sketches = tuple(_sketch_frames(plan, readings, blobs))
    if sketches:
        yield Sketch(frames=sketches)
    if plan.settings.spacing is not None:
        yield Spacing(chart=plan.settings.spacing)


def _track(
    plan: LayerPlan, readings: Mapping[int, FrameReading], settings: ShotSettings
) -> Track | None:
    id_, kind = plan.layer.id, plan.settings.trajectory.kind
    if not plan.motion_frames:
        return None
    if kind is TrajectoryKind.PATH:
        first = readings[plan.first_frame]
        path = first.paths[id_]
        if len(path) < 2:
            raise AcetateError("trajectory_outside", layer=plan.layer.name)
        track = along_path(path, plan.first_frame, settings.end, first.view)
        return check_inside(track, plan.layer.name)
    samples = gather(readings, id_)
    if not samples:
        return None
    return track_of(samples, name=plan.layer.name, own=kind is TrajectoryKind.OBJECT)


def _sketch_frames(
    plan: LayerPlan, readings: Mapping[int, FrameReading], blobs: Blobs
) -> Iterator[SketchFrame]:
    for frame in plan.sketch_frames:
        reading = readings[frame]
        sketch = reading.sketches.get(plan.layer.id)
        if sketch is None:
            continue
        drawing = to_drawing(sketch, reading.view)
        if drawing.stroke_count:
            blob = blobs.put(drawing_to_bytes(drawing))
            yield SketchFrame(frame=frame, strokes=ArrayRef(blob=blob))


def _request(
    scene: bpy.types.Scene, settings: ShotSettings, layers: Sequence[Layer]
) -> ShotRequest:
    width, height = picture_size(scene)
    return ShotRequest(
        width=width,
        height=height,
        fps=scene.render.fps / scene.render.fps_base,
        start=settings.start,
        end=settings.end,
        mode=settings.mode,
        exposure=settings.exposure,
        layers=tuple(layers),
        look=Look(
            engine=settings.engine,
            preset=settings.preset,
            prompt=settings.prompt,
            negative_prompt=settings.negative_prompt,
            steps=settings.steps,
            guidance=settings.guidance,
            seed=settings.seed,
            takes=settings.takes,
        ),
    )
