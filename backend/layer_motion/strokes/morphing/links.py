"""What hangs on what: edges along strokes, across joints and around pivots; for the morph only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .edges import beside, seams, shared_edges
from .tree import Tree, grown
from .turns import Turns

_TOUCH_SHARE = 0.012
_JOINT_WEIGHT = 8.0
_FLOATING_WEIGHT = 0.3
_FLOATING_LINKS = 4
_PIVOT_POINTS = 8
_PIVOT_TURN = 0.08
_PIVOT_REACH = 1.5
_EXTRA_REACH = 3.0


@dataclass(frozen=True, eq=False)
class Links:
    """Nodes (all points, then pivots) and the edges between them.

    `start`, `goal` complex [n] nodes; `begin`, `end` int [e]; `weight` [e]; `turn` [e] radians:
    by how much the surroundings of an edge turn. `tree`: which stroke carries which. `joints`
    int [k, 2]: nodes of two strokes where an end touches the other in both keys, or where layers
    lie on each other.
    """

    start: np.ndarray
    goal: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    weight: np.ndarray
    turn: np.ndarray
    tree: Tree
    joints: np.ndarray

    def edge_at(self, progress: float, share: float) -> np.ndarray:
        """What each edge should be at `progress` 0..1: complex [e]; exact at both ends.

        `share` 0..1: how much of its length is the goal's.
        """
        before = self.start[self.end] - self.start[self.begin]
        behind = (self.goal[self.end] - self.goal[self.begin]) * np.exp(-1j * self.turn)
        return np.exp(1j * progress * self.turn) * ((1 - share) * before + share * behind)


def linked(
    cyclic: np.ndarray, turns: Turns, layer: np.ndarray | None = None, whole: float = 0.0
) -> Links:
    """All edges of a drawing; settles the turns of strokes among each other on the way.

    `layer` int [S]: strokes of different ones are tied all along where they lie on each other.
    `whole` radians: the turn of the whole, which comes on top of all.
    """
    tree = grown(turns)
    turns.settle(tree.order, tree.parent, tree.loose, whole)
    builder = _Builder(turns, cyclic)
    builder.add_strokes()
    for stroke in tree.order.tolist():
        above = int(tree.parent[stroke])
        if above >= 0:
            builder.hang(stroke, above)
    builder.add_further_joints(tree)
    builder.add_edges(cyclic, layer)
    return builder.links(tree)


class _Builder:
    def __init__(self, turns: Turns, cyclic: np.ndarray) -> None:
        self._turns = turns
        self._cyclic = cyclic
        spread = np.ptp(np.real(turns.start)), np.ptp(np.imag(turns.start))
        self.touch_px = _TOUCH_SHARE * max(float(np.hypot(*spread)), 1.0)
        self._bulk: list[tuple[np.ndarray, np.ndarray]] = []
        self._begin: list[int] = []
        self._end: list[int] = []
        self._weight: list[float] = []
        self._turn: list[float] = []
        self._pivots: list[tuple[complex, complex]] = []
        self._joints: list[tuple[int, int]] = []

    def add_strokes(self) -> None:
        """Each stroke's own chain, closed where it is closed or its ends meet."""
        turns = self._turns
        self._bulk.append((turns.chain, turns.chain + 1))
        first, last = turns.offsets[:-1], turns.offsets[1:] - 1
        meeting = (np.abs(turns.start[first] - turns.start[last]) < self.touch_px) & (
            np.abs(turns.goal[first] - turns.goal[last]) < self.touch_px
        )
        closed = (self._cyclic | meeting) & (last - first > 1)
        self._bulk.append((last[closed], first[closed]))

    def _points(self, stroke: int) -> np.ndarray:
        return np.arange(self._turns.offsets[stroke], self._turns.offsets[stroke + 1])

    def _ends(self, stroke: int) -> np.ndarray:
        """First and last point of an open stroke."""
        points = self._points(stroke)
        return points[:0] if self._cyclic[stroke] else points[[0, -1]]

    def _apart(self, some: np.ndarray, others: np.ndarray) -> np.ndarray:
        """The larger of both keys' distances between points: [some, others]."""
        start, goal = self._turns.start, self._turns.goal
        return np.maximum(
            np.abs(start[some][:, None] - start[others][None]),
            np.abs(goal[some][:, None] - goal[others][None]),
        )

    def _join(self, begin: int, end: int, weight: float, turn: float | None = None) -> None:
        """Tie two points, with what is between them turning as both do on average, or by `turn`."""
        angle = self._turns.angle
        self._begin.append(begin)
        self._end.append(end)
        self._weight.append(weight)
        self._turn.append(float(angle[begin] + angle[end]) / 2 if turn is None else turn)

    def join_ends(self, one: int, other: int) -> bool:
        """Tie ends of either stroke to the other where they touch it in both keys."""
        found = False
        for ending, along in ((one, other), (other, one)):
            ends, pieces = self._ends(ending), self._pieces(along)
            if not len(ends):
                continue
            apart, shares = beside((self._turns.start, self._turns.goal), ends, pieces)
            for row, column in enumerate(apart.argmin(axis=1).tolist()):
                if apart[row, column] < self.touch_px:
                    piece = int(pieces[0][column]), int(pieces[1][column])
                    self._join_on(int(ends[row]), piece, float(shares[row, column]))
                    found = True
        return found

    def _pieces(self, stroke: int) -> tuple[np.ndarray, np.ndarray]:
        """Where each piece of a stroke's line begins and ends; of a dot, its one point is both."""
        points = self._points(stroke)
        if self._cyclic[stroke] or len(points) == 1:
            return points, np.roll(points, -1)
        return points[:-1], points[1:]

    def _join_on(self, end: int, piece: tuple[int, int], share: float) -> None:
        """Tie an end to a place on a piece of line, `share` 0..1 of it behind its beginning."""
        for point, part in zip(piece, (1.0 - share, share), strict=True):
            if part > 0.0:
                self._join(end, point, part * _JOINT_WEIGHT, float(self._turns.angle[point]))
        self._joints.append((end, piece[round(share)]))

    def hang(self, stroke: int, above: int) -> None:
        """Tie a stroke to the one that carries it: at ends, around a pivot, or side by side."""
        if self.join_ends(stroke, above) or self._pivot(stroke, above):
            return
        points, others = _some(self._points(stroke), 24), _some(self._points(above), 400)
        apart = self._apart(points, others)
        nearest = apart.argmin(axis=1)
        rows = np.argsort(apart.min(axis=1), kind="stable")[:_FLOATING_LINKS]
        for row in rows.tolist():
            self._join(int(points[row]), int(others[nearest[row]]), _FLOATING_WEIGHT)

    def _pivot(self, stroke: int, above: int) -> bool:
        """Tie both to the point around which the one turns against the other, if one is near."""
        turns = self._turns
        if not (turns.sure[stroke] and turns.sure[above]):
            return False
        factor, shift = turns.fitted(stroke)
        factor_above, shift_above = turns.fitted(above)
        if abs(factor - factor_above) < _PIVOT_TURN:
            return False
        still = (shift_above - shift) / (factor - factor_above)
        own, others = _some(self._points(stroke), 64), _some(self._points(above), 256)
        middle = turns.centre_start[stroke]
        reach = float(np.abs(turns.start[own] - middle).max())
        near = np.abs(turns.start[others] - still)
        wide = float(np.abs(turns.start[others] - turns.centre_start[above]).max())
        inside = abs(still - turns.centre_start[above]) < wide
        if abs(still - middle) > _PIVOT_REACH * reach or not (inside or near.min() < reach):
            return False
        node = len(turns.start) + len(self._pivots)
        self._pivots.append((still, factor * still + shift))
        for side in (_some(own, _PIVOT_POINTS), others[np.argsort(near)[:_PIVOT_POINTS]]):
            for point in side.tolist():
                self._begin.append(node)
                self._end.append(point)
                self._weight.append(1.0)
                self._turn.append(float(turns.angle[point]))
        return True

    def add_further_joints(self, tree: Tree) -> None:
        """Ends that touch strokes besides the one that carries them."""
        near = tree.apart_px < _EXTRA_REACH * self.touch_px
        for one, other in tree.neighbours[near].tolist():
            if tree.parent[one] != other and tree.parent[other] != one:
                self.join_ends(one, other)

    def add_edges(self, closed: np.ndarray, layer: np.ndarray | None) -> None:
        """Tie points of strokes that lie on each other in both keys.

        `closed` bool [S], `layer` int [S].
        """
        turns = self._turns
        stroke = np.where(closed[turns.stroke], turns.stroke, -1)
        for one, other in shared_edges(turns.start, turns.goal, stroke, self.touch_px).tolist():
            self._join(one, other, _JOINT_WEIGHT)
        if layer is None:
            return
        on_paint = seams(turns.start, turns.goal, layer[turns.stroke], self.touch_px)
        for one, other in on_paint.tolist():
            self._join(one, other, _JOINT_WEIGHT)
            self._joints.append((one, other))

    def links(self, tree: Tree) -> Links:
        """Everything gathered so far."""
        begin = np.concatenate([part[0] for part in self._bulk])
        end = np.concatenate([part[1] for part in self._bulk])
        turn = (self._turns.angle[begin] + self._turns.angle[end]) / 2
        pivots = np.array(self._pivots, complex).reshape(-1, 2)
        return Links(
            np.concatenate([self._turns.start, pivots[:, 0]]),
            np.concatenate([self._turns.goal, pivots[:, 1]]),
            np.concatenate([begin, np.array(self._begin, int)]),
            np.concatenate([end, np.array(self._end, int)]),
            np.concatenate([np.ones(len(begin)), np.array(self._weight, float)]),
            np.concatenate([turn, np.array(self._turn, float)]),
            tree,
            np.array(self._joints, int).reshape(-1, 2),
        )


def _some(points: np.ndarray, most: int) -> np.ndarray:
    """At most so many of a stroke's points, evenly chosen, ends among them."""
    if len(points) <= most:
        return points
    return points[np.linspace(0, len(points) - 1, most).astype(int)]
