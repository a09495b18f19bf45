"""Lets shapes that one key alone shows grow from where they touch another, as leaves; matching.

What hangs on a partner by a small part of itself came out of it, or goes back into it. Drawn whole
from the middle of the gap on it would be there at once. Lines are left alone: a hair or a crease
that one key lacks has mostly been forgotten there.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from scipy.spatial import KDTree

from ..shape.level import Line
from .hinged import STEP_PX, outline
from .root import Level

_SMALL = 4.0  # times as far as what touches: the extent of a stroke that sticks out
_FOOT = 0.35  # of a stroke's extent: how large what touches may be
_STICKS_OUT = 0.6  # of its extent: how far it reaches from there


class Soil:
    """All that partners, point by point, offer to strokes of the first of the keys in `level`.

    `here`, `there` [n, 2]: places along them that belong together; `touch_px`: how far apart places
    of strokes are that touch; `shown`: the other key's strokes, which may show less than that.
    """

    def __init__(
        self,
        level: Iterable[Level],
        shown: Iterable[Line],
        places: tuple[np.ndarray, np.ndarray],
        touch_px: float,
    ) -> None:
        here, self._there = places
        self._touch_px = touch_px
        self._shown = KDTree(np.concatenate([outline(line) for line in shown]))
        self._tree = KDTree(here)
        self._solid = [one.points for one, _ in level if one.cyclic and one.is_filled]

    def root(self, line: Line) -> np.ndarray | None:
        """The place [2] at the other key into which a stroke goes back; None if into none."""
        extent = float(np.hypot(*np.ptp(line.points, axis=0)))
        if not (line.cyclic and line.is_filled) or extent < _SMALL * self._touch_px:
            return None
        around = outline(line)
        away, index = (np.asarray(part) for part in self._tree.query(around))
        covered = self._covered(around)
        if not covered.any():  # it only touches, as a ball does on a table
            return None
        foot = covered | (away < self._touch_px)
        touching = around[foot]
        reach = float(np.linalg.norm(around - touching.mean(axis=0), axis=1).max())
        if float(np.hypot(*np.ptp(touching, axis=0))) > _FOOT * extent:
            return None
        root = self._there[index[foot]].mean(axis=0)
        apart = float(np.asarray(self._shown.query(root)[0])) - STEP_PX
        near = apart < max(extent * _FOOT, self._touch_px)
        return root if near and reach > _STICKS_OUT * extent else None

    def _covered(self, places: np.ndarray) -> np.ndarray:
        """Which places [n, 2] lie within a filled partner: bool [n]."""
        found = np.zeros(len(places), bool)
        for ring in self._solid:
            boxed = ((places >= ring.min(axis=0)) & (places <= ring.max(axis=0))).all(axis=1)
            edge = ring.astype(np.float32)[:, None]
            for place in np.flatnonzero(boxed & ~found).tolist():
                found[place] = cv2.pointPolygonTest(edge, places[place].tolist(), False) >= 0
        return found
