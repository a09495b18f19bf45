"""Pairs strokes by the order in which both keys were drawn, as copies keep it; matching only."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from ... import affine
from ..shape import align as stroke_align
from ..shape import cost as stroke_cost
from ..shape import level as stroke_level
from ..shape.cost import Strokes, flat, shares
from ..shape.level import Line
from .reading import turning

ORDER_COST = 0.12
MAX_MEAN_COST = 0.8
_COPIED_COST = 0.02
_ORDER_FAVOUR = 1.1, 1.4  # of strokes drawn anew, and of copied ones
_ORDER_SLACK = 0.02, 0.05
_TELLING_COUNT = 4
_TELLING_COST = 0.15
_SHUFFLES = 5
_REFITS = 2
_MANY = 1500
_FEW = 300
_SWAPPED = 0.4  # cost of partners


@dataclass(frozen=True, eq=False)
class Order:
    """Strokes paired by their order: mean cost, motion of the whole, and whether each of them
    begins where its partner does, as copied ones do.
    """

    cost: float
    motion: np.ndarray
    as_drawn: bool


def by_order(
    one: Strokes, other: Strokes, hint: np.ndarray | None, *, equal: bool, copied: bool
) -> Order | None:
    """The better of both motions by which strokes may be paired by order; None if by none.

    `equal`: whether partners have as many points; only then may a line that bends over be one that
    turned.
    """
    if len(one.length) != len(other.length) or (one.kind != other.kind).any():
        return None
    drawn = _ordered(one, other, _as_drawn(one, other), as_drawn=True)
    if len(one.length) > _MANY:
        return drawn
    if drawn is not None:
        turned = 0.0 if equal else turning(drawn.motion, hint)
        if drawn.cost + turned < _COPIED_COST:
            return drawn
    if copied and drawn is not None and drawn.cost < MAX_MEAN_COST:
        return drawn  # copies prove how they turned, as long as they did so together
    found = [
        order
        for order in (drawn, _ordered(one, other, _upright(one, other), as_drawn=False))
        if order is not None
    ]
    if not found:
        return None
    best = min(found, key=lambda order: order.cost + turning(order.motion, hint))
    if _telling(one.moved(best.motion), other):
        return replace(best, cost=min(best.cost, ORDER_COST / 2))
    return best


def _ordered(one: Strokes, other: Strokes, motion: np.ndarray, *, as_drawn: bool) -> Order | None:
    """What pairing by order costs under a motion of the whole; None where that is no sane one."""
    if not affine.is_regular(motion):
        return None
    moved, index = one.moved(motion), np.arange(len(one.length))
    size = (moved.size_px + other.size_px) / 2
    costs = stroke_cost.cost(moved, other, index, index, size_px=size)
    return Order(float(shares(one.length) @ costs), motion, as_drawn)


def _as_drawn(one: Strokes, other: Strokes) -> np.ndarray:
    """The common motion of strokes of one number, if each begins where its partner does."""
    return _common(one, other, other.samples)


def _upright(one: Strokes, other: Strokes) -> np.ndarray:
    """The same if they may begin elsewhere and run the other way, but lie as their partners do."""
    index = np.arange(len(one.length))
    away = np.average(other.middle - one.middle, weights=shares(one.length))
    matrix = affine.translation(float(np.real(away)), float(np.imag(away)))
    for _ in range(_REFITS):
        there = stroke_cost.matching_samples(one.moved(matrix), other, index, index)
        matrix = _common(one, other, there)
    return matrix


def _common(one: Strokes, other: Strokes, there: np.ndarray) -> np.ndarray:
    weights = np.repeat(one.length + other.length + 1e-3, stroke_cost.SAMPLES)
    weights /= weights.sum()
    return stroke_align.common_motion(flat(one.samples), flat(there), weights)


def _telling(one: Strokes, other: Strokes) -> bool:
    """True where strokes of one number look so alike, and others so unlike, that order is proof.

    Keys that were copied and posed keep their strokes' forms however far the limbs went.
    """
    index = np.arange(len(one.length))
    if len(index) < _TELLING_COUNT:
        return False
    ink = shares(one.length)
    same = _same_forms(one, other)
    chance = np.random.default_rng(0)
    mixed = min(
        float(ink @ stroke_cost.unlike_forms(one, other, index, chance.permutation(index)))
        for _ in range(_SHUFFLES)
    )
    return same < _TELLING_COST and same < mixed / 3


def _same_forms(one: Strokes, other: Strokes) -> float:
    """Mean unlikeness in form of strokes of one number: 0 where they were copied and turned."""
    index = np.arange(len(one.length))
    return float(shares(one.length) @ stroke_cost.unlike_forms(one, other, index, index))


def change_places(order: Order, one: Strokes, other: Strokes) -> bool:
    """Whether strokes paired by order would fit far better if some of them changed partners.

    Small ones, as the buttons of a coat, have no say in the mean of all ink.
    """
    count = len(one.length)
    if count > _FEW:
        return False
    rows, columns = np.divmod(np.arange(count**2), count)
    moved = one.moved(order.motion)
    size = (moved.size_px + other.size_px) / 2
    costs = stroke_cost.cost(moved, other, rows, columns, size_px=size).reshape(count, count)
    partner = np.asarray(linear_sum_assignment(costs)[1])
    changed = np.flatnonzero(partner != np.arange(count))
    gain = costs[changed, changed] - costs[changed, partner[changed]]
    return bool(len(changed)) and float(gain.mean()) > _SWAPPED


def order_may_cost(lines: list[Line], goals: list[Line], mean: float, *, copied: bool) -> float:
    """Up to which cost strokes are paired by order where other pairs cost `mean`.

    Strokes with as many points as their partners were copied, and kept their order. Where all have,
    and would not in another order, and all have the same forms, nothing tells more: turned spokes
    are like each other.
    """
    if copied:
        return MAX_MEAN_COST
    equal = stroke_level.equal_counts(zip(lines, goals, strict=True))
    favour, slack = (a + (b - a) * equal for a, b in (_ORDER_FAVOUR, _ORDER_SLACK))
    return min(favour * mean + slack, MAX_MEAN_COST)


def are_copies(lines: list[Line], goals: list[Line], both: tuple[Strokes, Strokes]) -> bool:
    """Whether the points of strokes of one number belong together, as those of posed copies do."""
    if len(lines) != len(goals):
        return False
    return stroke_level.counts_tell(lines, goals) and _same_forms(*both) < _TELLING_COST
