"""Matches open strokes that show other parts of the same line, as ink behind an arm.

Pulled from end to end such a line would slide along itself: an outline whose gap travels would
wheel round, handwriting would grow like rubber. Here what both keys show stays together, and the
ends run along the line. Matching lays both keys out as long as either shows them; the morph cuts
what it has drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import affine
from ..shape.complex_points import as_complex
from ..shape.level import Line, finest, resampled, reversed_line
from .pointing import PLANTED, stay

Span = tuple[float, float]
"""Which part of a line, in shares 0..1 of its points, a key shows."""

WHOLE: Span = (0.0, 1.0)

_SAMPLES = 72
_LEAST_SHARED = 0.45  # of the shorter stroke
_ALIKE = 0.03  # of headings in what is shared: 1 less their coherence, 14 degrees rms
_CLEARLY = 0.25  # of what end to end leaves
_MISMATCH = 0.02  # what may be left end to end: the ends' own bends
_TURN_COST = 0.03
_PLACE_COST = 0.05
_NEARER = 0.5
_OFF = 0.05  # of the line's length: an end that stays may be so far along it from where it was
_ONE_PLACE = 1e-6  # of the line's length
_END_SHARE = 0.35  # of what is shared: how its end goes on


@dataclass(frozen=True, eq=False)
class Overlap:
    """One line at both keys, as long as either shows it, and which part each of them shows."""

    one: Line
    other: Line
    spans: tuple[Span, Span]


def overlapped(one: Line, other: Line, motion: np.ndarray) -> Overlap | None:
    """Partners as parts of one line, if they are clearly more alike that way than end to end, and
    what they share moves less.

    `motion` (3 x 3): of the whole, which may be told by these very ends, so that staying counts,
    too.
    """
    if one.cyclic or other.cyclic or min(float(one.way[-1]), float(other.way[-1])) <= 0.0:
        return None
    if one.is_filled or other.is_filled:
        return None
    plain = _unlike(_headings(one, _SAMPLES), _headings(other, _SAMPLES))[0]
    if plain < _MISMATCH:
        return None
    carried = one.placed(affine.apply(motion, one.points))
    trials = [(way, base) for way in (other, reversed_line(other)) for base in (one, carried)]
    found = min((_best_shift(base, way) for way, base in trials), key=lambda shift: shift.cost)
    if found.unlike > min(_ALIKE, _CLEARLY * plain):
        return None
    if found.away_px > _NEARER * _away_px(one, other, motion):
        return None
    return _laid_out(one, found) if _keeps_ends(one, found) else None


def _keeps_ends(one: Line, shift: _Shift) -> bool:
    """Whether an end that stays where it is in the picture is the same place of the line, too.

    The limbs of stick figures hang on it; their straight parts are alike wherever they are laid.
    """
    same, crossed = stay(one, shift.way), stay(one, reversed_line(shift.way))
    if crossed.max() > max(PLANTED, float(same.max())):
        return False
    lengths = float(one.way[-1]), float(shift.way.way[-1])
    begins_px = shift.start * lengths[0]
    off_px = np.abs([begins_px, begins_px + lengths[1] - lengths[0]])
    return bool((off_px[same > PLANTED] < _OFF * max(lengths)).all())


def _away_px(one: Line, other: Line, motion: np.ndarray) -> float:
    """How far partners lie from each other end to end, on average, as they are or as all moves."""
    some, others = (resampled(line, _SAMPLES).points for line in (one, other))
    return min(
        float(np.linalg.norm(affine.apply(moved, some) - way, axis=1).mean())
        for moved in (affine.IDENTITY, motion)
        for way in (others, others[::-1])
    )


@dataclass(frozen=True, eq=False)
class _Shift:
    """`way`: the other stroke in the direction that suits; it begins at `start` along the one, in
    lengths of that.
    """

    cost: float
    unlike: float
    away_px: float
    way: Line
    start: float


def _headings(line: Line, count: int) -> np.ndarray:
    """Directions of `count` even pieces: complex [count], length 1."""
    edges = np.diff(as_complex(resampled(line, count + 1).points))
    return edges / np.maximum(np.abs(edges), 1e-9)


def _unlike(some: np.ndarray, others: np.ndarray) -> tuple[float, float]:
    """How little the headings of two stretches agree, 0..1, and the turn between them, radians."""
    mean = complex(np.vdot(some, others)) / len(some)
    return 1.0 - abs(mean), abs(float(np.angle(mean)))


def _best_shift(one: Line, way: Line) -> _Shift:
    """Where along the one the other begins, if neither is stretched."""
    long_px = max(float(one.way[-1]), float(way.way[-1]))
    step = long_px / _SAMPLES
    counts = [max(4, round(float(line.way[-1]) / step)) for line in (one, way)]
    some, others = (_headings(line, n) for line, n in zip((one, way), counts, strict=True))
    places = [
        as_complex(resampled(line, n + 1).points)
        for line, n in zip((one, way), counts, strict=True)
    ]
    least = max(4, int(_LEAST_SHARED * min(counts)))
    cost, start = np.inf, 0
    for trial in range(least - counts[1], counts[0] - least + 1):
        begin, end = max(0, trial), min(counts[0], trial + counts[1])
        unlike, turn = _unlike(some[begin:end], others[begin - trial : end - trial])
        apart = places[0][begin:end] - places[1][begin - trial : end - trial]
        now = _cost(unlike, turn, float(np.abs(apart).mean()) / long_px)
        if now < cost:
            cost, start = now, trial

    def worth(begin: float) -> float:
        return -_shifted(one, way, begin).cost

    return _shifted(one, way, finest(start * step, step / 2, worth))


def _cost(unlike: float, turn: float, away: float) -> float:
    return unlike + _TURN_COST * turn + _PLACE_COST * away


def _shifted(one: Line, way: Line, start_px: float) -> _Shift:
    """What the two have in common where the other begins at a length along the one."""
    begin = max(0.0, start_px)
    end = min(float(one.way[-1]), start_px + float(way.way[-1]))
    at = np.linspace(begin, end, _SAMPLES)
    places = [as_complex(_placed(line, at - b)) for line, b in ((one, 0.0), (way, start_px))]
    edges = [np.diff(place) for place in places]
    unlike, turn = _unlike(*(edge / np.maximum(np.abs(edge), 1e-9) for edge in edges))
    away_px = float(np.abs(places[0] - places[1]).mean())
    cost = _cost(unlike, turn, away_px / max(float(one.way[-1]), float(way.way[-1])))
    return _Shift(cost, unlike, away_px, way, start_px / float(one.way[-1]))


def _laid_out(one: Line, shift: _Shift) -> Overlap:
    """Both strokes with points at the same places of the line that they are parts of."""
    lines = one, shift.way
    begins = 0.0, shift.start * float(one.way[-1])
    shown = [(b, b + float(line.way[-1])) for line, b in zip(lines, begins, strict=True)]
    at = places_of_both(one.way, shift.way.way + begins[1])
    shared = max(begins), min(end for _, end in shown)
    drawn = [_placed(line, at - begin) for line, begin in zip(lines, begins, strict=True)]
    laid = [_carried_on(drawn[s], drawn[1 - s], at, shown[s], shared) for s in (0, 1)]
    return parts_of(lines, (laid[0], laid[1]), at, (shown[0], shown[1]))


def places_of_both(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The places on a line, ascending, at which either of two strokes along it has a point."""
    at = np.unique(np.concatenate([some, others]))
    apart = np.diff(at, prepend=-np.inf) > _ONE_PLACE * (at[-1] - at[0])
    ends = np.isin(at, (some[0], some[-1], others[0], others[-1]))
    return at[apart | ends]


def parts_of(
    lines: tuple[Line, Line],
    points: tuple[np.ndarray, np.ndarray],
    at: np.ndarray,
    shown: tuple[Span, Span],
) -> Overlap:
    """Strokes as parts of a line that lies at `points` [n, 2] at either key.

    `at` [n]: places along it, ascending; `shown`: from which place to which each key shows it.
    Width and opacity belong to what is seen, from its first point to its last.
    """
    one, other = (
        resampled(line, len(at)).placed(places) for line, places in zip(lines, points, strict=True)
    )
    share = np.linspace(0.0, 1.0, len(at))
    spans = [(float(b), float(e)) for b, e in (np.interp(ends, at, share) for ends in shown)]
    return Overlap(one, other, (spans[0], spans[1]))


def _placed(line: Line, at: np.ndarray) -> np.ndarray:
    """Places [n, 2] at lengths [n] along a stroke; beyond its ends they stay there."""
    return np.stack([np.interp(at, line.way, line.points[:, axis]) for axis in (0, 1)], axis=1)


def _carried_on(
    own: np.ndarray, other: np.ndarray, at: np.ndarray, shown: Span, shared: Span
) -> np.ndarray:
    """A key's places [n, 2], beyond what it shows those of the other key, laid on at its ends."""
    points = own.copy()
    reach = _END_SHARE * (shared[1] - shared[0])
    for beyond, end, near in (
        (at < shown[0], shown[0], (at >= shared[0]) & (at <= shared[0] + reach)),
        (at > shown[1], shown[1], (at <= shared[1]) & (at >= shared[1] - reach)),
    ):
        if not beyond.any():
            continue
        motion = _motion(other[near], own[near])
        tip = np.array(
            [[np.interp(end, at, side[:, axis]) for axis in (0, 1)] for side in (own, other)]
        )
        moved = affine.apply(motion, np.concatenate([other[beyond], tip[1:]]))
        points[beyond] = moved[:-1] + tip[0] - moved[-1]
    return points


def _motion(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The similarity (3 x 3) that carries places [n, 2] onto others, or their middle's shift."""
    matrix = affine.fit_similarity(source, target)
    if affine.is_regular(matrix):
        return matrix
    return affine.translation(*(target - source).mean(axis=0))


def span_at(spans: tuple[Span, Span], progress: float) -> Span:
    """The part of a line that shows at `progress` 0..1 from key to key."""
    (begin, end), (last_begin, last_end) = spans
    return begin + progress * (last_begin - begin), end + progress * (last_end - end)


def cut_to(values: np.ndarray, span: Span) -> np.ndarray:
    """The part `span` of a line with `values` [n, 8] as `Line` has them: [m, 8].

    Its points stay where they are; width, opacity and paint are those at as large a share of all
    points as it has of its length behind it there.
    """
    last = len(values) - 1
    begin, end = span[0] * last, span[1] * last
    inner = np.arange(np.floor(begin) + 1, np.ceil(end))
    at = np.concatenate([[begin], inner, [end]])
    index = np.arange(len(values))
    points = np.stack([np.interp(at, index, values[:, axis]) for axis in (0, 1)], axis=1)
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    looks = way / max(float(way[-1]), 1e-9) * last
    others = [np.interp(looks, index, column) for column in values[:, 2:].T]
    return np.column_stack([points, *others])
