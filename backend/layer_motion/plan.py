"""Decides where a layer's art lies at every moment of a gap, and from which key it is taken.

The engine draws such a plan; the sketch expert reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from shared.strokes import Drawing

from . import affine, trajectory
from .key_shares import KeyShares
from .pose import AT_REST, Field, Pose
from .registration import Registration, effort, register, register_plates, shared_view
from .task import GapTask
from .warp import Art, prepare

_EXIT_AREA_SHARE = 0.25
_SAME_LINES = 0.02
_FEW_DRAWINGS = 3  # a gap of four frames on ones
_PLATE_SHARE = 0.75
_SOLID_SHARE = 0.9  # of a backdrop's box; a figure close up fills less of its own
_CONTRADICTION = 0.2  # of the camera's width
_LEFT_IN_VIEW = 0.1  # of the camera's frame
_CLEARLY = 0.9  # of the difference that a stiffer model leaves: a freer one must come below
_PLAINLY = 0.05  # rms difference left by registration
_GENTLENESS = 0.7  # share of a smoothstep in the pace of what nothing controls


@dataclass(frozen=True, eq=False)
class Step:
    """One drawing: the pose of each key's art (None: not taken from there).

    `share` 0..1: how much of the last key, and `shares` the same place by place, where known.
    `strength` 0..1 fades the whole drawing. `fit_error_px`: mean distance that was left between the
    fitted strokes and the sketch; None without sketch. `is_steadied`: the sketches tremble, and the
    drawing does not follow that. `drawing`: strokes to draw instead of moving pictures. `idle`:
    displacement at the moment's own pixels that comes on top of every pose. `is_alike`: both keys
    show the same thing, so that one fills in what the camera's border cut from the other.
    """

    from_first: Pose | None
    from_last: Pose | None = None
    share: float = 0.0
    strength: float = 1.0
    fit_error_px: float | None = None
    is_steadied: bool = False
    drawing: Drawing | None = None
    idle: Field | None = None
    shares: KeyShares | None = None
    is_alike: bool = True


@dataclass(frozen=True, eq=False)
class Plan:
    """One step per wanted drawing; the method's name and notes as in `GapResult`."""

    method: str
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Scene:
    """A task with its art prepared. `visible`: which keys count, by the exit and entry rule.

    `check` may raise to stop the work.
    """

    task: GapTask
    first: Art
    last: Art | None
    visible: tuple[bool, bool]
    check: Callable[[], None]
    tracks: np.ndarray | None = field(default=None)

    @property
    def moments(self) -> int:
        """Number of moments, keys included."""
        return len(self.task.times) + (1 if self.last is None else 2)

    @property
    def times(self) -> np.ndarray:
        """Time of every moment: float64 [moments]."""
        ends = [] if self.last is None else [1.0]
        return np.array([0.0, *self.task.times, *ends])

    @property
    def wanted(self) -> range:
        """The moments to draw."""
        return range(1, len(self.task.times) + 1)

    def key_art(self) -> Art:
        """The art that a one-key rule moves."""
        return self.last if self.last is not None and not self.visible[0] else self.first


def open_scene(task: GapTask, check: Callable[[], None]) -> Scene:
    """Prepare both keys' art and look which of them show the layer at all."""
    first = prepare(task.first, task.width, task.height)
    last = None if task.last is None else prepare(task.last, task.width, task.height)
    moments = len(task.times) + (1 if last is None else 2)
    tracks = task.tracks if trajectory.usable(task.tracks, moments) else None
    if tracks is not None:
        tracks = tracks[:moments].astype(np.float64)
    return Scene(task, first, last, _visible(first, last), check, tracks)


def _visible(first: Art, last: Art | None) -> tuple[bool, bool]:
    if last is None:
        return True, False
    area_first = float(first.pixels[..., 3].sum())
    area_last = float(last.pixels[..., 3].sum())
    if area_last < _EXIT_AREA_SHARE * area_first:
        return True, False
    if area_first < _EXIT_AREA_SHARE * area_last:
        return False, True
    return True, True


def plan_rest(scene: Scene) -> Plan | None:
    """The plan of a layer that does not move, or None: one key without control, or equal keys."""
    task = scene.task
    if scene.tracks is not None and not trajectory.is_still(scene.tracks):
        return None
    if scene.last is not None and not _same_art(scene.first, scene.last):
        return None
    if not _sketches_agree(scene):
        return None
    return Plan("hold", (Step(AT_REST),) * len(task.times))


def _sketches_agree(scene: Scene) -> bool:
    maps = list(scene.task.sketches.values())
    if len(maps) < 2:
        return not maps
    return all(float(np.abs(lines - maps[0]).max()) < _SAME_LINES for lines in maps[1:])


def _same_art(first: Art, last: Art) -> bool:
    return first.box == last.box and np.array_equal(first.picture.pixels, last.picture.pixels)


def plan_trajectory(scene: Scene) -> Plan:
    """Follow tracked points; between keys the registered change comes in along the path."""
    assert scene.tracks is not None  # noqa: S101 - the engine asks only with tracks
    extent = _extent(scene)
    moves = trajectory.motion(scene.tracks, extent)
    some = trajectory.thinned(scene.tracks)
    stiff = trajectory.bulk_motion(some, _shares(scene, some))
    is_one = trajectory.move_together(scene.tracks, extent)
    if scene.last is None or not all(scene.visible):
        return Plan("trajectory", one_key_steps(scene, moves if is_one else stiff))
    registration = _registered(scene, (moves[-1], stiff[-1]))
    bent_error, stiff_error = registration.start_errors
    if not is_one if extent.plate else bent_error > _CLEARLY * stiff_error:
        moves, bent_error = stiff, stiff_error
    if extent.plate and _contradicts(scene, moves[-1], registration):
        return _between_keys(scene, registration)
    rest = np.linalg.inv(moves[-1]) @ registration.matrix
    is_clear = registration.error * (1 + effort(rest)) < _CLEARLY * bent_error
    if not is_clear or (extent.plate and _is_known(scene, moves[-1])):
        registration, rest = Registration(moves[-1], bent_error), affine.IDENTITY
    way = trajectory.progress(scene.tracks, scene.times)
    centre = scene.tracks[0].mean(axis=0)
    poses = [moves[m] @ affine.interpolate(rest, way[m], centre) for m in scene.wanted]
    return Plan("trajectory", two_key_steps(scene, poses, registration, way))


def _shares(scene: Scene, tracks: np.ndarray) -> np.ndarray:
    """Share of the art that lies nearest to each tracked point at its key: [p]."""
    shown = scene.key_art()
    rows, columns = np.nonzero(shown.pixels[..., 3] > 0.5)
    art = np.stack([columns + shown.box.left, rows + shown.box.top], axis=1) + 0.5
    return trajectory.nearest_shares(tracks[0 if scene.visible[0] else -1], art)


def _extent(scene: Scene) -> trajectory.Extent:
    """How large the art is that the points move, and whether it fills the camera's frame."""
    task, box = scene.task, scene.key_art().box
    spread_px = float(np.hypot(box.width, box.height) / np.sqrt(12))
    frame = (task.width, task.height) if is_plate(scene.key_art(), task) else None
    return trajectory.Extent(spread_px, frame)


def is_plate(art: Art, task: GapTask) -> bool:
    """Whether art fills the camera's frame, or nearly."""
    wide = art.box.width >= _PLATE_SHARE * task.width
    return wide and art.box.height >= _PLATE_SHARE * task.height


def are_plates(scene: Scene) -> bool:
    """Whether the art of both keys fills the camera's frame, or nearly."""
    arts = [art for art in (scene.first, scene.last) if art is not None]
    return len(arts) == 2 and all(is_plate(art, scene.task) for art in arts)


def _are_backdrops(scene: Scene) -> bool:
    """Whether both keys fill the frame and hardly anything lies behind them."""
    if not are_plates(scene) or scene.last is None:
        return False
    arts = scene.first, scene.last
    return all(float((art.pixels[..., 3] > 0.5).mean()) > _SOLID_SHARE for art in arts)


def one_key_steps(scene: Scene, moves: list[np.ndarray]) -> tuple[Step, ...]:
    """Steps that take everything from the key that shows the layer; `moves` start at the first."""
    if scene.visible[0]:
        return tuple(Step(Pose(moves[m])) for m in scene.wanted)
    back = np.linalg.inv(moves[-1])
    return tuple(Step(None, Pose(moves[m] @ back), 1.0) for m in scene.wanted)


def two_key_steps(
    scene: Scene, poses: list[np.ndarray], registration: Registration, way: np.ndarray
) -> tuple[Step, ...]:
    """Steps for art of both keys that move together: `poses` are those of the first key's art."""
    back = np.linalg.inv(registration.matrix)
    return tuple(
        Step(Pose(pose), Pose(pose @ back), float(np.clip(way[m], 0.0, 1.0)))
        for m, pose in zip(scene.wanted, poses, strict=True)
    )


def pace(scene: Scene) -> np.ndarray:
    """Progress [moments] 0..1 where neither tracks nor sketches tell it.

    The artist's spacing where there is one; else gentle, and even where only a few drawings lie
    between the keys or where solid art fills the frame: so short a gap is a part of a larger
    movement, and so is what a camera shows of a backdrop that it pans over.
    """
    times, chosen = scene.times, scene.task.progress
    if scene.last is None:
        return times
    if chosen is not None:
        return np.clip(np.array([0.0, *chosen, 1.0]), 0.0, 1.0)
    return times if is_short(scene) or _are_backdrops(scene) else gentle(times)


def is_short(scene: Scene) -> bool:
    """True where only a few drawings lie between the keys."""
    return len(scene.task.times) <= _FEW_DRAWINGS


def gentle(times: np.ndarray) -> np.ndarray:
    """Progress [n] 0..1 at times [n] 0..1 where nothing tells the pace: a mild slow out and in.

    Between an even pace and a full smoothstep: each alone is far from what the other would be,
    the mean is never far (docs/decisions/006).
    """
    return times + _GENTLENESS * (times**2 * (3 - 2 * times) - times)


def plan_registration(scene: Scene) -> Plan:
    """No control: move from key to key at `pace`; fade what is in one key only."""
    if scene.last is None:
        return Plan("hold", (Step(AT_REST),) * len(scene.task.times))
    if not all(scene.visible):
        return Plan("crossfade", _fading_steps(scene, _blend_times(scene)))
    return _between_keys(scene, _registered(scene))


def _registered(scene: Scene, starts: Sequence[np.ndarray] = ()) -> Registration:
    """Both keys' art laid on each other; `starts`: where it may lie at the last key."""
    assert scene.last is not None  # noqa: S101 - asked with two keys only
    task = scene.task
    way = register_plates if are_plates(scene) else register
    return way(scene.first, scene.last, task.width, task.height, starts)


def _between_keys(scene: Scene, registration: Registration) -> Plan:
    way, times = pace(scene), _blend_times(scene)
    centre = scene.first.centroid
    poses = [affine.interpolate(registration.matrix, way[m], centre) for m in scene.wanted]
    return Plan("registration", two_key_steps(scene, poses, registration, times))


def _blend_times(scene: Scene) -> np.ndarray:
    """When a key's art gives way to the other's: evenly, unless the artist says."""
    return scene.times if scene.task.progress is None else pace(scene)


def _contradicts(scene: Scene, end: np.ndarray, registration: Registration) -> bool:
    """Whether a plate, plainly found at the last key, lies far from where its tracks end."""
    centre = scene.first.centroid
    gap = affine.apply(end, centre) - affine.apply(registration.matrix, centre)
    far = float(np.hypot(*gap)) > _CONTRADICTION * scene.task.width
    return far and registration.error < _PLAINLY


def _is_known(scene: Scene, end: np.ndarray) -> bool:
    """Whether the path of a plate tells where it ends better than a comparison of the keys.

    Several points do, and where the keys show different parts of it, they may find alike anything.
    """
    assert scene.tracks is not None  # noqa: S101 - as above
    return scene.tracks.shape[1] > 1 or _leaves_view(scene, end)


def _leaves_view(scene: Scene, end: np.ndarray) -> bool:
    """Whether hardly anything that the first key shows of a plate is in view at the end."""
    return shared_view(end, scene.task.width, scene.task.height) < _LEFT_IN_VIEW


def _fading_steps(scene: Scene, times: np.ndarray) -> tuple[Step, ...]:
    if scene.visible[0]:
        return tuple(Step(AT_REST, strength=float(1 - times[m])) for m in scene.wanted)
    return tuple(Step(None, AT_REST, 1.0, strength=float(times[m])) for m in scene.wanted)
