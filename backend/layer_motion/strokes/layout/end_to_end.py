"""Lays limbs on each other end on end where their outlines alone fit otherwise; matching only.

A straight tail laid on a curled one by its shape puts a side of the one on an end of the other,
and collapses to a leaf between them. Their ends tell which place became which.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..shape.complex_points import as_complex
from ..shape.level import Line, along
from ..shape.limb import Limb, heights, limb_of
from .root import Level, Numbers
from .seam import sewn

_THICKEST = 0.3
_ASTRAY = 0.09  # of the limb's length: how far places on it are from where they belong
_CLEARLY, _BY = 0.9, 0.05  # of how unevenly it bends and swells otherwise, and radians less
_STRETCH = 0.15  # what a growth by e is worth, in radians of bend
_PIECES = 48
_FLOOR = 1e-3  # of a piece's length
_MOST = 120


def end_to_end(level: Mapping[Numbers, Level], free: Collection[Numbers]) -> dict[Numbers, Level]:
    """The same partners; limbs that bend clearly less end on end are laid that way.

    Only those in `free` may; of the others it is known which point became which.
    """
    result = dict(level)
    if len(level) > _MOST:
        return result
    for numbers in free:
        one, other = result[numbers]
        if not (one.cyclic and other.cyclic and one.area * other.area > 0.0):
            continue
        way = _Way.between(one, other)
        if way.cost < _BY:
            continue
        limb, goal = limb_of(one, _THICKEST), limb_of(other, _THICKEST)
        if limb is None or goal is None:
            continue
        goal, astray = _facing(limb, goal, (one, other))
        if astray < _ASTRAY:
            continue
        found = laid(one, other, limb, goal)
        better = _Way.between(*found)
        if better.cost < min(_CLEARLY * way.cost, way.cost - _BY):
            result[numbers] = found
    return result


def _facing(limb: Limb, goal: Limb, both: Level) -> tuple[Limb, float]:
    """The goal beginning at the end that fits best to the limb's, and how badly both still fit.

    That is the mean distance of places of both along them, in lengths of a limb.
    """
    turned = goal.turned_round()
    here = _heights(both[0], limb)
    astray = [float(np.abs(here - _heights(both[1], way)).mean()) for way in (goal, turned)]
    return (turned, astray[1]) if astray[1] < astray[0] else (goal, astray[0])


def _heights(line: Line, limb: Limb) -> np.ndarray:
    """How far from the limb's first end to its second each point lies: [n], 0..1."""
    return heights(line.way[:-1] / line.way[-1], limb.ends)


def is_laid(limb: Limb, goal: Limb, both: Level) -> bool:
    """Whether partners lie the way that their limbs, each from its first end, say."""
    here = _heights(both[0], limb)
    astray = [np.abs(here - _heights(both[1], way)).mean() for way in (goal, goal.turned_round())]
    return bool(astray[0] <= astray[1])


def laid(one: Line, other: Line, limb: Limb, goal: Limb) -> Level:
    """Both point by point, each side on its own, from the limbs' first ends to their second."""
    parts = [
        sewn(_side(one, *limb.ends[::way]), _side(other, *goal.ends[::way])) for way in (1, -1)
    ]
    values = [np.concatenate([part[key].values[:-1] for part in parts]) for key in (0, 1)]
    return replace(one, values=values[0]), replace(other, values=values[1])


def _side(line: Line, start: float, end: float) -> Line:
    """The part of a closed stroke from a share of its length to another, as an open one."""
    span = (end - start) % 1.0
    places = (line.way[:-1] / line.way[-1] - start) % 1.0
    inner = np.sort(places[(places > 0.0) & (places < span)])
    shares = np.concatenate([[0.0], inner, [span]])
    return replace(along(line, (start + shares) % 1.0), cyclic=False)


@dataclass(frozen=True)
class _Way:
    """How a closed stroke becomes its partner, told by pieces that each turn and grow evenly.

    `bend` radians: how unevenly they do. `swelling`: how far, in logarithms, half way the area is
    from that at both ends.
    """

    bend: float
    swelling: float

    @classmethod
    def between(cls, one: Line, other: Line) -> _Way:
        some, others = _even_pieces(one, other)
        ink = np.abs(some) / np.abs(some).sum() + np.abs(others) / np.abs(others).sum()
        growth = np.log(np.abs(others) / np.abs(some))
        turn = np.unwrap(np.angle(others * some.conj()))
        step = np.angle(np.exp(1j * (np.roll(turn, -1) - turn)))
        turned = float(np.sqrt(np.average(step**2, weights=np.minimum(ink, np.roll(ink, -1)))))
        stretched = growth - np.average(growth, weights=ink)
        stretch = float(np.sqrt(np.average(stretched**2, weights=ink)))
        half = some * np.exp((growth + 1j * turn) / 2)
        half -= half.sum() * np.abs(half) / np.abs(half).sum()
        areas = [_area(np.cumsum(pieces)) for pieces in (some, half, others)]
        swelling = abs(np.log(areas[1]) - (np.log(areas[0]) + np.log(areas[2])) / 2)
        return cls(turned + _STRETCH * stretch, float(swelling))

    @property
    def cost(self) -> float:
        """Of both, radians and logarithms alike."""
        return self.bend + self.swelling


def _area(ring: np.ndarray) -> float:
    """Twice the area in square pixels within a closed line, complex [n]; never nothing."""
    return max(abs(float(np.imag(np.vdot(ring, np.roll(ring, -1))))), 1e-9)


def _even_pieces(one: Line, other: Line) -> tuple[np.ndarray, np.ndarray]:
    """Pieces of both with as much of their ways together: complex [_PIECES] each, none empty."""
    way = one.way / one.way[-1] + other.way / other.way[-1]
    even = np.linspace(0.0, 2.0, _PIECES + 1)
    found: list[np.ndarray] = []
    for line in (one, other):
        ring = as_complex(np.concatenate([line.points, line.points[:1]]))
        pieces = np.diff(np.interp(even, way, ring))
        least = _FLOOR * float(line.way[-1]) / _PIECES
        size = np.abs(pieces)
        way_on = np.where(size > 0, pieces / np.maximum(size, 1e-12), 1.0)
        found.append(way_on * np.maximum(size, least))
    return found[0], found[1]
