"""A curve with coordinates along and across it, on which bodies slide; for sliding limbs only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from ..shape.complex_points import way_along

_PLACES = 97
_FINE = 4
_SMOOTH = 2.0  # places
_COIL = 3.0  # times as far along it
_REFINED = 2
_TINY = 1e-9


@dataclass(frozen=True, eq=False)
class Rail:
    """A curve from 0 to `length` pixels, going on straight beyond either end.

    `places` complex [n]: points at even steps; `ways` complex [n]: directions, length 1.
    """

    places: np.ndarray
    ways: np.ndarray
    length: float

    @classmethod
    def through(cls, points: np.ndarray) -> Rail:
        """Through points, complex [n >= 2], that are not all the same."""
        points = points[np.concatenate([[True], np.abs(np.diff(points)) > _TINY])]
        way = way_along(points)
        points = CubicSpline(way, points)(np.linspace(0.0, way[-1], _FINE * _PLACES))
        way = way_along(points)
        places = np.interp(np.linspace(0.0, way[-1], _PLACES), way, points)
        slopes = np.gradient(places)
        ways = _directions(gaussian_filter1d(slopes, _SMOOTH, mode="nearest"))
        return cls(places, ways, float(way[-1]))

    def is_coiled(self, near: float) -> bool:
        """Whether it comes back as near to itself as `near` pixels."""
        apart = np.abs(self.places[:, None] - self.places[None])
        along = np.linspace(0.0, self.length, len(self.places))
        far = np.abs(along[:, None] - along[None])
        return bool((apart[far > _COIL * near] < near).any())

    def at(self, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points and directions, complex [k] each, at ways along [k] pixels."""
        on_it = np.clip(along, 0.0, self.length)
        even = np.linspace(0.0, self.length, len(self.places))
        places, ways = (np.interp(on_it, even, part) for part in (self.places, self.ways))
        ways = _directions(ways)
        return places + (along - on_it) * ways, ways

    def nearest(self, points: np.ndarray, beyond: float) -> np.ndarray:
        """How far along points, complex [k], lie: [k] pixels, at most `beyond` past the ends."""
        trials = np.linspace(-beyond, self.length + beyond, 4 * _PLACES)
        near = np.abs(points[:, None] - self.at(trials)[0][None]).argmin(axis=1)
        found = trials[near]
        step = self.length / _PLACES
        for _ in range(_REFINED):
            places, ways = self.at(found)
            found = found + np.clip(np.real((points - places) * ways.conj()), -step, step)
        return np.clip(found, -beyond, self.length + beyond)


def _directions(steps: np.ndarray) -> np.ndarray:
    size = np.abs(steps)
    return np.where(size > 0, steps / np.maximum(size, 1e-12), 1.0)
