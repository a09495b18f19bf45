"""Joins open strokes that go on in one another, as one line drawn in two; stroke matching only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import KDTree

from ..shape.level import Line, joined, reversed_line

_TOUCH_SHARE = 0.012
_MAX_TURN_COSINE = 0.88
_TANGENT_SHARE = 0.35
_SAME_LOOK = 0.02


def chained(lines: Sequence[Line]) -> list[Line]:
    """The same drawing with fewer strokes, each at the place of its first part; fills untouched."""
    size = float(np.hypot(*np.ptp(np.concatenate([line.points for line in lines]), axis=0)))
    found: list[Line | None] = list(lines)
    home = list(range(len(lines)))  # where a stroke's ink lies now
    for one, other in _smooth_joints(lines, max(size * _TOUCH_SHARE, 0.5)):
        a, b = _root(home, one), _root(home, other)
        first, second = found[a], found[b]
        if a == b or first is None or second is None:
            continue
        keep, drop = min(a, b), max(a, b)
        found[keep], found[drop] = _meeting(first, second), None
        home[drop] = keep
    return [line for line in found if line is not None]


def _root(home: list[int], stroke: int) -> int:
    while home[stroke] != stroke:
        stroke = home[stroke]
    return stroke


def _meeting(one: Line, other: Line) -> Line:
    """Both joined where their ends are nearest."""
    gaps = np.linalg.norm(one.points[[0, -1]][:, None] - other.points[[0, -1]][None], axis=2)
    at_end, other_end = (bool(v) for v in divmod(int(gaps.argmin()), 2))
    return joined(
        one if at_end else reversed_line(one), reversed_line(other) if other_end else other
    )


def _smooth_joints(lines: Sequence[Line], touch_px: float) -> list[tuple[int, int]]:
    """Pairs of strokes of one look whose ends meet, no third there, without a corner."""
    able = [s for s, line in enumerate(lines) if _may_chain(line)]
    if len(able) < 2:
        return []
    ends = np.concatenate([lines[s].points[[0, -1]] for s in able])
    ways = np.concatenate([_outward(lines[s]) for s in able])
    tree = KDTree(ends)
    met = [len(near) for near in tree.query_ball_point(ends, touch_px)]
    pairs: list[tuple[int, int]] = []
    for a, b in sorted(tree.query_pairs(touch_px)):
        one, other = able[a // 2], able[b // 2]
        alone = met[a] == 2 and met[b] == 2 and one != other
        straight = float(ways[a] @ ways[b]) < -_MAX_TURN_COSINE
        if alone and straight and _alike(lines[one], lines[other]):
            pairs.append((one, other))
    return pairs


def _may_chain(line: Line) -> bool:
    return not line.cyclic and not line.is_filled and len(line.values) > 1 and line.way[-1] > 0


def _outward(line: Line) -> np.ndarray:
    """Directions in which a stroke leaves at its start and at its end: [2, 2]."""
    count = max(1, round(_TANGENT_SHARE * (len(line.values) - 1)))
    ways = line.points[[0, -1]] - line.points[[count, -1 - count]]
    return ways / np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), 1e-9)


def _alike(one: Line, other: Line) -> bool:
    if one.material != other.material or one.holdout != other.holdout:
        return False
    return bool(np.abs(one.colours - other.colours).max() < _SAME_LOOK)
