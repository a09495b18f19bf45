"""Lays strokes on a rough sketch as a springy wire would lie down; sketched strokes only.

Points are drawn onto the sketch's lines, not along them, and hold together along their strokes and
at joints, each piece free to turn. What wobbles in a rough is not copied, what it leaves out stays
where it was expected.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import splu
from scipy.spatial import KDTree

from ..line_points import LinePoints, across

_STAGES = ((40.0, 12.0), (24.0, 9.0), (18.0, 6.0), (18.0, 4.5), (18.0, 4.0), (18.0, 4.0))
"""Stiffness as the length, and the reach of the search for lines, both in working pixels."""
_STEPS = 2
_HEADING_PX = 2.5
_ALONG = 0.08
_PRIOR = 0.004
_JOINT = 8.0
_TIE = 0.5
_LATE_TIE = 0.1
_TIES = 3
_TIED_SAMPLES = 6
_AROUND = 24
_WINDOW = 10
_MOST_TARGETS = 2000
_SHORT_PX = 0.5
_BORDER_PX = 0.5


@dataclass(frozen=True, eq=False)
class Wire:
    """Samples of strokes as one springy thing; n samples, in the order of their strokes.

    `rest` [n, 2] working pixels: where they are expected; `stroke` int [n], ascending; `closed`
    bool [n]: whether a sample's stroke is; `joints` int [k, 2]: samples that hold together.
    """

    rest: np.ndarray
    stroke: np.ndarray
    closed: np.ndarray
    joints: np.ndarray

    @property
    def chain(self) -> tuple[np.ndarray, np.ndarray]:
        """Both ends of every piece of line: int [e] each."""
        begin = np.flatnonzero(self.stroke[:-1] == self.stroke[1:])
        first = np.searchsorted(self.stroke, self.stroke[self.closed], side="left")
        last = np.searchsorted(self.stroke, self.stroke[self.closed], side="right") - 1
        loops = np.unique(np.stack([last, first], axis=1), axis=0).reshape(-1, 2)
        loops = loops[loops[:, 0] - loops[:, 1] > 1]
        return (
            np.concatenate([begin, loops[:, 0]]),
            np.concatenate([begin + 1, loops[:, 1]]),
        )


def lay(
    wire: Wire, start: np.ndarray, target: LinePoints, frame: tuple[float, float]
) -> np.ndarray:
    """Where the samples come to lie: [n, 2] working pixels.

    `start` [n, 2]: where the search begins. `frame`: width and height in working pixels inside
    which the sketch is drawn; what lies outside is carried by the rest.
    """
    springs = _Springs(wire)
    goal = _Lines(target, frame)
    place = start
    for number, (length, reach) in enumerate(_STAGES):
        tie = _LATE_TIE if number > len(_STAGES) // 2 else _TIE
        for _ in range(_STEPS):
            pull = goal.pull(place, springs.headings(place), springs.ink, reach)
            place = springs.settle(place, pull, length, tie)
    return place


@dataclass(frozen=True, eq=False)
class _Pull:
    """Per sample: 2 x 2 weights [n, 2, 2], and weighted goals [n, 2]."""

    weight: np.ndarray
    goal: np.ndarray


class _Springs:
    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._begin, self._end = wire.chain
        rest = wire.rest[:, 0] + 1j * wire.rest[:, 1]
        self._edge = rest[self._end] - rest[self._begin]
        length = np.maximum(np.abs(self._edge), _SHORT_PX)
        self._strength = 1.0 / length
        count = len(rest)
        ink = np.bincount(self._begin, length, count) + np.bincount(self._end, length, count)
        self.ink = np.maximum(ink / 2, _SHORT_PX)
        ties = _ties(wire)
        apart = np.maximum(np.abs(rest[ties[:, 1]] - rest[ties[:, 0]]), 1.0)
        joints = wire.joints.reshape(-1, 2)
        self._tied = np.concatenate([joints, ties])  # [k, 2]
        self._tied_edge = rest[self._tied[:, 1]] - rest[self._tied[:, 0]]
        self._joint_strength = np.concatenate([np.full(len(joints), _JOINT), 0 * apart])
        self._tie_strength = np.concatenate([np.zeros(len(joints)), 1.0 / apart])

    def headings(self, place: np.ndarray) -> np.ndarray:
        """Cosine and sine of twice the angle of the line at each sample: [n, 2]."""
        edge = place[self._end] - place[self._begin]
        way = (edge[:, 0] + 1j * edge[:, 1]) ** 2
        way = way / np.maximum(np.abs(way), 1e-9)
        total = np.zeros(len(place), complex)
        np.add.at(total, self._begin, way)
        np.add.at(total, self._end, way)
        total /= np.maximum(np.abs(total), 1e-9)
        return np.stack([np.real(total), np.imag(total)], axis=1)

    def _turned_edges(self, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Edges along strokes and across joints, turned and grown as the pieces around are."""
        now = place[:, 0] + 1j * place[:, 1]
        count = len(now)
        change = self._edge.conj() * (now[self._end] - now[self._begin])
        parts = np.real(change), np.imag(change), np.abs(self._edge) ** 2
        sums = [
            np.bincount(self._begin, part, count) + np.bincount(self._end, part, count)
            for part in parts
        ]
        mean = self._smooth(np.stack(sums, axis=1))
        factor = (mean[:, 0] + 1j * mean[:, 1]) / np.maximum(mean[:, 2], 1e-9)
        size = np.clip(np.abs(factor), 0.5, 2.0)
        factor = np.where(np.abs(factor) > 1e-6, size * np.exp(1j * np.angle(factor)), 1.0)
        edge = self._edge * (factor[self._begin] + factor[self._end]) / 2
        one, other = self._tied.T
        return edge, self._tied_edge * (factor[one] + factor[other]) / 2

    def _smooth(self, values: np.ndarray) -> np.ndarray:
        """Running sums [n, k] over neighbours along each stroke."""
        total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
        index = np.arange(len(values))
        low = np.maximum(index - _WINDOW, np.searchsorted(self._wire.stroke, self._wire.stroke))
        high = np.minimum(
            index + _WINDOW + 1,
            np.searchsorted(self._wire.stroke, self._wire.stroke, side="right"),
        )
        return total[high] - total[low]

    def settle(self, place: np.ndarray, pull: _Pull, length: float, tie: float) -> np.ndarray:
        """Where springs of this stiffness and pulls are in balance: [n, 2].

        `tie`: how strongly strokes hold together that lie apart.
        """
        edge = np.concatenate(self._turned_edges(place))
        begin = np.concatenate([self._begin, self._tied[:, 0]])
        end = np.concatenate([self._end, self._tied[:, 1]])
        tied = self._joint_strength + tie * self._tie_strength
        strength = length**2 * np.concatenate([self._strength, tied])
        count = len(place)
        hold = _PRIOR * self.ink
        push = strength * edge
        right = pull.goal + hold[:, None] * self._wire.rest
        for axis, part in enumerate((np.real(push), np.imag(push))):
            right[:, axis] += np.bincount(end, part, count) - np.bincount(begin, part, count)
        laplacian = _laplacian(begin, end, strength, count) + sparse.diags_array(hold)
        blocks = [
            [_plus(laplacian, pull.weight[:, 0, 0]), sparse.diags_array(pull.weight[:, 0, 1])],
            [sparse.diags_array(pull.weight[:, 1, 0]), _plus(laplacian, pull.weight[:, 1, 1])],
        ]
        solver = splu(sparse.block_array(blocks).tocsc(), permc_spec="MMD_AT_PLUS_A",
                      diag_pivot_thresh=0.0, options={"SymmetricMode": True})  # fmt: skip
        return np.asarray(solver.solve(right.T.ravel())).reshape(2, -1).T


def _ties(wire: Wire) -> np.ndarray:
    """Some samples of each stroke with the nearest ones of others around: int [k, 2]."""
    bounds = np.concatenate([[0], np.flatnonzero(np.diff(wire.stroke)) + 1, [len(wire.stroke)]])
    spread = [np.linspace(a, b - 1, _TIED_SAMPLES) for a, b in pairwise(bounds)]
    some = np.unique(np.rint(np.concatenate(spread)).astype(int))
    most = min(_AROUND, len(wire.rest))
    near = np.asarray(KDTree(wire.rest).query(wire.rest[some], k=most)[1]).reshape(len(some), most)
    other = wire.stroke[near] != wire.stroke[some][:, None]
    rank = np.where(other, np.cumsum(other, axis=1), _TIES + 1)
    rows, columns = np.nonzero(rank <= _TIES)
    return np.stack([some[rows], near[rows, columns]], axis=1)


def _plus(laplacian: sparse.sparray, diagonal: np.ndarray) -> sparse.sparray:
    return laplacian + sparse.diags_array(diagonal)


def _laplacian(
    begin: np.ndarray, end: np.ndarray, weight: np.ndarray, count: int
) -> sparse.csr_array:
    rows = np.concatenate([begin, end, begin, end])
    columns = np.concatenate([begin, end, end, begin])
    values = np.concatenate([weight, weight, -weight, -weight])
    return sparse.coo_array((values, (rows, columns)), shape=(count, count)).tocsr()


class _Lines:
    """A sketch's points, ready to pull."""

    def __init__(self, points: LinePoints, frame: tuple[float, float]) -> None:
        self._frame = np.array(frame)
        place, heading, per_px = points.place, points.heading, points.per_px
        if len(place) > _MOST_TARGETS:
            some = np.sort(np.random.default_rng(0).permutation(len(place))[:_MOST_TARGETS])
            per_px *= _MOST_TARGETS / len(place)
            place, heading = place[some], heading[some]
        self._place, self._share = place, 1.0 / per_px
        self._features = np.hstack([place, heading * _HEADING_PX])
        self._tree = KDTree(self._features)
        sideways = across(heading)
        # Across a line a pull counts wholly, along it hardly: a rough does not tell that.
        self._weight = (1 - _ALONG) * sideways[:, :, None] * sideways[:, None] + _ALONG * np.eye(2)

    def pull(self, place: np.ndarray, heading: np.ndarray, ink: np.ndarray, reach: float) -> _Pull:
        """Pulls both ways: from samples to the lines next to them and from lines to samples."""
        features = np.hstack([place, heading * _HEADING_PX])
        there, line = (np.asarray(part) for part in self._tree.query(features))
        back, sample = (np.asarray(part) for part in KDTree(features).query(self._features))
        away = np.maximum(np.maximum(-place, place - self._frame), 0).max(axis=1)
        ahead = ink * _kernel(there, reach) * (away <= _BORDER_PX)
        behind = self._share * _kernel(back, reach)
        weight = ahead[:, None, None] * self._weight[line]
        goal = np.einsum("nij,nj->ni", weight, self._place[line])
        returned = behind[:, None, None] * self._weight
        np.add.at(weight, sample, returned)
        np.add.at(goal, sample, np.einsum("nij,nj->ni", returned, self._place))
        return _Pull(weight, goal)


def _kernel(distance: np.ndarray, reach: float) -> np.ndarray:
    """Robust weight: 1 on the spot, 0 beyond twice the reach."""
    return np.clip(1.0 - (distance / (2 * reach)) ** 2, 0.0, 1.0) ** 2
