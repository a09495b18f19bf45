"""Lays strokes that one key alone shows out at the other one, hidden; stroke matching only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
from scipy.spatial import KDTree

from ... import affine
from ..shape.level import Line
from .enclosed import Closing, closing_shapes
from .hinged import Hinge, Hinges
from .root import Level, Numbers, Pairs
from .sprouting import Soil

_NEAR_POINTS = 24
_MIDDLE = 0.5
_FLAT = 0.02  # of the larger area: what has none has no side
_MANY = 300


def with_strangers(
    lines: Sequence[Line],
    goals: Sequence[Line],
    pairs: Pairs,
    level: Mapping[Numbers, Level],
    growth: float,
) -> tuple[list[Level], list[float]]:
    """Every stroke at both keys, in painting order; strangers hidden at the other key.

    And from which progress on the other key decides about those, and about the colours of others.
    `growth`: how many times as long the whole is at the last key.
    """
    ahead = _Carrier(list(level.values()), goals)
    back = _Carrier([(other, one) for one, other in level.values()], lines)
    early = {i: ahead.hinge(lines[i]) for i, j in pairs if i is not None and j is None}
    late = {j: back.hinge(goals[j]) for i, j in pairs if j is not None and i is None}
    rows: list[Level] = []
    change: list[float] = []
    for i, j in pairs:
        when = _MIDDLE
        if i is not None and j is not None:
            rows.append(level[i, j])
            when = _edge_on(*level[i, j], growth)
        elif i is not None:
            carried, when = ahead.carried(lines[i], early[i], late.values(), 1.0)
            rows.append((lines[i], carried.hidden()))
        elif j is not None:
            carried, when = back.carried(goals[j], late[j], early.values(), 0.0)
            rows.append((carried.hidden(), goals[j]))
        change.append(when)
    return rows, change


def _edge_on(one: Line, other: Line, growth: float) -> float:
    """At which progress 0..1 a stroke shows its other colour: turned over, when it is edge-on.

    Its hinge grows with the whole, so that of its area only the rest is its own height's.
    """
    few, many = sorted((abs(one.area), abs(other.area)))
    if not (one.cyclic and other.cyclic) or one.area * other.area >= 0.0 or few < _FLAT * many:
        return _MIDDLE
    return abs(one.area) / (abs(one.area) + abs(other.area) / growth)


class _Carrier:
    """Moves strokes as the matched points around them move.

    `shown`: all that the other key shows.
    """

    def __init__(self, level: Sequence[Level], shown: Sequence[Line]) -> None:
        self._level, self._shown = level, shown
        self._source, self._target = (
            np.concatenate([pair[side].points for pair in level]) for side in (0, 1)
        )
        self._tree = KDTree(self._source)

    @cached_property
    def _closing(self) -> list[Closing]:
        return closing_shapes(self._level)

    @cached_property
    def _hinges(self) -> Hinges | None:
        return Hinges(self._level) if len(self._level) <= _MANY else None

    @cached_property
    def _soil(self) -> Soil | None:
        if self._hinges is None:
            return None
        return Soil(self._level, self._shown, self._hinges.places, self._hinges.touch_px)

    def hinge(self, line: Line) -> Hinge | None:
        """The edge that a stroke shares with partners, if it is a face that hangs there."""
        return None if self._hinges is None else self._hinges.of(line)

    def carried(
        self, line: Line, hinge: Hinge | None, others: Iterable[Hinge | None], end: float
    ) -> tuple[Line, float]:
        """The stroke at the other key, and from which progress on that decides about it.

        `others`: of what the other key alone shows; `end`: the other key's progress, at which what
        closes, and what lies in such, has gone.
        """
        for shape in self._closing:
            if shape.holds(line.points):
                return line.placed(affine.apply(shape.motion, line.points)), end
        if hinge is not None:
            return self._swung(line, hinge, others, end)
        root = None if self._soil is None else self._soil.root(line)
        if root is not None:
            return line.placed(np.tile(root, (len(line.values), 1))), end
        return self._taken_along(line), _MIDDLE

    def _swung(
        self, line: Line, hinge: Hinge, others: Iterable[Hinge | None], end: float
    ) -> tuple[Line, float]:
        """A face that is shut onto its edge, or turned over, at the other key."""
        same = [other for other in others if other is not None and hinge.meets(other)]
        if any(hinge.is_other_side(other) for other in same):
            return line.placed(hinge.turned_over), _MIDDLE
        if same:  # in other colours it is there all the time
            return self._taken_along(line), _MIDDLE
        return line.placed(hinge.shut), end

    def _taken_along(self, line: Line) -> Line:
        return line.placed(affine.apply(self._motion(line.points), line.points))

    def _motion(self, points: np.ndarray) -> np.ndarray:
        some = points[:: max(1, len(points) // 16)]
        most = min(_NEAR_POINTS, len(self._source))
        away, index = (np.asarray(a).reshape(-1) for a in self._tree.query(some, k=most))
        reach = float(np.median(away)) + 1.0
        weights = np.exp(-((away / reach) ** 2))
        matrix = affine.fit_similarity(self._source[index], self._target[index], weights)
        growth = float(np.linalg.det(matrix[:2, :2]))
        if affine.is_regular(matrix) and 0.25 < growth < 4.0:
            return matrix
        shift = weights @ (self._target[index] - self._source[index]) / weights.sum()
        return affine.translation(*shift)
