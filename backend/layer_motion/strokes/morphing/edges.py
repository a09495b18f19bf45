"""Where strokes lie on each other in both keys, as one edge; for the morph only."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from ..shape.complex_points import as_points

_STEP = 3
_NEAREST = 6
_AROUND = 16
_TOUCH = 0.5  # of how near strokes come to each other where they touch
_STRETCH = 4.0  # times that: how long an edge is at least
_MANY = 300
_TINY = 1e-9


def seams(start: np.ndarray, goal: np.ndarray, layer: np.ndarray, touch_px: float) -> np.ndarray:
    """Points, complex [n] at either key, and those of layers below that they lie on: int [k, 2].

    `layer` int [n].
    """
    keys = as_points(start), as_points(goal)
    found = [np.zeros((0, 2), int)]
    for above in np.unique(layer)[1:].tolist():
        below = np.flatnonzero(layer < above)
        points = np.flatnonzero(layer == above)[::_STEP]
        near = KDTree(keys[0][below]).query(keys[0][points], k=min(_NEAREST, len(below)))
        others = below[np.asarray(near[1]).reshape(len(points), -1)]
        apart = np.maximum(*(np.linalg.norm(k[others] - k[points][:, None], axis=2) for k in keys))
        nearest = others[np.arange(len(points)), apart.argmin(axis=1)]
        touching = apart.min(axis=1) < _TOUCH * touch_px
        found.append(np.stack([points, nearest], axis=1)[touching])
    return np.concatenate(found)


def shared_edges(
    start: np.ndarray, goal: np.ndarray, stroke: np.ndarray, touch_px: float
) -> np.ndarray:
    """Points of closed strokes and those of others that they lie on, as faces of a box: int [k, 2].

    `start`, `goal` complex [n] at either key; `stroke` int [n], negative where it is not closed.
    """
    points = np.flatnonzero(stroke >= 0)
    if not len(points) or len(np.unique(stroke)) > _MANY:
        return np.zeros((0, 2), int)
    places = np.concatenate([as_points(start[points]), as_points(goal[points])], axis=1)
    found = KDTree(places).query(places, k=min(_AROUND, len(points)))
    apart, index = (np.asarray(part).reshape(len(points), -1) for part in found)
    apart = np.where(stroke[points[index]] != stroke[points][:, None], apart, np.inf)
    nearest = index[np.arange(len(points)), apart.argmin(axis=1)]
    touching = apart.min(axis=1) < _TOUCH * touch_px
    pairs = np.stack([points, points[nearest]], axis=1)[touching]
    pairs = pairs[_in_stretches(start, stroke[pairs], pairs[:, 0], _STRETCH * touch_px)]
    return np.unique(np.sort(pairs, axis=1), axis=0)


def beside(
    keys: tuple[np.ndarray, np.ndarray], ends: np.ndarray, pieces: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """How far ends int [e] are from pieces of line, and how far along those, 0..1: [e, pieces].

    Of points complex [n] at both keys; `pieces`: where each begins and ends. What counts is the
    larger of both keys' distances from one place on the piece, that nearest in either.
    """
    begin, end = pieces
    ways = [key[end] - key[begin] for key in keys]
    away = [key[ends][:, None] - key[begin] for key in keys]
    shares = np.stack(
        [
            np.clip(np.real(way.conj() * here) / (np.abs(way) ** 2 + _TINY), 0.0, 1.0)
            for here, way in zip(away, ways, strict=True)
        ]
    )
    apart = np.maximum(*(np.abs(a - shares * way) for a, way in zip(away, ways, strict=True)))
    best = apart.argmin(axis=0)[None]
    return np.take_along_axis(apart, best, 0)[0], np.take_along_axis(shares, best, 0)[0]


def _in_stretches(
    places: np.ndarray, strokes: np.ndarray, points: np.ndarray, long_px: float
) -> np.ndarray:
    """Which pairs are of strokes that lie on each other over some length: bool [k].

    Outlines that merely cross touch in both keys, too. `strokes` int [k, 2], `points` int [k].
    """
    if not len(points):
        return np.zeros(0, bool)
    group = np.unique(strokes, axis=0, return_inverse=True)[1].reshape(-1)
    order = np.argsort(group, kind="stable")
    bounds = np.flatnonzero(np.diff(group[order], prepend=-1))
    spans = [
        np.maximum.reduceat(part, bounds) - np.minimum.reduceat(part, bounds)
        for part in (np.real(places[points])[order], np.imag(places[points])[order])
    ]
    return (np.hypot(*spans) > long_px)[group]
