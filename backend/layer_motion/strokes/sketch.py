"""Bends strokes to rough sketches instead of warping pixels; called by the engine and the plans.

No fit errors are told of such drawings: a network that mends pixels would only soften their lines.
Between two matched keys the strokes' own in-between is laid on each sketch: first its progress,
then what is left, piece by piece. From one key alone the strokes follow the pose of the art.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.spatial import KDTree

from shared.strokes import Drawing

from .. import affine, warp
from ..line_fit import MAX_SOURCE_POINTS, LineFitter
from ..line_points import LinePoints, across, sketch_points
from ..plan import Plan, Scene, Step
from ..pose import Field, Pose
from . import elastic as stroke_elastic
from .course.course import Course, hint
from .course.key_places import pair_keys
from .layout.pair import StrokePair
from .look import redrawn_alike

_WORKING_LINES = 180  # finer than for pixels: strokes show what is left of an error sharply
_ASTRAY_PX = 2.5
_MIN_POINTS = 12
_SPACINGS_PX = (1.0, 1.5, 2.2, 3.5, 5.0, 8.0)
_PROGRESS_TRIALS = 11
_PACE_COST_PX = 0.8
_AHEAD_WEIGHT = 0.3
_DRIFT_STEPS = 4
_PARTIAL_SHARE = 0.6
_SHOWN_SHARE = 0.4
_VOTE_PX = 25.0
_LIES_PX, _LYING_SHARE = 2.5, 0.7
_LOOKED_AT, _LIES_ON_PX = 8, 0.5
_CLEARLY_PX = 0.3
_INVERSE_STEPS = 12
_ROW = 4096
_TREMBLE_REACH_PX = 3.0
_SURE = 4.0  # trembles that a bend is long
_LEAST_BEND_PX = 1.0  # working pixels of a bend worth settling
_UNEVEN_SPANS = 3.0  # longest over shortest span between known moments: splines overshoot
_FEW_SPANS = 3
_SETTLINGS = 3
_NEARER = 0.98
_TREMBLE_LEFT = 0.7  # of a pencil's tremble that lines laid on it still share


@dataclass(frozen=True, eq=False)
class _Laid:
    """A sketch's moment: progress of the strokes there, shift [P, 2] camera pixels, error.

    `sure`: the shift is far longer than the pencil trembles.
    """

    progress: float
    shift: np.ndarray
    error_px: float
    sure: bool = False


def plan_sketched_strokes(scene: Scene) -> Plan | None:
    """In-betweens of matched strokes laid on the sketches; None where that is not possible."""
    if scene.last is None or not (all(scene.visible) or _stays_in_view(scene)):
        return None
    scale = min(1.0, _WORKING_LINES / scene.task.height)
    targets = {
        moment: points
        for moment, lines in sorted(scene.task.sketches.items())
        if 0 < moment < scene.moments - 1
        and len(points := sketch_points(lines, scale)) >= _MIN_POINTS
    }
    if not targets or not redrawn_alike(scene):
        return None
    pair = pair_keys(scene.task.first_strokes, scene.task.last_strokes, hint(scene))
    if pair is None:
        return None
    samples = _samples(pair, scale)
    return None if samples is None else _Layer(scene, pair, samples, scale).plan(targets)


def _stays_in_view(scene: Scene) -> bool:
    """Whether both keys' strokes lie in the frame: what is small there is seen from its edge."""
    size = scene.task.width, scene.task.height
    keys = scene.task.first_strokes, scene.task.last_strokes
    return all(
        key is not None
        and len(key.points) > 0
        and bool(((key.points >= 0) & (key.points <= size)).all())
        for key in keys
    )


def _samples(pair: StrokePair, scale: float) -> np.ndarray | None:
    """Numbers of the points to fit, the ends of all strokes among them; None where too many."""
    steps = np.linalg.norm(np.diff(pair.first.points.astype(float), axis=0), axis=1) * scale
    steps[pair.first.offsets[1:-1] - 1] = 0.0
    way = np.concatenate([[0.0], np.cumsum(steps)])
    ends = np.concatenate([pair.first.offsets[:-1], pair.first.offsets[1:] - 1])
    for spacing in _SPACINGS_PX:
        inner = np.searchsorted(way, np.arange(0.0, way[-1], spacing))
        index = np.unique(np.concatenate([ends, inner]))
        if len(index) <= MAX_SOURCE_POINTS:
            return index
    return None


class _Layer:
    """One layer's strokes on their way through the sketches."""

    def __init__(self, scene: Scene, pair: StrokePair, samples: np.ndarray, scale: float) -> None:
        self._scene, self._pair, self._samples, self._scale = scene, pair, samples, scale
        self._course = Course(scene, pair)
        self._morph = self._course.morph
        steps = np.linalg.norm(np.diff(pair.first.points, axis=0), axis=1) * scale
        steps[pair.first.offsets[1:-1] - 1] = 0.0
        self._ink_px = float(steps.sum())
        self._frame = scene.task.width * scale, scene.task.height * scale
        points = np.clip(np.searchsorted(samples, self._morph.joints), 0, len(samples) - 1)
        self._joints = points  # [k, 2] samples

    def plan(self, targets: dict[int, LinePoints]) -> Plan | None:
        """All wanted drawings; None where a sketch shows something else than these strokes."""
        scene = self._scene
        still = np.zeros(self._pair.first.points.shape)
        laid = {0: _Laid(0.0, still, 0.0), scene.moments - 1: _Laid(1.0, still, 0.0)}
        pace = self._course.way
        before, end = 0, scene.moments - 1
        for moment, target in targets.items():
            scene.check()
            shift = laid[before].shift
            guesses = shift, shift * (end - moment) / (end - before)
            laid[moment] = self._lay(moment, target, float(pace[moment]), guesses)
            before = moment
            if laid[moment].error_px > _ASTRAY_PX:
                return None
        known = sorted(laid)
        lead = [laid[m].progress - pace[m] for m in known]
        leads = PchipInterpolator(known, lead)
        shifts = _bending(laid, sure=all(laid[m].sure for m in targets))
        steps: list[Step] = []
        for moment in scene.wanted:
            scene.check()
            progress = float(np.clip(pace[moment] + float(leads(moment)), 0.0, 1.0))
            drawing = self._course.drawing(moment, progress)
            shift = np.asarray(shifts(moment))[self._order(progress)]
            moved = replace(drawing, points=(drawing.points + shift).astype(np.float32))
            shown = self._morph.shown(moved, progress)
            steps.append(Step(None, share=progress, drawing=shown))
        return Plan("sketch", tuple(steps))

    def _order(self, progress: float) -> np.ndarray:
        return self._morph.point_order(progress)

    def _line_points(self, moment: int, progress: float) -> LinePoints:
        """Samples of the in-between in working pixels, in the pair's own order."""
        drawing = self._course.drawing(moment, progress)
        points = np.empty(drawing.points.shape)
        points[self._order(progress)] = drawing.points.astype(float) * self._scale
        ahead, behind = self._neighbours
        ways = points[ahead] - points[behind]
        twice = 2 * np.arctan2(ways[:, 1], ways[:, 0])
        heading = np.stack([np.cos(twice), np.sin(twice)], axis=1)
        return LinePoints(points[self._samples], heading)

    @property
    def _neighbours(self) -> tuple[np.ndarray, np.ndarray]:
        """The points before and behind each sample on its stroke."""
        offsets = self._pair.first.offsets
        stroke = np.searchsorted(offsets, self._samples, side="right") - 1
        ahead = np.minimum(self._samples + 1, offsets[stroke + 1] - 1)
        return ahead, np.maximum(self._samples - 1, offsets[stroke])

    def _lay(
        self, moment: int, target: LinePoints, expected: float, guesses: Sequence[np.ndarray]
    ) -> _Laid:
        """Find the progress that suits a sketch best, then bend what is left.

        `guesses` [P, 2] each: what the shift may be.
        """
        tree = KDTree(target.place)
        if target.length_px < _PARTIAL_SHARE * self._ink_px:
            return self._lay_part(moment, target, expected, guesses)

        def cost(progress: float) -> float:
            points = self._line_points(moment, progress).place
            misfit = _misfit(points + _drift(points, target.place, tree), target.place, tree)
            return misfit + _PACE_COST_PX * abs(progress - expected)

        trials = np.append(np.linspace(0.02, 0.98, _PROGRESS_TRIALS), expected)
        progress = float(min(trials, key=cost))
        for spread in (0.5 / _PROGRESS_TRIALS, 0.25 / _PROGRESS_TRIALS, 0.12 / _PROGRESS_TRIALS):
            near = [float(np.clip(progress + d, 0.01, 0.99)) for d in (0.0, -spread, spread)]
            progress = min(near, key=cost)
        source = self._line_points(moment, progress)
        start = source.place + _drift(source.place, target.place, tree)
        chosen = self._shown(start, target)
        if int(chosen.sum()) < 3:
            chosen[:] = True
        return self._laid(progress, source, chosen, start, target)

    def _lay_part(
        self, moment: int, target: LinePoints, progress: float, guesses: Sequence[np.ndarray]
    ) -> _Laid:
        """Bend only the strokes that a sketch shows; all others stay on their way.

        `guesses` [P, 2] each: shifts from which the search may begin; the nearest one is taken.
        """
        source = self._line_points(moment, progress)
        starts = [source.place + guess[self._samples] * self._scale for guess in guesses]
        start = min(
            starts, key=lambda points: float(np.mean(KDTree(points).query(target.place)[0]))
        )
        chosen = self._shown(start, target)
        if int(chosen.sum()) < 3:
            return _Laid(progress, np.zeros_like(guesses[0]), 0.0)
        return self._laid(progress, source, chosen, start, target)

    def _laid(
        self,
        progress: float,
        source: LinePoints,
        chosen: np.ndarray,
        start: np.ndarray,
        target: LinePoints,
    ) -> _Laid:
        """The `chosen` samples bent onto a sketch, without what comes of its pencil's tremble."""
        moved, error_px = self._bent(source, chosen, start, target)
        tremble_px = _tremble(moved[chosen], source.heading[chosen], target)
        bend = moved - source.place
        shift = self._spread(_beyond(bend, tremble_px))
        return _Laid(progress, shift, error_px, _sure(bend[chosen], tremble_px))

    def _bent(
        self, source: LinePoints, chosen: np.ndarray, start: np.ndarray, target: LinePoints
    ) -> tuple[np.ndarray, float]:
        """All samples [n, 2] once the `chosen` ones lie on a sketch, and the error that is left."""
        fitter = LineFitter(LinePoints(source.place[chosen], source.heading[chosen]), self._frame)
        wire = self._wire(source, chosen)
        lying = stroke_elastic.lay(wire, start[chosen], target, self._frame)
        error_px = fitter.error_px(lying, target)
        if error_px > _ASTRAY_PX / 2:
            fit = fitter.follow(start[chosen], target)
            if fit.error_px < error_px - _CLEARLY_PX:
                lying, error_px = fit.moved, fit.error_px
        else:
            lying = self._settled(wire, lying, source.heading[chosen], target)
        moved = source.place.copy()
        moved[chosen] = lying
        self._carry(source.place, moved, chosen)
        return moved, error_px

    def _settled(
        self,
        wire: stroke_elastic.Wire,
        lying: np.ndarray,
        heading: np.ndarray,
        target: LinePoints,
    ) -> np.ndarray:
        """A wire's samples [n, 2], `lying` along a sketch; its lines have a `heading` [n, 2].

        What bends far is stiff only around its new form, or it would not come all the way.
        """
        left_px = _tremble(lying, heading, target)
        for _ in range(_SETTLINGS):
            if not _sure(lying - wire.rest, left_px):
                break
            self._scene.check()
            again = replace(wire, rest=lying)
            nearer = stroke_elastic.lay(again, lying, target, self._frame)
            now_px = _tremble(nearer, heading, target)
            if now_px > _NEARER * left_px:
                break
            lying, left_px = nearer, now_px
        return lying

    def _wire(self, source: LinePoints, chosen: np.ndarray) -> stroke_elastic.Wire:
        first = self._pair.first
        stroke = np.searchsorted(first.offsets, self._samples, side="right") - 1
        place = np.cumsum(chosen) - 1
        joints = self._joints
        joints = joints[chosen[joints].all(axis=1)]
        return stroke_elastic.Wire(
            source.place[chosen], stroke[chosen], first.cyclic[stroke][chosen], place[joints]
        )

    def _carry(self, place: np.ndarray, moved: np.ndarray, chosen: np.ndarray) -> None:
        """Take along what hangs on bent strokes and is not in the sketch itself: a hand on an arm.

        Changes `moved` [n, 2] in place; `chosen` bool [n]: samples that are where they belong.
        """
        bounds = np.searchsorted(self._samples, self._pair.first.offsets)
        parts = [slice(int(a), int(b)) for a, b in pairwise(bounds)]
        done = np.array([bool(chosen[part].any()) for part in parts])
        tree = self._morph.tree
        for stroke in tree.order.tolist():
            above = int(tree.parent[stroke])
            if done[stroke] or above < 0 or not done[above]:
                continue
            matrix = affine.fit_similarity(place[parts[above]], moved[parts[above]])
            if affine.is_regular(matrix):
                moved[parts[stroke]] = affine.apply(matrix, place[parts[stroke]])
                done[stroke] = True

    def _shown(self, start: np.ndarray, target: LinePoints) -> np.ndarray:
        """Which samples belong to strokes that a sketch shows: bool [n].

        Every point of the sketch votes for the stroke next to it, and for those that lie on that; a
        stroke counts where it gets votes for a fair part of its length, or lies along the sketch
        beside others that do.
        """
        stroke = np.searchsorted(self._pair.first.offsets, self._samples, side="right") - 1
        count = self._pair.first.stroke_count
        votes = _votes(start, stroke, target.place, count)
        steps = np.linalg.norm(np.diff(start, axis=0), axis=1) * (np.diff(stroke) == 0)
        length = np.bincount(stroke[1:], steps, count)
        voted = votes / target.per_px >= _SHOWN_SHARE * length + 2
        lying = np.asarray(KDTree(target.place).query(start)[0]) < _LIES_PX
        share = np.bincount(stroke, lying, count) / np.maximum(
            np.bincount(stroke, minlength=count), 1
        )
        return (voted | (share >= _LYING_SHARE))[stroke]

    def _spread(self, moved: np.ndarray) -> np.ndarray:
        """Displacements of the samples, working pixels, at all points: [P, 2] camera pixels."""
        index = np.arange(len(self._pair.first.points))
        columns = [np.interp(index, self._samples, moved[:, axis]) for axis in (0, 1)]
        return np.stack(columns, axis=1) / self._scale


def _votes(places: np.ndarray, stroke: np.ndarray, sketch: np.ndarray, count: int) -> np.ndarray:
    """How many of a sketch's points [m, 2] lie next to each stroke: int [S].

    `places` [n, 2] belong to strokes [n]. Where strokes lie on each other, as ink on paint, a point
    lies next to all of them.
    """
    most = min(_LOOKED_AT, len(places))
    found = KDTree(places).query(sketch, k=most)
    away, nearest = (np.asarray(part).reshape(len(sketch), most) for part in found)
    beside = (away <= away[:, :1] + _LIES_ON_PX) & (away < _VOTE_PX)
    point = np.broadcast_to(np.arange(len(sketch))[:, None], away.shape)
    voted = np.unique(point[beside] * count + stroke[nearest[beside]])
    return np.bincount(voted % count, minlength=count)


def _bending(laid: dict[int, _Laid], *, sure: bool) -> Callable[[int], np.ndarray]:
    """The shift [P, 2] at any moment, on a smooth way through those that sketches tell.

    A natural spline soon falls off, which suits tremble; a `sure` bend goes on as a parabola.
    One or two that lie unevenly in time are thrown far beyond by either.
    """
    known = sorted(laid)
    shifts = [laid[moment].shift for moment in known]
    spans = np.diff(known)
    if len(spans) <= _FEW_SPANS and spans.min() * _UNEVEN_SPANS < spans.max():
        return PchipInterpolator(known, shifts)
    return CubicSpline(known, shifts, bc_type="not-a-knot" if sure else "natural")


def _tremble(place: np.ndarray, heading: np.ndarray, target: LinePoints) -> float:
    """Rms distance of a sketch's points from the lines [n, 2] laid on it, across these."""
    away, nearest = KDTree(place).query(target.place)
    near = np.asarray(away) < _TREMBLE_REACH_PX
    if not near.any():
        return 0.0
    index = np.asarray(nearest)[near]
    offset = target.place[near] - place[index]
    beside = (across(heading[index]) * offset).sum(axis=1)
    return float(np.sqrt(np.mean(beside**2)))


def _sure(bend: np.ndarray, tremble_px: float) -> bool:
    """Whether a sketch bends lines by, [n, 2], far more than its pencil trembles.

    No tremble at all is told where a sketch lies nowhere near the lines.
    """
    rms = float(np.sqrt((bend**2).sum(axis=1).mean()))
    return tremble_px > 0.0 and rms > max(_SURE * tremble_px, _LEAST_BEND_PX)


def _beyond(bend: np.ndarray, tremble_px: float) -> np.ndarray:
    """What a sketch bends lines by, [n, 2], beyond what its tremble alone would (James, Stein).

    A wobbly rough that says what the keys say as well, leaves the drawing as the keys have it.
    """
    energy = float((bend**2).sum(axis=1).mean())
    noise = (_TREMBLE_LEFT * tremble_px) ** 2
    return bend * max(0.0, 1.0 - noise / max(energy, 1e-12))


def _drift(points: np.ndarray, goal: np.ndarray, tree: KDTree) -> np.ndarray:
    """The common shift [2] of points towards the lines of a sketch, by closest points."""
    shift = np.zeros(2)
    for _ in range(_DRIFT_STEPS):
        moved = points + shift
        away, index = tree.query(moved)
        back, origin = KDTree(moved).query(goal)
        near, near_back = away <= np.quantile(away, 0.8), back <= np.quantile(back, 0.9)
        ahead = (goal[index] - moved)[near].mean(axis=0)
        behind = (goal - moved[origin])[near_back].mean(axis=0)
        shift = shift + (_AHEAD_WEIGHT * ahead + behind) / (_AHEAD_WEIGHT + 1.0)
    return shift


def _misfit(points: np.ndarray, goal: np.ndarray, tree: KDTree) -> float:
    """Distance in working pixels; what the sketch leaves out counts less than what it shows."""
    back = np.sort(np.asarray(KDTree(points).query(goal)[0]))
    ahead = np.sort(np.asarray(tree.query(points)[0]))
    shown = float(back[: max(1, int(0.95 * len(back)))].mean())
    left_out = float(ahead[: max(1, int(0.9 * len(ahead)))].mean())
    return shown + _AHEAD_WEIGHT * left_out


def redraw(scene: Scene, plan: Plan) -> Plan:
    """The same plan with one key's strokes moved and drawn anew wherever its pixels would be bent.

    Steps that take from both keys, or shift by whole pixels, stay as they are.
    """
    able = [_strokes_of(scene, step) is not None for step in plan.steps]
    if not any(able) or not redrawn_alike(scene):
        return plan
    return Plan(plan.method, tuple(_redrawn(scene, step) for step in plan.steps))


def _strokes_of(scene: Scene, step: Step) -> tuple[Drawing, Pose] | None:
    """What a step takes its art from, where that is a single key with strokes, bent or turned."""
    if step.drawing is not None or step.strength < 1.0:
        return None
    if (step.from_first is None) == (step.from_last is None):
        return None
    pose = step.from_first or step.from_last
    strokes = scene.task.first_strokes if step.from_first else scene.task.last_strokes
    if strokes is None or pose is None or warp.whole_shift(pose) is not None:
        return None
    usable = np.isfinite(strokes.points).all() and len(strokes.points)
    return (strokes, pose) if usable else None


def _redrawn(scene: Scene, step: Step) -> Step:
    found = _strokes_of(scene, step)
    if found is None:
        return step
    scene.check()
    strokes, pose = found
    growth = np.float32(np.sqrt(abs(np.linalg.det(pose.forward[:2, :2]))))
    points = moved_points(pose, strokes.points.astype(float)).astype(np.float32)
    drawing = replace(strokes, points=points, radius=strokes.radius * growth)
    return replace(step, drawing=drawing, fit_error_px=None)


def moved_points(pose: Pose, points: np.ndarray) -> np.ndarray:
    """Where a pose carries points [n, 2] of its key: camera pixels [n, 2].

    Its displacements are told at the places where points end, so they are found by iteration.
    """
    moved = affine.apply(pose.forward, points)
    for field in (pose.field, pose.nudge):
        if field is not None:
            moved = _back_through(field, moved)
    return moved


def _back_through(field: Field, goal: np.ndarray) -> np.ndarray:
    """Places p with p + field(p) = goal."""
    place = goal.copy()
    for _ in range(_INVERSE_STEPS):
        place += 0.7 * (goal - place - _at(field, place))
    return place


def _at(field: Field, places: np.ndarray) -> np.ndarray:
    """The field at scattered places [n, 2], in rows short enough for the picture library."""
    rows = -(-len(places) // _ROW)
    padded = np.zeros((rows * _ROW, 2), np.float32)
    padded[: len(places)] = places
    return field.at(padded.reshape(rows, _ROW, 2)).reshape(-1, 2)[: len(places)].astype(float)
