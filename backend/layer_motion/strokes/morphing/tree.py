"""Which stroke carries which: a tree over neighbouring strokes; for the morph only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree
from scipy.spatial import KDTree

from .turns import Turns

_SAMPLES = 8
_NEIGHBOURS = 20
_TURN_COST_PX = 2.0
_LEAST_PX = 1e-3
_LOOSE_SHARE = 0.12  # of the drawing's extent
_MANY = 300


@dataclass(frozen=True, eq=False)
class Tree:
    """`order` int [S]: strokes, carriers first; `parent` int [S], negative at the root.

    `loose` bool [S]: far from its carrier in one of the keys, as a hand that lets go of another.
    `neighbours` int [n, 2]: pairs of strokes close to each other in both keys, `apart_px` [n].
    """

    order: np.ndarray
    parent: np.ndarray
    loose: np.ndarray
    neighbours: np.ndarray
    apart_px: np.ndarray


def grown(turns: Turns) -> Tree:
    """The tree of least gaps between strokes; its root is the stroke with the most line."""
    count = len(turns.factor)
    pairs, apart = _near(turns)
    pairs, apart = _connected(turns, pairs, apart)
    turn = np.abs(np.angle(turns.factor[pairs[:, 0]] * turns.factor[pairs[:, 1]].conj()))
    weight = apart + _TURN_COST_PX * turn + _LEAST_PX
    graph = coo_array((weight, (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    least = minimum_spanning_tree(graph.tocsr())
    ink = np.bincount(turns.stroke[turns.chain],
                      np.abs(turns.start[turns.chain + 1] - turns.start[turns.chain]),
                      count)  # fmt: skip
    order, parent = breadth_first_order(least, int(ink.argmax()), directed=False)
    order, parent = np.asarray(order), np.asarray(parent)
    return Tree(order, parent, _loose(turns, parent), pairs, apart)


def _loose(turns: Turns, parent: np.ndarray) -> np.ndarray:
    """Which strokes are far from what carries them: bool [S]."""
    found = np.zeros(len(parent), bool)
    if len(parent) > _MANY:
        return found
    reach = _LOOSE_SHARE * max(_extent(places) for places in (turns.start, turns.goal))
    for stroke in np.flatnonzero(parent >= 0).tolist():
        own, carrier = (
            _both_keys(turns, np.arange(*turns.offsets[number : number + 2]))
            for number in (stroke, int(parent[stroke]))
        )
        found[stroke] = float(np.asarray(KDTree(carrier).query(own)[0]).min()) > reach
    return found


def _extent(places: np.ndarray) -> float:
    return float(np.hypot(np.ptp(np.real(places)), np.ptp(np.imag(places))))


def _both_keys(turns: Turns, index: np.ndarray) -> np.ndarray:
    """Places in both keys as one: [n, 4]; near there is near in both."""
    start, goal = turns.start[index], turns.goal[index]
    return np.stack([np.real(start), np.imag(start), np.real(goal), np.imag(goal)], axis=1)


def _near(turns: Turns) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of neighbouring strokes [n, 2], lower number first, and the least gap of each."""
    count = len(turns.factor)
    lengths = np.diff(turns.offsets)
    parts = np.linspace(0.0, 1.0, _SAMPLES)
    index = turns.offsets[:-1, None] + np.rint(parts * (lengths[:, None] - 1)).astype(int)
    places = _both_keys(turns, index.ravel())
    most = min(_NEIGHBOURS, len(places))
    away, found = (np.asarray(a).reshape(len(places), most)
                   for a in KDTree(places).query(places, k=most))  # fmt: skip
    one = np.repeat(np.arange(count), _SAMPLES)[:, None]
    other = found // _SAMPLES
    differs = one != other
    code = (np.minimum(one, other) * count + np.maximum(one, other))[differs]
    gap = away[differs]
    order = np.lexsort((gap, code))
    code, gap = code[order], gap[order]
    fresh = np.concatenate([[True], code[1:] != code[:-1]]) if len(code) else np.zeros(0, bool)
    return np.stack(np.divmod(code[fresh], count), axis=1), gap[fresh]


def _connected(turns: Turns, pairs: np.ndarray, apart: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same pairs with a bridge from every island to the largest group."""
    count = len(turns.factor)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    islands, label = connected_components(graph, directed=False)
    if islands < 2:
        return pairs, apart
    main = int(np.bincount(label).argmax())
    land = np.flatnonzero(label == main)
    start, goal = turns.centre_start, turns.centre_goal
    places = np.stack([np.real(start), np.imag(start), np.real(goal), np.imag(goal)], axis=1)
    leaders = np.array([np.flatnonzero(label == i)[0] for i in range(islands) if i != main])
    away, nearest = KDTree(places[land]).query(places[leaders])
    bridges = np.stack([leaders, land[np.asarray(nearest)]], axis=1)
    return np.concatenate([pairs, bridges]), np.concatenate([apart, np.asarray(away)])
