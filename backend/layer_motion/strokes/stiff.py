"""Keeps parts that turn in their shape, however their points flow through the keys; for the course.

A wheel, a lantern, a forearm: its points go round something, and cubic forms that leave their way
would let it swell and shrink from key to key.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from .. import affine
from .flow import Flow
from .morph import Morph

_FEWEST_POINTS = 3
_LEAST_WAY = 0.1  # of a part's size: a shorter way from key to key cannot tell how it went
_RIGID, _BENT = 0.05, 0.15  # of how far a part went: what turning and shifting leave unexplained
_SAME_SIZE, _GROWN = 0.02, 0.08  # the largest of its sizes at the keys over the least, less 1
_TURN = 0.15  # radians through the gap: twice as much swells surely
_ONE_PART = 0.5
_LEAST = 0.1  # of its size: what is left of a part whose points cross each other has no turn


@dataclass(frozen=True, eq=False)
class StiffPart:
    """Points int [n] that keep their shape, and how far that is held, 0..1."""

    points: np.ndarray
    hold: float


def stiff_parts(morph: Morph, flow: Flow, offsets: np.ndarray) -> list[StiffPart]:
    """What turns in a gap but keeps its size and shape at all keys that are known.

    Strokes that are stiff together, as one carries the other, are one part.
    """
    strokes = [np.arange(a, b) for a, b in itertools.pairwise(offsets)]
    parts: dict[int, np.ndarray] = {}
    leader: dict[int, int] = {}
    for stroke in morph.tree.order.tolist():
        if _stiffness(flow.places[:, strokes[stroke]]) <= 0.0:
            continue
        above = leader.get(int(morph.tree.parent[stroke]))
        if above is not None:
            both = np.concatenate([parts[above], strokes[stroke]])
            if _stiffness(flow.places[:, both]) >= _ONE_PART:
                leader[stroke], parts[above] = above, both
                continue
        leader[stroke], parts[stroke] = stroke, strokes[stroke]
    found = []
    for points in parts.values():
        places = flow.places[:, points]
        hold = _stiffness(places) * _turns(places[flow.key], places[flow.key + 1])
        found += [StiffPart(points, hold)] if hold > 0.0 else []
    return found


def in_shape(still: np.ndarray, flowed: np.ndarray, parts: list[StiffPart]) -> np.ndarray:
    """Flowed points [P, 2] with stiff parts as they are in `still`, turned and shifted alone."""
    kept = flowed.copy()
    for part in parts:
        own, goal = still[part.points], flowed[part.points]
        turn = affine.fit_similarity(own, goal)[:2, :2]
        size = float(np.hypot(turn[0, 0], turn[1, 0]))
        if size < _LEAST:
            continue
        stiff = (own - own.mean(axis=0)) @ turn.T / size + goal.mean(axis=0)
        kept[part.points] += part.hold * (stiff - goal)
    return kept


def _stiffness(places: np.ndarray) -> float:
    """How well points [keys, n, 2] keep their shape and size from key to key, 0..1."""
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


def _turns(one: np.ndarray, other: np.ndarray) -> float:
    matrix = affine.fit_similarity(one, other)
    turn = abs(float(np.arctan2(matrix[1, 0], matrix[0, 0])))
    return float(np.clip(turn / _TURN - 1.0, 0.0, 1.0))
