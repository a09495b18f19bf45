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
from ..shape.limb import limb_of

_THICKEST = 0.35
_SECTIONS = 49
_CAP = 4  # sections at either end that bend with the end's own shape
_SMOOTH = 1.5  # sections
_ASTRAY = 0.1  # of the way round: how far the ends of both keys may be from each other
_MAX_GROWTH = 3.0
_LEAST_PX = 1e-6
_FEWEST_POINTS = 8


def turned_along(ends: Ends) -> tuple[np.ndarray, np.ndarray] | None:
    """Angles in radians and logarithms of the scale, [n] each, of a closed stroke's points.

    `ends`: the points, complex [n] pixels at both keys. None unless both keys show a limb with
    the same ends.
    """
    if len(ends[0]) <= _FEWEST_POINTS:
        return None
    places = _places_of_both(ends)
    tips = None if places is None else _tips(ends, places)
    if places is None or tips is None:
        return None
    span = (tips[1] - tips[0]) % 1.0
    ways = [_axis_steps(points, places, tips[0], span) for points in ends]
    inner = slice(_CAP, _SECTIONS - _CAP)
    turn = np.unwrap(np.angle(ways[1] * ways[0].conj())[inner])
    sizes = [np.abs(way[inner]) + _LEAST_PX for way in ways]
    growth = np.clip(np.log(sizes[1] / sizes[0]), -_MAX_GROWTH, _MAX_GROWTH)
    heights = _heights(places[:-1], tips[0], span)
    even = np.linspace(0.0, 1.0, _SECTIONS)[inner]
    return np.interp(heights, even, turn), np.interp(heights, even, growth)


def _places_of_both(ends: Ends) -> np.ndarray | None:
    """How far round each point is, on average of both keys, and the first again: [n + 1], 0..1."""
    lines = [_outline(points) for points in ends]
    if min(float(line.way[-1]) for line in lines) <= 0.0:
        return None
    return np.mean([line.way / line.way[-1] for line in lines], axis=0)


def _tips(ends: Ends, places: np.ndarray) -> tuple[float, float] | None:
    """Where round the stroke both its sides meet; None unless both keys show a limb alike.

    Folded on itself, a limb may be taken for one that ends where it is folded.
    """
    found: list[np.ndarray] = []
    for line in (_outline(points) for points in ends):
        limb = limb_of(line, _THICKEST)
        if limb is None:
            return None
        found.append(np.interp(limb.ends, line.way / line.way[-1], places))
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


def _axis_steps(points: np.ndarray, places: np.ndarray, start: float, span: float) -> np.ndarray:
    """Steps of the middle between both sides from one tip to the other: complex [_SECTIONS]."""
    even = np.linspace(0.0, 1.0, _SECTIONS)
    ring = np.concatenate([points, points[:1]])
    sides = (start + span * even, start - (1.0 - span) * even)
    middle = np.mean([np.interp(side % 1.0, places, ring) for side in sides], axis=0)
    return gaussian_filter1d(np.gradient(middle), _SMOOTH, mode="nearest")


def _heights(places: np.ndarray, start: float, span: float) -> np.ndarray:
    """How far from the first tip to the second each point is: [n], 0..1."""
    ahead = (places - start) % 1.0
    return np.where(ahead <= span, ahead / span, (1.0 - ahead) / (1.0 - span))


def _outline(points: np.ndarray) -> Line:
    values = np.concatenate([as_points(points), np.zeros((len(points), 6))], axis=1)
    return Line(values, np.zeros(8), cyclic=True, holdout=0, round_caps=False, material=0)
