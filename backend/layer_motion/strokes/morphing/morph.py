"""The way of matched strokes from one key to the next: limbs swing, joints hold; layer motion only.

Every piece of line turns, grows and bends from its own start to its own end; where all pieces lie
follows from one sparse least-squares problem, solved once per drawing and factorised once per gap.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import splu

from shared.strokes import Drawing

from ... import affine
from ..layout.overlap import cut_to, span_at
from ..layout.pair import StrokePair
from ..shape.complex_points import as_complex, as_points
from ..shape.level import LABEL, drawing_of, lines_of
from .links import Links, linked
from .planted import planted
from .slide import slides_of
from .tree import Tree
from .turns import Turns
from .waving import waving

_HOLD = 1e-3
_LOOSE = 1e-9
_FIRM = 1e3
_MIDDLE = 0.5


class Morph:
    """A matched pair prepared for drawings at any progress.

    `centre` [2]: what the whole turns around in the poses that `at` is given. What stays in the
    picture, waves or goes along a track there, is placed by that; a layer's path carries it along.
    `by_flow`: whether further keys tell how points go on their way.
    """

    def __init__(
        self, pair: StrokePair, centre: np.ndarray | None = None, *, by_flow: bool = False
    ) -> None:
        self._pair = pair
        self.centre = pair.first.points.astype(float).mean(axis=0) if centre is None else centre
        self._slides = slides_of(pair)
        self._planted, firm = planted(pair)
        back = np.linalg.inv(pair.matrix)
        start = as_complex(pair.first.points.astype(float))
        goal = as_complex(affine.apply(back, pair.last.points.astype(float)))
        turns = Turns(pair.first.offsets, start, goal, pair.first.cyclic)
        layer = np.maximum(pair.first.material, 0) // LABEL
        links = linked(pair.first.cyclic, turns, layer, affine.turn(pair.matrix))
        self._start, self._goal, self._links = links.start, links.goal, links
        trust = np.concatenate([pair.trust, np.zeros(len(links.start) - len(start))])
        self._hold = _HOLD * trust**2 + _LOOSE
        self._hold[self._planted] = np.maximum(self._hold[self._planted], firm)
        self._hold[self.slid] = _FIRM
        self._solver = _Solver(links, self._hold)
        self.waving = waving(pair, self.slid, self._planted, links.joints, by_flow=by_flow)
        if self.waving is not None:
            hold = self._hold.copy()
            hold[self.waving.points] = _FIRM
            self._waving_solver = _Solver(links, hold)

    def at(self, pose: np.ndarray, progress: float) -> Drawing:
        """The drawing at `progress` 0..1 when the whole has moved from the first key by `pose`.

        Radius, opacity and colours mix evenly; past the middle the last key's painting order holds.
        Strokes that only one key shows are drawn up to their change, or from there on: a line is
        there or it is not.
        """
        points = as_points(self._points(progress))[: len(self._pair.first.points)]
        return _dressed(self._pair, affine.apply(pose, points).astype(np.float32), progress)

    @property
    def tree(self) -> Tree:
        """Which stroke carries which."""
        return self._links.tree

    @property
    def joints(self) -> np.ndarray:
        """Pairs of points of two strokes that touch in both keys: int [k, 2]."""
        return self._links.joints

    @property
    def slid(self) -> np.ndarray:
        """Numbers of the points that go along a track: int [k]."""
        return np.concatenate([np.zeros(0, int), *(slide.points for slide in self._slides)])

    def point_order(self, progress: float) -> np.ndarray:
        """Which of the pair's points each point of `at` is: int [P]."""
        pair = self._pair
        if not _repainted(pair, progress):
            return np.arange(len(pair.first.points))
        bounds = pair.first.offsets.tolist()
        return np.concatenate([np.arange(bounds[s], bounds[s + 1]) for s in pair.late_order])

    def shown(self, drawing: Drawing, progress: float) -> Drawing:
        """The drawing with those lines cut to what shows of them that the keys show in part.

        Last of all, as the points no longer are the pair's.
        """
        spans = self._pair.spans
        if not spans:
            return drawing
        late = _repainted(self._pair, progress)
        order = self._pair.late_order.tolist() if late else range(drawing.stroke_count)
        cut = [
            replace(line, values=cut_to(line.values, span_at(spans[stroke], progress)))
            if stroke in spans
            else line
            for stroke, line in zip(order, lines_of(drawing), strict=True)
        ]
        return drawing_of(cut, drawing.layer_opacity)

    def _points(self, progress: float) -> np.ndarray:
        """All nodes, complex [n], without the motion of the whole."""
        share = self._goal_share(progress)
        edges = self._links.edge_at(progress, share)
        places = (1 - share) * self._start + share * self._goal
        self._put_in_place(places, progress)
        nodes = self._solver.solve(edges, places)
        if self.waving is None:
            return nodes
        carried = affine.evenly(self._pair.matrix, progress, self.centre)
        plain = as_complex(affine.apply(carried, as_points(nodes)))
        there = as_points(self.waving.places(progress, plain))
        places[self.waving.points] = as_complex(affine.apply(np.linalg.inv(carried), there))
        return self._waving_solver.solve(edges, places)

    def _goal_share(self, progress: float) -> float:
        """How much of a length is the goal's so that it grows evenly together with the whole."""
        grown = progress * affine.size(self._pair.matrix)
        return grown / (1 - progress + grown)

    def _put_in_place(self, places: np.ndarray, progress: float) -> None:
        """Set those of the places, complex [n], that are known at a progress, a path aside."""
        back = np.linalg.inv(affine.evenly(self._pair.matrix, progress, self.centre))
        one, other = (key.points[self._planted] for key in (self._pair.first, self._pair.last))
        still = (1 - progress) * one + progress * other
        places[self._planted] = as_complex(affine.apply(back, still.astype(float)))
        for slide in self._slides:
            there = as_points(slide.at(progress))
            places[slide.points] = as_complex(affine.apply(back, there))


def between(pair: StrokePair, pose: np.ndarray, progress: float) -> Drawing:
    """One drawing of a pair; prepare a `Morph` for several."""
    return Morph(pair).at(pose, progress)


class _Solver:
    """Places of all nodes from what edges should be; prepared once for edges and holds [n]."""

    def __init__(self, links: Links, hold: np.ndarray) -> None:
        self._links, self._hold = links, hold
        self._factors = splu(_system(links, hold), permc_spec="MMD_AT_PLUS_A",
                             diag_pivot_thresh=0.0, options={"SymmetricMode": True})  # fmt: skip

    def solve(self, edges: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Nodes, complex [n], between edges, complex [e], and where they are held, complex [n]."""
        links, held, count = self._links, self._hold * places, len(places)
        pull = links.weight * edges
        sums = [
            np.bincount(links.end, part, count) - np.bincount(links.begin, part, count)
            for part in (np.real(pull), np.imag(pull))
        ]
        right = np.stack([sums[0] + np.real(held), sums[1] + np.imag(held)], axis=1)
        return as_complex(np.asarray(self._factors.solve(right)))


def _system(links: Links, hold: np.ndarray) -> sparse.csc_array:
    """Normal equations: weighted graph Laplacian of the edges, plus what holds each node."""
    count = len(hold)
    rows = np.concatenate([links.begin, links.end, links.begin, links.end, np.arange(count)])
    columns = np.concatenate([links.begin, links.end, links.end, links.begin, np.arange(count)])
    weight = links.weight
    values = np.concatenate([weight, weight, -weight, -weight, hold])
    return sparse.coo_array((values, (rows, columns)), shape=(count, count)).tocsc()


def _dressed(pair: StrokePair, points: np.ndarray, progress: float) -> Drawing:
    """A drawing with these points and the keys' looks mixed."""
    one, other = pair.first, pair.last
    later = progress >= pair.change
    shown = np.where(pair.lone, later.astype(float), progress)
    share = np.where(one.material != other.material, later.astype(float), shown)
    counts = np.diff(one.offsets)
    by_point = np.repeat(shown, counts)

    def mixed(name: str, share: np.ndarray | float) -> np.ndarray:
        start, end = getattr(one, name), getattr(other, name)
        return ((1 - share) * start + share * end).astype(np.float32)

    drawing = Drawing(
        offsets=one.offsets,
        points=points,
        radius=mixed("radius", by_point),
        opacity=mixed("opacity", by_point),
        stroke_colour=_colours(one.stroke_colour, other.stroke_colour, share),
        fill_colour=_colours(one.fill_colour, other.fill_colour, share),
        point_colour=_colours(one.point_colour, other.point_colour, np.repeat(share, counts)),
        cyclic=one.cyclic,
        holdout=one.holdout,
        round_caps=one.round_caps,
        material=np.where(later, other.material, one.material),
        layer_opacity=mixed("layer_opacity", progress),
    )
    return reordered(drawing, pair.late_order) if _repainted(pair, progress) else drawing


def _repainted(pair: StrokePair, progress: float) -> bool:
    """True where the last key's painting order holds, and is another."""
    return progress >= _MIDDLE and bool((np.diff(pair.late_order) != 1).any())


def _colours(one: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Straight RGBA [n, 4] mixed by `share` [n]; what is invisible has no say in the colour."""
    ahead = share[:, None]
    early, late = (1 - ahead) * one[:, 3:], ahead * other[:, 3:]
    alpha = early + late
    say = np.where(alpha > 0, late / np.maximum(alpha, 1e-9), ahead)
    colour = (1 - say) * one[:, :3] + say * other[:, :3]
    return np.concatenate([colour, alpha], axis=1).astype(np.float32)


def reordered(drawing: Drawing, order: np.ndarray) -> Drawing:
    """The same strokes painted in another order, int [S]."""
    counts = np.diff(drawing.offsets)[order]
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    index = np.repeat(drawing.offsets[order] - offsets[:-1], counts) + np.arange(offsets[-1])
    return Drawing(
        offsets=offsets,
        points=drawing.points[index],
        radius=drawing.radius[index],
        opacity=drawing.opacity[index],
        stroke_colour=drawing.stroke_colour[order],
        fill_colour=drawing.fill_colour[order],
        point_colour=drawing.point_colour[index],
        cyclic=drawing.cyclic[order],
        holdout=drawing.holdout[order],
        round_caps=drawing.round_caps[order],
        material=drawing.material[order],
        layer_opacity=drawing.layer_opacity,
    )
