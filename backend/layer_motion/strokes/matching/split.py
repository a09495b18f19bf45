"""Mends matches where one drawing has a line in one stroke and the other in two; matching only."""

from __future__ import annotations

import numpy as np

from ..layout.root import Pairs
from ..shape import cost as stroke_cost
from ..shape.level import Line, cut, joined, reversed_line

_TOUCH_SHARE = 0.03
_GAIN = 0.2
_MOST = 300
_ROUNDS = 3


def mended(
    first: list[Line], last: list[Line], pairs: Pairs, matrix: np.ndarray
) -> tuple[list[Line], list[Line], Pairs]:
    """Cut strokes in two where their partner and a partnerless stroke together are more alike.

    `matrix` carries the first drawing onto the last. Returns new lists; cut strokes keep their
    place in the painting order.
    """
    back = np.linalg.inv(matrix)
    for _ in range(_ROUNDS):
        count = len(first) + len(last)
        first, last, pairs = _mended_first(first, last, pairs, matrix)
        turned: Pairs = [(j, i) for i, j in pairs]
        last, first, turned = _mended_first(last, first, turned, back)
        pairs = [(i, j) for j, i in turned]
        if len(first) + len(last) == count:
            break
    return first, last, pairs


def _mended_first(
    first: list[Line], last: list[Line], pairs: Pairs, matrix: np.ndarray
) -> tuple[list[Line], list[Line], Pairs]:
    """One round: strokes of the first drawing are cut."""
    alone = [j for i, j in pairs if i is None and j is not None and _may_part(last[j])]
    partner = {j: i for i, j in pairs if i is not None and j is not None}
    if not alone or len(alone) > _MOST or not partner:
        return first, last, pairs
    size = stroke_cost.measured(last).size_px
    cuts: dict[int, tuple[int, Line, Line, int]] = {}  # stroke -> partner, its two parts, new
    for stray in alone:
        found = _best_cut(first, last, partner, stray, matrix, size)
        if found is not None and found[0] not in cuts:
            cuts[found[0]] = (*found[1:], stray)
    return _with_cuts(first, last, pairs, cuts) if cuts else (first, last, pairs)


def _may_part(line: Line) -> bool:
    return not line.cyclic and not line.is_filled and len(line.values) > 1


def _best_cut(
    first: list[Line],
    last: list[Line],
    partner: dict[int, int],
    stray: int,
    matrix: np.ndarray,
    size_px: float,
) -> tuple[int, int, Line, Line] | None:
    """The stroke to cut for a partnerless one, its partner, and the parts for partner and stray."""
    ends = last[stray].points[[0, -1]]
    best, most = None, _GAIN
    for j, i in partner.items():
        one, other = first[i], last[j]
        if not (_may_part(one) and _may_part(other)) or one.material != other.material:
            continue
        gaps = np.linalg.norm(other.points[[0, -1]][:, None] - ends[None], axis=2)
        if gaps.min() > _TOUCH_SHARE * size_px:
            continue
        at_start, stray_end = (bool(v) for v in divmod(int(gaps.argmin()), 2))
        # The partner runs towards the touching point, the stray away from it.
        before = other if at_start else reversed_line(other)
        behind = reversed_line(last[stray]) if stray_end else last[stray]
        whole = joined(before, behind)
        gain = _unlikeness(one, other, matrix, size_px)
        gain -= _unlikeness(one, whole, matrix, size_px)
        if gain > most:
            share = before.way[-1] / max(before.way[-1] + behind.way[-1], 1e-9)
            best, most = (i, j, *_parts(one, whole, share, matrix)), gain
    return best


def _parts(one: Line, whole: Line, share: float, matrix: np.ndarray) -> tuple[Line, Line]:
    """The stroke cut as the whole is, whichever way it runs."""
    start = one.points[[0, -1]] @ matrix[:2, :2].T + matrix[:2, 2]
    along = np.linalg.norm(start - whole.points[[0, -1]], axis=1).sum()
    against = np.linalg.norm(start[::-1] - whole.points[[0, -1]], axis=1).sum()
    return cut(one if along <= against else reversed_line(one), share)


def _unlikeness(one: Line, other: Line, matrix: np.ndarray, size_px: float) -> float:
    """Cost of a single pair in drawings of that size."""
    moved, goal = stroke_cost.measured([one]).moved(matrix), stroke_cost.measured([other])
    index = np.array([0])
    return float(stroke_cost.cost(moved, goal, index, index, size_px=size_px)[0])


def _with_cuts(
    first: list[Line],
    last: list[Line],
    pairs: Pairs,
    cuts: dict[int, tuple[int, Line, Line, int]],
) -> tuple[list[Line], list[Line], Pairs]:
    lines: list[Line] = []
    place: dict[int, int] = {}
    added: Pairs = []
    for stroke, line in enumerate(first):
        place[stroke] = len(lines)
        if stroke in cuts:
            _, before, behind, stray = cuts[stroke]
            lines += [before, behind]
            added.append((place[stroke] + 1, stray))
        else:
            lines.append(line)
    strays = {stray for *_, stray in cuts.values()}
    kept: Pairs = [
        (None if i is None else place[i], j) for i, j in pairs if i is not None or j not in strays
    ]
    return lines, last, kept + added
