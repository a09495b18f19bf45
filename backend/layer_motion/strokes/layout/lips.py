"""Opens a line to a ring, as lips that part and lids that lift, and shuts it again; matching only.

A shut mouth is drawn as one line, an open one as a shape: other strokes of other materials. The
line is that shape without any height: its upper and its lower edge lie on each other.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ... import affine
from ..shape.level import Line, along, begun_at, resampled
from .root import Level

_SAMPLES = 64
_STRAIGHT = 0.8  # chord over length of a line that is shut
_WIDE = 0.6, 1.7  # the line's chord over the ring's width
_NEAR = 0.25  # of the ring's width: how far their middles lie apart along the line
_FILL = 4  # where its colour begins
_LEAST_PX = 2.0
_FEWEST_POINTS = 3


def opens(one: Line, other: Line, motion: np.ndarray) -> bool:
    """Whether one of two strokes is a line, and the other the ring to which it opens where it is.

    `motion` (3 x 3) carries the first roughly onto the other.
    """
    if one.cyclic == other.cyclic:
        return False
    carried = one.placed(affine.apply(motion, one.points))
    shut, ring = (carried, other) if other.cyclic else (other, carried)
    if shut.is_filled or len(ring.values) < _FEWEST_POINTS:
        return False
    chord = shut.points[-1] - shut.points[0]
    length = float(np.hypot(*chord))
    if length < max(_LEAST_PX, _STRAIGHT * float(shut.way[-1])):
        return False
    axes = np.array([chord, [-chord[1], chord[0]]]).T / length
    along_ring, across_ring = (resampled(ring, _SAMPLES).points @ axes).T
    along_line, across_line = (resampled(shut, _SAMPLES).points @ axes).mean(axis=0)
    wide = float(np.ptp(along_ring))
    middle = (along_ring.min() + along_ring.max()) / 2
    return bool(
        _WIDE[0] * wide < length < _WIDE[1] * wide
        and abs(along_line - middle) < _NEAR * wide
        and across_ring.min() < across_line < across_ring.max()
    )


def parted(one: Line, other: Line, motion: np.ndarray) -> Level | None:
    """Such two strokes point by point, both closed; None where `opens` does not hold."""
    if not opens(one, other, motion):
        return None
    if one.cyclic:
        back = parted(other, one, np.linalg.inv(motion))
        return None if back is None else (back[1], back[0])
    chord = affine.apply(motion, one.points[[0, -1]])
    chord = chord[1] - chord[0]
    ring = begun_at(other, _corner(other, -chord))
    far = _corner(ring, chord)
    there = np.unique(np.concatenate([ring.way[:-1] / ring.way[-1], [far]]))
    here = np.where(there <= far, there / far, (1.0 - there) / (1.0 - far))
    shut = along(one, here)
    colours = np.concatenate([one.colours[:_FILL], other.colours[_FILL:]])
    shut = replace(shut, colours=colours, cyclic=True, material=other.material)
    return shut, along(ring, there)


def _corner(ring: Line, way: np.ndarray) -> float:
    """Where along a ring it reaches farthest in a direction [2], a share of its length."""
    return int(np.argmax(resampled(ring, _SAMPLES).points @ way)) / _SAMPLES
