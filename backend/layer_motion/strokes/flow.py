"""How matched strokes pass through their keys, told by the keys before and behind; for the course.

A gap alone knows no speed and no arc: its strokes would start and stop at every key, or turn there
in a corner. With further keys every point has a smooth path through all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.spatial import KDTree

from shared.strokes import Drawing

from .. import affine, trajectory
from ..plan import Scene, is_short
from ..task import Neighbour
from .match import pair_strokes
from .pair import StrokePair

_MAX_SPEEDUP = 3.0  # of the slower side's mean speed: more would overshoot (Fritsch and Carlson)
_REVERSES, _GOES_ON = -0.3, 0.3  # cosine between the ways before and behind a key
_END_SLOPE_SHORT, _END_SLOPE = 0.4, 0.3  # share of a natural end's speed at the first and last key
_FEWEST_GAPS = 2
_RUNS_ON = 0.4  # correlation of speeds in neighbouring gaps from which on a motion runs on
_QUICK = 1.6  # outer way over inner speed from which on a motion is sure to quicken outwards
_NUDGE = 0.02
_ACCENT, _ALIKE = 0.25, 0.5
_ABOUT_WEIGHT = 0.5
_KEPT_PAIRS = 8  # a gap looks at seven, and shares six of them with the next

_paired = lru_cache(maxsize=_KEPT_PAIRS)(pair_strokes)


@dataclass(frozen=True, eq=False)
class _Speed:
    """How points leave or reach a key: `pace` [P] times their own speed there, plus `aside` [P, 2].

    Their own way may be an arc; what slows down to turn back stays on it.
    """

    pace: np.ndarray
    aside: np.ndarray

    def mixed(self, share: np.ndarray | float) -> _Speed:
        """This speed by `share` 0..1, and for the rest the points' own."""
        return _Speed(1.0 - share + share * self.pace, (self.aside.T * share).T)

    def total(self, own: np.ndarray) -> np.ndarray:
        """Pixels per gap: [P, 2]."""
        return self.pace[:, None] * own + self.aside


@dataclass(frozen=True, eq=False)
class Flow:
    """What comes on top of a pair's own way, arrays [P, 2] in pixels per gap.

    `way`: from key to key; `own`: speeds of the pair's own way at both keys; `speeds`: those that
    it has among its neighbours.
    """

    way: np.ndarray
    own: tuple[np.ndarray, np.ndarray]
    speeds: tuple[_Speed, _Speed]

    def at(self, progress: float) -> np.ndarray:
        """Displacement [P, 2] at `progress` 0..1, nothing at the keys (cubic Hermite forms)."""
        leave, arrive = self.speeds
        ahead = progress + _bulge(progress, leave.pace - 1.0, arrive.pace - 1.0)
        gained = self._along(ahead[:, None]) - self._along(progress)
        return gained + _bulge(progress, leave.aside, arrive.aside)

    def _along(self, progress: np.ndarray | float) -> np.ndarray:
        """Points on their own way, from where they start: [P, 2]."""
        leave, arrive = self.own[0] - self.way, self.own[1] - self.way
        return progress * self.way + _bulge(progress, leave, arrive)


def _bulge(progress: np.ndarray | float, leave: np.ndarray, arrive: np.ndarray) -> np.ndarray:
    rest = 1.0 - progress
    return progress * rest * (rest * leave - progress * arrive)


def flow_through(
    scene: Scene, pair: StrokePair, still: Callable[[float], np.ndarray]
) -> Flow | None:
    """The flow of a pair among its neighbours, or None where none of them shows its strokes.

    `still`: points [P, 2] of the pair at a progress 0..1, without the motion that the layer's path
    tells.
    """
    before = _places(scene, pair.first, scene.task.before, back=True)
    behind = _places(scene, pair.last, scene.task.behind, back=False)
    if not before and not behind:
        return None
    start, goal = still(0.0), still(1.0)
    own = (still(_NUDGE) - start) / _NUDGE, (goal - still(1 - _NUDGE)) / _NUDGE
    times = [time for time, _ in before[::-1]] + [0.0, 1.0] + [time for time, _ in behind]
    places = [at for _, at in before[::-1]] + [start, goal] + [at for _, at in behind]
    steps = np.diff(np.stack(places), axis=0) / np.diff(times)[:, None, None]
    leave, arrive = _speeds(np.array(times), np.stack(places), own, len(before))
    if before:
        leave = leave.mixed(_even(-before[0][0]))
    if behind:
        arrive = arrive.mixed(_even(behind[0][0] - 1.0))
    if not before:
        leave = _end_speed(scene, goal - start, own, arrive, steps)
    if not behind:
        arrive = _end_speed(scene, goal - start, own[::-1], leave, steps)
    return Flow(goal - start, own, (leave, arrive))


def _even(span: float) -> float:
    """How far a gap goes over into its neighbour, `span` times as long in frames: 0..1.

    Keys set close together beside a long gap are accents: a ball on the ground, a blow.
    """
    ratio = min(span, 1.0 / max(span, 1e-6))
    return float(np.clip((ratio - _ACCENT) / (_ALIKE - _ACCENT), 0.0, 1.0))


def _end_speed(
    scene: Scene,
    way: np.ndarray,
    own: tuple[np.ndarray, np.ndarray],
    other: _Speed,
    steps: np.ndarray,
) -> _Speed:
    """How points leave a first or reach a last key, from the gap's `way` and its `other` key.

    What is seen to run on through its keys ran before and runs on behind them: its last gap is a
    parabola. What is not, or turns back, comes to rest, but for a little. `own`: the points' own
    speeds here and there.
    """
    inner = other.total(own[1])
    share = _END_SLOPE_SHORT if is_short(scene) else _END_SLOPE
    pace = (inner * own[1]).sum(axis=1) / np.maximum((own[1] ** 2).sum(axis=1), 1e-6)
    rest = share * (3.0 - np.clip(pace, 0.0, _MAX_SPEEDUP)) / 2
    seen = _quickens(way, inner) if len(steps) == _FEWEST_GAPS else _runs_on(steps)
    return _Speed(rest + seen * (1.0 - rest), seen * (2 * way - inner - own[0]))


def _runs_on(steps: np.ndarray) -> float:
    """How far mean speeds [gaps, P, 2] go over into those of the next gaps: 0..1."""
    one, other = steps[:-1], steps[1:]
    alike = (one * other).sum() / max(float(np.sqrt((one**2).sum() * (other**2).sum())), 1e-9)
    return float(np.clip(alike / _RUNS_ON, 0.0, 1.0))


def _quickens(way: np.ndarray, inner: np.ndarray) -> float:
    """How surely an outer gap gains speed away from its inner key, 0..1: all that two gaps tell.

    As far as at the speed of that key it may just as well come to rest; farther it cannot.
    """
    ratio = np.sqrt((way**2).sum() / max(float((inner**2).sum()), 1e-9))
    return float(np.clip((ratio - 1.0) / (_QUICK - 1.0), 0.0, 1.0))


def _speeds(
    times: np.ndarray, places: np.ndarray, own: tuple[np.ndarray, np.ndarray], before: int
) -> tuple[_Speed, _Speed]:
    """Speeds at times 0 and 1 of smooth paths through all places [keys, P, 2].

    Where a path turns back at a key, that is an extreme: it comes to rest there. `before`: number
    of keys before time 0.
    """
    means = np.diff(places, axis=0) / np.diff(times)[:, None, None]
    running, resting = (
        np.asarray(CubicSpline(times, places, axis=0, bc_type=ends)([0.0, 1.0], 1))
        for ends in ("not-a-knot", "natural")
    )
    slopes = resting + _runs_on(means) * (running - resting)
    found: list[_Speed] = []
    for index in (0, 1):
        here = before + index
        sides = means[max(here - 1, 0)], means[min(here, len(means) - 1)]
        found.append(_steady(slopes[index], own[index], *sides))
    return found[0], found[1]


def _steady(slope: np.ndarray, own: np.ndarray, coming: np.ndarray, going: np.ndarray) -> _Speed:
    """Speeds held within what the ways [P, 2] before and behind a key support."""
    speeds = [np.linalg.norm(part, axis=1) for part in (coming, going, slope)]
    most = _MAX_SPEEDUP * np.minimum(speeds[0], speeds[1])
    cosine = (coming * going).sum(axis=1) / np.maximum(speeds[0] * speeds[1], 1e-9)
    ahead = np.clip((cosine - _REVERSES) / (_GOES_ON - _REVERSES), 0.0, 1.0)
    ahead = ahead * ahead * (3 - 2 * ahead)
    slope = slope * np.minimum(1.0, most / np.maximum(speeds[2], 1e-9))[:, None]
    return _Speed(ahead, ahead[:, None] * (slope - own))


def _places(
    scene: Scene, own: Drawing, neighbours: Sequence[Neighbour], *, back: bool
) -> list[tuple[float, np.ndarray]]:
    """Times and places [P, 2] of the strokes' points at the neighbours, nearest first.

    Places are held by the layer's path, as if it had not moved the layer since the first key.
    """
    nearer = scene.task.first_strokes if back else scene.task.last_strokes
    points, about = own.points.astype(float), _about(own)
    found: list[tuple[float, np.ndarray]] = []
    for neighbour in neighbours:
        pair = _paired(neighbour.strokes, nearer) if back else _paired(nearer, neighbour.strokes)
        held = _holding(scene, neighbour)
        if pair is None or held is None:
            break
        here, there = (pair.last, pair.first) if back else (pair.first, pair.last)
        points, about = _carried(points, about, here, there)
        found.append((neighbour.time, affine.apply(held, points)))
        nearer = neighbour.strokes
    return found


def _holding(scene: Scene, neighbour: Neighbour) -> np.ndarray | None:
    """What undoes a path's motion from the first key to a neighbour: 3 x 3, None if unknown."""
    if scene.tracks is None:
        return affine.IDENTITY
    points = neighbour.points
    if points is None or points.shape != scene.tracks[0].shape or not np.isfinite(points).all():
        return None
    return np.linalg.inv(trajectory.motion(np.stack([scene.tracks[0], points]))[-1])


def _about(drawing: Drawing) -> np.ndarray:
    """What tells each point's stroke from others at the same place: middle, length: [P, 3]."""
    points = drawing.points.astype(float)
    stroke = np.repeat(np.arange(drawing.stroke_count), np.diff(drawing.offsets))
    ends = np.arange(1, len(points) + 1)
    closing = drawing.offsets[1:] - 1
    ends[closing] = np.where(drawing.cyclic, drawing.offsets[:-1], closing)
    steps = np.linalg.norm(points[ends] - points, axis=1) + 1e-6
    middles = (points[ends] + points) / 2
    length = np.bincount(stroke, steps)
    columns = [np.bincount(stroke, steps * middles[:, axis]) / length for axis in (0, 1)]
    return np.stack([*columns, length], axis=1)[stroke]


def _carried(
    points: np.ndarray, about: np.ndarray, here: Drawing, there: Drawing
) -> tuple[np.ndarray, np.ndarray]:
    """Where points [P, 2] on the strokes of `here` lie on those of `there`, and about whom."""
    known = here.points.astype(float)
    features = np.concatenate([known, _ABOUT_WEIGHT * _about(here)], axis=1)
    wanted = np.concatenate([points, _ABOUT_WEIGHT * about], axis=1)
    nearest = np.asarray(KDTree(features).query(wanted)[1])
    stroke = np.repeat(np.arange(here.stroke_count), np.diff(here.offsets))
    goal = there.points.astype(float)
    best = goal[nearest]
    least = np.linalg.norm(points - known[nearest], axis=1)
    for side in (-1, 1):
        other = np.clip(nearest + side, 0, len(known) - 1)
        other = np.where(stroke[other] == stroke[nearest], other, nearest)
        edge = known[other] - known[nearest]
        along = ((points - known[nearest]) * edge).sum(axis=1)
        share = np.clip(along / np.maximum((edge**2).sum(axis=1), 1e-12), 0.0, 1.0)[:, None]
        away = np.linalg.norm(points - known[nearest] - share * edge, axis=1)
        closer = away < least
        best[closer] = ((1 - share) * goal[nearest] + share * goal[other])[closer]
        least = np.minimum(least, away)
    return best, _about(there)[nearest]
