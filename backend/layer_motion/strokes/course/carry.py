"""Carries points that lie on the strokes of one key to its partner; for the places at keys.

Both keys come in the layout of their pair, the points in that of another one, made for another gap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from shared.strokes import Drawing

from ..layout.pair import StrokePair

_ABOUT_WEIGHT = 0.5
_OF_NUMBER = 1e4  # pixels: within them no stroke of another number is nearer
_ON_STROKE_PX = 1.0


@dataclass(frozen=True, eq=False)
class Side:
    """One drawing of a pair; `numbers` int [S] as in `StrokePair`."""

    drawing: Drawing
    numbers: np.ndarray

    @property
    def by_point(self) -> np.ndarray:
        """The number of each point's stroke: int [P]."""
        return np.repeat(self.numbers, np.diff(self.drawing.offsets))

    @property
    def marks(self) -> Marks:
        """All of its points."""
        return Marks(self.drawing.points.astype(float), _about(self.drawing), self.by_point)


def sides(pair: StrokePair) -> tuple[Side, Side]:
    """A pair's first drawing and its last."""
    return Side(pair.first, pair.numbers[0]), Side(pair.last, pair.numbers[1])


@dataclass(frozen=True, eq=False)
class Marks:
    """Points on a key's strokes.

    `places` [P, 2] pixels; `about` [P, 3]: middle and length of each one's stroke; `number` int
    [P]: which stroke that is, -1 if unknown.
    """

    places: np.ndarray
    about: np.ndarray
    number: np.ndarray

    def only(self, which: np.ndarray) -> Marks:
        """Some of them, bool [P]."""
        return Marks(self.places[which], self.about[which], self.number[which])


def carried(marks: Marks, here: Side, there: Side) -> Marks:
    """Where points that lie on the strokes of `here` are on those of `there`.

    Strokes are known by their numbers: others may lie in the same place, as two legs that pass.
    Points that do not lie on the stroke of their number are looked for on all, since strokes may
    be taken together or apart from key to key.
    """
    drawn, goal = _Polyline(here), there.drawing.points.astype(float)
    found = drawn.nearest(marks, _OF_NUMBER)
    unknown = marks.number < 0
    astray = unknown | (found.away > _ON_STROKE_PX)
    if astray.any():
        anywhere = drawn.nearest(marks.only(astray), 0.0)
        better = unknown[astray] | (anywhere.away < found.away[astray] - _ON_STROKE_PX)
        found.put(np.flatnonzero(astray)[better], anywhere, better)
    share = found.share[:, None]
    places = (1 - share) * goal[found.point] + share * goal[found.neighbour]
    return Marks(places, _about(there.drawing)[found.point], there.by_point[found.point])


@dataclass(frozen=True, eq=False)
class _Nearest:
    """For each point: which point of a drawing is nearest, which of that one's neighbours is on
    the nearest piece of line, the share 0..1 of the way to it, and how far away that is, pixels.
    """

    point: np.ndarray
    neighbour: np.ndarray
    share: np.ndarray
    away: np.ndarray

    def put(self, index: np.ndarray, other: _Nearest, which: np.ndarray) -> None:
        """Take over what was found for some points, int [n], from those of another search, bool."""
        for name in ("point", "neighbour", "share", "away"):
            getattr(self, name)[index] = getattr(other, name)[which]


class _Polyline:
    """The lines of a drawing, ready to be searched."""

    def __init__(self, side: Side) -> None:
        self._points = side.drawing.points.astype(float)
        self._about, self._number = _about(side.drawing), side.by_point
        self._beside = _beside(side.drawing)

    def nearest(self, marks: Marks, of_number: float) -> _Nearest:
        """The nearest places on lines; `of_number`: pixels that a stroke of another number costs
        for each number that lies between.
        """
        tree = KDTree(_features(self._points, self._about, of_number * self._number))
        wanted = _features(marks.places, marks.about, of_number * marks.number)
        point = np.asarray(tree.query(wanted)[1])
        share = np.zeros(len(point))
        neighbour, away = point.copy(), np.linalg.norm(marks.places - self._points[point], axis=1)
        for beside in self._beside:
            other = beside[point]
            edge = self._points[other] - self._points[point]
            along = ((marks.places - self._points[point]) * edge).sum(axis=1)
            part = np.clip(along / np.maximum((edge**2).sum(axis=1), 1e-12), 0.0, 1.0)
            on_edge = self._points[point] + part[:, None] * edge
            apart = np.linalg.norm(marks.places - on_edge, axis=1)
            closer = apart < away
            neighbour, share = np.where(closer, other, neighbour), np.where(closer, part, share)
            away = np.minimum(away, apart)
        return _Nearest(point, neighbour, share, away)


def _features(places: np.ndarray, about: np.ndarray, number: np.ndarray) -> np.ndarray:
    return np.column_stack([places, _ABOUT_WEIGHT * about, number])


def _beside(drawing: Drawing) -> tuple[np.ndarray, np.ndarray]:
    """The points before and behind each point on its stroke, int [P]; itself at an open end."""
    index = np.arange(len(drawing.points))
    begin, end = drawing.offsets[:-1], drawing.offsets[1:] - 1
    before, behind = index - 1, index + 1
    before[begin] = np.where(drawing.cyclic, end, begin)
    behind[end] = np.where(drawing.cyclic, begin, end)
    return before, behind


def _about(drawing: Drawing) -> np.ndarray:
    """What tells each point's stroke from others there: its middle (x, y) and length: [P, 3]."""
    points = drawing.points.astype(float)
    stroke = np.repeat(np.arange(drawing.stroke_count), np.diff(drawing.offsets))
    ends = np.arange(1, len(points) + 1)
    closing = drawing.offsets[1:] - 1
    ends[closing] = np.where(drawing.cyclic, drawing.offsets[:-1], closing)
    steps = np.linalg.norm(points[ends] - points, axis=1) + 1e-6
    middles = (points[ends] + points) / 2
    length = np.bincount(stroke, steps)
    columns = [np.bincount(stroke, steps * middles[:, axis]) / length for axis in (0, 1)]
    return np.stack([*columns, length], axis=1)[stroke]
