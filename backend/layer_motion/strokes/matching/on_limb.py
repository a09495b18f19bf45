"""Tells which strokes lie on a long, thin one, as bands on a snake, and where it takes them.

Bands are like each other, and where a body bends the mean way of all strokes around says little of
any one's. For stroke assignment only.
"""

from __future__ import annotations

import numpy as np

from ..shape.cost import Strokes

_LONGER = 3.0  # times a stroke's length
_ROUND = 0.45  # area for its length, of that of a disc: what is rounder is no limb
_INSIDE = 3.0  # radians that an outline turns around what lies in it
_NEAR = 3  # power of the distance by which places on the outline lose their say
_MOST = 400
_TINY = 1e-3


def limbs_below(strokes: Strokes) -> np.ndarray:
    """For each stroke the shortest limb that it lies on: int [S], -1 where there is none."""
    count = len(strokes.length)
    found = np.full(count, -1)
    if count > _MOST:
        return found
    limbs = np.flatnonzero(strokes.cyclic & (_roundness(strokes) < _ROUND))
    for limb in limbs[np.argsort(-strokes.length[limbs], kind="stable")].tolist():
        ring = strokes.samples[limb] - strokes.middle[:, None]
        ring = np.where(np.abs(ring) > 0, ring, _TINY)
        around = np.angle(np.roll(ring, -1, axis=1) / ring).sum(axis=1)
        short = _LONGER * strokes.length < strokes.length[limb]
        found[short & (np.abs(around) > _INSIDE)] = limb
    return found


def taken_along(strokes: Strokes, stroke: int, limb: int, shift: np.ndarray) -> complex:
    """How far a limb whose samples move by `shift`, complex [SAMPLES], takes a stroke on it."""
    place = complex(strokes.middle[stroke])
    here = strokes.samples[limb] - place
    weight = 1.0 / (np.abs(here) + _TINY) ** _NEAR
    weight /= weight.sum()
    middle, way = complex(weight @ here), complex(weight @ shift)
    around = here - middle
    turn = (weight * around.conj()) @ (shift - way) / (weight @ np.abs(around) ** 2 + _TINY)
    return way - complex(turn) * middle


def _roundness(strokes: Strokes) -> np.ndarray:
    """Area of each stroke over that of a disc with its length round: [S]."""
    ring = strokes.samples - strokes.middle[:, None]
    area = np.abs(np.imag((ring.conj() * np.roll(ring, -1, axis=1)).sum(axis=1))) / 2
    return 4 * np.pi * area / np.maximum(strokes.length, _TINY) ** 2
