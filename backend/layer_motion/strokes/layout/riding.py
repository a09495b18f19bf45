"""Keeps ink on the outline that it is drawn on, wherever it is broken; matching only.

Ink goes along the edge of its paint and stops where something lies in front, at another place in
the next key. Which part of the edge that is tells where each of its points belongs.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.spatial import KDTree

from ..shape.level import Line, along, reversed_line
from .overlap import Overlap, parts_of, places_of_both
from .root import Level, Numbers

_MOST = 300
_REACH = 0.006  # of the drawing's extent, beside the line's own radius
_LIES_SHARE = 0.9
_SHARED = 0.3  # of the shorter of both parts of the edge
_FINE = 720  # places along an edge
_LEAST = 1e-3
_FILL = 4  # reaches from place to place of what lies between a stroke's points


def riding(level: Mapping[Numbers, Level]) -> dict[Numbers, Overlap]:
    """Open strokes that lie on another layer's closed outline at both keys, as parts of that.

    Within a layer a line may slide along an edge, as the crest does along a wave's.
    """
    layers = {one.layer for one, _ in level.values()}
    if len(layers) < 2 or len(level) > _MOST:
        return {}
    points = np.concatenate([line.points for pair in level.values() for line in pair])
    reach = _REACH * max(float(np.hypot(*np.ptp(points, axis=0))), 1.0)
    edges = [
        (pair[0].layer, _Edge(pair))
        for pair in level.values()
        if all(line.cyclic and line.is_filled for line in pair)
    ]
    found: dict[Numbers, Overlap] = {}
    for numbers, pair in level.items():
        if any(line.cyclic or len(line.values) < 2 for line in pair):
            continue
        others = (edge for layer, edge in edges if layer != pair[0].layer)
        parts = (edge.ridden(pair, reach) for edge in others)
        part = next((part for part in parts if part is not None), None)
        if part is not None:
            found[numbers] = part
    return found


class _Edge:
    """A closed stroke's outline at both keys, at places that belong together."""

    def __init__(self, pair: Level) -> None:
        self._places = _round(pair)  # [_FINE, 2] each
        self._trees = [KDTree(places) for places in self._places]

    def ridden(self, pair: Level, reach: float) -> Overlap | None:
        """A stroke's partners as parts of this outline; None where they do not lie on it."""
        first, last = (self._along(line, key, reach) for key, line in enumerate(pair))
        if first is None or last is None:
            return None
        (one, on_one), (other, on_other) = first, last
        turns = np.rint((on_one.mean() - on_other.mean()) / _FINE)
        on_other = on_other + turns * _FINE
        shared = min(on_one[-1], on_other[-1]) - max(on_one[0], on_other[0])
        shorter = min(on_one[-1] - on_one[0], on_other[-1] - on_other[0])
        if shared < _SHARED * shorter:
            return None
        at = places_of_both(on_one, on_other)
        points = [
            self._points(key, at) + _off(on, line, self._points(key, on), at)
            for key, (line, on) in enumerate(((one, on_one), (other, on_other)))
        ]
        shown = (on_one[0], on_one[-1]), (on_other[0], on_other[-1])
        return parts_of((one, other), (points[0], points[1]), at, shown)

    def _along(self, line: Line, key: int, reach: float) -> tuple[Line, np.ndarray] | None:
        """A stroke in the outline's direction, and where on it its points lie: ascending [n].

        Its points may lie far apart: what is between them has to lie there, too.
        """
        length = float(line.way[-1])
        fill = np.linspace(0.0, length, int(np.clip(length / (_FILL * reach), 2, _FINE)))
        line = along(line, np.union1d(line.way, fill) / max(length, 1e-9))
        away, nearest = self._trees[key].query(line.points)
        near = np.asarray(away) < reach + float(np.median(line.values[:, 2]))
        if near.mean() < _LIES_SHARE:
            return None
        turn = np.unwrap(np.asarray(nearest) * (2 * np.pi / _FINE)) * _FINE / (2 * np.pi)
        if turn[-1] < turn[0]:
            line, turn = reversed_line(line), turn[::-1]
        on = np.maximum.accumulate(turn)
        strays = float(np.abs(on - turn).max())
        on = on + np.linspace(0.0, _LEAST, len(on))  # no two points at one place
        return (line, on) if turn[-1] > turn[0] and strays < 0.1 * _FINE else None

    def _points(self, key: int, at: np.ndarray) -> np.ndarray:
        """Places [n, 2] of the outline at a key."""
        places = np.concatenate([self._places[key], self._places[key][:1]])
        index = np.arange(_FINE + 1)
        where = at % _FINE
        return np.stack([np.interp(where, index, places[:, axis]) for axis in (0, 1)], axis=1)


def _round(pair: Level) -> list[np.ndarray]:
    """Places [_FINE, 2] round a closed stroke at both keys, evenly by its lengths there."""
    rings = [np.concatenate([line.points, line.points[:1]]) for line in pair]
    ways = [line.way / max(float(line.way[-1]), 1e-9) for line in pair]
    way = (ways[0] + ways[1]) / 2
    at = np.linspace(0.0, way[-1], _FINE, endpoint=False)
    return [
        np.stack([np.interp(at, way, ring[:, axis]) for axis in (0, 1)], axis=1) for ring in rings
    ]


def _off(on: np.ndarray, line: Line, edge: np.ndarray, at: np.ndarray) -> np.ndarray:
    """How far a stroke lies beside the edge, [n, 2], at places along it; as at its ends beyond."""
    beside = line.points - edge
    return np.stack([np.interp(at, on, beside[:, axis]) for axis in (0, 1)], axis=1)
