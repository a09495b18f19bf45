"""Pairs the strokes of two keys point by point, also after a redraw; layer motion only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shared.strokes import Drawing

from . import (
    affine,
    stroke_align,
    stroke_assign,
    stroke_cost,
    stroke_level,
    stroke_pair,
    stroke_split,
)
from .stroke_cost import Strokes
from .stroke_level import Line
from .stroke_pair import Pairs, StrokePair

_MAX_UNMATCHED_SHARE = 0.35
_MAX_MEAN_COST = 0.8
_ORDER_COST = 0.12
_ORDER_FAVOUR = 1.4
_ORDER_SLACK = 0.05
_MAX_COUNT = 20_000


def pair_strokes(
    first: Drawing | None, last: Drawing | None, hint: np.ndarray | None = None
) -> StrokePair | None:
    """Match by order where that clearly holds, else by place, shape, length and look.

    `hint` (3 x 3): what is known of the common motion. None where a key is empty or has broken
    numbers, or where too much of the ink has no partner to be the same drawing.
    """
    if first is None or last is None or not (_finite(first) and _finite(last)):
        return None
    lines, goals = stroke_level.lines_of(first), stroke_level.lines_of(last)
    if not lines or not goals or max(len(lines), len(goals)) > _MAX_COUNT:
        return None
    found = _matched(lines, goals, hint)
    if found is None:
        return None
    lines, goals, pairs, matrix = found
    if not _enough(lines, goals, pairs):
        return None
    return stroke_pair.paired(lines, goals, pairs, matrix, (first, last))


def _finite(drawing: Drawing) -> bool:
    return all(
        bool(np.isfinite(values).all())
        for values in (drawing.points, drawing.radius, drawing.opacity, drawing.point_colour)
    )


def _matched(
    lines: list[Line], goals: list[Line], hint: np.ndarray | None
) -> tuple[list[Line], list[Line], Pairs, np.ndarray] | None:
    """Pairs of stroke numbers, and the motion of the whole; strokes may have been cut."""
    one, other = stroke_cost.measured(lines), stroke_cost.measured(goals)
    in_order, order_cost, matrix = _by_order(one, other)
    if in_order and order_cost < _ORDER_COST:
        return lines, goals, [(s, s) for s in range(len(lines))], matrix
    laid = stroke_align.aligned(one, other, hint)
    if not affine.is_regular(laid):
        return None
    partner, price = stroke_assign.assign(one.moved(laid), other)
    priced = np.where(partner >= 0, price, 2 * stroke_assign.UNMATCHED)
    mean = float(_shares(one.length) @ priced)
    if in_order and order_cost < min(_ORDER_FAVOUR * mean + _ORDER_SLACK, _MAX_MEAN_COST):
        return lines, goals, [(s, s) for s in range(len(lines))], matrix
    if not (partner >= 0).any():
        return None
    pairs: Pairs = [(i, int(j)) if j >= 0 else (i, None) for i, j in enumerate(partner)]
    taken = set(partner.tolist())
    pairs += [(None, j) for j in range(len(goals)) if j not in taken]
    if (partner >= 0).all() and len(lines) == len(goals):
        return lines, goals, pairs, laid
    return *stroke_split.mended(lines, goals, pairs, laid), laid


def _by_order(one: Strokes, other: Strokes) -> tuple[bool, float, np.ndarray]:
    """Whether strokes may be paired by order at all, the mean cost of that, and the motion."""
    if len(one.length) != len(other.length) or (one.kind != other.kind).any():
        return False, np.inf, affine.IDENTITY
    weights = np.repeat(one.length + other.length + 1e-3, stroke_cost.SAMPLES)
    matrix, _ = stroke_align.common_motion(
        _flat(one.samples), _flat(other.samples), weights / weights.sum()
    )
    if not affine.is_regular(matrix):
        return False, np.inf, affine.IDENTITY
    moved, index = one.moved(matrix), np.arange(len(one.length))
    size = (moved.size_px + other.size_px) / 2
    still = np.zeros(len(index), complex)
    costs = stroke_cost.cost(moved, other, index, index, shift=still, size_px=size)
    return True, float(_shares(one.length) @ costs), matrix


def _flat(samples: np.ndarray) -> np.ndarray:
    return np.stack([samples.real.ravel(), samples.imag.ravel()], axis=1)


def _shares(lengths: np.ndarray) -> np.ndarray:
    """Shares of the ink [S]; dots count a little."""
    ink = lengths + 0.01 * float(lengths.mean()) + 1e-9
    return ink / ink.sum()


def _enough(lines: Sequence[Line], goals: Sequence[Line], pairs: Pairs) -> bool:
    """True where so little ink stays without a partner that it may fade."""
    if not any(i is not None and j is not None for i, j in pairs):
        return False
    for side, strokes in ((0, lines), (1, goals)):
        ink = _shares(np.array([float(line.way[-1]) for line in strokes]))
        alone = [pair[side] for pair in pairs if pair[1 - side] is None]
        if sum(float(ink[s]) for s in alone if s is not None) > _MAX_UNMATCHED_SHARE:
            return False
    return True
