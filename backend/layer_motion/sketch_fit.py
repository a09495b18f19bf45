"""Follows a layer's sketches with its key art: dense or sparse, from one key or from both.

`plan_sketch` serves the engine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from . import affine
from .field_fit import global_map, pose_of_points
from .folding import whole_steps
from .key_lines import key_lines, laid_on, stray_px
from .key_shares import KeyShares, between, by_lines
from .line_fit import Fit, LineFitter
from .line_points import LinePoints, sketch_points
from .plan import Plan, Scene, Step, are_plates, is_plate
from .pose import AT_REST, Pose
from .sketch_track import ASTRAY_PX, Track, arriving, far_errors, place_at
from .sketch_way import Way, calm_fits, expected, gone_on, is_stiff
from .warp import Art

_WORKING_LINES = 112
_MIN_POINTS = 12
_SAME_LINES = 0.02
_FAR_MOMENTS = 2
_WORSE = 1.3  # times what a second search could not improve on: worth a search again
_GOOD_FIT_PX = 0.2
_CUT_PX = 2.0  # so near to a border that cuts the art, an edge of it is the cut
_ALIKE_PX, _ALIKE_ROUGH_PX = 0.4, 0.6  # nearer lines of both keys show a place equally well
_STRAY_PX = 0.28  # rms distance of a key's sketch from its art's lines; clean ones reach 0.25


@dataclass(frozen=True)
class _Keys:
    """What the keys' own sketches tell, laid beside their art.

    `exact`: the rough ones that were laid on the art's lines. `are_clean`: they lie there by
    themselves, so that what trembles between the keys is the motion and no hand. Where one lies
    there and one does not, only the sketches between can tell. `stray_px`: how far rough ones
    stray.
    """

    exact: frozenset[int]
    are_clean: bool
    are_doubtful: bool = False
    stray_px: float = 0.0


def plan_sketch(scene: Scene) -> Plan | None:
    """Poses that follow the sketches, or None where there is too little to follow."""
    scale = min(1.0, _WORKING_LINES / scene.task.height)
    targets = _targets(scene, scale)
    if not any(moment > 0 for moment in targets):
        return None
    laid, keys = _with_keys_laid(scene, targets, scale)
    tracks = _tracks(scene, targets if keys.are_doubtful else laid, keys, scale)
    if keys.are_doubtful and any(track is not None and track.is_steadied for track in tracks):
        tracks = _tracks(scene, laid, replace(keys, exact=frozenset(laid) & _ends(scene)), scale)
    tracks = arriving(tracks, are_clean=keys.are_clean)
    if all(track is None for track in tracks):
        return None
    steps = tuple(_step(scene, m, tracks[0], tracks[1], scale) for m in scene.wanted)
    if are_plates(scene) or any(_bends(step) for step in steps):
        alike_px = _ALIKE_PX if keys.are_clean else _ALIKE_ROUGH_PX
        steps = _shared(scene, steps, tracks, targets, scale, alike_px)
    return Plan("sketch", whole_steps(scene, steps))


def _ends(scene: Scene) -> frozenset[int]:
    return frozenset((0, scene.moments - 1) if scene.last is not None else (0,))


def _tracks(
    scene: Scene, targets: dict[int, LinePoints], keys: _Keys, scale: float
) -> list[Track | None]:
    """The first key's art along the sketches, and the last key's."""
    ways = [
        _follow(scene, art, key, targets, keys, scale) if art is not None and seen else None
        for art, key, seen in (
            (scene.first, 0, scene.visible[0]),
            (scene.last, scene.moments - 1, scene.visible[1] and scene.last is not None),
        )
    ]
    rough = [] if keys.are_clean else [way for way in ways if way is not None]
    stiff = is_stiff(rough, keys.exact)
    return [
        None if way is None else _track(way, targets, keys, scene.moments, stiff=stiff)
        for way in ways
    ]


def _targets(scene: Scene, scale: float) -> dict[int, LinePoints]:
    found: dict[int, LinePoints] = {}
    for moment, lines in sorted(scene.task.sketches.items()):
        if 0 <= moment < scene.moments:
            scene.check()
            points = sketch_points(lines, scale)
            if len(points) >= _MIN_POINTS:
                found[moment] = points
    return found


def _with_keys_laid(
    scene: Scene, targets: dict[int, LinePoints], scale: float
) -> tuple[dict[int, LinePoints], _Keys]:
    """Targets with the keys' rough sketches laid on the lines of their own art, and which ones.

    Roughs are rough at every key; what strays at one key only is art that shows other lines there.
    """
    arts = {0: scene.first, scene.moments - 1: scene.last}
    lines = {
        moment: key_lines(art, scale)
        for moment, art in arts.items()
        if art is not None and moment in targets
    }
    strays = {moment: stray_px(targets[moment], found) for moment, found in lines.items()}
    known = {moment: stray for moment, stray in strays.items() if stray > 0.0}
    if max(known.values(), default=0.0) < _STRAY_PX:
        return targets, _Keys(frozenset(), are_clean=bool(known))
    laid = {moment: laid_on(targets[moment], lines[moment]) for moment in known}
    if min(known.values()) < _STRAY_PX:
        return targets | laid, _Keys(frozenset(), are_clean=False, are_doubtful=True)
    stray = min(known.values())
    return targets | laid, _Keys(frozenset(laid), are_clean=False, stray_px=stray)


def _follow(
    scene: Scene,
    art: Art,
    key: int,
    targets: dict[int, LinePoints],
    keys: _Keys,
    scale: float,
) -> Way | None:
    """Fit the lines of one key to every other sketch, going away from the key."""
    source = _source_points(scene, art, targets.get(key), scale)
    if len(source) < _MIN_POINTS:
        return None
    frame = scene.task.width * scale, scene.task.height * scale
    left, top, right, bottom = (side * scale for side in art.known)
    fitter = LineFitter(
        source, frame, (left, top, right, bottom), is_plate=is_plate(art, scene.task)
    )
    fits = {key: fitter.rest()}
    outward = sorted((m for m in targets if m != key), key=lambda m: abs(m - key))
    near, astray_px = key, max(ASTRAY_PX, keys.stray_px)
    for moment in outward:
        scene.check()
        start = expected(fits, key, near, moment)
        if _same_lines(scene, key, moment):
            fits[moment] = fitter.rest()
        elif abs(moment - near) <= _FAR_MOMENTS:
            fits[moment], astray_px = _followed(fitter, start, targets[moment], astray_px)
        else:
            fits[moment] = fitter.find([fits[near].moved, start], targets[moment], start)
        near = moment
    return Way(fitter, key, fits)


def _track(
    way: Way, targets: dict[int, LinePoints], keys: _Keys, moments: int, *, stiff: bool
) -> Track:
    """What the fits tell once the hand's tremble is out of them."""
    key, ends = way.key, (min(way.fits), max(way.fits))
    calm = way.fits if keys.are_clean else calm_fits(way, targets, keys.exact, stiff=stiff)
    is_steadied = calm is not way.fits
    calm = gone_on(way, calm, moments)
    origin = calm[key].moved
    maps = {moment: _global_map(origin, fit) for moment, fit in calm.items()}
    is_told = is_steadied and set(ends) <= keys.exact
    far = ends[0] if key else ends[1]
    far_px = way.fitter.error_px(calm[far].moved, targets[far]) if is_told else None
    return Track(origin, calm, maps, is_steadied, far_px)


def _source_points(scene: Scene, art: Art, sketch: LinePoints | None, scale: float) -> LinePoints:
    """The key's own sketch, completed beyond the camera's border by the lines of the art."""
    own = _uncut(key_lines(art, scale), art, scale)
    if sketch is None:
        return own
    frame = np.array([scene.task.width, scene.task.height]) * scale
    beyond = ((own.place < 0) | (own.place > frame)).any(axis=1)
    return LinePoints(
        np.concatenate([sketch.place, own.place[beyond]]),
        np.concatenate([sketch.heading, own.heading[beyond]]),
    )


def _uncut(lines: LinePoints, art: Art, scale: float) -> LinePoints:
    """Lines of the art without the edges at which the camera's border cuts it: nobody drew them."""
    low, high = np.array(art.known[:2]) * scale, np.array(art.known[2:]) * scale
    drawn = ((lines.place > low + _CUT_PX) & (lines.place < high - _CUT_PX)).all(axis=1)
    return LinePoints(lines.place[drawn], lines.heading[drawn], lines.per_px)


def _followed(
    fitter: LineFitter, start: np.ndarray, target: LinePoints, astray_px: float
) -> tuple[Fit, float]:
    """Fit from the moment before; where that went astray, once more from the unbent shape.

    Also says from which error on the next moment counts as astray: a rough sketch always leaves
    some, and no search takes it away.
    """
    fit = fitter.follow(start, target)
    if fit.error_px < astray_px:
        return fit, astray_px
    unbent = affine.apply(affine.fit_similarity(fitter.source, fit.moved), fitter.source)
    again = fitter.find([unbent], target, start)
    if again.error_px < 0.9 * fit.error_px:
        return again, astray_px
    return fit, max(astray_px, _WORSE * fit.error_px)


def _same_lines(scene: Scene, key: int, moment: int) -> bool:
    sketches = scene.task.sketches
    if key not in sketches:
        return False
    return bool(np.abs(sketches[key] - sketches[moment]).max() < _SAME_LINES)


def _global_map(origin: np.ndarray, fit: Fit) -> np.ndarray:
    if fit.moved is origin:
        return affine.IDENTITY
    return global_map(origin, fit.moved, fit.trust)


def _step(scene: Scene, moment: int, first: Track | None, last: Track | None, scale: float) -> Step:
    scene.check()
    poses: list[Pose | None] = []
    errors: list[float] = []
    for track in (first, last):
        if track is None:
            poses.append(None)
            continue
        moved, trust, error = place_at(track, moment)
        poses.append(_pose(scene, track.origin, moved, trust, scale))
        errors.append(error)
    share = _share(scene, moment, far_errors(first, last) or errors)
    if first is None or last is None:
        share = 1.0 if first is None else 0.0
    is_steadied = any(track is not None and track.is_steadied for track in (first, last))
    return Step(poses[0], poses[1], share, fit_error_px=min(errors), is_steadied=is_steadied)


def _share(scene: Scene, moment: int, errors: list[float]) -> float:
    """Share of the last key: by time, and more of the key whose lines fit the sketch better."""
    time = float(scene.times[moment])
    if len(errors) < 2:
        return time
    early, late = (1.0 / (error**2 + _GOOD_FIT_PX**2) for error in errors)
    return time * late / (time * late + (1.0 - time) * early)


def _bends(step: Step) -> bool:
    """Whether some key's art bends: of a stiff figure all places are found equally well."""
    return any(
        pose is not None and not pose.is_affine for pose in (step.from_first, step.from_last)
    )


def _shared(
    scene: Scene,
    steps: tuple[Step, ...],
    tracks: Sequence[Track | None],
    targets: dict[int, LinePoints],
    scale: float,
    alike_px: float,
) -> tuple[Step, ...]:
    """The steps with what each key shows of them, where both keys follow sketches."""
    both = [track for track in tracks if track is not None]
    if len(both) < 2:
        return steps
    size = math.ceil(scene.task.height * scale), math.ceil(scene.task.width * scale)

    def told_by(sketched: int, moment: int) -> np.ndarray | None:
        moved = [place_at(track, sketched)[0] for track in both]
        time = float(scene.times[moment])
        return by_lines(moved, targets[sketched].place, time, size, alike_px=alike_px)

    def shares(moment: int) -> KeyShares | None:
        values = between(told_by, sorted(targets), moment)
        return None if values is None else KeyShares(values, (1 / scale, 1 / scale))

    return tuple(
        replace(step, shares=shares(moment))
        for moment, step in zip(scene.wanted, steps, strict=True)
    )


def _pose(
    scene: Scene, origin: np.ndarray, moved: np.ndarray, trust: np.ndarray, scale: float
) -> Pose:
    if moved is origin:
        return AT_REST
    frame = scene.task.width, scene.task.height
    return pose_of_points(origin, moved, trust, frame, scale)
