"""How far every piece of matched strokes turns and grows between two keys; for the morph only."""

from __future__ import annotations

import numpy as np

from ..layout.polygon import edges_stay_straight
from .spine import turned_along

_WINDOW_SHARE = 0.16
_WHOLE_STROKE = 0.08
_COHERENT = 0.4
_STEEP = 0.9  # radians from one point to the next
_MAX_GROWTH = 3.0
_TINY = 1e-9
_MANY = 300
_FEWEST_POINTS = 8
_STAYS = 0.02  # of its length: how far a root may be off
_FULL = 0.02  # twice the area over the length squared: less is a line that was closed
_FLAT = 0.05  # of the larger area


class Turns:
    """Local turns of strokes from `start` to `goal`, complex [P] points of equal layout.

    `cyclic` bool [S]: which are closed. `angle` [P] radians, without jumps along a stroke.
    `stroke` int [P]: whose point it is. Per stroke: `factor`
    complex [S] turns and scales it as a whole; `sure` bool [S]: whether it turns as one at all (a
    dot does not).
    """

    def __init__(
        self, offsets: np.ndarray, start: np.ndarray, goal: np.ndarray, cyclic: np.ndarray
    ) -> None:
        self.start, self.goal = start, goal
        self.offsets = offsets.astype(int)
        counts = np.diff(self.offsets)
        self.stroke = np.repeat(np.arange(len(counts)), counts)
        self.chain = np.flatnonzero(self.stroke[:-1] == self.stroke[1:])
        sums = self._edge_sums()
        whole = sums[self.offsets[1:]] - sums[self.offsets[:-1]]  # [S, 3]
        local = self._windows(sums, counts) + _WHOLE_STROKE * whole[self.stroke]
        away = self._turned_away()
        flat = cyclic & away
        stiff = (flat | self._polygons(cyclic))[self.stroke]
        local[stiff] = whole[self.stroke[stiff]]
        self.factor = np.exp(_growth(whole) + 1j * np.angle(whole[:, 0]))
        norm = np.sqrt(np.abs(whole[:, 1] * whole[:, 2])) + _TINY
        self.sure = (np.abs(whole[:, 0]) > _COHERENT * norm) & (np.abs(whole[:, 1]) > _TINY)
        self.sure &= ~flat
        # What goes over to its other side has been mirrored, unless it hangs on a root.
        self._curls = np.flatnonzero(
            ~cyclic & ~self.sure & (counts >= _FEWEST_POINTS) & (~away | self._rooted())
        )
        self._limbs = np.flatnonzero(cyclic & ~flat & ~self.sure)
        # Around the stroke's own turn a piece's angle is small, and so free of jumps.
        base = np.angle(whole[:, 0])[self.stroke]
        self.angle = self._unwrapped(base + np.angle(local[:, 0] * np.exp(-1j * base)), cyclic)
        self.centre_start = self._means(start, counts)
        self.centre_goal = self._means(goal, counts)

    def _edge_sums(self) -> np.ndarray:
        """Running sums over the edges that begin before each point: complex [P + 1, 3].

        Columns: product of both keys' edges, their squared lengths at the start and at the goal.
        """
        terms = np.zeros((len(self.start), 3), complex)
        before = self.start[self.chain + 1] - self.start[self.chain]
        behind = self.goal[self.chain + 1] - self.goal[self.chain]
        terms[self.chain, 0] = before.conj() * behind
        terms[self.chain, 1] = np.abs(before) ** 2
        terms[self.chain, 2] = np.abs(behind) ** 2
        return np.concatenate([np.zeros((1, 3), complex), np.cumsum(terms, axis=0)])

    def _windows(self, sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """The sums over the edges around each point: complex [P, 3]."""
        reach = np.maximum(1, np.rint(_WINDOW_SHARE * counts)).astype(int)[self.stroke]
        index = np.arange(len(self.stroke))
        low = np.maximum(index - reach, self.offsets[self.stroke])
        high = np.minimum(index + reach, self.offsets[self.stroke + 1] - 1)
        return sums[high] - sums[low]

    def _turned_away(self) -> np.ndarray:
        """Which strokes all but lose their area, or turn to their other side: bool [S].

        What is seen edge-on tells nothing of a turn within the picture.
        """
        sides = self.start, self.goal
        areas = [self._areas(side) for side in sides]
        larger = np.maximum(*np.abs(areas))
        steps = [np.abs(side[self.chain + 1] - side[self.chain]) for side in sides]
        ways = [np.bincount(self.stroke[self.chain], step, len(larger)) for step in steps]
        full = larger > _FULL * np.maximum(*ways) ** 2
        return full & (areas[0] * areas[1] < _FLAT * larger**2)

    def _areas(self, points: np.ndarray) -> np.ndarray:
        """Twice the signed area that each stroke goes round: [S]."""
        first = points[self.offsets[:-1]][self.stroke]
        ring = points - first
        terms = np.zeros(len(points))
        terms[self.chain] = np.imag(ring[self.chain].conj() * ring[self.chain + 1])
        sums = np.concatenate([[0.0], np.cumsum(terms)])
        return sums[self.offsets[1:]] - sums[self.offsets[:-1]]

    def _rooted(self) -> np.ndarray:
        """Which strokes have an end that goes as the whole does: bool [S]."""
        ends = self.offsets[:-1], self.offsets[1:] - 1
        nearest = np.minimum(*(np.abs(self.goal[end] - self.start[end]) for end in ends))
        steps = np.abs(np.diff(self.start))[self.chain]
        return nearest < _STAYS * np.bincount(self.stroke[self.chain], steps, len(nearest))

    def _polygons(self, cyclic: np.ndarray) -> np.ndarray:
        """Which strokes have straight edges, which bend if each end turns by itself: bool [S]."""
        found = np.zeros(len(cyclic), bool)
        for stroke in np.flatnonzero(cyclic).tolist() if len(cyclic) <= _MANY else ():
            span = slice(self.offsets[stroke], self.offsets[stroke + 1])
            found[stroke] = edges_stay_straight(self.start[span], self.goal[span])
        return found

    def _unwrapped(self, angle: np.ndarray, cyclic: np.ndarray) -> np.ndarray:
        """The same angles without jumps along each stroke, on average within half a turn."""
        step = np.zeros(len(angle))
        jump = np.diff(angle)[self.chain]
        step[self.chain + 1] = -2 * np.pi * np.rint(jump / (2 * np.pi))
        total = np.cumsum(step)
        free = angle + total - total[self.offsets[:-1]][self.stroke]
        self._close(free, cyclic)
        ink = np.zeros(len(angle))
        for side in (self.start, self.goal):
            edges = np.abs(side[self.chain + 1] - side[self.chain])
            ink[self.chain] += edges
            ink[self.chain + 1] += edges
        ink += _TINY
        count = len(self.offsets) - 1
        mean = np.bincount(self.stroke, ink * free, count) / np.bincount(self.stroke, ink, count)
        return free - 2 * np.pi * np.rint(mean / (2 * np.pi))[self.stroke]

    def _close(self, angle: np.ndarray, cyclic: np.ndarray) -> None:
        """Let the angles of each closed stroke come back to where they began, in place.

        On the inner side of a finger that curls, a piece turns by more than half a turn beyond the
        one before; taken the short way there, its tip would turn by one angle on either side.
        Where no step is steep enough for that, the stroke is left as it is.
        """
        first, last = self.offsets[:-1], self.offsets[1:] - 1
        rounds = np.rint((angle[last] - angle[first]) / (2 * np.pi)) * cyclic
        for stroke in np.flatnonzero(rounds).tolist():
            span = slice(first[stroke], last[stroke] + 1)
            way = float(np.sign(rounds[stroke]))
            for _ in range(int(abs(rounds[stroke]))):
                steps = way * np.diff(angle[span])
                steepest = int(np.argmax(steps))
                if steps[steepest] > _STEEP:
                    angle[first[stroke] + steepest + 1 : last[stroke] + 1] -= way * 2 * np.pi

    def _means(self, points: np.ndarray, counts: np.ndarray) -> np.ndarray:
        sums = np.concatenate([[0], np.cumsum(points)])
        return (sums[self.offsets[1:]] - sums[self.offsets[:-1]]) / np.maximum(counts, 1)

    def settle(
        self, order: np.ndarray, parent: np.ndarray, loose: np.ndarray, whole: float
    ) -> None:
        """Choose among equal angles (a full turn apart) those nearest to each stroke's parent's.

        `order`: all strokes, parents first; `parent` int [S], negative at a root; of those that
        are `loose` bool [S] the smallest with that of the whole, `whole` radians. Strokes that are
        not sure of their turn take their parent's, but for those that bend piece by piece.
        """
        middle = np.angle(self.factor)
        shift = np.zeros(len(middle))
        bent = self._bent(middle)
        for stroke in order.tolist():
            above = int(parent[stroke])
            if above < 0:
                continue
            ahead = middle[above] + shift[above]
            if self.sure[stroke] and loose[stroke]:
                ahead = -whole
            if self.sure[stroke] or stroke in bent:
                shift[stroke] = 2 * np.pi * np.rint((ahead - middle[stroke]) / (2 * np.pi))
            else:
                span = slice(self.offsets[stroke], self.offsets[stroke + 1])
                self.angle[span] = middle[stroke] = ahead
        self.angle += shift[self.stroke]

    def _bent(self, middle: np.ndarray) -> set[int]:
        """Which strokes bend so far that they turn by no angle as a whole, but their pieces do.

        Sets how those of limbs turn along their axis, and `middle` [S] radians to their means.
        """
        found = set(self._curls.tolist())
        for stroke in self._limbs.tolist() if len(middle) <= _MANY else ():
            span = slice(self.offsets[stroke], self.offsets[stroke + 1])
            angle = turned_along((self.start[span], self.goal[span]))
            if angle is not None:
                self.angle[span] = angle - 2 * np.pi * np.rint(angle.mean() / (2 * np.pi))
                found.add(stroke)
        for stroke in found:
            middle[stroke] = self.angle[self.offsets[stroke] : self.offsets[stroke + 1]].mean()
        return found

    def fitted(self, stroke: int) -> tuple[complex, complex]:
        """Factor and shift of the similarity that carries the whole stroke."""
        factor = complex(self.factor[stroke])
        return factor, complex(self.centre_goal[stroke] - factor * self.centre_start[stroke])


def _growth(sums: np.ndarray) -> np.ndarray:
    ratio = (np.abs(sums[:, 2]) + _TINY) / (np.abs(sums[:, 1]) + _TINY)
    return np.clip(0.5 * np.log(ratio), -_MAX_GROWTH, _MAX_GROWTH)
