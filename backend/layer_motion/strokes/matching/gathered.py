"""Takes a drawing apart whose strokes part or gather, and shrink or grow; matching only.

Puffs of smoke drift apart as they dwindle; petals open from a bud. The strokes' own size then
changes otherwise than their distances do, and no motion of the whole lays them on each other. So
each is given the other key's size about its own middle, and the middles the other key's distances;
what was matched is let go again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ... import affine
from ..layout.pair import StrokePair
from ..shape import cost as stroke_cost
from ..shape.cost import Strokes
from ..shape.level import Line

_LEAST = 1.4  # how many times as much strokes have to grow as their distances do, or as little
_FEWEST = 2
_TINY_PX = 1.0


@dataclass(frozen=True, eq=False)
class Gathering:
    """How strokes are laid on those of another key: `whole` (3 x 3), and `each` [S, 3, 3] by itself
    where it goes with the whole and has a size of its own.
    """

    whole: np.ndarray
    each: np.ndarray

    def laid(self, lines: Sequence[Line]) -> list[Line]:
        """The strokes where the other key's are expected."""
        maps = zip(lines, self.each, strict=True)
        return [line.placed(affine.apply(matrix, line.points)) for line, matrix in maps]

    def released(self, pair: StrokePair) -> StrokePair:
        """The pair of laid strokes, begun where they were drawn."""
        points = pair.first.points.astype(float)
        rest = affine.apply(np.linalg.inv(self.whole), points)
        for stroke, number in enumerate(pair.numbers[0].tolist()):
            span = slice(*pair.first.offsets[stroke : stroke + 2])
            back = np.linalg.inv(self.each[number])
            points[span] = affine.apply(back, points[span]) if number >= 0 else rest[span]
        return pair.begun_at(points, pair.matrix @ self.whole)


def gathering(lines: Sequence[Line], goals: Sequence[Line], known: np.ndarray) -> Gathering | None:
    """How strokes part or gather; None if they grow about as much as their distances do.

    `known` (3 x 3): the motion of the whole as far as a path tells it. Logarithms of the lengths
    are compared, so that each stroke has the same say.
    """
    if min(len(lines), len(goals)) < _FEWEST:
        return None
    one, other = stroke_cost.measured(lines).moved(known), stroke_cost.measured(goals)
    sizes = [float(np.log(key.length + _TINY_PX).mean()) for key in (one, other)]
    wide = [_spread_px(key) + _TINY_PX for key in (one, other)]
    grown, parted = float(np.exp(sizes[1] - sizes[0])), wide[1] / wide[0]
    if 1 / _LEAST < grown / parted < _LEAST:
        return None
    middles = [complex(key.middle.mean()) for key in (one, other)]
    whole = _about(middles[0], middles[1], parted) @ known
    if not affine.is_regular(whole):
        return None
    there = middles[1] + parted * (one.middle - middles[0])
    each = [_about(here, to, grown) @ known for here, to in zip(one.middle, there, strict=True)]
    return Gathering(whole, np.stack(each))


def _about(here: complex, there: complex, size: float) -> np.ndarray:
    """The map (3 x 3) that makes all `size` times as large and carries one place to another."""
    shift = there - size * here
    return affine.translation(shift.real, shift.imag) @ affine.scaling(size)


def _spread_px(strokes: Strokes) -> float:
    away = np.abs(strokes.middle - strokes.middle.mean())
    return float(np.sqrt((away**2).mean()))
