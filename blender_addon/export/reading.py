"""Reads everything that an export needs of one frame in a single look at the scene.

`shot` calls `read_frame` once per frame; what it returns holds arrays only, no Blender data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import bpy
import numpy as np

from ..scene.camera import CameraView, camera_view
from ..scene.image_planes import PlanePlace, read_pixels, read_place
from ..scene.layers import LayerKind
from ..scene.moments import Moment, scene_at
from ..scene.settings import LayerId, TrajectoryKind
from ..scene.strokes import LayerReading, read_layer
from ..shared.errors import AcetateError
from .paths import MotionSample, drawn_path, handles_of, sample_layer, sample_object, sample_target
from .plan import LayerPlan


@dataclass(frozen=True, eq=False)
class PlaneReading:
    """A picture's pixels, uint8 [h, w, 4], and its place in the world."""

    pixels: np.ndarray
    place: PlanePlace


@dataclass(eq=False)
class FrameReading:
    """One frame of the scene, by layer. Layers that show nothing are absent."""

    view: CameraView
    strokes: dict[LayerId, LayerReading] = field(default_factory=dict)
    planes: dict[LayerId, PlaneReading] = field(default_factory=dict)
    sketches: dict[LayerId, LayerReading] = field(default_factory=dict)
    samples: dict[LayerId, MotionSample] = field(default_factory=dict)
    paths: dict[LayerId, np.ndarray] = field(default_factory=dict)


def frames_to_read(plans: Sequence[LayerPlan]) -> tuple[int, ...]:
    """All frames that any layer needs, ascending, but a layer's first drawing before its path."""
    wanted: set[int] = set()
    for plan in plans:
        wanted.update(plan.picture_frames, plan.sketch_frames, plan.motion_frames)
    return tuple(sorted(wanted))


def read_frame(
    scene: bpy.types.Scene,
    view_layer_name: str,
    plans: Sequence[LayerPlan],
    frame: int,
    handles: dict[LayerId, np.ndarray],
) -> FrameReading:
    """Read all layers at one frame.

    `handles` keeps the points that each layer's own path follows; they are taken from its first
    drawing. Raises `no_camera`, `not_found`, `bad_numbers`, `bad_picture`, `empty_key`.
    """
    with scene_at(scene, view_layer_name, frame) as moment:
        reading = FrameReading(camera_view(moment.scene, moment.depsgraph))
        for plan in plans:
            item = _object(plan.layer.id)
            if frame in plan.picture_frames:
                _read_picture(reading, plan, item, moment, frame)
            if frame in plan.sketch_frames and plan.settings.sketch is not None:
                guide = plan.settings.sketch
                sketch = read_layer(_object(guide), guide.layer_name, moment.depsgraph, frame)
                if sketch is not None:
                    reading.sketches[plan.layer.id] = sketch
            if frame in plan.motion_frames:
                _read_motion(reading, plan, item, moment, frame, handles)
    return reading


def _read_picture(
    reading: FrameReading, plan: LayerPlan, item: bpy.types.Object, moment: Moment, frame: int
) -> None:
    id_ = plan.layer.id
    if plan.layer.kind is LayerKind.IMAGE_PLANE:
        place = read_place(item, moment.depsgraph)
        reading.planes[id_] = PlaneReading(read_pixels(item, frame), place)
        return
    strokes = read_layer(item, id_.layer_name, moment.depsgraph, frame)
    if strokes is None:
        return
    reading.strokes[id_] = strokes
    for mask in strokes.masks:
        source = LayerId(id_.object_name, mask.layer_name)
        if source not in reading.strokes:
            found = read_layer(item, mask.layer_name, moment.depsgraph, frame)
            if found is not None:
                reading.strokes[source] = found


def _read_motion(
    reading: FrameReading,
    plan: LayerPlan,
    item: bpy.types.Object,
    moment: Moment,
    frame: int,
    handles: dict[LayerId, np.ndarray],
) -> None:
    source, id_ = plan.settings.trajectory, plan.layer.id
    depsgraph, view = moment.depsgraph, reading.view
    if source.kind is TrajectoryKind.TARGET:
        reading.samples[id_] = sample_target(source, depsgraph, view)
    elif source.kind is TrajectoryKind.PATH:
        if frame == plan.first_frame:
            reading.paths[id_] = drawn_path(source, depsgraph, view, frame)
    elif plan.layer.kind is LayerKind.IMAGE_PLANE:
        reading.samples[id_] = sample_object(item, read_place(item, depsgraph).corners, view)
    else:
        _read_own_motion(reading, plan, item, moment, frame, handles)


def _read_own_motion(
    reading: FrameReading,
    plan: LayerPlan,
    item: bpy.types.Object,
    moment: Moment,
    frame: int,
    handles: dict[LayerId, np.ndarray],
) -> None:
    id_ = plan.layer.id
    if id_ not in handles and id_ in reading.strokes:
        handles[id_] = handles_of(reading.strokes[id_])
    if id_ in handles and frame >= plan.first_frame:
        reading.samples[id_] = sample_layer(
            item, id_.layer_name, handles[id_], moment.depsgraph, reading.view
        )


def gather(readings: Mapping[int, FrameReading], id_: LayerId) -> dict[int, MotionSample]:
    """The samples of one layer by frame."""
    return {
        frame: reading.samples[id_] for frame, reading in readings.items() if id_ in reading.samples
    }


def _object(id_: LayerId) -> bpy.types.Object:
    item = bpy.data.objects.get(id_.object_name)
    if item is None:
        raise AcetateError("not_found", what=f'object "{id_.object_name}"')
    return item
