"""Finds which stroke became which in a drawing drawn anew, and how all moved; matching only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import affine
from ..layout.root import Pairs
from ..shape import align as stroke_align
from ..shape import cost as stroke_cost
from ..shape.cost import Strokes, flat, shares
from ..shape.level import Line
from . import assign as stroke_assign
from . import chain as stroke_chain
from . import split as stroke_split
from .in_rows import in_rows
from .recoloured import with_recoloured

_REFITS = 2
_MANY = 1500
GOOD_READING = 0.1
_HALF_TURN_COST = 0.8


@dataclass(frozen=True, eq=False)
class Match:
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


def redrawn(lines: list[Line], goals: list[Line], hint: np.ndarray | None) -> Match:
    """The best of several readings: lines as they are, or with smooth joints taken away."""
    best = _read(lines, goals, hint)
    if best.cost < GOOD_READING or max(len(lines), len(goals)) > _MANY:
        return best
    fewer, fewer_goals = stroke_chain.chained(lines), stroke_chain.chained(goals)
    for some, others in ((lines, fewer_goals), (fewer, goals), (fewer, fewer_goals)):
        changed = len(some) < len(lines), len(others) < len(goals)
        if changed == (some is not lines, others is not goals):
            best = min(best, _read(some, others, hint), key=lambda match: match.cost)
    return best


def _read(lines: list[Line], goals: list[Line], hint: np.ndarray | None) -> Match:
    """The best pairs of these strokes, and the mean cost of their ink, strangers included."""
    one, other = stroke_cost.measured(lines), stroke_cost.measured(goals)
    laid, partner, price = _assigned(one, other, hint)
    if not (partner >= 0).any():
        laid = _shift(one, other) if hint is None else hint
    partner, price = in_rows((lines, goals), laid, partner, price)
    partner, price = with_recoloured((lines, goals), laid, partner, price)
    pairs: Pairs = [(i, int(j)) if j >= 0 else (i, None) for i, j in enumerate(partner)]
    taken = set(partner.tolist())
    alone = [j for j in range(len(goals)) if j not in taken]
    pairs += [(None, j) for j in alone]
    priced = np.where(partner >= 0, price, 2 * stroke_assign.UNMATCHED)
    mean = float(shares(one.length) @ priced) + turning(laid, hint)
    mean += 2 * stroke_assign.UNMATCHED * float(shares(other.length)[alone].sum())
    many = max(len(lines), len(goals)) > _MANY
    if mean >= GOOD_READING and not many and (partner >= 0).any():
        lines, goals, pairs = stroke_split.mended(lines, goals, pairs, laid)
    return Match(lines, goals, pairs, laid, mean)


def _assigned(
    one: Strokes, other: Strokes, hint: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The cheapest partners over several motions of the whole: that motion, partners, costs."""
    starts = [m for m in stroke_align.aligned(one, other, hint) if affine.is_regular(m)]
    if len(one.length) > _MANY:
        starts = starts[:1]
    found = [_settled(one, other, start) for start in starts or [affine.IDENTITY]]
    count = len(one.length)
    return min(found, key=lambda option: _total(option[2]) + count * turning(option[0], hint))


def turning(matrix: np.ndarray, hint: np.ndarray | None) -> float:
    """What a turn of the whole costs beyond what a path says of it, as the mean of all strokes.

    Of two motions that explain the keys nearly alike, the one without a turn is meant: a smile
    becomes a frown by bending, and a face whose eyes change places has looked aside.
    """
    return _HALF_TURN_COST * (turn(matrix, hint) / np.pi) ** 2


def turn(matrix: np.ndarray, hint: np.ndarray | None) -> float:
    """The turn of the whole beyond what a path says of it, radians."""
    beyond = matrix if hint is None else matrix @ np.linalg.inv(hint)
    return affine.turn(beyond)


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
        better = stroke_align.common_motion(
            flat(one.samples[matched]), flat(there), ink / ink.sum()
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


def _shift(one: Strokes, other: Strokes) -> np.ndarray:
    """The translation between the middles of two drawings."""
    away = np.average(other.middle, weights=shares(other.length))
    away -= np.average(one.middle, weights=shares(one.length))
    return affine.translation(float(np.real(away)), float(np.imag(away)))
