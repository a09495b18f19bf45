"""What matched neighbours tell about where a stroke goes; for stroke assignment only."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from ..shape import cost as stroke_cost
from ..shape.cost import SAMPLES, Expected, Strokes
from .on_limb import limbs_below, taken_along

_AROUND = 6
_NEARBY_SHARE = 0.12
_TOUCH_SHARE = 0.015
_NEAREST = 24
_LONGER = 1.5
_MOST_CARRIED = 400
_THIN, _TIP_SHARE = 0.75, 0.75


class Surroundings:
    """The strokes of the first key: which ends hang on which stroke, and what lies around."""

    def __init__(self, strokes: Strokes) -> None:
        self._strokes = strokes
        self._host, self._sample = _hosts(strokes)  # int [S, 2] each, negative: hangs on nothing
        self._hung = self._host >= 0
        self._carrier, self._contact = _carriers(strokes)  # int [S] each, negative: none
        self._limb = limbs_below(strokes)

    def at_rest(self) -> Expected:
        """What is expected as long as no stroke has a partner."""
        still = np.zeros(self._host.shape, complex)
        return Expected(still[:, 0], still, self._hung)

    def after(self, last: Strokes, partner: np.ndarray) -> Expected:
        """What partners int [S] (-1: none) in the last key tell of their neighbours."""
        matched = np.flatnonzero(partner >= 0)
        there = stroke_cost.matching_samples(self._strokes, last, matched, partner[matched])
        shift = np.full((len(partner), SAMPLES), np.nan, complex)
        shift[matched] = there - self._strokes.samples[matched]
        middle = self._mean_shift(matched, shift[matched].mean(axis=1))
        carried = np.where(self._carrier >= 0, shift[self._carrier, self._contact], np.nan)
        middle = np.where(np.isfinite(carried), carried, middle)
        for stroke in np.flatnonzero((self._limb >= 0) & ~np.isfinite(carried)).tolist():
            limb = int(self._limb[stroke])
            if partner[limb] >= 0:
                middle[stroke] = taken_along(self._strokes, stroke, limb, shift[limb])
        ends = np.where(self._hung, shift[self._host, self._sample], np.nan)
        known = np.isfinite(ends)
        return Expected(middle, np.where(known, ends, middle[:, None]), self._hung)

    def _mean_shift(self, matched: np.ndarray, moved: np.ndarray) -> np.ndarray:
        """Mean displacement of the matched strokes around each stroke, itself aside: [S]."""
        places = np.stack([np.real(self._strokes.middle), np.imag(self._strokes.middle)], axis=1)
        most = min(_AROUND + 1, len(matched))
        found = KDTree(places[matched]).query(places, k=most)
        away, index = (np.asarray(part).reshape(len(places), most) for part in found)
        near = np.exp(-((away / (_NEARBY_SHARE * self._strokes.size_px)) ** 2) / 2)
        near *= matched[index] != np.arange(len(places))[:, None]
        return (near * moved[index]).sum(axis=1) / (near.sum(axis=1) + 0.3)


def _carriers(strokes: Strokes) -> tuple[np.ndarray, np.ndarray]:
    """For each closed stroke the limb whose tip it touches, as a hoof does a leg's, and the sample
    of that: int [S] each, -1 where there is none.
    """
    count = len(strokes.length)
    carrier, contact = np.full(count, -1), np.zeros(count, int)
    if count > _MOST_CARRIED:
        return carrier, contact
    tips = _tips(strokes)
    limbs = tips.any(axis=1)
    for stroke in np.flatnonzero(strokes.cyclic).tolist():
        longer = np.flatnonzero(limbs & (strokes.length > _LONGER * strokes.length[stroke]))
        if not len(longer):
            continue
        apart = np.abs(strokes.samples[stroke][:, None, None] - strokes.samples[longer][None])
        nearest = np.unravel_index(int(apart.argmin()), apart.shape)
        reach = _TOUCH_SHARE * strokes.size_px + 0.5 * strokes.length[stroke] / SAMPLES
        near = apart[nearest] < reach + 0.5 * strokes.length[longer[nearest[1]]] / SAMPLES
        if near and tips[longer[nearest[1]], nearest[2]]:
            carrier[stroke], contact[stroke] = longer[nearest[1]], nearest[2]
    return carrier, contact


def _tips(strokes: Strokes) -> np.ndarray:
    """Which samples are the tips of long, thin strokes: bool [S, SAMPLES]."""
    centred = strokes.samples - strokes.middle[:, None]
    square = (centred**2).mean(axis=1)
    size = (np.abs(centred) ** 2).mean(axis=1)
    lean = np.abs(square) / np.maximum(size, 1e-9)  # 0 round, 1 a straight line
    along = np.real(centred * np.exp(-0.5j * np.angle(square))[:, None])
    tips = np.abs(along) > _TIP_SHARE * np.abs(along).max(axis=1, keepdims=True)
    return tips & (lean > _THIN)[:, None]


def _hosts(strokes: Strokes) -> tuple[np.ndarray, np.ndarray]:
    """For both ends of each stroke the stroke and the sample that it touches: int [S, 2] each."""
    count = len(strokes.length)
    flat = strokes.samples.ravel()
    tree = KDTree(np.stack([np.real(flat), np.imag(flat)], axis=1))
    ends = strokes.samples[:, [0, -1]].ravel()
    most = min(_NEAREST, len(flat))
    found = tree.query(np.stack([np.real(ends), np.imag(ends)], axis=1), k=most)
    away, index = (np.asarray(part).reshape(2 * count, most) for part in found)
    stroke = index // SAMPLES
    own = stroke == np.repeat(np.arange(count), 2)[:, None]
    spacing = strokes.length / (SAMPLES - 1)
    reach = _TOUCH_SHARE * strokes.size_px + 0.5 * spacing[stroke]
    away = np.where(own | (away > reach), np.inf, away)
    best = away.argmin(axis=1)
    rows = np.arange(2 * count)
    open_end = np.isfinite(away[rows, best]) & ~np.repeat(strokes.cyclic, 2)
    host = np.where(open_end, stroke[rows, best], -1)
    return host.reshape(count, 2), (index[rows, best] % SAMPLES).reshape(count, 2)
