"""Keeps shapes of a row in their order, as pleats of a skirt that turns; stroke matching only.

Neighbours that share an edge cannot pass each other. Where the row goes on by nearly a place, each
shape by itself would take whichever of its colour is nearer: light ones go on, dark ones back. What
leaves the row at one end, and what comes at the other, costs little.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from scipy.spatial import KDTree

from ..shape import cost as stroke_cost
from ..shape.cost import Expected, Strokes
from ..shape.level import Line, resampled
from .assign import UNMATCHED
from .surroundings import Surroundings

_PLACES = 96
_TOUCH_SHARE = 0.012  # of the drawing's extent
_SHARED = 0.18  # of the shorter outline
_FEWEST, _MOST = 4, 120
_AT_END = 0.4  # cost of a shape that only one key shows there
_DEARER = 1.15  # times as much as in another order: there is a limit to what order tells
_ROUNDS = 2


def in_rows(
    drawn: tuple[Sequence[Line], Sequence[Line]],
    motion: np.ndarray,
    partner: np.ndarray,
    price: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Partners int [S] (-1: none) and costs [S] again; those of rows in the rows' order.

    `motion` (3 x 3) carries the first drawing roughly onto the last.
    """
    if max(map(len, drawn)) > _MOST:
        return partner, price
    rows, others = _rows(drawn[0]), _rows(drawn[1])
    if not rows or not others:
        return partner, price
    one, other = stroke_cost.measured(drawn[0]).moved(motion), stroke_cost.measured(drawn[1])
    around = Surroundings(one)
    for row in rows:
        goal = max(others, key=lambda strokes: len(np.intersect1d(partner[row], strokes)))
        if _backward(partner[row], goal):
            goal = goal[::-1]
        if not _is_mixed(partner[row], goal):
            continue
        found = _in_order((one, other), (row, goal), around, (partner, price))
        partner, price = found or (partner, price)
    return partner, price


def _in_order(
    both: tuple[Strokes, Strokes],
    chains: tuple[list[int], list[int]],
    around: Surroundings,
    now: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray] | None:
    """Partners and costs with the first chain laid on the second in order; None if that is dearer
    than it should be, as where two things did change places.
    """
    row, goal = (np.array(chain) for chain in chains)
    partner, price = now[0].copy(), now[1].copy()
    lone = np.isin(partner, goal)
    lone[row] = True
    expected = around.at_rest()
    for _ in range(_ROUNDS):
        costs = _costs(*both, chains, expected)
        found = _aligned(costs)
        matched = np.flatnonzero(found >= 0)
        if len(matched) < max(_FEWEST, len(row) - 2):
            return None
        partner[lone], price[lone] = -1, np.inf
        partner[row[matched]] = goal[found[matched]]
        price[row[matched]] = costs[matched, found[matched]]
        expected = around.after(both[1], partner)
    costs_now = [_total(*pairs, row, goal) for pairs in (now, (partner, price))]
    return (partner, price) if costs_now[1] <= _DEARER * costs_now[0] else None


def _total(partner: np.ndarray, price: np.ndarray, row: np.ndarray, goal: np.ndarray) -> float:
    """What both chains cost: pairs, and strokes without a partner."""
    some = np.union1d(row, np.flatnonzero(np.isin(partner, goal)))
    alone = int((~np.isin(goal, partner)).sum())
    return float(np.minimum(price[some], UNMATCHED).sum()) + UNMATCHED * alone


def _ranks(partner: np.ndarray, goal: list[int]) -> np.ndarray:
    """Places of partners in a row of the other key, those elsewhere left out: int [k]."""
    place = {stroke: rank for rank, stroke in enumerate(goal)}
    return np.array([place[p] for p in partner.tolist() if p in place], int)


def _backward(partner: np.ndarray, goal: list[int]) -> bool:
    """Whether most partners follow each other the other way round."""
    ranks = _ranks(partner, goal)
    return int(np.sign(np.subtract.outer(ranks, ranks))[np.triu_indices(len(ranks), 1)].sum()) > 0


def _is_mixed(partner: np.ndarray, goal: list[int]) -> bool:
    """Whether enough partners are in the same row, and not in its order."""
    ranks = _ranks(partner, goal)
    return len(ranks) >= _FEWEST and bool((np.diff(ranks) <= 0).any())


def _costs(
    one: Strokes, other: Strokes, chains: tuple[list[int], list[int]], expected: Expected
) -> np.ndarray:
    rows, columns = (part.ravel() for part in np.meshgrid(*chains, indexing="ij"))
    size = (one.size_px + other.size_px) / 2
    costs = stroke_cost.cost(one, other, rows, columns, expected=expected, size_px=size)
    return costs.reshape(len(chains[0]), len(chains[1]))


def _aligned(costs: np.ndarray) -> np.ndarray:
    """The cheapest alignment in order: the column of each row, -1 for none; int [rows]."""
    count, others = costs.shape
    total, came = np.full((count + 1, others + 1), np.inf), np.zeros((count + 1, others + 1), int)
    total[0, 0] = 0.0
    for i, j in product(range(count + 1), range(others + 1)):
        options = [
            total[i - 1, j - 1] + costs[i - 1, j - 1] if i and j else np.inf,
            total[i - 1, j] + _alone(i - 1, count) if i else np.inf,
            total[i, j - 1] + _alone(j - 1, others) if j else np.inf,
        ]
        if i or j:
            came[i, j] = int(np.argmin(options))
            total[i, j] = options[came[i, j]]
    found = np.full(count, -1)
    i, j = count, others
    while i or j:
        step = int(came[i, j])
        if step == 0:
            found[i - 1] = j - 1
        i, j = i - (step != 2), j - (step != 1)
    return found


def _alone(rank: int, count: int) -> float:
    return _AT_END if rank in (0, count - 1) else UNMATCHED


def _rows(lines: Sequence[Line]) -> list[list[int]]:
    """Strokes of each chain of filled shapes that share edges, in the chain's order."""
    solid = [s for s, line in enumerate(lines) if line.cyclic and line.is_filled]
    if len(solid) < _FEWEST:
        return []
    outlines = {s: resampled(lines[s], _PLACES).points for s in solid}
    everything = np.concatenate(list(outlines.values()))
    touch = _TOUCH_SHARE * float(np.hypot(*np.ptp(everything, axis=0)))
    beside: dict[int, set[int]] = {s: set() for s in solid}
    trees = {s: KDTree(outlines[s]) for s in solid}
    for i in solid:
        for j in solid:
            if i != j:
                away = np.asarray(trees[j].query(outlines[i], distance_upper_bound=touch)[0])
                if float((away < touch).mean()) > _SHARED:
                    beside[i].add(j)
                    beside[j].add(i)
    chains = [_walked(start, beside) for start in solid if len(beside[start]) == 1]
    return [chain for chain in chains if len(chain) >= _FEWEST and chain[0] < chain[-1]]


def _walked(start: int, beside: dict[int, set[int]]) -> list[int]:
    """A chain from its end on; cut where more than two meet."""
    row = [start]
    while True:
        further = [s for s in beside[row[-1]] if s not in row]
        if len(further) != 1 or len(beside[further[0]]) > 2:
            return row
        row.append(further[0])
