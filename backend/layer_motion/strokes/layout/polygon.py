"""Lays outlines of straight edges on each other corner by corner, as faces of a box; matching.

Turned away in perspective their sides grow and shrink unevenly, and a flap may swing over. Laid on
each other by shares of the length or by their whole form, corners would meet edges and be cut off.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ... import affine
from ..shape.complex_points import as_complex
from ..shape.level import Line, along, reversed_line
from .root import Level

_BEND, _WOBBLE = 0.005, 0.012  # of the length: how far an edge is from straight, at most
_EXPLAINED = 0.4  # of the corners' spread: what the best affine map may leave
_OF_FULLNESS = 0.12  # how far at most by how full a shape is: waves along a band are seen
_FEWEST, _MOST = 3, 6  # corners; what is round has more
_LEAST_PX2 = 4.0
_TRAVEL_COST = 2.0  # of the root of a corner's way over the size; a form wholly unlike: 1
_BENT = 0.15  # of its spread: what the best affine map leaves of a limb that bends
_HINGE, _STILL = 1.5, 0.025  # worth of an edge that stays; of the size: how far its corners go
_ASTRAY = 0.16  # of its extent: how far corners of a face go from where those around it go
_STIFF = 1e-3
_ON_EDGE = 12  # even places on each edge, for what is tied to it
_CLOSE = 1e-3  # of an edge


def corner_to_corner(
    one: Line, other: Line, motion: np.ndarray, around: np.ndarray | None = None
) -> Level | None:
    """Two closed strokes point by point, if both are polygons of as many corners; else None.

    `motion` (3 x 3) carries the first roughly onto the other. Of all ways to lay corners on corners
    the one counts by which most of them hardly move: a flap stays on its hinge. What goes as far as
    those `around` it, [2] pixels, as a pleat does that takes the place of the next, has none.
    """
    if not (one.cyclic and other.cyclic) or min(abs(one.area), abs(other.area)) < _LEAST_PX2:
        return None
    most = _OF_FULLNESS * max(_fullness(line.points) for line in (one, other))
    corners = [_corners(line.points, min(_BEND, most)) for line in (one, other)]
    if len(corners[0]) != len(corners[1]) or not _FEWEST <= len(corners[0]) <= _MOST:
        return None
    here = one.points[corners[0]]
    goal = other, corners[1]
    along_with = None if around is None else _going_along(here, around, goal)
    way, begun = along_with or _best_way(here, motion, goal, _HINGE)
    if _unexplained(here, way.points[begun]) > _EXPLAINED:
        return None
    return _laid_out((one, corners[0]), (way, begun))


def _going_along(
    here: np.ndarray, around: np.ndarray, goal: tuple[Line, np.ndarray]
) -> tuple[Line, np.ndarray] | None:
    """The way that fits best if the face goes as far as those around it; None if it does not."""
    way, begun = _best_way(here, affine.translation(*around), goal, 0.0)
    left = np.linalg.norm(here + around - way.points[begun], axis=1)
    return (way, begun) if float(left.mean()) < _ASTRAY * _extent(here) else None


def _best_way(
    here: np.ndarray, motion: np.ndarray, goal: tuple[Line, np.ndarray], hinge: float
) -> tuple[Line, np.ndarray]:
    """The stroke in the direction, and its corners from the one on, that fit best to those here.

    `hinge`: what it is worth that one edge stays where it is.
    """
    other, corners = goal
    carried = affine.apply(motion, here)
    turned = reversed_line(other), len(other.values) - 1 - corners[::-1]
    ways = [
        (way, np.roll(rows, -first))
        for way, rows in ((other, corners), turned)
        for first in range(len(rows))
    ]

    def cost(option: tuple[Line, np.ndarray]) -> float:
        there = option[0].points[option[1]]
        return _cost(carried, there) - (hinge if _is_hinged(here, there) else 0.0)

    return min(ways, key=cost)


def swings_on_an_edge(one: Line, other: Line, motion: np.ndarray) -> bool:
    """Whether two closed strokes are one face, which turns around an edge that stays."""
    level = corner_to_corner(one, other, motion)
    if level is None:
        return False
    rows = _corners(level[0].points, _BEND)
    return _is_hinged(*(line.points[rows] for line in level))


def _corners(points: np.ndarray, bend: float) -> np.ndarray:
    """Numbers of the points [n, 2] of a loop without which it would change by more than `bend`.

    None at all where they are too many for a polygon.
    """
    loop = np.concatenate([points, points[:1]])
    length = float(np.hypot(*np.diff(loop, axis=0).T).sum())
    kept = cv2.approxPolyDP(points.astype(np.float32)[:, None], bend * length, True)[:, 0]
    if len(kept) > _MOST:
        return np.zeros(0, int)
    apart = np.linalg.norm(points[:, None] - kept[None], axis=2)
    return np.unique(apart.argmin(axis=0))


def _fullness(points: np.ndarray) -> float:
    """Twice the area of a loop [n, 2] over its length squared: of a square 1/8."""
    loop = as_complex(np.concatenate([points, points[:1]]) - points.mean(axis=0))
    length = float(np.abs(np.diff(loop)).sum())
    return abs(float(np.imag(np.vdot(loop[:-1], loop[1:])))) / max(length, 1e-9) ** 2


def _cost(here: np.ndarray, there: np.ndarray) -> float:
    """How little corners [k, 2] fit to those they would become: in form, and by their ways."""
    size = max(_extent(side) for side in (here, there))
    one, other = (as_complex(side - side.mean(axis=0)) for side in (here, there))
    product = complex(np.vdot(one, other))
    whole = float(np.linalg.norm(one) * np.linalg.norm(other)) + 1e-9
    alike = abs(product) * float(np.cos(np.angle(product) / 2)) / whole
    travel = np.sqrt(np.linalg.norm(there - here, axis=1) / max(size, 1e-9))
    return 1.0 - alike + _TRAVEL_COST * float(travel.mean())


def _extent(places: np.ndarray) -> float:
    return float(np.hypot(*np.ptp(places, axis=0)))


def _is_hinged(here: np.ndarray, there: np.ndarray) -> bool:
    """Whether corners [k, 2] turn around one edge that stays where it is."""
    away = np.linalg.norm(there - here, axis=1) / max(_extent(here), 1e-9)
    still = away < _STILL
    return int(still.sum()) == 2 and bool((still & np.roll(still, 1)).any())


def _unexplained(here: np.ndarray, there: np.ndarray) -> float:
    """What the best affine map leaves of places [k, 2], as a share of their spread."""
    matrix = affine.fit_affine(here, there, stiffness=_STIFF)
    left = ((affine.apply(matrix, here) - there) ** 2).sum()
    return float(np.sqrt(left / max(((there - there.mean(axis=0)) ** 2).sum(), 1e-9)))


def _laid_out(one: tuple[Line, np.ndarray], other: tuple[Line, np.ndarray]) -> Level:
    """Both strokes from their first corner on, with points at the same places of each edge."""
    begun = [_begun_at_corner(*side) for side in (one, other)]
    edges = np.arange(len(one[1]) + 1)
    own = [np.interp(line.way[:-1] / line.way[-1], at, edges) for line, at in begun]
    within = np.concatenate([*own, np.arange(_ON_EDGE * edges[-1]) / _ON_EDGE])
    within = np.sort(within[np.abs(within - np.rint(within)) > _CLOSE])
    within = within[np.unique(np.floor(within / _CLOSE), return_index=True)[1]]
    places = np.sort(np.concatenate([within, edges[:-1]]))
    laid = [along(line, np.interp(places, edges, at)) for line, at in begun]
    return laid[0], laid[1]


def _begun_at_corner(line: Line, corners: np.ndarray) -> tuple[Line, np.ndarray]:
    """The stroke from the first of its corners on, and where on its length they are: [k + 1]."""
    begun = replace(line, values=np.roll(line.values, -int(corners[0]), axis=0))
    rows = (corners - corners[0]) % len(line.values)
    return begun, np.append(begun.way[rows] / begun.way[-1], 1.0)


def edges_stay_straight(start: np.ndarray, goal: np.ndarray) -> bool:
    """Whether a closed stroke, complex [n] at either key, is a polygon whose corners belong
    together, and that is turned away or flies, but does not bend; it may be seen edge-on.
    """
    sides = [np.stack([np.real(side), np.imag(side)], axis=1) for side in (start, goal)]
    if min(float(np.ptp(side, axis=0).max()) for side in sides) <= 0.0:
        return False
    bend = min(_WOBBLE, _OF_FULLNESS * max(_fullness(side) for side in sides))
    found = [_corners(side, bend) for side in sides]
    few, many = sorted(found, key=len)
    if not len(few) or len(many) < _FEWEST or _unexplained(*sides) > _BENT:
        return False
    apart = np.abs(few[:, None] - many[None])
    return bool((np.minimum(apart, len(start) - apart).min(axis=1) <= 1).all())
