"""What a hand does to a drawing: draws it anew, or roughs it out in pencil; seeded and pure.

Called where a scene is built.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from .ink import PENCIL, Stroke, evenly

_MIN_POINTS = 8
_ROUGH_PX = 0.9
_JITTER_PX = 1.1
_GAP_SHARE = 0.12
_BEND_STEPS = 2.0  # points' spacings that one radian of bend is worth
_SAME_PX = 1e-3


def redrawn(strokes: Sequence[Stroke], seed: int) -> list[Stroke]:
    """The same drawing by another hand: other counts, directions, beginnings, and order.

    Neighbours change places only where they do not overlap, so that the picture stays.
    """
    rng = np.random.default_rng(seed)
    result = [_again(stroke, rng) for stroke in strokes]
    for index in range(len(result) - 1):
        if rng.random() < 0.5 and not _overlap(result[index], result[index + 1]):
            result[index], result[index + 1] = result[index + 1], result[index]
    return result


def _again(stroke: Stroke, rng: np.random.Generator) -> Stroke:
    count = max(_MIN_POINTS, round(len(stroke.points) * float(rng.uniform(0.9, 1.35))))
    points, radius = stroke.points, stroke.radius
    if stroke.cyclic:
        start = int(rng.integers(len(points)))
        points, radius = np.roll(points, -start, axis=0), np.roll(radius, -start)
        points = np.concatenate([points, points[:1]])
        radius = np.concatenate([radius, radius[:1]])
    points, radius = _retraced(points, radius, count, cyclic=stroke.cyclic)
    if rng.random() < 0.5:
        points, radius = points[::-1], radius[::-1]
    return replace(stroke, points=points, radius=radius)


def _retraced(
    points: np.ndarray, radius: np.ndarray, count: int, *, cyclic: bool
) -> tuple[np.ndarray, np.ndarray]:
    """A line [n, 2] and its radius [n] anew with about `count` points: more where it bends.

    A corner stays one, as a pen stops there: the bend counts as so much way that a point falls on
    it. Without that every second drawing had its corners cut by up to 4 pixels.
    """
    apart = np.linalg.norm(np.diff(points, axis=0), axis=1) > _SAME_PX
    kept = np.concatenate([[True], apart])
    points, radius = points[kept], radius[kept]
    steps = np.diff(points, axis=0)
    way = np.linalg.norm(steps, axis=1)
    spacing = way.sum() / count
    heading = steps[:, 0] + 1j * steps[:, 1]
    bend = np.zeros(len(points))
    bend[1:-1] = np.abs(np.angle(heading[1:] * heading[:-1].conj()))
    bend *= _BEND_STEPS * spacing
    leaving = np.concatenate([[0.0], np.cumsum(way)]) + np.cumsum(bend)
    passed = np.stack([leaving - bend, leaving], axis=1).ravel()
    wanted = np.linspace(0.0, passed[-1], count, endpoint=not cyclic)
    traced = [np.interp(wanted, passed, np.repeat(values, 2)) for values in (*points.T, radius)]
    moved = np.concatenate([[True], np.hypot(*np.diff(traced[:2], axis=1)) > _SAME_PX])
    return np.stack(traced[:2], axis=1)[moved], traced[2][moved]


def _overlap(one: Stroke, other: Stroke) -> bool:
    reach = float(one.radius.max() + other.radius.max())
    low = np.maximum(one.points.min(axis=0), other.points.min(axis=0))
    high = np.minimum(one.points.max(axis=0), other.points.max(axis=0))
    return bool((low <= high + reach).all())


def roughed(strokes: Sequence[Stroke], seed: int) -> list[Stroke]:
    """A pencil rough: every outlined stroke in wobbly pieces that leave gaps and overlap."""
    rng = np.random.default_rng(seed)
    return [piece for stroke in strokes if stroke.line for piece in _pieces(stroke, rng)]


def _pieces(stroke: Stroke, rng: np.random.Generator) -> list[Stroke]:
    points = stroke.points
    if stroke.cyclic:
        points = np.concatenate([points, points[:1]])
    length = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
    dense = evenly(points, max(12, int(length / 8)))
    cuts = np.linspace(0, 1, max(2, int(length / 140) + 1) + 1)
    pieces = []
    for start, stop in pairwise(cuts):
        slack = (stop - start) * rng.uniform(-_GAP_SHARE, 0.08, 2)
        low = max(0, int((start - slack[0]) * len(dense)))
        high = min(len(dense), int((stop + slack[1]) * len(dense)) + 1)
        if high - low < 3:
            continue
        pieces.append(_pencil(dense[low:high], rng))
    return pieces


def _pencil(points: np.ndarray, rng: np.random.Generator) -> Stroke:
    """One pencil line that wobbles slowly around where it should be."""
    knots = rng.normal(0.0, _JITTER_PX, (max(3, len(points) // 5), 2))
    at = np.linspace(0, len(knots) - 1, len(points))
    wobble = np.stack([np.interp(at, range(len(knots)), knots[:, a]) for a in (0, 1)], axis=1)
    return Stroke(points + wobble, np.full(len(points), _ROUGH_PX), PENCIL)
