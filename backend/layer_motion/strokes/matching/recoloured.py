"""Finds partners for strokes that change their material, as a lamp that goes on; matching only.

Materials tell who is who, so strokes are looked for among their own first. What is left without a
partner, in the same place and of the same form as something left of another material, is the same
thing in another colour: shown as coming and going, it would stand twice or not at all in between.
So is a flap that swings over on its hinge, and a shape that opens from a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..layout.lips import opens
from ..layout.polygon import swings_on_an_edge
from ..shape import cost as stroke_cost
from ..shape.cost import Strokes
from ..shape.level import LABEL, Line
from .surroundings import Surroundings

_MOST_COST = 0.4
_CHANGE_COST = 0.2
_MOST = 60  # strokes left over
_SURE = 0.3  # flaps on their hinges, and mouths that open
_HOLDOUT = 8  # kinds of one material
_TINY = 1e-6
_FADED, _SEEN = 0.1, 0.04  # what comes or goes by fading keeps its colour


def with_recoloured(
    drawn: tuple[Sequence[Line], Sequence[Line]],
    motion: np.ndarray,
    partner: np.ndarray,
    price: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Partners int [S] (-1: none) and costs [S] again, with those found among other materials.

    `drawn`: strokes of both keys; `motion` (3 x 3) carries the first roughly onto the last. Strokes
    of a layer of their own stay in that.
    """
    left = np.flatnonzero(partner < 0)
    free = np.setdiff1d(np.arange(len(drawn[1])), partner)
    if not len(left) or not len(free) or max(len(left), len(free)) > _MOST:
        return partner, price
    costs = _costs(drawn, motion, partner, (left, free))
    partner, price = partner.copy(), price.copy()
    for row, column in zip(*linear_sum_assignment(np.minimum(costs, _MOST_COST)), strict=True):
        if costs[row, column] < _MOST_COST:
            partner[left[row]] = free[column]
            price[left[row]] = costs[row, column] + _CHANGE_COST
    return partner, price


def _costs(
    drawn: tuple[Sequence[Line], Sequence[Line]],
    motion: np.ndarray,
    partner: np.ndarray,
    left: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """Unlikeness [k, l] of the strokes left over at the first key and at the last."""
    one, other = (stroke_cost.measured(lines) for lines in drawn)
    shape = len(left[0]), len(left[1])
    rows, columns = np.repeat(left[0], shape[1]), np.tile(left[1], shape[0])
    moved = one.moved(motion)
    around = Surroundings(moved)
    expected = around.after(other, partner) if (partner >= 0).any() else around.at_rest()
    size = (moved.size_px + other.size_px) / 2
    plain, goals = _uncoloured(moved), _uncoloured(other)
    costs = stroke_cost.cost(plain, goals, rows, columns, expected=expected, size_px=size)
    gone, come = (~np.isin(a.kind, b.kind) for a, b in ((one, other), (other, one)))
    changes = gone[rows] | come[columns]
    costs[~(changes & _change_colour(one, other, rows, columns))] = stroke_cost.IMPOSSIBLE
    for pair in np.flatnonzero(
        (plain.kind[rows] == goals.kind[columns]) & (costs >= _SURE)
    ).tolist():
        line, goal = drawn[0][rows[pair]], drawn[1][columns[pair]]
        swings = costs[pair] < stroke_cost.IMPOSSIBLE and swings_on_an_edge(line, goal, motion)
        if swings or (changes[pair] and opens(line, goal, motion)):
            costs[pair] = _SURE
    return costs.reshape(shape)


def _change_colour(
    one: Strokes, other: Strokes, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Which pairs [m] differ in colour and are as opaque."""
    opaque = np.ones(len(rows), bool)
    recoloured = ~opaque
    for line_or_fill in (0, 4):
        rgba = slice(line_or_fill, line_or_fill + 4)
        some, others = one.colours[rows, rgba], other.colours[columns, rgba]
        alpha = np.minimum(some[:, 3], others[:, 3])
        opaque &= np.abs(some[:, 3] - others[:, 3]) < _FADED
        differ = np.abs(_straight(some) - _straight(others)).max(axis=1)
        recoloured |= alpha * differ > _SEEN
    return opaque & recoloured


def _straight(premultiplied: np.ndarray) -> np.ndarray:
    return premultiplied[:, :3] / np.maximum(premultiplied[:, 3:], _TINY)


def _uncoloured(strokes: Strokes) -> Strokes:
    """The same strokes, told apart by nothing but their layer and what they hold out."""
    material, holdout = strokes.kind // _HOLDOUT, strokes.kind % _HOLDOUT
    layer = np.maximum(material, 0) // LABEL
    colours = np.zeros_like(strokes.colours)
    return replace(strokes, kind=layer * _HOLDOUT + holdout, colours=colours)
