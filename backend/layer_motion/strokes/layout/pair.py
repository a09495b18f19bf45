"""Brings matched strokes of two drawings to one layout, strangers hidden; stroke matching only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial

import numpy as np

from shared.strokes import Drawing

from ... import affine
from ..shape import align as stroke_align
from ..shape import level as stroke_level
from ..shape.level import Line
from . import root as stroke_root
from . import seam as stroke_seam
from . import squash as stroke_squash
from .banded import banded
from .end_to_end import end_to_end
from .limb_root import root_on_root
from .lips import parted
from .overlap import Overlap, Span, overlapped
from .pointing import pointing_alike
from .polygon import corner_to_corner
from .riding import riding
from .root import Level, Numbers, Pairs
from .strangers import with_strangers
from .touching import in_touch
from .unturned import unturned

_TRUST_SHARE = 0.01
_MANY = 300
_MOSTLY = 0.5
_AROUND = 4


@dataclass(frozen=True, eq=False)
class StrokePair:
    """Two drawings with equal layout: stroke s and point p of one belong to those of the other.

    A stroke that only one key shows is in the other as well, invisible. `matrix` carries the first
    drawing's points onto the last's as well as a similarity can; `trust` [P] 0..1: how closely
    each point follows it. `late_order` [S]: the strokes in the last key's painting order.
    `numbers` int [2, S]: which stroke of either key each one is, is a part of, or begins with where
    several were taken together; -1 where the key does not show it. `change` [S]: the progress from
    which on the last key decides whether a stroke is there that one key alone shows, and which
    colours one has that changes its material. `spans`: stroke -> which parts of its points either
    key shows, where that is not all of them.
    """

    first: Drawing
    last: Drawing
    matrix: np.ndarray
    trust: np.ndarray
    late_order: np.ndarray
    numbers: np.ndarray
    change: np.ndarray
    spans: Mapping[int, tuple[Span, Span]] = field(default_factory=dict)

    @property
    def lone(self) -> np.ndarray:
        """Which strokes only one key shows: bool [S]."""
        return np.asarray((self.numbers < 0).any(axis=0))

    def towards(self, goal: np.ndarray) -> StrokePair:
        """The same pair with its points at other places [P, 2] at the last key."""
        last = replace(self.last, points=goal.astype(np.float32))
        lines = zip(stroke_level.lines_of(self.first), stroke_level.lines_of(last), strict=True)
        both = [row for row, lone in zip(lines, self.lone.tolist(), strict=True) if not lone]
        matrix = _common_motion(both)
        return replace(self, last=last, matrix=matrix, trust=_trust(self.first, last, matrix))

    def begun_at(self, start: np.ndarray, matrix: np.ndarray) -> StrokePair:
        """The same pair with its points at other places [P, 2] at the first key, which as a whole
        moves by `matrix`.
        """
        first = replace(self.first, points=start.astype(np.float32))
        return replace(self, first=first, matrix=matrix, trust=_trust(first, self.last, matrix))


def paired(
    lines: Sequence[Line],
    goals: Sequence[Line],
    pairs: Pairs,
    matrix: np.ndarray,
    drawings: tuple[Drawing, Drawing],
) -> StrokePair | None:
    """One layout for both drawings; None where their common motion is no sane one.

    `matrix` carries the first roughly onto the last. Strokes without a partner move with the
    matched lines around them.
    """
    pairs = _painting_order(pairs)
    level = _levelled(lines, goals, pairs, matrix)
    parts = _parts(level, matrix)
    level.update((numbers, (part.one, part.other)) for numbers, part in parts.items())
    matrix = _common_motion(level.values())
    if not affine.is_regular(matrix):
        return None
    rows, change = with_strangers(lines, goals, pairs, level, affine.size(matrix))
    first = stroke_level.drawing_of([one for one, _ in rows], drawings[0].layer_opacity)
    last = stroke_level.drawing_of([_told(*row) for row in rows], drawings[1].layer_opacity)
    numbers = np.array([[line.number for line in row] for row in rows]).T
    trust = _trust(first, last, matrix)
    place = {numbers: stroke for stroke, numbers in enumerate(pairs)}
    spans = {place[numbers]: part.spans for numbers, part in parts.items()}
    return StrokePair(
        first, last, matrix, trust, _late_order(pairs), numbers, np.array(change), spans
    )


def _parts(level: Mapping[Numbers, Level], matrix: np.ndarray) -> dict[Numbers, Overlap]:
    """Partners that show other parts of the same line."""
    if len(level) > _MANY:
        return {}
    found = riding(level)
    for numbers, both in level.items():
        part = found.get(numbers) or overlapped(*both, matrix)
        if part is not None:
            found[numbers] = part
    return found


def _levelled(
    lines: Sequence[Line], goals: Sequence[Line], pairs: Pairs, matrix: np.ndarray
) -> dict[Numbers, Level]:
    """All partners point by point; `matrix` carries the first roughly onto the last."""
    both = [(i, j) for i, j in pairs if i is not None and j is not None]
    loyal = _copies(lines, goals, both)
    keep = stroke_level.budget([lines[i] for i, _ in both], [goals[j] for _, j in both])
    redrawn = [key for key in both if not _copied(lines[key[0]], goals[key[1]], loyal=loyal)]
    faces = _faces(lines, goals, redrawn, matrix) if keep == 1.0 and len(both) <= _MANY else {}
    level = {
        (i, j): faces.get((i, j))
        or _level(lines[i], goals[j], matrix, keep=keep, loyal=loyal, few=len(both))
        for i, j in both
    }
    if keep < 1.0:
        return level
    free = [key for key in redrawn if key not in faces]
    level = unturned(level, free, cache(partial(_common_motion, list(level.values()))))
    roots = root_on_root(level, free)
    loose = [numbers for numbers in free if numbers not in roots]
    touching = in_touch(level | roots, loose)
    loose = [numbers for numbers in loose if numbers not in touching]
    level = stroke_root.rooted(level | roots | touching, loose)
    free = [numbers for numbers in free if numbers not in touching]
    level = end_to_end(level, free)
    return banded(level, free)


def _faces(
    lines: Sequence[Line], goals: Sequence[Line], both: list[Numbers], matrix: np.ndarray
) -> dict[Numbers, Level]:
    """Partners that are polygons, corner to corner, and shapes that open from lines."""
    middles = np.array(
        [[lines[i].points.mean(axis=0), goals[j].points.mean(axis=0)] for i, j in both]
    )
    found: dict[Numbers, Level] = {}
    for place, (i, j) in enumerate(both):
        one, other = lines[i], goals[j]
        level = parted(one, other, matrix)
        if level is None:
            level = corner_to_corner(one, other, matrix, _shift_around(middles, place))
        if level is not None:
            found[i, j] = level
    return found


def _shift_around(middles: np.ndarray, place: int) -> np.ndarray | None:
    """How far [2] those next to a stroke go, of middles [n, 2 keys, 2]; None of a lone stroke."""
    others = np.delete(middles, place, axis=0)
    if not len(others):
        return None
    near = np.argsort(np.linalg.norm(others[:, 0] - middles[place, 0], axis=1), kind="stable")
    shifts = others[near[:_AROUND], 1] - others[near[:_AROUND], 0]
    return np.median(shifts, axis=0)


def _copies(lines: Sequence[Line], goals: Sequence[Line], both: list[tuple[int, int]]) -> bool:
    """Whether the last key is the first one edited, so that equal point counts tell partners.

    Of strokes drawn anew a few have equal counts by chance.
    """
    if any(i != j for i, j in both):
        return False
    return stroke_level.equal_counts((lines[i], goals[j]) for i, j in both) > _MOSTLY


def _level(
    one: Line, other: Line, matrix: np.ndarray, *, keep: float, loyal: bool, few: int
) -> tuple[Line, Line]:
    """Partners with points that belong together; in drawings of very many strokes by length."""
    if _copied(one, other, loyal=loyal) or keep < 1.0 or few > _MANY:
        return stroke_level.levelled(one, other, matrix, keep=keep, loyal=loyal)
    one, other = stroke_level.like(one, other, matrix)
    plain = stroke_seam.sewn(one, pointing_alike(one, other, matrix))
    return stroke_squash.unsquashed(one, other, plain)


def _copied(one: Line, other: Line, *, loyal: bool) -> bool:
    return loyal and len(one.values) == len(other.values)


def _painting_order(pairs: Pairs) -> Pairs:
    """By the first key's order; strokes of the last key alone follow what they follow there."""
    below: dict[int, int] = {}
    latest = -1
    for j, i in sorted((j, -1 if i is None else i) for i, j in pairs if j is not None):
        latest = i if i >= 0 else latest
        below[j] = latest

    def rank(pair: tuple[int | None, int | None]) -> tuple[int, int]:
        i, j = pair
        if i is not None:
            return i, -1
        return (below[j], j) if j is not None else (-1, -1)

    return sorted(pairs, key=rank)


def _late_order(pairs: Pairs) -> np.ndarray:
    """Numbers of the paired strokes in the last key's order; those without stay put. int [S]."""
    rank = np.empty(len(pairs))
    latest = -1.0
    for place, (_, j) in enumerate(pairs):
        latest = latest + 1e-6 if j is None else float(j)
        rank[place] = latest
    return np.argsort(rank, kind="stable")


def _told(one: Line, other: Line) -> Line:
    """The other stroke with the first one's traits that cannot be mixed."""
    return replace(other, cyclic=one.cyclic, holdout=one.holdout, round_caps=one.round_caps)


def _common_motion(level: Collection[Level]) -> np.ndarray:
    """The similarity (3 x 3) that most of the partners' ink follows."""
    source, target = (np.concatenate([pair[side].points for pair in level]) for side in (0, 1))
    lengths = np.array([[float(line.way[-1]) for line in both] for both in level]).T
    return stroke_align.common_motion(source, target, _ink(level), lengths)


def _ink(level: Iterable[Level]) -> np.ndarray:
    """Weight of each point [n]: its share of its stroke's length; dots count a little."""
    parts = [
        np.full(len(one.values), (one.way[-1] + other.way[-1] + 1.0) / len(one.values))
        for one, other in level
    ]
    ink = np.concatenate(parts)
    return ink / ink.sum()


def _trust(first: Drawing, last: Drawing, matrix: np.ndarray) -> np.ndarray:
    target = last.points.astype(float)
    reach = _TRUST_SHARE * max(float(np.hypot(*np.ptp(target, axis=0))), 1.0)
    away = np.linalg.norm(affine.apply(matrix, first.points.astype(float)) - target, axis=1)
    return 1.0 / (1.0 + (away / reach) ** 2) ** 2
