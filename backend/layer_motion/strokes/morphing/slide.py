"""Lets bodies go along themselves, as snakes do: in the track that both keys show; for the morph.

Each piece of such a body goes where the one before it was. Turned from its own start to its own end
it would stand straight where one bend becomes the next, and the bends would sink.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import affine
from ..layout.pair import StrokePair
from ..shape.complex_points import Ends, as_complex, as_points, way_along
from ..shape.level import Line, lines_of
from ..shape.limb import Limb, limb_of
from .rail import Rail

_THICKEST = 0.22
_CAP = 0.6  # widths: so much of the axis at either end bends with the end's own shape
_STEPS, _FINE = 61, 9  # shifts that are tried, and around the best of them
_FARTHEST = 0.6  # of its length
_SHARED = 0.4  # of its length
_STRETCHED = 1.25
_LOOKS = 48
_TOO_FAR = 0.05  # px that each px along itself must bring both keys closer
_BESIDE = 0.25  # widths
_TURNED = 0.3  # radians
_CLEARLY = 2.0
_COILED = 1.6  # widths
_LEAST = 0.5  # widths: what goes less far may as well bend
_ASTRAY = 0.1  # of the length: places whose partners lie elsewhere on the body
_ON_IT = 0.75  # widths from the axis
_BEYOND = 2.0  # widths
_MOST = 300


@dataclass(frozen=True, eq=False)
class Slide:
    """Points of a pair that go along one track.

    `points` int [k]: their numbers. `along` [2, k] pixels: how far on the track they are at either
    key; `beside` complex [2, k]: where from there, in the track's own direction.
    """

    points: np.ndarray
    along: np.ndarray
    beside: np.ndarray
    track: Track

    def at(self, progress: float) -> np.ndarray:
        """Where the points are, complex [k] pixels, at a progress 0..1."""
        along, beside = (
            (1 - progress) * ends[0] + progress * ends[1] for ends in (self.along, self.beside)
        )
        places, ways = self.track.at(along)
        return places + beside * ways


@dataclass(frozen=True, eq=False)
class Track:
    """The way of a body that is on `first` at one key and on `last` at the other.

    `shift` pixels: how far along the first the last begins.
    """

    first: Rail
    last: Rail
    shift: float

    def at(self, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points and directions, complex [k] each, at ways along the first [k] pixels."""
        here, there = self.first.at(along), self.last.at(along - self.shift)
        low, high = max(0.0, self.shift), min(self.first.length, self.shift + self.last.length)
        share = np.clip((along - low) / max(high - low, 1e-9), 0.0, 1.0)
        share = share if self.shift >= 0 else 1.0 - share
        places, ways = (
            (1 - share) * one + share * other for one, other in zip(here, there, strict=True)
        )
        return places, ways / np.maximum(np.abs(ways), 1e-9)


@dataclass(frozen=True, eq=False)
class _Fit:
    """How far both keys of a track are apart where they share it, in pixels and in radians."""

    track: Track
    apart_px: float
    turn: float

    @property
    def cost(self) -> float:
        return self.apart_px + _TOO_FAR * abs(self.track.shift)


def slides_of(pair: StrokePair) -> list[Slide]:
    """Those bodies of a pair that slide along themselves, with all that lies on them."""
    if len(pair.lone) > _MOST:
        return []
    lines = list(zip(lines_of(pair.first), lines_of(pair.last), strict=True))
    ends = as_complex(pair.first.points.astype(float)), as_complex(pair.last.points.astype(float))
    free = np.ones(len(ends[0]), bool)
    found: list[Slide] = []
    longest_first = np.argsort([-float(one.way[-1]) for one, _ in lines], kind="stable")
    for stroke in longest_first.tolist():
        span = slice(pair.first.offsets[stroke], pair.first.offsets[stroke + 1])
        if pair.lone[stroke] or not free[span].all():
            continue
        one, other = lines[stroke]
        body = _body(one, other, (ends[0][span], ends[1][span]))
        if body is None:
            continue
        track, width = body
        riders = free & _on_it(pair, track, width, ends)
        riders[span] = True
        slide = _slide(track, np.flatnonzero(riders), ends, _BEYOND * width)
        free[slide.points] = False
        found.append(slide)
    return found


def _body(one: Line, other: Line, ends: Ends) -> tuple[Track, float] | None:
    """The track of a stroke that slides along itself, and its width in pixels; None if none does.

    `ends`: its points at both keys.
    """
    limb = limb_of(one, _THICKEST)
    if limb is None:
        return None
    stiff_px = _left_by_similarity(*ends)
    goal = limb_of(other, _THICKEST) if stiff_px > _BESIDE * limb.width else None
    track = None if goal is None else _track(limb, goal, stiff_px)
    if track is None or not _keeps_step(track, limb.width, *ends):
        return None
    return track, limb.width


def _left_by_similarity(start: np.ndarray, end: np.ndarray) -> float:
    """What turning, growing and shifting points, complex [n], leaves of their way: pixels rms."""
    matrix = affine.fit_similarity(as_points(start), as_points(end))
    stiff = as_complex(affine.apply(matrix, as_points(start)))
    return float(np.sqrt((np.abs(stiff - end) ** 2).mean()))


def _track(limb: Limb, goal: Limb, stiff_px: float) -> Track | None:
    """The track on which a limb becomes its goal; None if by none.

    `stiff_px`: how badly the limb fits as a stiff one, which a track has to explain clearly better.
    """
    width = (limb.width + goal.width) / 2
    first, last, turned = (_rail(one) for one in (limb, goal, goal.turned_round()))
    if first.is_coiled(_COILED * width) or last.is_coiled(_COILED * width):
        return None  # each place would have several ways along it
    fit = min((_best_shift(first, way) for way in (last, turned)), key=lambda fit: fit.cost)
    if fit.apart_px > _BESIDE * width or fit.turn > _TURNED:
        return None
    is_clear = stiff_px > _CLEARLY * fit.apart_px and abs(fit.track.shift) > _LEAST * width
    return fit.track if is_clear else None


def _keeps_step(track: Track, width: float, start: np.ndarray, end: np.ndarray) -> bool:
    """Whether points, complex [n], of a body of that width are as far along it at both keys."""
    here, there = (
        rail.nearest(points, width) / rail.length
        for rail, points in ((track.first, start), (track.last, end))
    )
    return float(np.abs(here - there).mean()) < _ASTRAY


def _rail(limb: Limb) -> Rail:
    """A limb's axis without its ends, which go on straight."""
    way = way_along(limb.axis)
    begin, end = _CAP * limb.widths[3], way[-1] - _CAP * limb.widths[-4]
    even = np.linspace(begin, max(end, begin + 1.0), len(way))
    return Rail.through(np.interp(even, way, limb.axis))


def _best_shift(first: Rail, last: Rail) -> _Fit:
    """The shift that lays most of both on each other; of two that do so alike, the shorter one."""
    farthest = _FARTHEST * first.length
    if not 1 / _STRETCHED < last.length / first.length < _STRETCHED:
        return _fit(first, last, np.inf)
    coarse = np.linspace(-farthest, farthest, _STEPS)
    rough = min((_fit(first, last, float(shift)) for shift in coarse), key=lambda fit: fit.cost)
    step = coarse[1] - coarse[0]
    fine = rough.track.shift + np.linspace(-step, step, _FINE)
    return min((_fit(first, last, float(shift)) for shift in fine), key=lambda fit: fit.apart_px)


def _fit(first: Rail, last: Rail, shift: float) -> _Fit:
    track = Track(first, last, shift)
    low, high = max(0.0, shift), min(first.length, shift + last.length)
    if not high - low >= _SHARED * first.length:
        return _Fit(track, np.inf, np.inf)
    looks = np.linspace(low, high, _LOOKS)
    (here, one), (there, other) = first.at(looks), last.at(looks - shift)
    turn = np.abs(np.angle(other * one.conj())).mean()
    return _Fit(track, float(np.abs(here - there).mean()), float(turn))


def _on_it(pair: StrokePair, track: Track, width: float, ends: Ends) -> np.ndarray:
    """Which points are of strokes that lie on a body of `width` pixels at both keys: bool [P]."""
    bounds = pair.first.offsets.astype(int)
    on_it = np.ones(len(pair.lone), bool)
    for rail, points in zip((track.first, track.last), ends, strict=True):
        for stroke in np.flatnonzero(on_it).tolist():
            some = points[bounds[stroke] : bounds[stroke + 1]]
            on_it[stroke] = _is_near(rail, some, width) and _lies_on(rail, some, width)
    return np.repeat(on_it, np.diff(bounds))


def _lies_on(rail: Rail, points: np.ndarray, width: float) -> bool:
    """Whether points, complex [n], are within a body of `width` pixels on the rail."""
    places, _ = rail.at(rail.nearest(points, _BEYOND * width))
    return bool((np.abs(points - places) < _ON_IT * width).all())


def _is_near(rail: Rail, points: np.ndarray, width: float) -> bool:
    """Whether the box around points, complex [n], lies within that of a body on the rail."""
    ends = rail.at(np.array([-_BEYOND, _BEYOND]) * width + [0.0, rail.length])[0]
    around = as_points(np.concatenate([rail.places, ends]))
    box = as_points(points)
    low, high = around.min(axis=0) - _ON_IT * width, around.max(axis=0) + _ON_IT * width
    return bool((box.min(axis=0) >= low).all() and (box.max(axis=0) <= high).all())


def _slide(track: Track, points: np.ndarray, ends: Ends, beyond: float) -> Slide:
    """The slide of those points of the keys, at most `beyond` pixels past the track's ends."""
    rails = (track.first, 0.0), (track.last, track.shift)
    along, beside = [], []
    for (rail, begin), end in zip(rails, ends, strict=True):
        far = rail.nearest(end[points], beyond) + begin
        places, ways = track.at(far)
        along.append(far)
        beside.append((end[points] - places) * ways.conj())
    return Slide(points, np.stack(along), np.stack(beside), track)
