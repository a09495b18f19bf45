"""Pairs the strokes of a layer's two keys point by point; for layer motion only."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy.optimize import linear_sum_assignment

from shared.strokes import Drawing

from . import affine

_MAX_DISTANCE_SHARE = 0.6
_MAX_POINTS_PER_STROKE = 4096
_PER_POINT = ("points", "radius", "opacity", "point_colour")
_PER_STROKE = ("stroke_colour", "fill_colour", "cyclic", "holdout", "round_caps", "material")


@dataclass(frozen=True, eq=False)
class StrokePair:
    """Two drawings with equal layout: stroke s and point p of one belong to those of the other.

    `matrix` carries the first drawing's points onto the last's as well as a similarity can.
    """

    first: Drawing
    last: Drawing
    matrix: np.ndarray


def pair_strokes(first: Drawing | None, last: Drawing | None) -> StrokePair | None:
    """Match by order where materials agree, else by place within each material.

    None where counts, materials or kinds differ, or where the strokes lie too far apart after the
    best common motion to be the same ones.
    """
    if first is None or last is None or not first.stroke_count:
        return None
    if first.stroke_count != last.stroke_count or not _finite(first, last):
        return None
    order = _order(first, last)
    if order is None:
        return None
    pair = _levelled(first, _reordered(last, order))
    matrix = affine.fit_similarity(pair[0].points.astype(float), pair[1].points.astype(float))
    if not affine.is_regular(matrix):
        return None
    found = StrokePair(pair[0], pair[1], matrix)
    return found if _plausible(found) else None


def _finite(first: Drawing, last: Drawing) -> bool:
    return bool(np.isfinite(first.points).all() and np.isfinite(last.points).all())


def _kinds(drawing: Drawing) -> np.ndarray:
    """What must agree: material, closed or not, fill or not. int [S, 3]."""
    filled = drawing.fill_colour[:, 3] > 0
    return np.stack([drawing.material, drawing.cyclic, filled], axis=1).astype(int)


def _order(first: Drawing, last: Drawing) -> np.ndarray | None:
    """For each stroke of the first drawing the index of its partner in the last."""
    kinds, others = _kinds(first), _kinds(last)
    if (np.diff(first.offsets) < 1).any() or (np.diff(last.offsets) < 1).any():
        return None
    if (kinds == others).all():
        return np.arange(first.stroke_count)
    places, goals = _places(first), _places(last)
    cost = np.linalg.norm(places[:, None] - goals[None], axis=2)
    allowed = (kinds[:, None] == others[None]).all(axis=2)
    rows, columns = linear_sum_assignment(np.where(allowed, cost, 1e9))
    return columns if allowed[rows, columns].all() else None


def _places(drawing: Drawing) -> np.ndarray:
    """Middle of each stroke relative to the drawing's own middle: [S, 2]."""
    middles = [drawing.stroke_points(s).mean(axis=0) for s in range(drawing.stroke_count)]
    return np.stack(middles) - drawing.points.mean(axis=0)


def _reordered(drawing: Drawing, order: np.ndarray) -> Drawing:
    if (order == np.arange(len(order))).all():
        return drawing
    pieces = [np.arange(int(drawing.offsets[s]), int(drawing.offsets[s + 1])) for s in order]
    index = np.concatenate(pieces)
    offsets = np.concatenate([[0], np.cumsum([len(piece) for piece in pieces])]).astype(np.int32)
    points = {name: getattr(drawing, name)[index] for name in _PER_POINT}
    strokes = {name: getattr(drawing, name)[order] for name in _PER_STROKE}
    return _changed(drawing, {"offsets": offsets, **points, **strokes})


def _changed(drawing: Drawing, arrays: dict[str, np.ndarray]) -> Drawing:
    current = {field.name: getattr(drawing, field.name) for field in fields(Drawing)}
    return Drawing(**{**current, **arrays})


def _levelled(first: Drawing, last: Drawing) -> tuple[Drawing, Drawing]:
    """Give partners equal point counts, direction and, where closed, starting point."""
    rows: list[tuple[dict[str, np.ndarray], dict[str, np.ndarray]]] = []
    for stroke in range(first.stroke_count):
        one, other = _stroke(first, stroke), _stroke(last, stroke)
        if len(one["points"]) != len(other["points"]):
            count = min(max(len(one["points"]), len(other["points"])), _MAX_POINTS_PER_STROKE)
            cyclic = bool(first.cyclic[stroke])
            one, other = _resampled(one, count, cyclic), _resampled(other, count, cyclic)
            other = _turned(one, other, cyclic)
        rows.append((one, other))
    counts = [len(row[0]["points"]) for row in rows]
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    joined = [
        {name: np.concatenate([row[side][name] for row in rows]) for name in _PER_POINT}
        for side in (0, 1)
    ]
    return (
        _changed(first, {"offsets": offsets, **joined[0]}),
        _changed(last, {"offsets": offsets, **joined[1]}),
    )


def _stroke(drawing: Drawing, stroke: int) -> dict[str, np.ndarray]:
    part = slice(drawing.offsets[stroke], drawing.offsets[stroke + 1])
    return {name: getattr(drawing, name)[part] for name in _PER_POINT}


def _resampled(stroke: dict[str, np.ndarray], count: int, cyclic: bool) -> dict[str, np.ndarray]:
    """Points at even arc length."""
    points = stroke["points"].astype(float)
    if cyclic:
        stroke = {name: np.concatenate([v, v[:1]]) for name, v in stroke.items()}
        points = stroke["points"].astype(float)
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    wanted = np.linspace(0.0, way[-1], count, endpoint=not cyclic)
    return {name: _along(way, values, wanted) for name, values in stroke.items()}


def _along(way: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    flat = values.reshape(len(values), -1)
    columns = [np.interp(wanted, way, flat[:, c]) for c in range(flat.shape[1])]
    return np.stack(columns, axis=1).reshape(len(wanted), *values.shape[1:]).astype(np.float32)


def _turned(
    one: dict[str, np.ndarray], other: dict[str, np.ndarray], cyclic: bool
) -> dict[str, np.ndarray]:
    """The order of the other stroke's points that lies closest to the first's."""
    base = one["points"] - one["points"].mean(axis=0)
    shape = other["points"] - other["points"].mean(axis=0)
    count = len(base)
    shifts = range(0, count, max(1, count // 64)) if cyclic else (0,)
    index = np.arange(count)
    orders = [np.roll(way, -shift) for shift in shifts for way in (index, index[::-1])]
    best = min(orders, key=lambda order: float(((base - shape[order]) ** 2).sum()))
    return {name: values[best] for name, values in other.items()}


def _plausible(pair: StrokePair) -> bool:
    one, other = pair.first.points.astype(float), pair.last.points.astype(float)
    size = max(float(np.ptp(one, axis=0).max()), float(np.ptp(other, axis=0).max()), 1.0)
    apart = np.linalg.norm(affine.apply(pair.matrix, one) - other, axis=1)
    return float(apart.mean()) < _MAX_DISTANCE_SHARE * size


def between(pair: StrokePair, pose: np.ndarray, progress: float) -> Drawing:
    """The drawing at `progress` 0..1 when the whole has moved from the first key by `pose`.

    What is left of the change after the common motion is turned stroke by stroke around the joint
    that it seems to hang on, and grows evenly; radius, opacity and colours mix evenly.
    """
    start = pair.first.points.astype(float)
    goal = affine.apply(np.linalg.inv(pair.matrix), pair.last.points.astype(float))
    points = np.empty_like(start)
    for stroke in range(pair.first.stroke_count):
        part = slice(pair.first.offsets[stroke], pair.first.offsets[stroke + 1])
        points[part] = _swung(start[part], goal[part], progress)
    mixed = {
        name: _mixed(getattr(pair.first, name), getattr(pair.last, name), progress)
        for name in ("radius", "opacity", "point_colour", "stroke_colour", "fill_colour",
                     "layer_opacity")
    }  # fmt: skip
    moved = affine.apply(pose, points).astype(np.float32)
    return _changed(pair.first, {"points": moved, **mixed})


def _swung(start: np.ndarray, goal: np.ndarray, progress: float) -> np.ndarray:
    turn = affine.fit_similarity(start, goal)
    if not affine.is_regular(turn):
        return (1 - progress) * start + progress * goal
    rest = affine.apply(np.linalg.inv(turn), goal)
    shape = (1 - progress) * start + progress * rest
    return affine.apply(affine.interpolate(turn, progress, _joint(turn, start)), shape)


def _joint(turn: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The point a stroke turns around: where the map stands still, if that lies near the stroke."""
    middle = points.mean(axis=0)
    stay = np.eye(2) - turn[:2, :2]
    if abs(np.linalg.det(stay)) < 1e-4:
        return middle
    still = np.linalg.solve(stay, turn[:2, 2])
    radius = float(np.linalg.norm(points - middle, axis=1).max())
    return still if np.linalg.norm(still - middle) <= 1.5 * radius else middle


def _mixed(one: np.ndarray, other: np.ndarray, progress: float) -> np.ndarray:
    return ((1 - progress) * one + progress * other).astype(np.float32)
