"""How a limb turns along its axis, where its outline cannot tell; for the morph only.

A finger that curls turns by more than half a turn from root to tip, so as a whole it turns by no
angle at all; and along its inner side, which folds, every piece points its own way. Its axis bends
evenly all the same, and both sides go with it.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..shape.complex_points import Ends, as_points
from ..shape.level import Line
from ..shape.limb import heights, limb_of

_THICKEST = 0.35
_SECTIONS = 49
_CAP = 4  # sections at either end that bend with the end's own shape
_SMOOTH = 1.5  # sections
_ASTRAY = 0.1  # of the way round: how far the ends of both keys may be from each other
_FEWEST_POINTS = 8


def turned_along(ends: Ends) -> np.ndarray | None:
    """Angles [n] in radians by which the points of a closed stroke turn.

    `ends`: the points, complex [n] pixels at both keys. None unless both keys show a limb with
    the same ends.
    """
    lines = [_outline(points) for points in ends]
    if len(ends[0]) <= _FEWEST_POINTS or min(float(line.way[-1]) for line in lines) <= 0.0:
        return None
    rounds = [line.way / line.way[-1] for line in lines]
    places = np.mean(rounds, axis=0)  # how far round each point is, on average of both keys
    tips = _tips(lines, rounds, places)
    if tips is None:
        return None
    ways = [_axis_steps(points, places, tips) for points in ends]
    inner = slice(_CAP, _SECTIONS - _CAP)
    turn = np.unwrap(np.angle(ways[1] * ways[0].conj())[inner])
    share = heights(places[:-1], tips)
    even = np.linspace(0.0, 1.0, _SECTIONS)[inner]
    return np.interp(share, even, turn)


def _tips(
    lines: list[Line], rounds: list[np.ndarray], places: np.ndarray
) -> tuple[float, float] | None:
    """Where round the stroke both its sides meet; None unless both keys show a limb alike.

    Folded on itself, a limb may be taken for one that ends where it is folded.
    """
    found: list[np.ndarray] = []
    for line, way in zip(lines, rounds, strict=True):
        limb = limb_of(line, _THICKEST)
        if limb is None:
            return None
        found.append(np.interp(limb.ends, way, places))
    first, last = found
    astray = min((_round(way - first) for way in (last, last[::-1])), key=_farthest)
    if _farthest(astray) > _ASTRAY:
        return None
    one, other = ((first + astray / 2) % 1.0).tolist()
    return one, other


def _farthest(apart: np.ndarray) -> float:
    return float(np.abs(apart).max())


def _round(apart: np.ndarray) -> np.ndarray:
    """Differences of places on a ring of length 1, the short way."""
    return (apart + 0.5) % 1.0 - 0.5


def _axis_steps(points: np.ndarray, places: np.ndarray, tips: tuple[float, float]) -> np.ndarray:
    """Steps of the middle between both sides from one tip to the other: complex [_SECTIONS]."""
    even, span = np.linspace(0.0, 1.0, _SECTIONS), (tips[1] - tips[0]) % 1.0
    ring = np.concatenate([points, points[:1]])
    sides = (tips[0] + span * even, tips[0] - (1.0 - span) * even)
    middle = np.mean([np.interp(side % 1.0, places, ring) for side in sides], axis=0)
    return gaussian_filter1d(np.gradient(middle), _SMOOTH, mode="nearest")


def _outline(points: np.ndarray) -> Line:
    values = np.concatenate([as_points(points), np.zeros((len(points), 6))], axis=1)
    return Line(values, np.zeros(8), cyclic=True, holdout=0, round_caps=False, material=0)
