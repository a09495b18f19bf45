"""Lets waves travel through lines that stay, as through ropes, hems and flags; for the morph only.

An open stroke waves as a whole, a closed one from corner to corner: along its axis where that is a
ribbon, else along each side, which share their wave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..layout.pair import StrokePair
from ..shape.complex_points import Ends, as_complex
from ..shape.corners import corner_shares
from ..shape.level import Line, lines_of
from ..shape.limb import limb_of
from .ribbon import Ribbon, axis_of, ribbon_of
from .travelling import Side, Wave, side_of, travelling

_LEAST_PHASE = np.radians(45.0)  # a lesser one sinks by less than a twelfth
_LEAST_PHASE_BY_FLOW = np.radians(125.0)  # what further keys tell of its way is as good up to there
_LEAST_WAVES, _LEAST_WAVES_BY_FLOW = 0.65, 0.95
_STAYS = 0.004  # of the drawing's extent
_ALONGSIDE = 0.8  # cosine of the angle between sides
_AS_LONG = 0.75
_AT_END, _GOES_ALONG = 0.02, 0.3  # of a line: what it hangs on there takes so much of it along
_NARROW = 0.12  # of its length: the width of what has two ends, but no corners that count
_SAME_SPOT = 1e-6
_SAME_CORNER = 0.03  # of the length
_ROOTED = 0.5  # of how far the other end swings
_MOST = 300  # strokes: more are a texture, and take long to look through

_Fit = Callable[[Sequence[Side]], tuple[Wave, ...]]


@dataclass(frozen=True, eq=False)
class Part:
    """Points that one wave moves: `points` int [n], their numbers; `shares` [n] 0..1: how far along
    they are. `held` bool [n]: those near its ends that something else holds.
    """

    way: Wave | Ribbon
    points: np.ndarray
    shares: np.ndarray
    held: np.ndarray

    def places(self, progress: float, plain: np.ndarray) -> np.ndarray:
        """Where they are at a progress 0..1: complex [n]; an end that is held stays where it is.

        `plain` complex [n]: where they would be without the wave.
        """
        places = self.way.at(progress)
        away = plain - places
        for apart in (self.shares, 1 - self.shares):
            here = self.held & (apart < _AT_END)
            if here.any():
                along = np.clip(1 - apart / _GOES_ALONG, 0.0, 1.0) ** 2
                places = places + away[here].mean() * along
        return places

    def level(self, shift: np.ndarray) -> np.ndarray:
        """Shifts of the points [n, 2] as those of a straight line through them."""
        line = np.stack([np.ones_like(self.shares), self.shares], axis=1)
        return line @ np.linalg.lstsq(line, shift, rcond=None)[0]


@dataclass(frozen=True, eq=False)
class Waving:
    """What waves of a drawing. `still` int [k]: points of the same strokes that stay in place.

    `strokes`: numbers of all points of each stroke that waves, int [n].
    """

    parts: tuple[Part, ...]
    still: np.ndarray
    strokes: tuple[np.ndarray, ...]

    @property
    def points(self) -> np.ndarray:
        """Numbers of all these points: int [n]."""
        return np.concatenate([self.still, *(part.points for part in self.parts)])

    def places(self, progress: float, plain: np.ndarray) -> np.ndarray:
        """Where `points` are at a progress 0..1: complex [n] pixels.

        `plain` complex [P]: where all points would be without waves.
        """
        moved = [part.places(progress, plain[part.points]) for part in self.parts]
        return np.concatenate([plain[self.still], *moved])

    def led(self, shift: np.ndarray) -> np.ndarray:
        """Shifts of all points [P, 2] that lead lines along, but do not bend them.

        The other points of a stroke that waves go with those beside them.
        """
        led = shift.copy()
        moved = np.concatenate([part.points for part in self.parts])
        for part in self.parts:
            led[part.points] = part.level(shift[part.points])
        for points in self.strokes:
            own = np.isin(points, moved)
            for axis in (0, 1):
                led[points, axis] = np.interp(
                    points, points[own], led[points[own], axis], period=len(points)
                )
        led[self.still] = 0.0
        return led


def waving(
    pair: StrokePair, taken: np.ndarray, planted: np.ndarray, joints: np.ndarray, *, by_flow: bool
) -> Waving | None:
    """What waves of a pair; None if nothing does.

    Numbers of points: `taken` int [k] have their way already, `planted` int [k] stay in place,
    `joints` int [k, 2] touch each other. `by_flow`: whether further keys tell of the way.
    """
    if len(pair.lone) > _MOST:
        return None
    ends = as_complex(pair.first.points.astype(float)), as_complex(pair.last.points.astype(float))
    fit = partial(
        travelling,
        least_phase=_LEAST_PHASE_BY_FLOW if by_flow else _LEAST_PHASE,
        least_waves=_LEAST_WAVES_BY_FLOW if by_flow else _LEAST_WAVES,
    )
    parts, strokes = _parts(pair, ends, taken, planted, fit)
    if not parts:
        return None
    hung = _hung(joints, np.concatenate(strokes))
    held = (replace(part, held=part.held | np.isin(part.points, hung)) for part in parts)
    return Waving(tuple(held), _still(ends, strokes, parts), tuple(strokes))


def _parts(
    pair: StrokePair, ends: Ends, taken: np.ndarray, planted: np.ndarray, fit: _Fit
) -> tuple[list[Part], list[np.ndarray]]:
    """All parts that wave, and the numbers of all points of each stroke that has some."""
    parts: list[Part] = []
    strokes: list[np.ndarray] = []
    for points, lines in _free_strokes(pair, taken):
        bodies = _bodies(ends, [points[run] for run in _runs(lines)])
        found = [part for body in bodies for part in _moved(ends, points, body, fit, planted)]
        parts += found
        strokes += [points] if found else []
    return parts, strokes


def _hung(joints: np.ndarray, waving: np.ndarray) -> np.ndarray:
    """Those of the points of strokes that wave which touch what does not: int [k]."""
    inside = np.isin(joints, waving)
    return joints[inside & ~inside[:, ::-1]]


def _free_strokes(
    pair: StrokePair, taken: np.ndarray
) -> Iterator[tuple[np.ndarray, tuple[Line, Line]]]:
    """Numbers of the points of each stroke that may wave, and the stroke at both keys."""
    is_taken = np.zeros(len(pair.first.points), bool)
    is_taken[taken] = True
    both = zip(lines_of(pair.first), lines_of(pair.last), strict=True)
    for stroke, lines in enumerate(both):
        points = np.arange(pair.first.offsets[stroke], pair.first.offsets[stroke + 1])
        if not (pair.lone[stroke] or stroke in pair.spans or is_taken[points].any()):
            yield points, lines


def _runs(lines: tuple[Line, Line]) -> list[np.ndarray]:
    """Points of a stroke from end to end; of a closed one from one end of a limb to the other, or
    from corner to corner.
    """
    count = len(lines[0].values)
    if not lines[0].cyclic:
        return [np.arange(count)]
    limb = limb_of(lines[0], _NARROW)
    if limb is not None:
        places = np.unique(_apart(lines[0], np.array(limb.ends)).argmin(axis=1)).tolist()
    else:
        places = _corner_points(lines)
    if len(places) < 2:
        return []
    return [
        np.arange(begin, end + (count if end <= begin else 0) + 1) % count
        for begin, end in zip(places, [*places[1:], places[0]], strict=True)
    ]


def _corner_points(lines: tuple[Line, Line]) -> list[int]:
    """Numbers of the points of a closed stroke that are nearest to its corners at both keys."""
    here, there = (_apart(line, corner_shares(line)) for line in lines)
    found: set[int] = set()
    for corner in here:
        best = int(corner.argmin())
        same = there[there[:, best] < _SAME_CORNER]
        found.add(int((corner + same[0]).argmin()) if len(same) else best)
    for corner in there:
        best = int(corner.argmin())
        if not (here[:, best] < _SAME_CORNER).any():
            found.add(best)
    return sorted(found)


def _apart(line: Line, shares: np.ndarray) -> np.ndarray:
    """How far shares [n] 0..1 of a closed stroke's length are from each of its points: [n, P]."""
    way = line.way
    apart = np.abs(way[:-1] / max(float(way[-1]), _SAME_SPOT) - shares[:, None])
    return np.minimum(apart, 1.0 - apart)


def _bodies(ends: Ends, runs: Sequence[np.ndarray]) -> list[list[tuple[Side, np.ndarray]]]:
    """Runs of points that may wave, together with those that go alongside, all in one direction."""
    bodies: list[list[tuple[Side, np.ndarray]]] = []
    for run in sorted(runs, key=lambda run: -float(np.abs(np.diff(ends[0][run])).sum())):
        side = side_of(_of(ends, run))
        if side is None:
            continue
        for body in bodies:
            longest = body[0][0]
            along = (side.way * longest.way.conjugate()).real
            if abs(along) > _ALONGSIDE and side.length > _AS_LONG * longest.length:
                own = run if along > 0 else run[::-1]
                turned = side_of(_of(ends, own))
                body += [] if turned is None else [(turned, own)]
                break
        else:
            bodies.append([(side, run)])
    return bodies


def _of(ends: Ends, points: np.ndarray) -> Ends:
    return ends[0][points], ends[1][points]


def _moved(
    ends: Ends,
    stroke: np.ndarray,
    body: Sequence[tuple[Side, np.ndarray]],
    fit: _Fit,
    planted: np.ndarray,
) -> Iterator[Part]:
    """What a wave moves of a stroke: a ribbon as a whole, else side by side."""
    runs = [points for _, points in body]
    axis = axis_of((_of(ends, runs[0]), _of(ends, runs[1]))) if len(runs) == 2 else None
    side = None if axis is None else side_of(axis)
    waves = () if side is None else fit([side])
    if waves:
        ribbon = ribbon_of(waves[0], _of(ends, stroke))
        yield _part(ribbon, waves[0], stroke, ribbon.shares[0], planted)
        return
    for wave, points in zip(fit([side for side, _ in body]), runs, strict=False):
        yield _part(wave, wave, points, wave.side.graphs[0].shares, planted)


def _part(
    way: Wave | Ribbon, wave: Wave, points: np.ndarray, shares: np.ndarray, planted: np.ndarray
) -> Part:
    """A part that is held where it is planted, unless it swings there: then it is by chance."""
    rooted = np.array(wave.swing) < _ROOTED * max(wave.swing)
    at_root = (rooted[0] & (shares < _AT_END)) | (rooted[1] & (shares > 1 - _AT_END))
    return Part(way, points, shares, at_root & np.isin(points, planted))


def _still(ends: Ends, strokes: Sequence[np.ndarray], parts: Sequence[Part]) -> np.ndarray:
    """Points of these strokes that do not wave and are at one place at both keys: int [k]."""
    reach = _STAYS * float(np.hypot(np.ptp(np.real(ends[0])), np.ptp(np.imag(ends[0]))))
    moved = np.concatenate([part.points for part in parts])
    points = np.setdiff1d(np.concatenate(strokes), moved)
    return points[np.abs(ends[1][points] - ends[0][points]) < reach]
