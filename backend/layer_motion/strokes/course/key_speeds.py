"""How fast a pair's points pass its keys, told by the keys around; for the flow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import BSpline, CubicSpline, make_interp_spline

from ...trajectory import EndSpeed
from .key_places import KeyPlaces
from .momentum import drift, passing_speed
from .own_way import KeySpeed, OwnWay
from .swings import swings, waves

_MAX_SPEEDUP = 3.0  # of the slower side's mean speed: more would overshoot (Fritsch and Carlson)
_MAX_GATHERED = 2.0  # the same, of a layer that gathers speed: a parabola from rest
_SETTLES, _PASSES = 0.3, 0.6  # slower over faster side of a layer: it rests there, it goes on
_REVERSES, _GOES_ON, _FORWARD = -0.3, 0.3, 0.9  # cosine between the ways before and behind a key
_END_SLOPE = 0.3  # share of a natural end's speed at the first and last key
_END_SLOPE_AROUND = 0.2  # the same, where it tells the speed at the inner keys
_MOST_ALONG = 1.2  # the same at most, where the layer's path tells it
_STOPS, _GOES = 0.4, 0.8  # speed of a path at an outer key, of its mean: it stops there, it goes on
_MOVING = 0.5  # of its mean speed: what is as fast at its inner key may run on behind the outer
_FEWEST_GAPS = 2
_RUNS_ON = 0.4  # correlation of speeds in neighbouring gaps from which on a motion runs on
_QUICK = 1.3  # outer way over inner speed from which on a motion is sure to quicken outwards
_ACCENT, _ALIKE = 0.25, 0.5


def speeds_at_keys(
    keys: Sequence[KeyPlaces],
    own: OwnWay,
    offsets: np.ndarray,
    path: tuple[EndSpeed, EndSpeed],
) -> tuple[KeySpeed, KeySpeed]:
    """Speeds at times 0 and 1, which are keys, of points among all `keys`, in order of time.

    `offsets` int [S + 1]: where strokes begin. `path`: how fast the layer's path leaves time 0 and
    reaches time 1. At least one further key is known.
    """
    times, places = np.array([key.time for key in keys]), np.stack([key.held for key in keys])
    spans = np.diff(times)[:, None, None]
    steps = np.diff(places, axis=0) / spans
    first = int(np.searchsorted(times, 0.0))
    # What turns back on a body that moves on may well go on in the picture: a fin, a tail.
    drawn = np.diff(np.stack([key.drawn for key in keys]), axis=0) / spans
    runs = _Runs(steps, drawn, offsets)
    slopes = _slopes(times, places, steps)
    leave, arrive = (_passing(slopes[end], runs, first + end, own, end) for end in (0, 1))
    if first > 0:
        whole = passing_speed(times, places, first)
        leave = _weighed(leave, own, 0, _goes_over(-float(times[first - 1])), whole)
    if first + 2 < len(times):
        whole = passing_speed(times, places, first + 1)
        arrive = _weighed(arrive, own, 1, _goes_over(float(times[first + 2]) - 1.0), whole)
    else:
        arrive = _end_speed(own, 1, leave.total, steps, path[1])
    if first == 0:
        leave = _end_speed(own, 0, arrive.total, steps, path[0])
    return leave, arrive


def _weighed(
    speed: KeySpeed, own: OwnWay, end: int, share: float, whole: np.ndarray | None
) -> KeySpeed:
    """A speed by `share` 0..1, and for the rest that of the own way.

    `whole` [2]: speed of all points together, if they go on as a whole.
    """
    rest = own.slowed(np.ones(len(own.arc)), end)
    if whole is not None:
        rest = rest + whole - rest.mean(axis=0)
    return KeySpeed(share * speed.total + (1 - share) * rest, 1.0 + share * (speed.pace - 1.0))


def _goes_over(span: float) -> float:
    """How far a gap goes over into its neighbour, `span` times as long in frames: 0..1.

    Keys set close together beside a long gap are accents: a ball on the ground, a blow.
    """
    ratio = min(span, 1.0 / max(span, 1e-6))
    return float(np.clip((ratio - _ACCENT) / (_ALIKE - _ACCENT), 0.0, 1.0))


def _end_speed(
    own: OwnWay, end: int, inner: np.ndarray, steps: np.ndarray, path: EndSpeed
) -> KeySpeed:
    """How points leave a first key, `end` 0, or reach a last, 1, given speeds at the inner key.

    What is seen to run on through its keys ran before and runs on behind them: its last gap is a
    parabola. What is not, or turns back, comes to rest, but for a little; and so does a layer that
    all but rests at the inner key, as one that crouches before a leap. Where the layer's `path`
    comes to rest at the outer key, or goes on there, its strokes do so, too.
    """
    along = _END_SLOPE + path.told * (min(path.speed, _MOST_ALONG) - _END_SLOPE)
    there = own.speeds[1 - end]
    paces = (inner * there).sum(axis=1) / np.maximum((there**2).sum(axis=1), 1e-6)
    slow = along * (3.0 - np.clip(paces, 0.0, _MAX_SPEEDUP)) / 2
    arc = own.arc[:, None]
    straight = along * (3 * own.way - inner) / 2
    rest = arc * slow[:, None] * own.speeds[end] + (1 - arc) * straight
    seen = _running(own.way, inner, steps, path)
    slowed = own.arc * slow + (1 - own.arc) * along
    rest += (1 - slowed)[:, None] * drift(steps)
    total = rest + seen * (2 * own.way - inner - rest)
    return KeySpeed(total, 1.0 + own.arc * (1.0 - seen) * (slow - 1.0))


def _running(way: np.ndarray, inner: np.ndarray, steps: np.ndarray, path: EndSpeed) -> float:
    """How surely what goes a way [P, 2] from or to an outer key runs on behind it: 0..1.

    Strokes that gain speed over their only two gaps cannot rest there, whatever their path does.
    """
    if len(steps) == _FEWEST_GAPS:
        return _quickens(way, inner)
    on = float(np.clip((path.speed - _STOPS) / (_GOES - _STOPS), 0.0, 1.0))
    return _runs_on(steps) * _moving(way, inner) * (1.0 - path.told * (1.0 - on))


def _moving(way: np.ndarray, inner: np.ndarray) -> float:
    """How far all goes on its way [P, 2] at a key where its speed is `inner` [P, 2]: 0..1."""
    along = float((inner * way).sum()) / max(_MOVING * float((way**2).sum()), 1e-6)
    return float(np.clip(along, 0.0, 1.0))


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


def _quickens(way: np.ndarray, inner: np.ndarray) -> float:
    """How surely an outer gap gains speed away from its inner key, 0..1: all that two gaps tell.

    As far as at the speed of that key it may just as well come to rest; farther it cannot.
    """
    ratio = np.sqrt((way**2).sum() / max(float((inner**2).sum()), 1e-9))
    return float(np.clip((ratio - 1.0) / (_QUICK - 1.0), 0.0, 1.0))


def _slopes(times: np.ndarray, places: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Speeds [2, P, 2] at times 0 and 1 of smooth paths through all places [keys, P, 2]."""
    running = np.asarray(CubicSpline(times, places, axis=0)([0.0, 1.0], 1))
    resting = np.asarray(_resting(times, places)([0.0, 1.0], 1))
    return resting + _through(times, means, running) * (running - resting)


@dataclass(frozen=True, eq=False)
class _Runs:
    """Mean speeds [gaps, P, 2] from key to key of strokes that begin at `offsets` int [S + 1].

    `means`: held by the layer's path; `drawn`: in the picture.
    """

    means: np.ndarray
    drawn: np.ndarray
    offsets: np.ndarray

    def around(self, key: int) -> tuple[np.ndarray, np.ndarray]:
        """The speeds [P, 2] before a key and behind it; at an outer key both are the same."""
        return self.means[max(key - 1, 0)], self.means[min(key, len(self.means) - 1)]


def _passing(slope: np.ndarray, runs: _Runs, key: int, own: OwnWay, end: int) -> KeySpeed:
    """The speed at a key of paths with that `slope` [P, 2] there.

    Where a path turns back at a key, that is an extreme: it comes to rest there, except as far as
    it swings through its keys. The gap begins, `end` 0, or ends, 1, there.
    """
    sides, on = runs.around(key), _going_on(runs.means, key)
    ahead, held = _steady(slope, *sides, on)
    wave = on * waves(*sides, runs.offsets)
    held = held + wave[:, None] * (slope - held)
    kept = ahead + (1 - ahead) * swings(runs.drawn, key, runs.offsets)
    natural = own.speeds[end]
    along = (held * natural).sum(axis=1) / np.maximum((natural**2).sum(axis=1), 1e-6)
    pace = ahead + (kept - ahead) * np.clip(along, -1.0, 1.0)
    return KeySpeed(kept[:, None] * held, 1.0 + own.arc * (pace - 1.0))


def _resting(times: np.ndarray, places: np.ndarray) -> BSpline:
    """Smooth paths through all places [keys, P, 2] that come to rest at both ends, but a little."""
    loose = CubicSpline(times, places, axis=0, bc_type="natural")
    ends = [[(1, _END_SLOPE_AROUND * np.asarray(loose(time, 1)))] for time in times[[0, -1]]]
    return make_interp_spline(times, places, k=3, bc_type=(ends[0], ends[1]))


def _going_on(means: np.ndarray, key: int) -> float:
    """How far all points together pass a key instead of gathering for it or settling behind: 0..1.

    `means` [gaps, P, 2] speeds. An outer gap much slower than the next one gathers or settles; one
    between two fast ones may be that in which a swing turns back.
    """
    fast = np.sqrt((means**2).mean(axis=(1, 2))).tolist()
    if not 0 < key < len(fast):
        return 1.0
    slow, quick = (key - 1, key) if fast[key - 1] < fast[key] else (key, key - 1)
    beyond = 2 * slow - quick
    speed = max(fast[slow], fast[beyond]) if 0 <= beyond < len(fast) else fast[slow]
    share = speed / max(fast[quick], 1e-9)
    return float(np.clip((share - _SETTLES) / (_PASSES - _SETTLES), 0.0, 1.0))


def _steady(
    slope: np.ndarray, coming: np.ndarray, going: np.ndarray, on: float
) -> tuple[np.ndarray, np.ndarray]:
    """Whether points go on at a key, [P] 0..1, and speeds [P, 2] that its sides support.

    Where all of a layer gathers or settles, as `on` below 1 tells (`_going_on`), what turns back
    rests.
    """
    speeds = [np.linalg.norm(part, axis=1) for part in (coming, going, slope)]
    cosine = (coming * going).sum(axis=1) / np.maximum(speeds[0] * speeds[1], 1e-9)
    forward = np.clip((cosine - _REVERSES) / (_FORWARD - _REVERSES), 0.0, 1.0)
    most = on * _MAX_SPEEDUP + (1 - on) * forward * _MAX_GATHERED
    most = most * np.minimum(speeds[0], speeds[1])
    held = slope * np.minimum(1.0, most / np.maximum(speeds[2], 1e-9))[:, None]
    ahead = np.clip((cosine - _REVERSES) / (_GOES_ON - _REVERSES), 0.0, 1.0)
    return ahead * ahead * (3 - 2 * ahead), held
