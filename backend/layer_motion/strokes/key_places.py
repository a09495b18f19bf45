"""Where a pair's points are at the keys before and behind its gap; for the flow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.spatial import KDTree

from shared.strokes import Drawing

from .. import affine, trajectory
from ..plan import Scene
from ..task import Neighbour
from .match import pair_strokes

_ABOUT_WEIGHT = 0.5
_KEPT_PAIRS = 8  # a gap looks at seven, and shares six of them with the next

KeyPlaces = tuple[float, np.ndarray]
"""A key's time, and where the points [P, 2] are there."""

_paired = lru_cache(maxsize=_KEPT_PAIRS)(pair_strokes)


def places_at_keys(
    scene: Scene, own: Drawing, neighbours: Sequence[Neighbour], *, back: bool
) -> list[KeyPlaces]:
    """Times and places [P, 2] of the strokes' points at the neighbours, nearest first.

    Places are held by the layer's path, as if it had not moved the layer since the first key.
    """
    nearer = scene.task.first_strokes if back else scene.task.last_strokes
    points, about = own.points.astype(float), _about(own)
    found: list[KeyPlaces] = []
    for neighbour in neighbours:
        pair = _paired(neighbour.strokes, nearer) if back else _paired(nearer, neighbour.strokes)
        held = _holding(scene, neighbour)
        if pair is None or held is None:
            break
        here, there = (pair.last, pair.first) if back else (pair.first, pair.last)
        points, about = _carried(points, about, here, there)
        found.append((neighbour.time, affine.apply(held, points)))
        nearer = neighbour.strokes
    return found


def _holding(scene: Scene, neighbour: Neighbour) -> np.ndarray | None:
    """What undoes a path's motion from the first key to a neighbour: 3 x 3, None if unknown."""
    if scene.tracks is None:
        return affine.IDENTITY
    points = neighbour.points
    if points is None or points.shape != scene.tracks[0].shape or not np.isfinite(points).all():
        return None
    return np.linalg.inv(trajectory.motion(np.stack([scene.tracks[0], points]))[-1])


def _about(drawing: Drawing) -> np.ndarray:
    """What tells each point's stroke from others at the same place: middle, length: [P, 3]."""
    points = drawing.points.astype(float)
    stroke = np.repeat(np.arange(drawing.stroke_count), np.diff(drawing.offsets))
    ends = np.arange(1, len(points) + 1)
    closing = drawing.offsets[1:] - 1
    ends[closing] = np.where(drawing.cyclic, drawing.offsets[:-1], closing)
    steps = np.linalg.norm(points[ends] - points, axis=1) + 1e-6
    middles = (points[ends] + points) / 2
    length = np.bincount(stroke, steps)
    columns = [np.bincount(stroke, steps * middles[:, axis]) / length for axis in (0, 1)]
    return np.stack([*columns, length], axis=1)[stroke]


def _carried(
    points: np.ndarray, about: np.ndarray, here: Drawing, there: Drawing
) -> tuple[np.ndarray, np.ndarray]:
    """Where points [P, 2] on the strokes of `here` lie on those of `there`, and about whom."""
    known = here.points.astype(float)
    features = np.concatenate([known, _ABOUT_WEIGHT * _about(here)], axis=1)
    wanted = np.concatenate([points, _ABOUT_WEIGHT * about], axis=1)
    nearest = np.asarray(KDTree(features).query(wanted)[1])
    stroke = np.repeat(np.arange(here.stroke_count), np.diff(here.offsets))
    goal = there.points.astype(float)
    best = goal[nearest]
    least = np.linalg.norm(points - known[nearest], axis=1)
    for side in (-1, 1):
        other = np.clip(nearest + side, 0, len(known) - 1)
        other = np.where(stroke[other] == stroke[nearest], other, nearest)
        edge = known[other] - known[nearest]
        along = ((points - known[nearest]) * edge).sum(axis=1)
        share = np.clip(along / np.maximum((edge**2).sum(axis=1), 1e-12), 0.0, 1.0)[:, None]
        away = np.linalg.norm(points - known[nearest] - share * edge, axis=1)
        closer = away < least
        best[closer] = ((1 - share) * goal[nearest] + share * goal[other])[closer]
        least = np.minimum(least, away)
    return best, _about(there)[nearest]
