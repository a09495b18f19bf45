"""Lets a wave travel through a thin, closed stroke, as a ribbon or a strip of cloth; for waving.

Its axis waves, and both sides keep to it. On their own they would drift apart: the inner side of a
bend is a shorter wave than the outer one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..shape.complex_points import Ends, way_along
from .rail import Rail
from .travelling import Wave

_THIN = 0.12  # of its length
_PLACES = 49
_CAP = 1.0  # widths: so much of the axis at either end leads to a corner or round a tip
_BEYOND = 2.0  # widths


@dataclass(frozen=True, eq=False)
class Ribbon:
    """Points about a waving axis: `shares` [2 keys, n] of its length, `beside` complex [2, n] px in
    its direction there.
    """

    axis: Wave
    shares: np.ndarray
    beside: np.ndarray

    def at(self, progress: float) -> np.ndarray:
        """Where the points are at a progress 0..1: complex [n] pixels."""
        rail = Rail.through(self.axis.at(progress))
        share, beside = (
            (1 - progress) * ends[0] + progress * ends[1] for ends in (self.shares, self.beside)
        )
        places, ways = rail.at(share * rail.length)
        return places + beside * ways


def axis_of(sides: tuple[Ends, Ends]) -> Ends | None:
    """The axis between two sides that run the same way, but for its ends.

    None if the sides are too far apart for one.
    """
    both = [np.stack([_even(line) for line in key]) for key in zip(*sides, strict=True)]
    widths = [float(np.abs(key[1] - key[0]).mean()) for key in both]
    thin = [width / float(np.abs(np.diff(key)).sum(axis=1).mean())
            for width, key in zip(widths, both, strict=True)]  # fmt: skip
    if max(thin) > _THIN:
        return None
    cap = max(1, int(np.ceil(_CAP * max(thin) * _PLACES)))
    first, last = (key.mean(axis=0)[cap:-cap] for key in both)
    return first, last


def ribbon_of(axis: Wave, ends: Ends) -> Ribbon:
    """The ribbon about an axis; `ends` are all its points."""
    shares, beside = [], []
    for key, points in enumerate(ends):
        rail = Rail.through(axis.at(float(key)))
        width = 2 * float(np.abs(points[:, None] - rail.places[None]).min(axis=1).mean())
        along = rail.nearest(points, _BEYOND * width)
        places, ways = rail.at(along)
        shares.append(along / rail.length)
        beside.append((points - places) * ways.conj())
    return Ribbon(axis, np.stack(shares), np.stack(beside))


def _even(line: np.ndarray) -> np.ndarray:
    """A line, complex [n], at even shares of its length."""
    way = way_along(line)
    return np.interp(np.linspace(0.0, way[-1], _PLACES), way, line)
