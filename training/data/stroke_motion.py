"""How the strokes of one drawing went on to the next, and what that tells of each pixel's motion.

Strokes correspond where two drawings of a layer have the same strokes in the same order, point by
point: drawings whose points an animator moved, or that a program drew. Called by shot_source.py.
"""

from __future__ import annotations

import numpy as np

from backend.stroke_outline import StrokeOutlines
from shared.strokes import Drawing
from training.procedural.canvas import NumberCanvas

_STIFFNESS = 0.02
"""Share of a stroke's own size by which its best affine map is pulled towards a mere shift."""

_MAX_TURNED = 0.9
"""Remaining distance, in sizes of the stroke, from which on two strokes are not the same one."""

_CHUNK = 8192


def correspond(one: Drawing, other: Drawing) -> bool:
    """Whether every stroke has its partner: as many points, the same material, a similar shape."""
    if not np.array_equal(one.offsets, other.offsets) or not one.stroke_count:
        return False
    if not np.array_equal(one.material, other.material):
        return False
    if not np.array_equal(one.cyclic, other.cyclic):
        return False
    return all(_alike(one.stroke_points(s), other.stroke_points(s)) for s in _drawn(one))


def _drawn(drawing: Drawing) -> np.ndarray:
    """Strokes that have points."""
    return np.flatnonzero(np.diff(drawing.offsets))


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether a stroke may have become the other one: mostly moved, turned, stretched."""
    turn, shift = affine_between(one, other)
    left = one @ turn.T + shift - other
    size = float(np.ptp(one, axis=0).max() + np.ptp(other, axis=0).max()) / 2
    return float(np.sqrt((left**2).sum(axis=1).mean())) <= _MAX_TURNED * max(size, 1.0) / 2


def affine_between(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Best matrix [2, 2] and shift [2] from points [p, 2] to points [p, 2], least squares.

    Where points say little, as on a straight line, the matrix stays near the identity.
    """
    one, other = one.astype(np.float64), other.astype(np.float64)
    middle, target = one.mean(axis=0), other.mean(axis=0)
    a, b = one - middle, other - target
    pull = _STIFFNESS**2 * max(float((a**2).sum()), 1.0) * np.eye(2)
    turn = np.linalg.solve(a.T @ a + pull, a.T @ b + pull).T
    return turn, target - turn @ middle


def stroke_numbers(drawing: Drawing, width: int, height: int) -> np.ndarray:
    """The topmost stroke at each pixel's centre, from 1; 0 for none: uint16 [h, w].

    Strokes that cut holes leave 0.
    """
    canvas = NumberCanvas(width, height)
    canvas.clear()
    outlines = StrokeOutlines(
        drawing.offsets, drawing.points, drawing.radius, drawing.cyclic, drawing.round_caps
    )
    for stroke in _drawn(drawing):
        number, hole = int(stroke) + 1, int(drawing.holdout[stroke])
        if drawing.fill_colour[stroke, 3] > 0 and len(drawing.stroke_points(stroke)) > 2:
            fill = 0 if hole & 2 else number
            canvas.shape(outlines.fill(stroke), fill, filled=True, line_px=0.0)
        if drawing.stroke_colour[stroke, 3] > 0:
            line = 0 if hole & 1 else number
            canvas.shape(outlines.line(stroke), line, filled=True, line_px=0.0)
    return canvas.numbers()


def stroke_flow(
    one: Drawing, other: Drawing, numbers: np.ndarray, wanted: np.ndarray
) -> np.ndarray:
    """Motion of a layer's pixels from one drawing to a corresponding one: float32 [h, w, 2].

    Exact on the strokes' points; between them each stroke's best affine map plus what is left at
    its points, weighted by their distance. `numbers` uint16 [h, w]: strokes of `one`. `wanted`
    bool [h, w]: where the layer is seen; elsewhere the flow is 0.
    """
    flow = np.zeros((*numbers.shape, 2), np.float32)
    for number in np.unique(numbers[wanted]):
        rows, columns = np.nonzero((numbers == number) & wanted)
        places = np.stack([columns + 0.5, rows + 0.5], axis=1)
        if number:
            before, after = one.stroke_points(number - 1), other.stroke_points(number - 1)
        else:  # soft edges and holes: as the whole layer
            before, after = one.points, other.points
        flow[rows, columns] = _moved(before, after, places) - places
    return flow


def _moved(before: np.ndarray, after: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Where `places` [n, 2] go when points [p, 2] go from `before` to `after`."""
    turn, shift = affine_between(before, after)
    left = after - (before @ turn.T + shift)  # [p, 2]
    moved = places @ turn.T + shift
    if np.abs(left).max() < 0.01:
        return moved
    middle = before.mean(axis=0, dtype=np.float64)
    knots, asked = before - middle, places - middle
    for start in range(0, len(places), _CHUNK):
        part = asked[start : start + _CHUNK]
        away = (part**2).sum(axis=1)[:, None] + (knots**2).sum(axis=1) - 2 * part @ knots.T
        away = np.maximum(away, 0.0) + 0.05
        weight = 1.0 / (away * np.sqrt(away))  # [n, p]
        moved[start : start + _CHUNK] += (weight @ left) / weight.sum(axis=1, keepdims=True)
    return moved
