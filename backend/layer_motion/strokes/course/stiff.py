"""Keeps parts that turn in their shape, however their points flow through the keys; for the course.

A wheel, a lantern, a forearm: its points go round something, and cubic forms that leave their way
would let it swell and shrink from key to key.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ... import affine
from ..morphing.morph import Morph
from .flow import Flow

_FEWEST_POINTS = 3
_MANY = 300  # strokes: what has more is a texture, and takes long to look through
_LEAST_WAY = 0.1  # of a part's size: a shorter way from key to key cannot tell how it went
_RIGID, _BENT = 0.05, 0.15  # of how far a part went: what turning and shifting leave unexplained
_SAME_SIZE, _GROWN = 0.02, 0.08  # the largest of its sizes at the keys over the least, less 1
_TURN = 0.15  # radians through the gap from which on a part may swell; held wholly from twice that
_ONE_PART = 0.5
_SAMPLES, _ENDS = 120, 4  # points of a stroke that are looked at; that hold it
_TOUCH = 0.03  # of the drawing's size
_LEAST = 0.1  # of its size: what is left of a part whose points cross each other has no turn


@dataclass(frozen=True, eq=False)
class StiffPart:
    """Points int [n] that keep their shape, and how far that is held, 0..1."""

    points: np.ndarray
    hold: float


@dataclass(frozen=True, eq=False)
class Hinge:
    """Where a part hangs on the stroke that carries it: `points` int [n] of the whole part.

    `ends` int [k] of them lie nearest to the `carriers` int [k] in both keys.
    """

    points: np.ndarray
    ends: np.ndarray
    carriers: np.ndarray


@dataclass(frozen=True, eq=False)
class Frame:
    """The stiff parts of a drawing, and all hinges, carriers first; none where nothing is stiff."""

    parts: tuple[StiffPart, ...] = ()
    hinges: tuple[Hinge, ...] = ()

    def held(self, still: np.ndarray, flowed: np.ndarray) -> np.ndarray:
        """Flowed points [P, 2] with stiff parts as in `still` [P, 2], only turned and shifted.

        What hangs on a part goes along with it, so that no joint opens.
        """
        moved = np.zeros_like(flowed)
        for part in self.parts:
            own, goal = still[part.points], flowed[part.points]
            turn = affine.fit_similarity(own, goal)[:2, :2]
            size = float(np.hypot(turn[0, 0], turn[1, 0]))
            if size < _LEAST:
                continue
            stiff = (own - own.mean(axis=0)) @ turn.T / size + goal.mean(axis=0)
            moved[part.points] = part.hold * (stiff - goal)
        for hinge in self.hinges:
            moved[hinge.points] += (moved[hinge.carriers] - moved[hinge.ends]).mean(axis=0)
        return flowed + moved


def framed(morph: Morph, flow: Flow, offsets: np.ndarray) -> Frame:
    """What turns in a gap but keeps its size and shape at all keys that are known.

    Strokes that are stiff together, as one carries the other, are one part.
    """
    if len(offsets) - 1 > _MANY:
        return Frame()
    strokes = [np.arange(a, b) for a, b in itertools.pairwise(offsets)]
    leaders, groups = _grouped(morph, flow, strokes)
    parts: list[StiffPart] = []
    for points in groups.values():
        places = flow.places[:, points]
        hold = _stiffness(places) * _turning(places[flow.key], places[flow.key + 1])
        parts += [StiffPart(points, hold)] if hold > 0.0 else []
    return Frame(tuple(parts), _hinges(morph, flow, strokes, leaders, groups)) if parts else Frame()


def _grouped(
    morph: Morph, flow: Flow, strokes: list[np.ndarray]
) -> tuple[dict[int, int], dict[int, np.ndarray]]:
    """Of each stiff stroke, the first one of its part; of that one, all points of the part."""
    members: dict[int, np.ndarray] = {}
    leaders: dict[int, int] = {}
    for stroke in morph.tree.order.tolist():
        if _stiffness(flow.places[:, strokes[stroke]]) <= 0.0:
            continue
        above = leaders.get(int(morph.tree.parent[stroke]))
        if above is not None:
            both = np.concatenate([members[above], strokes[stroke]])
            if _stiffness(flow.places[:, both]) >= _ONE_PART:
                leaders[stroke], members[above] = above, both
                continue
        leaders[stroke], members[stroke] = stroke, strokes[stroke]
    return leaders, members


def _hinges(
    morph: Morph,
    flow: Flow,
    strokes: list[np.ndarray],
    leaders: dict[int, int],
    groups: dict[int, np.ndarray],
) -> tuple[Hinge, ...]:
    found: list[Hinge] = []
    keys = flow.places[flow.key : flow.key + 2]
    for stroke in morph.tree.order.tolist():
        carrier = int(morph.tree.parent[stroke])
        if carrier < 0 or leaders.get(stroke, stroke) != stroke:
            continue
        ends = _nearest(keys, strokes[stroke], strokes[carrier])
        if ends is not None:
            points = groups[stroke] if stroke in groups else strokes[stroke]
            found.append(Hinge(points, *ends))
    return tuple(found)


def _nearest(
    keys: np.ndarray, own: np.ndarray, others: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Points of a stroke and of another, int [k] each, that lie nearest in both keys [2, P, 2].

    None where they do not touch.
    """
    own, others = (part[:: max(1, len(part) // _SAMPLES)] for part in (own, others))
    apart = np.linalg.norm(keys[:, own, None] - keys[:, None, others], axis=3).max(axis=0)
    partner = apart.argmin(axis=1)
    best = np.argsort(apart.min(axis=1), kind="stable")[:_ENDS]
    if apart.min() > _TOUCH * float(np.hypot(*np.ptp(keys[0], axis=0))):
        return None
    return own[best], others[partner[best]]


def _stiffness(places: np.ndarray) -> float:
    """How well points [keys, n, 2] keep their shape and size from key to key: 0..1, 1 wholly."""
    if places.shape[1] < _FEWEST_POINTS:
        return 0.0
    about = places - places.mean(axis=1, keepdims=True)
    sizes = np.sqrt((about**2).sum(axis=2).mean(axis=1))
    grown = float(sizes.max() / max(sizes.min(), 1e-6)) - 1.0
    bent = max(_unexplained(one, other) for one, other in itertools.pairwise(places))
    shares = (_BENT - bent) / (_BENT - _RIGID), (_GROWN - grown) / (_GROWN - _SAME_SIZE)
    return float(np.prod(np.clip(shares, 0.0, 1.0)))


def _unexplained(one: np.ndarray, other: np.ndarray) -> float:
    """What a similarity leaves of the way from one key's points to another's, of that way."""
    moved = float(np.sqrt(((other - one) ** 2).sum(axis=1).mean()))
    size = float(np.sqrt(((one - one.mean(axis=0)) ** 2).sum(axis=1).mean()))
    left = affine.apply(affine.fit_similarity(one, other), one) - other
    return float(np.sqrt((left**2).sum(axis=1).mean())) / max(moved, _LEAST_WAY * size, 1e-6)


def _turning(one: np.ndarray, other: np.ndarray) -> float:
    """How surely a part turns between two keys, points [n, 2] each: 0..1."""
    matrix = affine.fit_similarity(one, other)
    turn = abs(affine.turn(matrix))
    return float(np.clip(turn / _TURN - 1.0, 0.0, 1.0))
