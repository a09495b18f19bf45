"""How matched strokes pass through their keys, told by the keys before and behind; for the course.

A gap alone knows no speed and no arc: its strokes would start and stop at every key, or turn there
in a corner. With further keys every point has a smooth path through all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy.interpolate import BSpline, CubicSpline, make_interp_spline
from scipy.spatial import KDTree

from shared.strokes import Drawing

from .. import affine, trajectory
from ..plan import Scene
from ..task import Neighbour
from .match import pair_strokes
from .momentum import drift, passing_speed
from .pair import StrokePair

_MAX_SPEEDUP = 3.0  # of the slower side's mean speed: more would overshoot (Fritsch and Carlson)
_REVERSES, _GOES_ON = -0.3, 0.3  # cosine between the ways before and behind a key
_END_SLOPE = 0.3  # share of a natural end's speed at the first and last key
_END_SLOPE_AROUND = 0.2  # the same, where it tells the speed at the inner keys
_FEWEST_GAPS = 2
_RUNS_ON = 0.4  # correlation of speeds in neighbouring gaps from which on a motion runs on
_QUICK = 1.3  # outer way over inner speed from which on a motion is sure to quicken outwards
_TURNS_BACK, _SWINGS_ON = -0.35, -0.05  # the same, of a stroke that turns back between keys
_UNEVEN, _EVEN = 0.8, 1.0  # slower over faster of a point's own speeds: no swing; a swing
_TURN = 0.15  # radians: less is no swing
_RIGID, _BENT = 0.2, 0.5  # of a stroke's motion: what a turn leaves
_NUDGE = 0.02
_ACCENT, _ALIKE = 0.25, 0.5
_ABOUT_WEIGHT = 0.5
_KEPT_PAIRS = 8  # a gap looks at seven, and shares six of them with the next

_SAME_SPEED, _SAME_WAY = 0.35, 0.3  # slower over faster side and cosine, where a layer goes round

_Known = tuple[float, np.ndarray]
"""A key's time, and where the points [P, 2] are there."""

_paired = lru_cache(maxsize=_KEPT_PAIRS)(pair_strokes)


@dataclass(frozen=True, eq=False)
class _Own:
    """The way of a pair's points by themselves, arrays [P, 2] in pixels per gap.

    `way`: from key to key; `speeds` at both keys. `arc` [P] 0..1: whether a point goes about as
    fast at both, so that its way is a swing which it stays on however it slows down or turns back.
    """

    way: np.ndarray
    speeds: tuple[np.ndarray, np.ndarray]
    arc: np.ndarray

    @classmethod
    def of(
        cls,
        still: Callable[[float], np.ndarray],
        ends: tuple[np.ndarray, np.ndarray],
        offsets: np.ndarray,
    ) -> _Own:
        """Measured on points [P, 2] at a progress 0..1; `ends`: at 0 and at 1."""
        start, goal = ends
        speeds = (still(_NUDGE) - start) / _NUDGE, (goal - still(1 - _NUDGE)) / _NUDGE
        fast = [np.linalg.norm(speed, axis=1) for speed in speeds]
        even = np.minimum(*fast) / np.maximum(np.maximum(*fast), 1e-6)
        arc = np.clip((even - _UNEVEN) / (_EVEN - _UNEVEN), 0.0, 1.0)
        return cls(goal - start, speeds, arc * _turning(start, goal, offsets))

    def at(self, progress: np.ndarray | float) -> np.ndarray:
        """Points from where they start: [P, 2]."""
        leave, arrive = self.speeds[0] - self.way, self.speeds[1] - self.way
        return progress * self.way + _bulge(progress, leave, arrive)

    def slowed(self, share: np.ndarray, end: int) -> np.ndarray:
        """Speeds [P, 2] at a key, `end` 0 or 1, of `share` [P] times those of the way."""
        arc = self.arc[:, None]
        return share[:, None] * (arc * self.speeds[end] + (1 - arc) * self.way)


def _turning(start: np.ndarray, goal: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """How well each stroke's motion is a turn, not a change of shape: 0..1 per point [P]."""
    found = np.zeros(len(start))
    for span in (slice(a, b) for a, b in pairwise(offsets.tolist())):
        matrix = affine.fit_similarity(start[span], goal[span])
        turn = abs(float(np.arctan2(matrix[1, 0], matrix[0, 0])))
        left = float(((goal[span] - affine.apply(matrix, start[span])) ** 2).sum())
        moved = float(((goal[span] - start[span]) ** 2).sum())
        share = np.sqrt(left / max(moved, 1e-9))
        rigid = float(np.clip((_BENT - share) / (_BENT - _RIGID), 0.0, 1.0))
        found[span] = rigid * float(np.clip(turn / _TURN - 1.0, 0.0, 1.0))
    return found


@dataclass(frozen=True, eq=False)
class _Speed:
    """How points leave or reach a key: `total` [P, 2] pixels per gap; `pace` [P]: how much of that
    is their own way, gone faster or slower, and 1 where they leave that way.
    """

    total: np.ndarray
    pace: np.ndarray


@dataclass(frozen=True, eq=False)
class Flow:
    """What comes on top of a pair's own way, and the speeds that it has among its neighbours."""

    own: _Own
    speeds: tuple[_Speed, _Speed]

    def at(self, progress: float) -> np.ndarray:
        """Displacement [P, 2] at `progress` 0..1, nothing at the keys (cubic Hermite forms)."""
        leave, arrive = self.speeds
        ahead = progress + _bulge(progress, leave.pace - 1.0, arrive.pace - 1.0)
        aside = [
            speed.total - speed.pace[:, None] * own
            for speed, own in zip(self.speeds, self.own.speeds, strict=True)
        ]
        gained = self.own.at(ahead[:, None]) - self.own.at(progress)
        return gained + _bulge(progress, *aside)


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
    start, goal = still(0.0), still(1.0)
    before = _places(scene, pair.first, scene.task.before, back=True)
    behind = _places(scene, pair.last, scene.task.behind, back=False)
    known = _without_false_rounds(
        [*before[::-1], (0.0, start), (1.0, goal), *behind],
        (_again(scene.task.before, before), _again(scene.task.behind, behind)),
    )
    before = [one for one in known[::-1] if one[0] < 0.0]
    behind = [one for one in known if one[0] > 1.0]
    if not before and not behind:
        return None
    own = _Own.of(still, (start, goal), pair.first.offsets)
    times, places = np.array([time for time, _ in known]), np.stack([at for _, at in known])
    steps = np.diff(places, axis=0) / np.diff(times)[:, None, None]
    swing, first = _swings(steps, pair.first.offsets), len(before)
    leave, arrive = _speeds(times, places, own, swing, first)
    if before:
        whole = passing_speed(times, places, first)
        leave = _mixed(leave, own, 0, _even(-before[0][0]), whole)
    if behind:
        whole = passing_speed(times, places, first + 1)
        arrive = _mixed(arrive, own, 1, _even(behind[0][0] - 1.0), whole)
    if not before:
        leave = _end_speed(own, 0, arrive.total, steps)
    if not behind:
        arrive = _end_speed(own, 1, leave.total, steps)
    return Flow(own, (leave, arrive))


def _again(neighbours: Sequence[Neighbour], found: Sequence[_Known]) -> int:
    return sum(neighbour.again for neighbour in neighbours[: len(found)])


def _without_false_rounds(known: list[_Known], rounds: tuple[int, int]) -> list[_Known]:
    """Keys in order of time, without those of rounds before or behind that are none.

    `rounds`: how many at either end are the layer's own keys once more. A layer whose last key
    shows its first one again goes round only where it passes it at speed: what acts and comes
    back to rest stands still there.
    """
    before, behind = rounds
    low = before if before and not _passes(known, before) else 0
    high = behind if behind and not _passes(known, len(known) - 1 - behind) else 0
    return known[low : len(known) - high]


def _passes(known: list[_Known], key: int) -> bool:
    """Whether points go on through a key about as fast as they come."""
    (t0, one), (t1, here), (t2, other) = known[key - 1 : key + 2]
    coming, going = (here - one) / (t1 - t0), (other - here) / (t2 - t1)
    slow, fast = sorted((float(np.linalg.norm(coming)), float(np.linalg.norm(going))))
    return slow > _SAME_SPEED * fast and float((coming * going).sum()) > _SAME_WAY * slow * fast


def _mixed(speed: _Speed, own: _Own, end: int, share: float, whole: np.ndarray | None) -> _Speed:
    """A speed by `share` 0..1, and for the rest that of the own way.

    `whole` [2]: speed of all points together, if they go on as a whole.
    """
    rest = own.slowed(np.ones(len(own.arc)), end)
    if whole is not None:
        rest = rest + whole - rest.mean(axis=0)
    return _Speed(share * speed.total + (1 - share) * rest, 1.0 + share * (speed.pace - 1.0))


def _even(span: float) -> float:
    """How far a gap goes over into its neighbour, `span` times as long in frames: 0..1.

    Keys set close together beside a long gap are accents: a ball on the ground, a blow.
    """
    ratio = min(span, 1.0 / max(span, 1e-6))
    return float(np.clip((ratio - _ACCENT) / (_ALIKE - _ACCENT), 0.0, 1.0))


def _end_speed(own: _Own, end: int, inner: np.ndarray, steps: np.ndarray) -> _Speed:
    """How points leave a first key, `end` 0, or reach a last, 1, given speeds at the inner key.

    What is seen to run on through its keys ran before and runs on behind them: its last gap is a
    parabola. What is not, or turns back, comes to rest, but for a little.
    """
    there = own.speeds[1 - end]
    paces = (inner * there).sum(axis=1) / np.maximum((there**2).sum(axis=1), 1e-6)
    slow = _END_SLOPE * (3.0 - np.clip(paces, 0.0, _MAX_SPEEDUP)) / 2
    arc = own.arc[:, None]
    straight = _END_SLOPE * (3 * own.way - inner) / 2
    rest = arc * slow[:, None] * own.speeds[end] + (1 - arc) * straight
    seen = _quickens(own.way, inner) if len(steps) == _FEWEST_GAPS else _runs_on(steps)
    slowed = own.arc * slow + (1 - own.arc) * _END_SLOPE
    rest += (1 - slowed)[:, None] * drift(steps)
    total = rest + seen * (2 * own.way - inner - rest)
    return _Speed(total, 1.0 + own.arc * (1.0 - seen) * (slow - 1.0))


def _runs_on(steps: np.ndarray) -> float:
    """How far mean speeds [gaps, P, 2] go over into those of the next gaps: 0..1."""
    one, other = steps[:-1], steps[1:]
    alike = (one * other).sum() / max(float(np.sqrt((one**2).sum() * (other**2).sum())), 1e-9)
    return float(np.clip(alike / _RUNS_ON, 0.0, 1.0))


def _through(times: np.ndarray, means: np.ndarray, running: np.ndarray) -> float:
    """How far a motion was there before its first key and goes on behind its last: 0..1.

    `means` [gaps, P, 2] speeds; `running` [2, P, 2]: at times 0 and 1 if it does.
    """
    if len(means) > _FEWEST_GAPS:
        return _runs_on(means)
    inner = running[1] if times[-1] > 1.0 else running[0]
    return max(_quickens(mean, inner) for mean in means)


def _swings(steps: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """How far each stroke runs through its keys, mean speeds [gaps, P, 2]: 0..1 per point [P].

    What turns back at every key does so at its keys; what swings on through some of them may turn
    back between them.
    """
    one, other = steps[:-1], steps[1:]
    sums = [
        np.add.reduceat((a * b).sum(axis=(0, 2)), offsets[:-1])
        for a, b in ((one, other), (one, one), (other, other))
    ]
    alike = sums[0] / np.maximum(np.sqrt(sums[1] * sums[2]), 1e-9)
    share = np.clip((alike - _TURNS_BACK) / (_SWINGS_ON - _TURNS_BACK), 0.0, 1.0)
    return np.repeat(share, np.diff(offsets))


def _quickens(way: np.ndarray, inner: np.ndarray) -> float:
    """How surely an outer gap gains speed away from its inner key, 0..1: all that two gaps tell.

    As far as at the speed of that key it may just as well come to rest; farther it cannot.
    """
    ratio = np.sqrt((way**2).sum() / max(float((inner**2).sum()), 1e-9))
    return float(np.clip((ratio - 1.0) / (_QUICK - 1.0), 0.0, 1.0))


def _speeds(
    times: np.ndarray, places: np.ndarray, own: _Own, swing: np.ndarray, before: int
) -> tuple[_Speed, _Speed]:
    """Speeds at times 0 and 1 of smooth paths through all places [keys, P, 2].

    Where a path turns back at a key, that is an extreme: it comes to rest there, except as far as
    it swings through its keys, `swing` [P] 0..1. `before`: number of keys before time 0.
    """
    means = np.diff(places, axis=0) / np.diff(times)[:, None, None]
    running = np.asarray(CubicSpline(times, places, axis=0)([0.0, 1.0], 1))
    resting = np.asarray(_resting(times, places)([0.0, 1.0], 1))
    slopes = resting + _through(times, means, running) * (running - resting)
    found: list[_Speed] = []
    for end in (0, 1):
        here = before + end
        sides = means[max(here - 1, 0)], means[min(here, len(means) - 1)]
        ahead, slope = _steady(slopes[end], *sides)
        kept = ahead + (1 - ahead) * swing
        natural = own.speeds[end]
        along = (slope * natural).sum(axis=1) / np.maximum((natural**2).sum(axis=1), 1e-6)
        pace = ahead + (kept - ahead) * np.clip(along, -1.0, 1.0)
        found.append(_Speed(kept[:, None] * slope, 1.0 + own.arc * (pace - 1.0)))
    return found[0], found[1]


def _resting(times: np.ndarray, places: np.ndarray) -> BSpline:
    """Smooth paths through all places [keys, P, 2] that come to rest at both ends, but a little."""
    loose = CubicSpline(times, places, axis=0, bc_type="natural")
    ends = [[(1, _END_SLOPE_AROUND * np.asarray(loose(time, 1)))] for time in times[[0, -1]]]
    return make_interp_spline(times, places, k=3, bc_type=(ends[0], ends[1]))


def _steady(
    slope: np.ndarray, coming: np.ndarray, going: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Whether points go on at a key, [P] 0..1, and speeds [P, 2] that its sides support."""
    speeds = [np.linalg.norm(part, axis=1) for part in (coming, going, slope)]
    most = _MAX_SPEEDUP * np.minimum(speeds[0], speeds[1])
    cosine = (coming * going).sum(axis=1) / np.maximum(speeds[0] * speeds[1], 1e-9)
    ahead = np.clip((cosine - _REVERSES) / (_GOES_ON - _REVERSES), 0.0, 1.0)
    held = slope * np.minimum(1.0, most / np.maximum(speeds[2], 1e-9))[:, None]
    return ahead * ahead * (3 - 2 * ahead), held


def _places(
    scene: Scene, own: Drawing, neighbours: Sequence[Neighbour], *, back: bool
) -> list[_Known]:
    """Times and places [P, 2] of the strokes' points at the neighbours, nearest first.

    Places are held by the layer's path, as if it had not moved the layer since the first key.
    """
    nearer = scene.task.first_strokes if back else scene.task.last_strokes
    points, about = own.points.astype(float), _about(own)
    found: list[_Known] = []
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
