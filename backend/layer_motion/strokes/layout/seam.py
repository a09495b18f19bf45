"""Finds which place on a stroke became which on its partner, corner to corner; matching only.

Two hands put different points on the same shape. Paired by even arc length, corners would meet
straight pieces, and be cut off wherever points are laid anew.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ... import affine
from ..shape.corners import cornered
from ..shape.level import Line, along, begun_at, resampled

_SAMPLES = 72
_BAND = 10
_HEADING = 0.3
_SKEW = 0.5
_UNEVEN = 0.003
_GAIN = 0.7
_STIFF = 1e-3
_SMOOTH = 1.2
_CLOSE = 1e-4
_FEWEST_POINTS = 3


def sewn(one: Line, other: Line) -> tuple[Line, Line]:
    """Two strokes of one direction and, where closed, about one start, point by point.

    Every point of either is in both, but for those too close together to be seen. They stay in
    step by arc length where that explains the change of shape as well, but for corners, which meet
    corners. Strokes that cannot be sewn get equal counts.
    """
    if not _may_be_sewn(one, other):
        count = max(len(one.values), len(other.values))
        same = len(one.values) == len(other.values)
        return (one, other) if same else (resampled(one, count), resampled(other, count))
    if one.cyclic:
        # The seam moves to the far side, where a start that was a little off does not matter.
        there = float(_in_step(one, other)[_SAMPLES // 2])
        one, other = begun_at(one, 0.5), begun_at(other, there)
    even = np.linspace(0.0, 1.0, _SAMPLES + 1)
    shares, steps = cornered(one, other, (even, _in_step(one, other)))
    here, there = _places(one), _places(other)
    own = np.concatenate([here, np.interp(there, steps, shares)])
    partner = np.concatenate([np.interp(here, shares, steps), there])
    order = np.argsort(own + partner, kind="stable")
    own = np.maximum.accumulate(own[order])
    partner = np.maximum.accumulate(partner[order])
    # By steps of the way, not from point to point: where a pen went slowly all lie close together.
    fresh = np.concatenate([[True], np.diff(np.floor((own + partner) / _CLOSE)) > 0])
    fresh[-1] |= not one.cyclic
    return along(one, own[fresh]), along(other, partner[fresh])


def _may_be_sewn(one: Line, other: Line) -> bool:
    """Whether both have a way to go along, and begin and end alike."""
    fewest = min(len(one.values), len(other.values))
    shortest = min(float(one.way[-1]), float(other.way[-1]))
    return fewest >= _FEWEST_POINTS and shortest > 0.0 and one.cyclic == other.cyclic


def _places(line: Line) -> np.ndarray:
    """Share of the length at each point of a stroke: [n], from 0, closed ones below 1."""
    way = line.way / line.way[-1]
    return way[:-1] if line.cyclic else way


def _in_step(one: Line, other: Line) -> np.ndarray:
    """Share of the other's length at even shares of the one's: [_SAMPLES + 1], 0 to 1."""
    even = np.linspace(0.0, 1.0, _SAMPLES + 1)
    a, b = _sampled(one), _sampled(other)
    matrix = affine.fit_affine(a, b, stiffness=_STIFF)  # an eye that shuts is a flat one
    if not affine.is_regular(matrix):
        return even
    cost = _unlike(affine.apply(matrix, a), b, cyclic=one.cyclic)
    plain = float(np.trapezoid(np.diagonal(cost)))
    steps, total = _cheapest(cost)
    if total > _GAIN * plain:
        return even
    share = gaussian_filter1d(steps - np.arange(_SAMPLES + 1), _SMOOTH, mode="nearest")
    share = np.clip((share + np.arange(_SAMPLES + 1)) / _SAMPLES, 0.0, 1.0)
    share[[0, -1]] = 0.0, 1.0
    return np.maximum.accumulate(share)


def _sampled(line: Line) -> np.ndarray:
    """Points at even shares of the length, both ends among them: [_SAMPLES + 1, 2]."""
    if not line.cyclic:
        return resampled(line, _SAMPLES + 1).points
    points = resampled(line, _SAMPLES).points
    return np.concatenate([points, points[:1]])


def _unlike(a: np.ndarray, b: np.ndarray, *, cyclic: bool) -> np.ndarray:
    """How little samples [n, 2] fit to each other in place and heading: [n, n]."""
    size = max(float(np.hypot(*np.ptp(b, axis=0))), 1e-6)
    away = ((a[:, None] - b[None]) ** 2).sum(axis=2) / size**2
    one, other = _headings(a, cyclic=cyclic), _headings(b, cyclic=cyclic)
    turned = 1.0 - np.real(one[:, None] * other[None].conj())
    rank = np.arange(len(a)) / len(a)
    return away + _HEADING * turned / _SAMPLES + _SKEW * (rank[:, None] - rank[None]) ** 2 / 4


def _headings(points: np.ndarray, *, cyclic: bool) -> np.ndarray:
    if cyclic:
        padded = np.concatenate([points[-2:-1], points, points[1:2]])
        step = padded[2:] - padded[:-2]
    else:
        step = np.gradient(points, axis=0)
    way = step[:, 0] + 1j * step[:, 1]
    return way / np.maximum(np.abs(way), 1e-9)


def _cheapest(cost: np.ndarray) -> tuple[np.ndarray, float]:
    """The best way through a cost matrix from corner to corner, and its cost.

    Each step goes on by one or two on either side. Returns the column of each row: [n].
    """
    count = len(cost)
    table = cost.tolist()
    best = [[np.inf] * count for _ in range(count)]
    came: dict[tuple[int, int], tuple[int, int]] = {}
    best[0][0] = 0.0
    uneven = _UNEVEN / _SAMPLES
    for i in range(1, count):
        for j in range(max(1, i - _BAND), min(count, i + _BAND + 1)):
            here = table[i][j]
            least, step = best[i - 1][j - 1] + (here + table[i - 1][j - 1]) / 2, (1, 1)
            if i > 1 and (longer := best[i - 2][j - 1] + here + table[i - 2][j - 1]) < least:
                least, step = longer + uneven, (2, 1)
            if j > 1 and (longer := best[i - 1][j - 2] + (here + table[i - 1][j - 2]) / 2) < least:
                least, step = longer + uneven, (1, 2)
            best[i][j] = least
            came[i, j] = step
    place, rows, columns = (count - 1, count - 1), [count - 1], [count - 1]
    while place in came:
        step = came[place]
        place = place[0] - step[0], place[1] - step[1]
        rows.append(place[0])
        columns.append(place[1])
    return np.interp(np.arange(count), rows[::-1], columns[::-1]), best[-1][-1]
