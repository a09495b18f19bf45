"""Lets corners of a stroke meet the corners of its partner; for the seam of two strokes only.

Two outlines laid on each other sample by sample fit to about a sample. Where that is off, a corner
meets a straight piece, and both come out as chamfers between the keys.
"""

from __future__ import annotations

import numpy as np

from .level import Line, along, begun_at

_BESIDE = 0.02  # of the length: how far before and behind a point its line's headings are taken
_SHARP = 0.8  # radians from which on a turn is a corner
_ALIKE = 1.2  # radians by which two corners may differ
_NEAR = 0.03  # of the length: how far from where it is expected a corner is looked for
_END = 1e-6

Steps = tuple[np.ndarray, np.ndarray]
"""Shares of one stroke's length, ascending from 0 to 1, and of the other's at these, which never go
back: [n] each."""


def cornered(one: Line, other: Line, steps: Steps) -> Steps:
    """The same steps with corners on corners; in between they are off by what the next ones are.

    A corner meets the nearest one of the other stroke that turns alike, if it is that one's
    nearest, too.
    """
    here, there = _corners(one), _corners(other)
    if not (len(here[0]) and len(there[0])):
        return steps
    expected = np.interp(here[0], *steps)
    apart = np.abs(expected[:, None] - there[0])
    apart[np.abs(here[1][:, None] - there[1]) > _ALIKE] = np.inf
    nearest = apart.argmin(axis=1)
    index = np.arange(len(expected))
    meets = (apart[index, nearest] < _NEAR) & (apart.argmin(axis=0)[nearest] == index)
    meets[meets] = _ascending(there[0][nearest[meets]])
    own = np.concatenate([[0.0], here[0][meets], [1.0]])
    moved = np.concatenate([[0.0], (there[0][nearest] - expected)[meets], [0.0]])
    shares = np.unique(np.concatenate([steps[0], own]))
    partners = np.interp(shares, *steps) + np.interp(shares, own, moved)
    return shares, np.maximum.accumulate(np.clip(partners, 0.0, 1.0))


def corner_shares(line: Line) -> np.ndarray:
    """Where on its length, 0..1, a stroke has corners: [n]; a closed one perhaps at its start."""
    if not float(line.way[-1]) > 0.0:
        return np.zeros(0)
    found = _corners(line)[0]
    if not line.cyclic:
        return found
    return np.concatenate([found, (_corners(begun_at(line, 0.5))[0] + 0.5) % 1.0])


def _corners(line: Line) -> tuple[np.ndarray, np.ndarray]:
    """Where on its length, 0..1, a stroke has corners [n], and how far it turns there, radians.

    Both ends are none. Of corners close together only the sharpest counts.
    """
    shares = line.way / line.way[-1]
    shares = shares[(shares > _END) & (shares < 1.0 - _END)]
    beside = np.array([-_BESIDE, 0.0, _BESIDE])[:, None]
    around = shares + beside
    around = around % 1.0 if line.cyclic else np.clip(around, 0.0, 1.0)
    points = along(line, around.ravel()).points
    before, at, behind = (points[:, 0] + 1j * points[:, 1]).reshape(3, -1)
    turns = np.angle((behind - at) * (at - before).conj())
    kept: list[int] = []
    left = np.abs(turns) > _SHARP
    while left.any():
        sharpest = int(np.argmax(np.where(left, np.abs(turns), 0.0)))
        kept.append(sharpest)
        left &= np.abs(shares - shares[sharpest]) > _BESIDE
    kept.sort()
    return shares[kept], turns[kept]


def _ascending(shares: np.ndarray) -> np.ndarray:
    """Which of these [n] lie beyond all before them: bool [n]."""
    before = np.concatenate([[-np.inf], np.maximum.accumulate(shares)[:-1]])
    return shares > before
