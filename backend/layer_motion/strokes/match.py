"""Pairs the strokes of two keys point by point, also after a redraw; layer motion only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from shared.strokes import Drawing

from .. import affine
from . import align as stroke_align
from . import assign as stroke_assign
from . import chain as stroke_chain
from . import cost as stroke_cost
from . import level as stroke_level
from . import pair as stroke_pair
from . import split as stroke_split
from . import squeezed as stroke_squeezed
from .cost import Strokes
from .level import Line
from .pair import StrokePair
from .polygon import swings_on_an_edge
from .recoloured import with_recoloured
from .root import Pairs

_MAX_UNMATCHED_SHARE = 0.35
_MAX_MEAN_COST = 0.8
_ORDER_COST = 0.12
_COPIED_COST = 0.02
_ORDER_FAVOUR = 1.1, 1.4  # of strokes drawn anew, and of copied ones
_ORDER_SLACK = 0.02, 0.05
_MAX_COUNT = 20_000
_TELLING_COUNT = 4
_TELLING_COST = 0.15
_SHUFFLES = 5
_REFITS = 2
_MANY = 1500
_GOOD_READING = 0.1
_HALF_TURN_COST = 0.8
_FEW = 300
_TINY = 1e-6
_SWAPPED = 0.4  # cost of partners


@dataclass(frozen=True, eq=False)
class _Match:
    """Pairs of stroke numbers of both keys, whose strokes may have been cut or chained.

    `motion` (3 x 3) of the whole; `cost`: mean unlikeness of the pairs, its turn included;
    `copied`: whether the points of strokes of one number belong together.
    """

    lines: list[Line]
    goals: list[Line]
    pairs: Pairs
    motion: np.ndarray
    cost: float
    copied: bool = False


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
    return _squeezed(lines, goals, hint, found, (first, last)) or _paired(found, (first, last))


def _paired(match: _Match, drawings: tuple[Drawing, Drawing]) -> StrokePair | None:
    if not _enough(match.lines, match.goals, match.pairs):
        return None
    return stroke_pair.paired(match.lines, match.goals, match.pairs, match.motion, drawings)


def _squeezed(
    lines: list[Line],
    goals: list[Line],
    hint: np.ndarray | None,
    plain: _Match,
    drawings: tuple[Drawing, Drawing],
) -> StrokePair | None:
    """The strokes matched as those of a drawing that got flatter or narrower, if that is so."""
    if plain.copied or plain.cost < _GOOD_READING or _has_hinges(plain):
        return None
    known = affine.IDENTITY if hint is None else hint
    carried = [line.placed(affine.apply(known, line.points)) for line in lines]
    matrix = stroke_squeezed.squeeze(carried, goals)
    if matrix is None:
        return None
    laid = [line.placed(affine.apply(matrix, line.points)) for line in carried]
    found = _matched(laid, goals, None)
    if not stroke_squeezed.is_squeezed(found.cost, matrix, plain.cost, _turn(plain.motion, hint)):
        return None
    pair = _paired(found, drawings)
    return None if pair is None else stroke_squeezed.released(pair, matrix @ known)


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


def _has_hinges(match: _Match) -> bool:
    """Whether a face swings on an edge that stays, which the form of the whole does not tell."""
    return len(match.pairs) <= _FEW and any(
        swings_on_an_edge(match.lines[i], match.goals[j], match.motion)
        for i, j in match.pairs
        if i is not None and j is not None
    )


def _matched(lines: list[Line], goals: list[Line], hint: np.ndarray | None) -> _Match:
    """By order where that clearly holds, else the best reading."""
    one, other = stroke_cost.measured(lines), stroke_cost.measured(goals)
    copied = _are_copies(lines, goals, (one, other))
    order = _by_order(one, other, hint, copied=copied)
    if order is not None and not copied and _change_places(order, one, other):
        order = None
    if order is None:
        return _redrawn(lines, goals, hint)
    cost = order.cost + _turning(order.motion, hint)
    pairs: Pairs = [(s, s) for s in range(len(lines))]
    by_order = _Match(lines, goals, pairs, order.motion, cost, copied)
    if order.as_drawn and order.cost < _ORDER_COST:
        return by_order
    best = _redrawn(lines, goals, hint)
    most = (
        _order_may_cost(lines, goals, best.cost, copied=copied)
        if order.as_drawn
        else min(best.cost, _MAX_MEAN_COST)
    )
    return replace(best, copied=copied) if cost >= most else by_order


def _change_places(order: _Order, one: Strokes, other: Strokes) -> bool:
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
    partner = np.asarray(min_weight_full_bipartite_matching(csr_array(costs + _TINY))[1])
    changed = np.flatnonzero(partner != np.arange(count))
    gain = costs[changed, changed] - costs[changed, partner[changed]]
    return bool(len(changed)) and float(gain.mean()) > _SWAPPED


def _order_may_cost(lines: list[Line], goals: list[Line], mean: float, *, copied: bool) -> float:
    """Up to which cost strokes are paired by order where other pairs cost `mean`.

    Strokes with as many points as their partners were copied, and kept their order. Where all have,
    and would not in another order, and all have the same forms, nothing tells more: turned spokes
    are like each other.
    """
    if copied:
        return _MAX_MEAN_COST
    equal = stroke_level.equal_counts(zip(lines, goals, strict=True))
    favour, slack = (a + (b - a) * equal for a, b in (_ORDER_FAVOUR, _ORDER_SLACK))
    return min(favour * mean + slack, _MAX_MEAN_COST)


def _are_copies(lines: list[Line], goals: list[Line], both: tuple[Strokes, Strokes]) -> bool:
    """Whether the points of strokes of one number belong together, as those of posed copies do."""
    if len(lines) != len(goals):
        return False
    return stroke_level.counts_tell(lines, goals) and _same_forms(*both) < _TELLING_COST


def _redrawn(lines: list[Line], goals: list[Line], hint: np.ndarray | None) -> _Match:
    """The best of several readings: lines as they are, or with smooth joints taken away."""
    best = _read(lines, goals, hint)
    if best.cost < _GOOD_READING or max(len(lines), len(goals)) > _MANY:
        return best
    fewer, fewer_goals = stroke_chain.chained(lines), stroke_chain.chained(goals)
    for some, others in ((lines, fewer_goals), (fewer, goals), (fewer, fewer_goals)):
        changed = len(some) < len(lines), len(others) < len(goals)
        if changed == (some is not lines, others is not goals):
            best = min(best, _read(some, others, hint), key=lambda match: match.cost)
    return best


def _read(lines: list[Line], goals: list[Line], hint: np.ndarray | None) -> _Match:
    """The best pairs of these strokes, and the mean cost of their ink, strangers included."""
    one, other = stroke_cost.measured(lines), stroke_cost.measured(goals)
    laid, partner, price = _assigned(one, other, hint)
    if not (partner >= 0).any():
        laid = _shift(one, other) if hint is None else hint
    partner, price = with_recoloured((lines, goals), laid, partner, price)
    pairs: Pairs = [(i, int(j)) if j >= 0 else (i, None) for i, j in enumerate(partner)]
    taken = set(partner.tolist())
    alone = [j for j in range(len(goals)) if j not in taken]
    pairs += [(None, j) for j in alone]
    priced = np.where(partner >= 0, price, 2 * stroke_assign.UNMATCHED)
    mean = float(_shares(one.length) @ priced) + _turning(laid, hint)
    mean += 2 * stroke_assign.UNMATCHED * float(_shares(other.length)[alone].sum())
    many = max(len(lines), len(goals)) > _MANY
    if mean >= _GOOD_READING and not many and (partner >= 0).any():
        lines, goals, pairs = stroke_split.mended(lines, goals, pairs, laid)
    return _Match(lines, goals, pairs, laid, mean)


def _assigned(
    one: Strokes, other: Strokes, hint: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The cheapest partners over several motions of the whole: that motion, partners, costs."""
    starts = [m for m in stroke_align.aligned(one, other, hint) if affine.is_regular(m)]
    if len(one.length) > _MANY:
        starts = starts[:1]
    found = [_settled(one, other, start) for start in starts or [affine.IDENTITY]]
    count = len(one.length)
    return min(found, key=lambda option: _total(option[2]) + count * _turning(option[0], hint))


def _turning(matrix: np.ndarray, hint: np.ndarray | None) -> float:
    """What a turn of the whole costs beyond what a path says of it, as the mean of all strokes.

    Of two motions that explain the keys nearly alike, the one without a turn is meant: a smile
    becomes a frown by bending, and a face whose eyes change places has looked aside.
    """
    return _HALF_TURN_COST * (_turn(matrix, hint) / np.pi) ** 2


def _turn(matrix: np.ndarray, hint: np.ndarray | None) -> float:
    """The turn of the whole beyond what a path says of it, radians."""
    beyond = matrix if hint is None else matrix @ np.linalg.inv(hint)
    return float(np.arctan2(beyond[1, 0], beyond[0, 0]))


def _settled(
    one: Strokes, other: Strokes, laid: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Partners from one start; the motion of the whole is found again from the partners."""
    partner, price = stroke_assign.assign(one.moved(laid), other)
    for _ in range(_REFITS):
        matched = np.flatnonzero(partner >= 0)
        if not len(matched):
            break
        there = stroke_cost.matching_samples(one.moved(laid), other, matched, partner[matched])
        ink = np.repeat(one.length[matched] + 1e-3, stroke_cost.SAMPLES)
        better, _ = stroke_align.common_motion(
            _flat(one.samples[matched]), _flat(there), ink / ink.sum()
        )
        if not affine.is_regular(better):
            break
        now, cost = stroke_assign.assign(one.moved(better), other)
        if _total(cost) > _total(price):
            break
        settled = (now == partner).all()
        laid, partner, price = better, now, cost
        if settled:
            break
    return laid, partner, price


def _total(price: np.ndarray) -> float:
    return float(np.where(np.isfinite(price), price, 2 * stroke_assign.UNMATCHED).sum())


@dataclass(frozen=True, eq=False)
class _Order:
    """Strokes paired by their order: mean cost, motion of the whole, and whether each of them
    begins where its partner does, as copied ones do.
    """

    cost: float
    motion: np.ndarray
    as_drawn: bool


def _by_order(
    one: Strokes, other: Strokes, hint: np.ndarray | None, *, copied: bool
) -> _Order | None:
    """The better of both motions by which strokes may be paired by order; None if by none."""
    if len(one.length) != len(other.length) or (one.kind != other.kind).any():
        return None
    drawn = _ordered(one, other, _as_drawn(one, other), as_drawn=True)
    if copied or len(one.length) > _MANY or (drawn is not None and drawn.cost < _COPIED_COST):
        return drawn  # copies prove how they turned, however far
    found = [
        order
        for order in (drawn, _ordered(one, other, _upright(one, other), as_drawn=False))
        if order is not None
    ]
    if not found:
        return None
    best = min(found, key=lambda order: order.cost + _turning(order.motion, hint))
    if _telling(one.moved(best.motion), other):
        return replace(best, cost=min(best.cost, _ORDER_COST / 2))
    return best


def _ordered(one: Strokes, other: Strokes, motion: np.ndarray, *, as_drawn: bool) -> _Order | None:
    """What pairing by order costs under a motion of the whole; None where that is no sane one."""
    if not affine.is_regular(motion):
        return None
    moved, index = one.moved(motion), np.arange(len(one.length))
    size = (moved.size_px + other.size_px) / 2
    costs = stroke_cost.cost(moved, other, index, index, size_px=size)
    return _Order(float(_shares(one.length) @ costs), motion, as_drawn)


def _as_drawn(one: Strokes, other: Strokes) -> np.ndarray:
    """The common motion of strokes of one number, if each begins where its partner does."""
    return _common(one, other, other.samples)


def _upright(one: Strokes, other: Strokes) -> np.ndarray:
    """The same if they may begin elsewhere and run the other way, but lie as their partners do."""
    index = np.arange(len(one.length))
    away = np.average(other.middle - one.middle, weights=_shares(one.length))
    matrix = affine.translation(float(np.real(away)), float(np.imag(away)))
    for _ in range(_REFITS):
        there = stroke_cost.matching_samples(one.moved(matrix), other, index, index)
        matrix = _common(one, other, there)
    return matrix


def _shift(one: Strokes, other: Strokes) -> np.ndarray:
    """The translation between the middles of two drawings."""
    away = np.average(other.middle, weights=_shares(other.length))
    away -= np.average(one.middle, weights=_shares(one.length))
    return affine.translation(float(np.real(away)), float(np.imag(away)))


def _common(one: Strokes, other: Strokes, there: np.ndarray) -> np.ndarray:
    weights = np.repeat(one.length + other.length + 1e-3, stroke_cost.SAMPLES)
    weights /= weights.sum()
    return stroke_align.common_motion(_flat(one.samples), _flat(there), weights)[0]


def _telling(one: Strokes, other: Strokes) -> bool:
    """True where strokes of one number look so alike, and others so unlike, that order is proof.

    Keys that were copied and posed keep their strokes' forms however far the limbs went.
    """
    index = np.arange(len(one.length))
    if len(index) < _TELLING_COUNT:
        return False
    shares = _shares(one.length)
    same = _same_forms(one, other)
    chance = np.random.default_rng(0)
    mixed = min(
        float(shares @ stroke_cost.unlike_forms(one, other, index, chance.permutation(index)))
        for _ in range(_SHUFFLES)
    )
    return same < _TELLING_COST and same < mixed / 3


def _same_forms(one: Strokes, other: Strokes) -> float:
    """Mean unlikeness in form of strokes of one number: 0 where they were copied and turned."""
    index = np.arange(len(one.length))
    return float(_shares(one.length) @ stroke_cost.unlike_forms(one, other, index, index))


def _flat(samples: np.ndarray) -> np.ndarray:
    return np.stack([np.real(samples).ravel(), np.imag(samples).ravel()], axis=1)


def _shares(lengths: np.ndarray) -> np.ndarray:
    """Shares of the ink [S]; dots count a little."""
    ink = lengths + 0.01 * float(lengths.mean()) + 1e-9
    return ink / ink.sum()


def _enough(lines: Sequence[Line], goals: Sequence[Line], pairs: Pairs) -> bool:
    """True where so little ink stays without a partner that it may come and go by itself."""
    if not any(i is not None and j is not None for i, j in pairs):
        return False
    for side, strokes in ((0, lines), (1, goals)):
        ink = _shares(np.array([float(line.way[-1]) for line in strokes]))
        alone = [pair[side] for pair in pairs if pair[1 - side] is None]
        if sum(float(ink[s]) for s in alone if s is not None) > _MAX_UNMATCHED_SHARE:
            return False
    return True
