"""Measures the path of a layer in camera pixels, from whatever the artist chose as its source.

`shot` takes a sample at each frame and turns them into a trajectory at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import bpy
import numpy as np

from ..scene.camera import CameraView
from ..scene.curves import curve_points
from ..scene.settings import TrajectorySource
from ..scene.strokes import LayerReading, layer_matrix, read_layer
from ..shared.errors import AcetateError

_STILL_PX = 0.25
_ALIKE_PX = 0.5


@dataclass(frozen=True, eq=False)
class MotionSample:
    """Where a layer's tracked points are at one frame.

    `points` float64 [p, 2] camera pixels; `visible` bool [p], in front of the camera and inside
    the picture.
    """

    points: np.ndarray
    visible: np.ndarray


@dataclass(frozen=True, eq=False)
class Track:
    """A trajectory: `frames` int32 [f], `points` float32 [f, p, 2], `visible` bool [f, p]."""

    frames: np.ndarray
    points: np.ndarray
    visible: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays as a request's trajectory holds them."""
        return {"frames": self.frames, "points": self.points, "visible": self.visible}


def handles_of(reading: LayerReading) -> np.ndarray:
    """Points that tell a layer's shift, turn and growth: [5, 3] in its own space.

    The centre of its art and four points halfway to its borders.
    """
    art = reading.attributes["position"].values
    low, high = art.min(axis=0), art.max(axis=0)
    centre, quarter = (low + high) / 2, (high - low) / 4
    handles = np.tile(centre.astype(np.float64), (5, 1))
    widest = np.argsort(quarter)[::-1][:2]  # drawings are flat: the two axes they extend along
    for row, (axis, sign) in enumerate((a, s) for a in widest for s in (-1, 1)):
        handles[row + 1, axis] += sign * quarter[axis]
    return handles


def sample_layer(
    item: bpy.types.Object,
    layer_name: str,
    handles: np.ndarray,
    depsgraph: bpy.types.Depsgraph,
    view: CameraView,
) -> MotionSample:
    """A Grease Pencil layer's handles [p, 3], carried by object, parents, layer and camera."""
    return _sample(_moved(handles, layer_matrix(item, layer_name, depsgraph)), view)


def sample_target(
    source: TrajectorySource, depsgraph: bpy.types.Depsgraph, view: CameraView
) -> MotionSample:
    """The origin of another object, or the head of one of its bones. Raises `not_found`."""
    item = _object(source.object_name).evaluated_get(depsgraph)
    matrix = np.array(item.matrix_world)
    point = np.zeros((1, 3))
    if source.bone_name:
        bone = item.pose.bones.get(source.bone_name) if item.pose is not None else None
        if bone is None:
            raise AcetateError("not_found", what=f'bone "{source.bone_name}"')
        point = np.array([bone.head], np.float64)
    return _sample(_moved(point, matrix), view)


def sample_object(item: bpy.types.Object, corners: np.ndarray, view: CameraView) -> MotionSample:
    """The centre of a picture whose corners [4, 3] lie in the world."""
    if not np.isfinite(corners).all():
        raise AcetateError("bad_numbers", layer=item.name)
    return _sample(corners.mean(axis=0, keepdims=True), view)


def drawn_path(
    source: TrajectorySource, depsgraph: bpy.types.Depsgraph, view: CameraView, frame: int
) -> np.ndarray:
    """A curve object, or the first stroke of a Grease Pencil layer: [n, 2] camera pixels."""
    item = _object(source.object_name)
    if source.layer_name:
        reading = read_layer(item, source.layer_name, depsgraph, frame)
        if reading is None:
            raise AcetateError("empty_key", layer=source.layer_name, frame=frame)
        local = reading.attributes["position"].values[: reading.offsets[1]]
        world = _moved(local, reading.object_to_world @ reading.layer_to_object)
    elif item.type == "CURVE":
        world = curve_points(item, depsgraph)
    else:
        raise AcetateError("not_found", what=f'curve "{source.object_name}"')
    points, divisor = view.project(world)
    if not np.isfinite(points).all():
        raise AcetateError("bad_numbers", layer=source.object_name)
    return points[divisor > 1e-6]


def along_path(path: np.ndarray, first: int, last: int, view: CameraView) -> Track:
    """Travel a path [n, 2] at even speed from frame `first` to frame `last`."""
    frames = np.arange(first, last + 1)
    steps = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    wanted = np.linspace(0.0, steps[-1], len(frames))
    points = np.stack([np.interp(wanted, steps, path[:, axis]) for axis in (0, 1)], axis=1)
    return _track(frames, points[:, None], _inside(points, view)[:, None])


def track_of(samples: Mapping[int, MotionSample], *, name: str, own: bool) -> Track | None:
    """Samples by frame as a trajectory, or None where a layer's own points stay where they are.

    One point is enough where all move alike. Raises `trajectory_outside` where the path never
    enters the picture.
    """
    frames = np.array(sorted(samples))
    points = np.stack([samples[int(frame)].points for frame in frames])  # [f, p, 2]
    visible = np.stack([samples[int(frame)].visible for frame in frames])  # [f, p]
    moves = points - points[:1]
    if own and np.abs(moves).max() <= _STILL_PX:
        return None
    if np.abs(moves - moves[:, :1]).max() <= _ALIKE_PX:
        points, visible = points[:, :1], visible[:, :1]
    return check_inside(_track(frames, points, visible), name)


def check_inside(track: Track, name: str) -> Track:
    """The same track. Raises `trajectory_outside` or `bad_numbers`."""
    if not np.isfinite(track.points).all():
        raise AcetateError("bad_numbers", layer=name)
    if not track.visible.any():
        raise AcetateError("trajectory_outside", layer=name)
    return track


def _track(frames: np.ndarray, points: np.ndarray, visible: np.ndarray) -> Track:
    return Track(frames.astype(np.int32), points.astype(np.float32), visible.astype(bool))


def _sample(world: np.ndarray, view: CameraView) -> MotionSample:
    points, divisor = view.project(world)
    return MotionSample(points, _inside(points, view) & (divisor > 1e-6))


def _inside(points: np.ndarray, view: CameraView) -> np.ndarray:
    size = np.array([view.width, view.height])
    return np.all((points >= 0) & (points <= size), axis=1)


def _moved(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def _object(name: str) -> bpy.types.Object:
    item = bpy.data.objects.get(name)
    if item is None:
        raise AcetateError("not_found", what=f'object "{name}"')
    return item
