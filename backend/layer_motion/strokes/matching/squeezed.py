"""Lays a whole drawing on another that is flatter or narrower, without turning it; matching only.

A character that squashes, a card that narrows and a wing that shuts get other long sides. The best
turn and even scale would wheel them round. Squeezed to the other key's width and height first, they
are matched, as drawings that never changed their proportions are, and then let go.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ... import affine
from ..layout.pair import StrokePair
from ..shape import cost as stroke_cost
from ..shape.level import Line

_LEAST = 1.5  # one direction's scale over the other's
_COST = 0.07  # of the squared logarithm of that, as the mean of all strokes
_THINNEST = 0.03  # of the longer side: what is thinner tells no width
_MOST_COST = 0.4  # what a drawing that was only squeezed leaves unlike at most
_CLEARLY = 0.85
_TURNED = 0.8  # radians
_SOLID = 0.5  # share of the lines: open ones bend, grow and slide along themselves
_MOST = 300
_ROUNDS = 4


def squeeze(lines: Sequence[Line], goals: Sequence[Line]) -> np.ndarray | None:
    """The map without a turn (3 x 3) that gives one drawing the other's middle, width and height.

    Of all maps between two ellipses it asks for the shortest ways (Knott and Smith 1984). None
    where it would be hardly uneven, or where there is little that encloses anything.
    """
    if max(len(lines), len(goals)) > _MOST or min(_solid(lines), _solid(goals)) < _SOLID:
        return None
    middle, spread = _moments(goals)
    linear = np.eye(2)
    for _ in range(_ROUNDS):  # a line that grows gets more of the weight
        laid = [line.placed(line.points @ linear) for line in lines]
        linear = _unturned(_between(_moments(laid)[1], spread) @ linear)
        if not np.isfinite(linear).all():
            return None
    if _unevenness(linear) < _LEAST:
        return None
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = middle - _moments([line.placed(line.points @ linear) for line in lines])[0]
    return matrix if affine.is_regular(matrix) else None


def is_squeezed(cost: float, matrix: np.ndarray, plain_cost: float, turn: float) -> bool:
    """Whether strokes that cost so much to pair after the map explain the keys better.

    `plain_cost`: of the best pairs without it, for which the drawing turns by `turn` radians.
    """
    price = cost + _COST * float(np.log(_unevenness(matrix[:2, :2]))) ** 2
    enough = 1.0 if abs(turn) > _TURNED else _CLEARLY
    return cost < _MOST_COST and price < enough * plain_cost


def released(pair: StrokePair, matrix: np.ndarray) -> StrokePair:
    """The pair of strokes whose first drawing had been laid on the last by a map, as it was before.

    As a whole it then turns as far as the map does, and grows as its area does.
    """
    places = affine.apply(np.linalg.inv(matrix), pair.first.points.astype(float))
    left, sizes, right = np.linalg.svd(matrix[:2, :2])
    even = np.eye(3)
    even[:2, :2] = np.sqrt(sizes[0] * sizes[1]) * left @ right
    middle = places.mean(axis=0)
    even[:2, 2] = affine.apply(matrix, middle) - even[:2, :2] @ middle
    return pair.begun_at(places, even)


def _solid(lines: Sequence[Line]) -> float:
    """Share of the lines' length that goes round something."""
    lengths = np.array([line.way[-1] for line in lines])
    closed = np.array([line.cyclic for line in lines])
    return float(lengths[closed].sum() / max(float(lengths.sum()), 1e-9))


def _moments(lines: Sequence[Line]) -> tuple[np.ndarray, np.ndarray]:
    """Middle [2] and covariance [2, 2] of all lines."""
    strokes = stroke_cost.measured(lines)
    ink = np.repeat(strokes.length + 1e-6, stroke_cost.SAMPLES)
    ink /= ink.sum()
    places = np.stack([np.real(strokes.samples).ravel(), np.imag(strokes.samples).ravel()], axis=1)
    middle = ink @ places
    away = places - middle
    return middle, (away * ink[:, None]).T @ away


def _between(spread: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The symmetric map [2, 2] from one covariance to the other."""
    side = _root(spread)
    back = np.linalg.inv(side)
    return back @ _root(side @ other @ side) @ back


def _unturned(linear: np.ndarray) -> np.ndarray:
    """What a map [2, 2] stretches, without its turn."""
    _, sizes, axes = np.linalg.svd(linear)
    return (axes.T * sizes) @ axes


def _root(spread: np.ndarray) -> np.ndarray:
    values, axes = np.linalg.eigh(spread)
    thinnest = _THINNEST**2 * float(values[-1]) + 1e-9
    return axes @ np.diag(np.sqrt(np.maximum(values, thinnest))) @ axes.T


def _unevenness(linear: np.ndarray) -> float:
    return float(np.linalg.cond(linear))
