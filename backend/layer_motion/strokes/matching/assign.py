"""Decides which stroke of one drawing became which of the other; stroke matching only."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.spatial import KDTree

from ..shape import cost as stroke_cost
from ..shape.cost import Strokes
from .surroundings import Surroundings

UNMATCHED = 0.75
"""What leaving one stroke without a partner costs; a pair costs twice that at most."""
_NEIGHBOURS = 16
_ALL_PAIRS = 6000
_ROUNDS = 5
_TINY = 1e-6
_GRAIN = 2.0**-20  # sums of such weights are exact: with rounding the solver may never end


def assign(first: Strokes, last: Strokes) -> tuple[np.ndarray, np.ndarray]:
    """For each stroke of `first` (already moved onto the other) its partner or -1, and the cost.

    Optimal over all near candidates; each round believes what the last one says about where the
    neighbourhood went. int [S] and float [S].
    """
    surroundings = Surroundings(first)
    expected = surroundings.at_rest()
    partner = np.full(len(first.length), -1)
    price = np.full(len(first.length), np.inf)
    for _ in range(_ROUNDS):
        rows, columns = _candidates(first, last, expected.middle)
        size = (first.size_px + last.size_px) / 2
        costs = stroke_cost.cost(first, last, rows, columns, expected=expected, size_px=size)
        before = partner
        partner, price = _solved(rows, columns, costs, len(first.length), len(last.length))
        if (partner == before).all() or not (partner >= 0).any():
            break
        expected = surroundings.after(last, partner)
    return partner, price


def _candidates(first: Strokes, last: Strokes, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs worth looking at: all where there are few, else the nearest both ways."""
    count, others = len(first.length), len(last.length)
    if count * others <= _ALL_PAIRS:
        rows, columns = np.divmod(np.arange(count * others), others)
        return rows, columns
    one, other = _features(first, shift), _features(last, np.zeros(others, complex))
    most = min(_NEIGHBOURS, count, others)
    ahead = np.asarray(KDTree(other).query(one, k=most)[1])
    back = np.asarray(KDTree(one).query(other, k=most)[1])
    pairs = np.concatenate(
        [
            np.repeat(np.arange(count), most) * others + ahead.ravel(),
            back.ravel() * others + np.repeat(np.arange(others), most),
        ]
    )
    rows, columns = np.divmod(np.unique(pairs), others)
    return rows, columns


def _features(strokes: Strokes, shift: np.ndarray) -> np.ndarray:
    middle = strokes.middle + shift
    kind = strokes.kind * strokes.size_px
    return np.stack([np.real(middle), np.imag(middle), 0.5 * strokes.length, kind], axis=1)


def _solved(
    rows: np.ndarray, columns: np.ndarray, costs: np.ndarray, count: int, others: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cheapest assignment; every stroke may also stay alone for `UNMATCHED`.

    Each stroke gets a stand-in on the other side, and two stand-ins pair freely wherever their
    strokes may, so that a full matching always exists and its optimum is the wanted one.
    """
    good = costs < 2 * UNMATCHED
    rows, columns, costs = rows[good], columns[good], costs[good]
    alone, apart = np.arange(count), np.arange(others)
    row = np.concatenate([rows, alone, count + apart, count + columns])
    column = np.concatenate([columns, others + alone, apart, others + rows])
    weight = np.concatenate(
        [costs + _TINY, np.full(count + others, UNMATCHED), np.full(len(rows), _TINY)]
    )
    size = count + others
    weight = np.maximum(np.rint(weight / _GRAIN), 1.0) * _GRAIN
    graph = coo_array((weight, (row, column)), shape=(size, size)).tocsr()
    chosen = np.asarray(min_weight_full_bipartite_matching(graph)[1])[:count]
    partner = np.where(chosen < others, chosen, -1)
    price = np.full(count, np.inf)
    taken = partner[rows] == columns
    price[rows[taken]] = costs[taken]
    return partner, price
