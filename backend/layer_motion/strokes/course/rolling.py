"""Wheels that roll: they turn by as much as the ground that they pass under, however often; course.

From its keys alone a wheel turns the short way, now backwards, now by less than it should, as the
wheels of coaches do in films. How far it went tells how often it turned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from shared.strokes import Drawing

from ..layout.pair import StrokePair
from ..morphing.tree import Tree
from ..shape.complex_points import as_complex, as_points
from .key_places import KeyPlaces, own_key

_FEWEST_POINTS = 8
_ROUND, _SAME_RADIUS = 0.06, 0.08  # of the radius: spread of a rim's points; between two keys
_WITHIN = 1.1  # radii around the axle: what lies nearer belongs to the wheel
_LEFT = 0.12  # of the radius: what a wheel's turn may leave unexplained
_OFF_AXLE = 0.15  # of the radius from which a ring is a mark, which tells how far the wheel turned
_LEVEL = 0.7  # of its way that a wheel goes sideways at least: it rolls on a ground
_AGREES = 0.25  # radians between turn and way
_OWN_TURN = 0.2  # radians against what carries it: a wheel has a turn of its own
_STANDS = 0.1  # of the radius: a shorter way is none
_LEAST_PX = 2.0
_MOST_RIMS = 200


@dataclass(frozen=True, eq=False)
class Wheel:
    """Points that roll: `rim` int [k], around the axle, and all that go round, `points` int [n].

    `axles` complex [2]: where it is at the gap's keys; `turn`: radians from the first to the last,
    positive from x to y. `arms` complex [n]: from the axle to the points at the first key.
    """

    rim: np.ndarray
    points: np.ndarray
    axles: np.ndarray
    turn: float
    arms: np.ndarray

    def rolled(self, points: np.ndarray) -> np.ndarray:
        """All points [P, 2] in the picture, the wheel's turned as far as its axle has come."""
        way = self.axles[1] - self.axles[0]
        done = float(((self._axle(points) - self.axles[0]) / way).real)
        return self._turned(points, self.turn * done)

    def upright(self, points: np.ndarray) -> np.ndarray:
        """All points [P, 2] at any key, the wheel's turned back as they were at the first."""
        arms = as_complex(points[self.points]) - self._axle(points)
        return self._turned(points, -float(np.angle(np.vdot(self.arms, arms))))

    def _axle(self, points: np.ndarray) -> complex:
        return complex(*points[self.rim].mean(axis=0))

    def _turned(self, points: np.ndarray, angle: float) -> np.ndarray:
        axle = self._axle(points)
        places = axle + (as_complex(points[self.points]) - axle) * np.exp(1j * angle)
        turned = points.astype(float)
        turned[self.points] = as_points(places)
        return turned


def find_wheels(drawing: Drawing, tree: Tree, known: Sequence[KeyPlaces]) -> tuple[Wheel, ...]:
    """The wheels of a drawing between its own two keys among all that are `known`.

    Something round rolls where its marks turn, in this gap and in both of its neighbours, as far as
    its way asks, whole turns aside, and what carries it does not turn likewise. In a gap alone that
    happens by chance, too: there at least two have to.
    """
    strokes = [np.arange(a, b) for a, b in pairwise(drawing.offsets.tolist())]
    keys = _Keys(np.stack([as_complex(place.drawn) for place in known]), own_key(known))
    groups = _groups(strokes, np.flatnonzero(drawing.cyclic).tolist(), keys.ends)
    rolling = set[int]().union(*groups.values())
    rest = [number for number in range(len(strokes)) if number not in rolling]
    wheels: list[Wheel] = []
    for rim, inside in groups.items():
        above = int(tree.parent[rim])
        carriers = rest if above < 0 or above in rolling else [above]
        carrier = np.concatenate([strokes[n] for n in carriers]) if carriers else None
        wheel = _wheel(strokes[rim], [strokes[n] for n in sorted(inside)], carrier, keys)
        wheels += [] if wheel is None else [wheel]
    return tuple(wheels) if len(known) > len(keys.ends) or len(wheels) > 1 else ()


def upright(
    pair: StrokePair, known: Sequence[KeyPlaces], wheels: Sequence[Wheel]
) -> tuple[StrokePair, list[KeyPlaces]]:
    """A pair and its known keys as if its wheels slid: all turned as they are at the first key."""
    goal, keys = pair.last.points.astype(float), list(known)
    for wheel in wheels:
        goal = wheel.upright(goal)
        keys = [KeyPlaces(k.time, wheel.upright(k.held), wheel.upright(k.drawn)) for k in keys]
    return pair.towards(goal), keys


@dataclass(frozen=True, eq=False)
class _Keys:
    """Points at all known keys, complex [keys, P], and the gap that begins with `key`."""

    places: np.ndarray
    key: int

    @property
    def ends(self) -> np.ndarray:
        """Points at the gap's own keys, complex [2, P]."""
        return self.places[self.key : self.key + 2]

    def turns(self, points: np.ndarray) -> np.ndarray:
        """By how much points turn in each gap, within half a turn: radians [keys - 1]."""
        places = self.places[:, points] - self.places[:, points].mean(axis=1, keepdims=True)
        return np.angle((places[:-1].conj() * places[1:]).sum(axis=1))

    def orbits(self, axles: np.ndarray, marks: list[np.ndarray]) -> np.ndarray:
        """By how much each mark goes round the axle, complex [keys]: radians [marks, keys - 1]."""
        arms = np.stack([self.places[:, mark].mean(axis=1) - axles for mark in marks])
        return np.angle(arms[:, :-1].conj() * arms[:, 1:])

    def rolls(self, rim: np.ndarray) -> np.ndarray:
        """How far a rim turns as it rolls through each gap: radians [keys - 1].

        NaN where it goes up or down, 0 where it stands.
        """
        ways = np.diff(self.places[:, rim].mean(axis=1))
        radius = _radius(self.ends[0, rim])
        rolls = np.copysign(np.abs(ways) / radius, ways.real)
        rolls[np.abs(ways.real) < _LEVEL * np.abs(ways)] = np.nan
        rolls[np.abs(ways) < _STANDS * radius] = 0.0
        return rolls


def _groups(strokes: list[np.ndarray], closed: list[int], ends: np.ndarray) -> dict[int, set[int]]:
    """Numbers of the strokes within each rim that lies in no other one, complex ends [2, P].

    Nothing where there are so many rims that they are beads or bubbles.
    """
    rims = [number for number in closed if _is_rim(ends[:, strokes[number]])]
    if len(rims) > _MOST_RIMS:
        return {}
    rims.sort(key=lambda number: -_radius(ends[0, strokes[number]]))
    corners = np.array([_corners(ends[:, stroke]) for stroke in strokes])  # [S, 2, 4]
    groups: dict[int, set[int]] = {}
    taken: set[int] = set()
    for rim in rims:
        if rim not in taken:
            groups[rim] = _inside(corners, ends[:, strokes[rim]])
            taken |= groups[rim]
    return groups


def _corners(ends: np.ndarray) -> np.ndarray:
    """Corners of a stroke's box at both keys: complex [2, 4]."""
    x, y = (
        np.stack([part.min(axis=1), part.max(axis=1)]) for part in (np.real(ends), np.imag(ends))
    )
    return (x[:, None] + 1j * y[None]).reshape(4, len(ends)).T


def _inside(corners: np.ndarray, rim: np.ndarray) -> set[int]:
    """Numbers of the strokes whose boxes [S, 2, 4] lie in a rim's, complex [2, n], at both keys."""
    reach = _WITHIN * np.abs(rim - rim.mean(axis=1, keepdims=True)).mean(axis=1)
    away = corners - rim.mean(axis=1)[:, None]
    extent = np.maximum(np.abs(np.real(away)), np.abs(np.imag(away))).max(axis=2)
    return set(np.flatnonzero((extent <= reach).all(axis=1)).tolist())


def _is_rim(ends: np.ndarray) -> bool:
    """True where a closed stroke, complex [2, n], is a circle at both keys, of one size, no dot."""
    if ends.shape[1] < _FEWEST_POINTS:
        return False
    radii = [_radius(points) for points in ends]
    if min(radii) < _LEAST_PX or max(radii) > (1 + _SAME_RADIUS) * min(radii):
        return False
    return all(
        float(np.abs(points - points.mean()).std()) < _ROUND * radius
        for points, radius in zip(ends, radii, strict=True)
    )


def _wheel(
    rim: np.ndarray, inside: list[np.ndarray], carrier: np.ndarray | None, keys: _Keys
) -> Wheel | None:
    """A rim and what lies `inside` as a wheel; None where it does not roll, or shows no turn."""
    axles = keys.ends[:, rim].mean(axis=1)
    arms = keys.ends - axles[:, None]
    off_axle = _OFF_AXLE * _radius(arms[0, rim])
    marks = [stroke for stroke in inside if abs(arms[0, stroke].mean()) > off_axle]
    rings = [stroke for stroke in inside if abs(arms[0, stroke].mean()) <= off_axle]
    turn = _rolling_turn(rim, marks, carrier, keys) if marks else None
    if turn is None:
        return None
    apart = arms[0] - arms[1] * np.exp(-1j * turn)
    least = _LEFT * _radius(arms[0, rim])
    # A highlight stays where it is, and a ring may begin anywhere: what goes round goes as one.
    going = [mark for mark in marks if abs(apart[mark].mean()) <= least]
    if not going:
        return None
    going += [ring for ring in rings if np.abs(apart[ring]).mean() <= least]
    points = np.concatenate(going)
    return Wheel(rim, points, axles, turn, arms[0, points])


def _rolling_turn(
    rim: np.ndarray, marks: list[np.ndarray], carrier: np.ndarray | None, keys: _Keys
) -> float | None:
    """How far a wheel turns in the gap, whole turns and all; None where it does not roll."""
    near = slice(max(keys.key - 1, 0), keys.key + 2)
    rolls = keys.rolls(rim)
    orbits = keys.orbits(keys.places[:, rim].mean(axis=1), marks)
    left = np.median(_wrapped(orbits - rolls), axis=0)
    if not rolls[keys.key] or not (np.abs(left[near]) <= _AGREES).all():
        return None
    turns = rolls + left
    own = turns[near] if carrier is None else (turns - keys.turns(carrier))[[keys.key]]
    if np.abs(_wrapped(own)).max() < _OWN_TURN:
        return None
    return float(turns[keys.key])


def _radius(points: np.ndarray) -> float:
    return float(np.abs(points - points.mean()).mean())


def _wrapped(angles: np.ndarray) -> np.ndarray:
    return np.angle(np.exp(1j * angles))
