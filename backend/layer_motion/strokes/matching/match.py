"""Pairs the strokes of two keys point by point, also after a redraw; layer motion only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shared.strokes import Drawing

from ... import affine
from ..layout import pair as stroke_pair
from ..layout.pair import StrokePair
from ..layout.polygon import swings_on_an_edge
from ..layout.root import Pairs
from ..shape import cost as stroke_cost
from ..shape import level as stroke_level
from ..shape.level import Line
from . import squeezed as stroke_squeezed
from .gathered import gathering
from .in_common import have_enough_in_common
from .order import MAX_MEAN_COST, ORDER_COST, are_copies, by_order, change_places, order_may_cost
from .reading import GOOD_READING, Match, redrawn, turn, turning
from .same_look import in_same_materials

_MOST_GATHERED_COST, _MOST_LONE_COST = 1.0, 0.5  # petals that open swing, too; some dwindle away
_MAX_COUNT = 20_000
_FEW = 300


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
    lines, goals = in_same_materials(lines, goals)
    found = _matched(lines, goals, hint)
    return (
        _squeezed(lines, goals, hint, found, (first, last))
        or _paired(found, (first, last))
        or _gathered(lines, goals, hint, (first, last))
    )


def _paired(match: Match, drawings: tuple[Drawing, Drawing]) -> StrokePair | None:
    if not have_enough_in_common(match):
        return None
    return stroke_pair.paired(match.lines, match.goals, match.pairs, match.motion, drawings)


def _squeezed(
    lines: list[Line],
    goals: list[Line],
    hint: np.ndarray | None,
    plain: Match,
    drawings: tuple[Drawing, Drawing],
) -> StrokePair | None:
    """The strokes matched as those of a drawing that got flatter or narrower, if that is so."""
    if plain.copied or plain.cost < GOOD_READING or _has_hinges(plain):
        return None
    known = affine.IDENTITY if hint is None else hint
    carried = [line.placed(affine.apply(known, line.points)) for line in lines]
    matrix = stroke_squeezed.squeeze(carried, goals)
    if matrix is None:
        return None
    laid = [line.placed(affine.apply(matrix, line.points)) for line in carried]
    found = _matched(laid, goals, None)
    if not stroke_squeezed.is_squeezed(found.cost, matrix, plain.cost, turn(plain.motion, hint)):
        return None
    pair = _paired(found, drawings)
    return None if pair is None else stroke_squeezed.released(pair, matrix @ known)


def _gathered(
    lines: list[Line],
    goals: list[Line],
    hint: np.ndarray | None,
    drawings: tuple[Drawing, Drawing],
) -> StrokePair | None:
    """The strokes matched as those that part or gather, and change their own size otherwise."""
    known = affine.IDENTITY if hint is None else hint
    found = gathering(lines, goals, known) if max(len(lines), len(goals)) <= _FEW else None
    if found is None:
        return None
    laid = found.laid(lines)
    match = _matched(laid, goals, None)
    lone = any(None in pair for pair in match.pairs)
    most = _MOST_LONE_COST if lone else _MOST_GATHERED_COST
    if match.lines is not laid or match.cost > most:
        return None
    pair = _paired(match, drawings)
    return None if pair is None else found.released(pair)


def _finite(drawing: Drawing) -> bool:
    return all(
        bool(np.isfinite(values).all())
        for values in (
            drawing.points,
            drawing.radius,
            drawing.opacity,
            drawing.point_colour,
            drawing.stroke_colour,
            drawing.fill_colour,
        )
    )


def _has_hinges(match: Match) -> bool:
    """Whether a face swings on an edge that stays, which the form of the whole does not tell."""
    return len(match.pairs) <= _FEW and any(
        swings_on_an_edge(match.lines[i], match.goals[j], match.motion)
        for i, j in match.pairs
        if i is not None and j is not None
    )


def _matched(lines: list[Line], goals: list[Line], hint: np.ndarray | None) -> Match:
    """By order where that clearly holds, else the best reading."""
    one, other = stroke_cost.measured(lines), stroke_cost.measured(goals)
    copied = are_copies(lines, goals, (one, other))
    equal = [len(line.values) for line in lines] == [len(line.values) for line in goals]
    order = by_order(one, other, hint, equal=equal, copied=copied)
    if order is not None and not (copied and order.as_drawn) and change_places(order, one, other):
        order = None
    if order is None:
        return redrawn(lines, goals, hint)
    cost = order.cost + turning(order.motion, hint)
    pairs: Pairs = [(s, s) for s in range(len(lines))]
    ordered = Match(lines, goals, pairs, order.motion, cost, copied)
    if order.as_drawn and order.cost < ORDER_COST:
        return ordered
    best = redrawn(lines, goals, hint)
    most = (
        order_may_cost(lines, goals, best.cost, copied=copied)
        if order.as_drawn
        else min(best.cost, MAX_MEAN_COST)
    )
    return replace(best, copied=copied) if cost >= most else ordered
