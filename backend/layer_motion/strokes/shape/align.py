"""Finds the common motion of two sets of strokes, limbs and strangers aside; for matching only."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from ... import affine
from .cost import Strokes

_POINTS = 500
_COLOUR_SHARE = 0.3
_TURNS_DEG = (0.0, -35.0, 35.0, -70.0, 70.0, -110.0, 110.0, 150.0, -150.0)
_STEPS = 8
_KEEP = 0.75
_TURN_COST = 0.15
_GROWTH_COST = 0.15
_CERTAIN, _ALIKE = 20.0, 0.1
_MAX_GROWTH = 2.5
_ROBUST_STEPS = 12
_TIGHT_SHARE = 0.004
_EXPLAINED_SHARE = 0.02
_RESTS, _FAR = 0.35, 0.8  # radians
_SEVERAL = 4  # strokes: fewer are no two limbs with what they hold
_LITTLE, _AS_MUCH = 0.045, 0.6  # of the ink
_BEYOND = 1.6  # times as much as strokes grow on average
_TINY = 1e-3
_CIRCLE, _ROUND_SAYS = 0.03, 5  # points; more would keep a wheel from turning
_TELL_TURN = 4  # other strokes


def common_motion(
    source: np.ndarray,
    target: np.ndarray,
    weights: np.ndarray,
    lengths: np.ndarray | None = None,
) -> np.ndarray:
    """The similarity (3 x 3) that most of the ink [n, 2] follows.

    Reweighted least squares (Geman-McClure): a body at rest stays at rest while its limbs swing.
    `lengths` [2, S] of all strokes at both keys, where partners are sure: the whole grows about as
    they do, as two hands that meet have not shrunk to a point, and where hardly any ink goes as
    one, as two arms that part do not, it goes with its middle.
    """
    size = max(float(np.hypot(*np.ptp(target, axis=0))), 1.0)
    bounds = (0.0, np.inf) if lengths is None else _growth(lengths)
    start = _bounded(affine.fit_similarity(source, target, weights), source, weights, bounds)
    fitted = _robust(start, source, target, weights, size, bounds)
    rested = _robust(affine.IDENTITY, source, target, weights, size, bounds)
    shares = [_explained(matrix, source, target, size) for matrix in (fitted, rested)]
    ink = [float(weights @ share) for share in shares]
    turn = [affine.turn(matrix) for matrix in (fitted, rested)]
    best = 0 if abs(turn[1]) > _RESTS or ink[0] >= ink[1] else 1
    several = lengths is not None and lengths.shape[1] >= _SEVERAL
    if several and (
        (max(ink) < _LITTLE and max(np.abs(turn)) > _FAR)
        or _is_mirrored(turn[best], (source, target), (weights, shares[best]), size, bounds)
    ):
        return _shifted(source, target, weights)
    return (fitted, rested)[best]


def _explained(
    matrix: np.ndarray, source: np.ndarray, target: np.ndarray, size: float
) -> np.ndarray:
    """How well, 0..1, a motion carries each point about where it goes: [n]."""
    away = np.linalg.norm(affine.apply(matrix, source) - target, axis=1)
    return 1.0 / (1.0 + (away / (_EXPLAINED_SHARE * size)) ** 2)


def _is_mirrored(
    turn: float,
    points: tuple[np.ndarray, np.ndarray],
    told: tuple[np.ndarray, np.ndarray],
    size: float,
    bounds: tuple[float, float],
) -> bool:
    """Whether as much ink turns as far the other way, as two arms that swing up on either side.

    `points` at both keys; `told`: their ink [n], and how well each goes by `turn`.
    """
    (source, target), (weights, share) = points, told
    rest = weights * (1.0 - share)
    if abs(turn) < _FAR or rest.sum() <= _TINY:
        return False
    rest /= rest.sum()
    start = _bounded(affine.fit_similarity(source, target, rest), source, rest, bounds)
    other = _robust(start, source, target, rest, size, bounds)
    ink = float(weights @ _explained(other, source, target, size))
    return ink > _AS_MUCH * float(weights @ share) and abs(turn + affine.turn(other)) < _RESTS


def _shifted(source: np.ndarray, target: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The motion of the middle alone."""
    return affine.translation(*(weights @ (target - source) / weights.sum()))


def _growth(lengths: np.ndarray) -> tuple[float, float]:
    """How much the whole may grow, at least and at most, where strokes do by lengths [2, S]."""
    ink = lengths.sum(axis=0) + _TINY
    growth = np.exp(ink @ np.log((lengths[1] + _TINY) / (lengths[0] + _TINY)) / ink.sum())
    return float(growth) / _BEYOND, float(growth) * _BEYOND


def _bounded(
    matrix: np.ndarray, source: np.ndarray, weights: np.ndarray, bounds: tuple[float, float]
) -> np.ndarray:
    """A similarity that grows by no less and no more, and carries the points' middle alike."""
    size = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if bounds[0] <= size <= bounds[1]:
        return matrix
    change = float(np.clip(size, *bounds)) / max(size, _TINY)
    middle = weights @ source / weights.sum()
    there = affine.apply(matrix, middle)
    found = matrix.copy()
    found[:2, :2] *= change
    found[:2, 2] = there - found[:2, :2] @ middle
    return found


def _robust(
    matrix: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    weights: np.ndarray,
    size: float,
    bounds: tuple[float, float],
) -> np.ndarray:
    for _ in range(_ROBUST_STEPS):
        away = np.linalg.norm(affine.apply(matrix, source) - target, axis=1)
        reach = max(_weighted_median(away, weights), _TIGHT_SHARE * size)
        trust = 1.0 / (1.0 + (away / reach) ** 2) ** 2
        inside = weights * trust
        matrix = affine.fit_similarity(source, target, inside)
        matrix = _bounded(matrix, source, inside, bounds)
    return matrix


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order[min(int(np.searchsorted(total, total[-1] / 2)), len(order) - 1)]])


def aligned(first: Strokes, last: Strokes, hint: np.ndarray | None) -> list[np.ndarray]:
    """Similarities (3 x 3) that may lay one drawing's lines upon the other's, best guess first.

    Closest points from several starts, `hint` among them, with small turns preferred; then the
    hint itself and the plain shift of the middle.
    """
    size = max(first.size_px, last.size_px)
    source, target = _features(first, size), _features(last, size)
    tree = KDTree(target)
    starts = [affine.IDENTITY] if hint is None else [hint, affine.IDENTITY]
    centre = source[:, :2].mean(axis=0)
    away = target[:, :2].mean(axis=0) - centre
    for turn in _TURNS_DEG:
        starts.append(affine.translation(*away) @ affine.rotation_about(centre, turn))
    found = [_closest(start, source, target, tree) for start in starts]
    best = min(found, key=lambda m: _cost(m, source, target, tree, size))
    return [best, *([] if hint is None else [hint]), affine.translation(*away)]


def _features(strokes: Strokes, size: float) -> np.ndarray:
    """Evenly chosen points, with kind and colours as further, stretched coordinates: [n, 11]."""
    share = strokes.length / max(float(strokes.length.sum()), 1e-9)
    count = np.clip(np.rint(share * _POINTS), 1, strokes.samples.shape[1]).astype(int)
    rings = _round(strokes)
    if (~rings).sum() >= _TELL_TURN:
        count = np.where(rings, np.minimum(count, _ROUND_SAYS), count)
    stride = max(1, len(count) // _POINTS)
    rows: list[np.ndarray] = []
    for stroke in range(0, len(count), stride):
        index = np.linspace(0, strokes.samples.shape[1] - 1, count[stroke]).astype(int)
        points = strokes.samples[stroke, index]
        look = np.append(strokes.kind[stroke], _COLOUR_SHARE * strokes.colours[stroke]) * size
        place = np.stack([np.real(points), np.imag(points)], axis=1)
        rows.append(np.concatenate([place, np.tile(look, (len(points), 1))], axis=1))
    return np.concatenate(rows)


def _round(strokes: Strokes) -> np.ndarray:
    """Which strokes are circles, which lie on themselves however they turn: bool [S]."""
    away = np.abs(strokes.samples - strokes.middle[:, None])
    return strokes.cyclic & (away.std(axis=1) < _CIRCLE * away.mean(axis=1))


def _closest(start: np.ndarray, source: np.ndarray, target: np.ndarray, tree: KDTree) -> np.ndarray:
    matrix = start
    for _ in range(_STEPS):
        moved = affine.apply(matrix, source[:, :2])
        found = tree.query(np.column_stack([moved, source[:, 2:]]))
        away, index = np.asarray(found[0]), np.asarray(found[1])
        kept = away <= np.quantile(away, _KEEP)
        change = affine.fit_similarity(source[kept, :2], target[index[kept], :2])
        growth = np.sqrt(abs(float(np.linalg.det(change[:2, :2]))))
        if not affine.is_regular(change) or not 1 / _MAX_GROWTH < growth < _MAX_GROWTH:
            break
        matrix = change
    return matrix


def _cost(
    matrix: np.ndarray, source: np.ndarray, target: np.ndarray, tree: KDTree, size: float
) -> float:
    """Trimmed distance both ways as a share of the size, plus what turning and growing cost."""
    moved = np.column_stack([affine.apply(matrix, source[:, :2]), source[:, 2:]])
    there, back = tree.query(moved)[0], KDTree(moved).query(target)[0]
    apart = sum(float(np.minimum(np.sort(d)[: int(0.9 * len(d)) + 1], size).mean())
                for d in (there, back)) / (2 * size)  # fmt: skip
    turn = abs(affine.turn(matrix)) / np.pi
    growth = abs(0.5 * float(np.log(abs(np.linalg.det(matrix[:2, :2])) + 1e-9)))
    unlikely = _TURN_COST * turn + _GROWTH_COST * growth
    return apart + unlikely * float(np.clip(_CERTAIN * apart, _ALIKE, 1.0))
