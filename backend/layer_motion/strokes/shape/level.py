"""Single strokes as plain arrays: taking drawings apart, resampling, turning; layer motion only."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shared.strokes import Drawing

from .correlation import centred, likeness, over_starts

LABEL = 1 << 16
"""Where the materials of the next layer begin in a drawing that takes several layers as one."""
MAX_TOTAL_POINTS = 250_000
_MAX_POINTS_PER_STROKE = 4096
_START_TRIALS = 64
_HALVINGS = 4
_CLOSE, _COPY, _COPY_AWAY = 1e-4, 1e-6, 1 / 32
_LOYALTY, _HABIT = 0.2, 0.999
_CHANCE = 0.03  # of all orders of strokes: so few have equal counts as well
_OPACITY = 3
_FILL_ALPHA = 7


@dataclass(frozen=True, eq=False)
class Line:
    """One stroke.

    `values` float64 [n, 8]: x, y and radius in camera pixels, opacity, vertex paint RGBA.
    `colours` float64 [8]: line RGBA and fill RGBA as in `Drawing`. `number`: which stroke of its
    drawing it is, is a part of, or begins with; -1 where it is of another drawing.
    """

    values: np.ndarray
    colours: np.ndarray
    cyclic: bool
    holdout: int
    round_caps: bool
    material: int
    number: int = -1

    @property
    def points(self) -> np.ndarray:
        """Camera pixels [n, 2]."""
        return self.values[:, :2]

    @property
    def layer(self) -> int:
        """Number of its layer in a drawing that takes several as one."""
        return max(self.material, 0) // LABEL

    @property
    def is_filled(self) -> bool:
        """True where the stroke shows a fill."""
        return bool(self.colours[_FILL_ALPHA] > 0)

    @property
    def way(self) -> np.ndarray:
        """Arc length in pixels up to each point [n], and round to the first one where closed."""
        points = np.concatenate([self.points, self.points[:1]]) if self.cyclic else self.points
        steps = np.hypot(*np.diff(points, axis=0).T)
        return np.concatenate([[0.0], np.cumsum(steps)])

    @property
    def area(self) -> float:
        """Signed area in square pixels that a closed stroke goes round."""
        places = centred(self.points)
        return float(np.imag(np.vdot(places, np.roll(places, -1)))) / 2

    def hidden(self) -> Line:
        """The same stroke, invisible, for a drawing that does not have it."""
        values, colours = self.values.copy(), self.colours.copy()
        values[:, _OPACITY] = 0.0
        colours[_FILL_ALPHA] = 0.0
        return replace(self, values=values, colours=colours, number=-1)

    def placed(self, points: np.ndarray) -> Line:
        """The same stroke with other points [n, 2]."""
        return replace(self, values=np.concatenate([points, self.values[:, 2:]], axis=1))


def lines_of(drawing: Drawing) -> list[Line]:
    """All strokes that have points, in painting order."""
    values = np.concatenate(
        [
            drawing.points,
            drawing.radius[:, None],
            drawing.opacity[:, None],
            drawing.point_colour,
        ],
        axis=1,
    ).astype(float)
    colours = np.concatenate([drawing.stroke_colour, drawing.fill_colour], axis=1).astype(float)
    bounds: list[int] = drawing.offsets.tolist()
    return [
        Line(
            values[bounds[s] : bounds[s + 1]],
            colours[s],
            bool(drawing.cyclic[s]),
            int(drawing.holdout[s]),
            bool(drawing.round_caps[s]),
            int(drawing.material[s]),
            s,
        )
        for s in range(drawing.stroke_count)
        if bounds[s] < bounds[s + 1]
    ]


def drawing_of(lines: Sequence[Line], layer_opacity: np.ndarray) -> Drawing:
    """Strokes put together again, in the order given."""
    counts = [len(line.values) for line in lines]
    values = np.concatenate([line.values for line in lines]).astype(np.float32)
    colours = np.stack([line.colours for line in lines]).astype(np.float32)
    return Drawing(
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        points=values[:, :2],
        radius=values[:, 2],
        opacity=values[:, _OPACITY],
        stroke_colour=colours[:, :4],
        fill_colour=colours[:, 4:],
        point_colour=values[:, 4:],
        cyclic=np.array([line.cyclic for line in lines], bool),
        holdout=np.array([line.holdout for line in lines], np.uint8),
        round_caps=np.array([line.round_caps for line in lines], bool),
        material=np.array([line.material for line in lines], np.int32),
        layer_opacity=layer_opacity,
    )


def reversed_line(line: Line) -> Line:
    """The same stroke drawn from its other end."""
    return replace(line, values=line.values[::-1])


def cut(line: Line, share: float) -> tuple[Line, Line]:
    """An open stroke as two, parted at a share 0..1 of its length; both have that point."""
    way = line.way
    place = share * way[-1]
    middle = _along(way, line.values, np.array([place]))
    before = int(np.searchsorted(way, place))
    before = min(max(before, 1), len(line.values))
    head = np.concatenate([line.values[:before], middle])
    tail = np.concatenate([middle, line.values[before:]])
    return replace(line, values=head), replace(line, values=tail)


def joined(one: Line, other: Line) -> Line:
    """Two open strokes as one, from the first's start to the second's end."""
    return replace(one, values=np.concatenate([one.values, other.values]))


def equal_counts(partners: Iterable[tuple[Line, Line]]) -> float:
    """Share 0..1 of partners with as many points: all where strokes were copied, few by chance."""
    return float(np.mean([len(one.values) == len(other.values) for one, other in partners]))


def counts_tell(lines: Sequence[Line], goals: Sequence[Line]) -> bool:
    """True where strokes of one number have as many points, and in another order would not have."""
    counts = [len(line.values) for line in lines]
    if counts != [len(line.values) for line in goals]:
        return False
    orders = math.lgamma(len(counts) + 1)
    as_good = sum(math.lgamma(same + 1) for same in Counter(counts).values())
    return as_good - orders < math.log(_CHANCE)


def resampled(line: Line, count: int) -> Line:
    """The stroke with `count` points at even arc length."""
    values = np.concatenate([line.values, line.values[:1]]) if line.cyclic else line.values
    way = line.way
    wanted = np.linspace(0.0, way[-1], count, endpoint=not line.cyclic)
    return replace(line, values=_along(way, values, wanted))


def along(line: Line, shares: np.ndarray) -> Line:
    """The stroke with points at shares [n] 0..1 of its length; 1 is the start where closed."""
    values = np.concatenate([line.values, line.values[:1]]) if line.cyclic else line.values
    return replace(line, values=_along(line.way, values, shares * line.way[-1]))


def _along(way: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Values [n, k] at arc lengths [m]: [m, k]. Points on one spot are passed over."""
    if len(values) == 1:
        return np.repeat(values, len(wanted), axis=0)
    behind = np.clip(np.searchsorted(way, wanted, side="right"), 1, len(way) - 1)
    step = way[behind] - way[behind - 1]
    part = np.where(step > 0, (wanted - way[behind - 1]) / np.maximum(step, 1e-12), 0.0)
    return values[behind - 1] + part[:, None] * (values[behind] - values[behind - 1])


def budget(lines: Sequence[Line], others: Sequence[Line]) -> float:
    """Share of their points that strokes may keep so that all together stay workable."""
    total = sum(max(len(a.values), len(b.values)) for a, b in zip(lines, others, strict=True))
    return min(1.0, MAX_TOTAL_POINTS / max(total, 1))


def levelled(
    one: Line, other: Line, matrix: np.ndarray, *, keep: float = 1.0, loyal: bool = False
) -> tuple[Line, Line]:
    """Two strokes with equal counts, direction and, where closed, starting point.

    `matrix` carries the first roughly onto the other; `keep`: share of the points to keep;
    `loyal`: points of equal number belong together as they are unless they hardly can.
    """
    loyal = loyal and len(one.values) == len(other.values)
    if one.cyclic != other.cyclic:
        one, other = _both_open(one, other, matrix)
    count = min(max(len(one.values), len(other.values)), _MAX_POINTS_PER_STROKE)
    count = max(min(count, 2), round(count * keep))
    if len(one.values) != count or len(other.values) != count:
        one, other = resampled(one, count), resampled(other, count)
    moved = one.points @ matrix[:2, :2].T + matrix[:2, 2]
    order = _turned(moved, other, _LOYALTY if loyal else _HABIT)
    return one, replace(other, values=other.values[order])


def like(one: Line, other: Line, matrix: np.ndarray) -> tuple[Line, Line]:
    """Two strokes with their own points, but equal in direction and, roughly, starting point.

    `matrix` carries the first roughly onto the other.
    """
    if one.cyclic != other.cyclic:
        one, other = _both_open(one, other, matrix)
    trials = _START_TRIALS
    here, there = resampled(one, trials), resampled(other, trials)
    base = here.points @ matrix[:2, :2].T + matrix[:2, 2]
    order = _turned(base, there, 1.0)
    start = float(order[0]) / trials
    if (order[1] - order[0]) % trials != 1:
        start = float(other.way[-2]) / max(float(other.way[-1]), 1e-9) - start
        other = reversed_line(other)
    if not other.cyclic:
        return one, other
    copied = _copied(one, other, start)
    if copied is not None:
        return one, replace(other, values=np.roll(other.values, -copied, axis=0))
    return one, begun_at(other, _finer(base, other, start))


def _finer(base: np.ndarray, other: Line, start: float) -> float:
    """The start of a closed stroke, a share of its length, found between trials as well."""
    even = np.arange(len(base)) / len(base)

    def worth(at: float) -> float:
        return likeness(base, along(other, (at + even) % 1.0).points)

    return finest(start, 0.5 / len(base), worth)


def finest(start: float, step: float, worth: Callable[[float], float]) -> float:
    """What is worth most around `start`, found by halving steps."""
    for _ in range(_HALVINGS):
        start = max((start, start - step, start + step), key=worth)
        step /= 2
    return start


def _copied(one: Line, other: Line, near: float) -> int | None:
    """The point at which a closed stroke begins if it is a copy, turned or grown; else None.

    `near`: share of its length next to which it does; round shapes look alike from all points.
    """
    if len(one.values) != len(other.values) or other.way[-1] <= 0.0:
        return None
    a, b = centred(one.points), centred(other.points)
    alike = np.abs(over_starts(a, b))
    whole = float(np.linalg.norm(a) * np.linalg.norm(b))
    away = np.abs((other.way[:-1] / other.way[-1] - near + 0.5) % 1.0 - 0.5)
    start = int(np.argmin(np.where(alike > (1.0 - _COPY) * whole, away, np.inf)))
    return start if alike[start] > (1.0 - _COPY) * whole and away[start] < _COPY_AWAY else None


def begun_at(line: Line, share: float) -> Line:
    """A closed stroke that begins at a share 0..1 of its length, with a point there."""
    if line.way[-1] <= 0.0:
        return line
    way = line.way / line.way[-1]
    share %= 1.0
    behind = int(np.searchsorted(way, share, side="right"))
    start = along(line, np.array([share])).values
    rest = np.concatenate([line.values[behind:], line.values[:behind]])
    keep = np.linalg.norm(rest[:, :2] - start[:, :2], axis=1) > _CLOSE * line.way[-1]
    return replace(line, values=np.concatenate([start, rest[keep]]))


def begun_near(line: Line, start: np.ndarray) -> Line:
    """A closed stroke that begins at its point next to a place [2]."""
    first = int(np.argmin(((line.points - start) ** 2).sum(axis=1)))
    return replace(line, values=np.roll(line.values, -first, axis=0))


def _both_open(one: Line, other: Line, matrix: np.ndarray) -> tuple[Line, Line]:
    """Where only one stroke is closed, cut it at the point nearest to the open one's start."""
    if one.cyclic:
        back = np.linalg.inv(matrix)
        start = other.points[0] @ back[:2, :2].T + back[:2, 2]
        return _opened(one, start), other
    return one, _opened(other, one.points[0] @ matrix[:2, :2].T + matrix[:2, 2])


def _opened(line: Line, start: np.ndarray) -> Line:
    values = begun_near(line, start).values
    return replace(line, values=np.concatenate([values, values[:1]]), cyclic=False)


def _turned(base: np.ndarray, other: Line, enough: float) -> np.ndarray:
    """The order, int [n], of the other's points that asks for the least change of shape and turn.

    The present order stays where it is worth the share `enough` of the best.
    """
    count = len(base)
    shifts = range(0, count, max(1, count // _START_TRIALS)) if other.cyclic else (0,)
    index = np.arange(count)
    given = likeness(base, other.points)
    best, most = index, -np.inf
    for order in (np.roll(way, -shift) for shift in shifts for way in (index, index[::-1])):
        alike = likeness(base, other.points[order])
        if alike > most + 1e-9:
            best, most = order, alike
    return index if given >= enough * most else best
