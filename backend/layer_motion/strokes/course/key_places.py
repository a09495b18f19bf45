"""Where a pair's points are at the keys before and behind its gap; for the flow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from shared.strokes import Drawing

from ... import affine, trajectory
from ...plan import Scene
from ...task import Neighbour
from ..layout.pair import StrokePair
from ..matching.match import pair_strokes
from .carry import Side, carried, sides

_KEPT_PAIRS = 8  # a gap looks at seven, and shares six of them with the next
_kept = lru_cache(maxsize=_KEPT_PAIRS)(pair_strokes)


@dataclass(frozen=True, eq=False)
class KeyPlaces:
    """Where points [P, 2] are at a key's `time`: `drawn` in the picture, and `held` by the layer's
    path, as if it had not moved the layer since the first key.
    """

    time: float
    held: np.ndarray
    drawn: np.ndarray


def own_key(known: Sequence[KeyPlaces]) -> int:
    """Which of the known keys begins the gap."""
    return [key.time for key in known].index(0.0)


def pair_keys(
    first: Drawing | None, last: Drawing | None, hint: np.ndarray | None = None
) -> StrokePair | None:
    """As `pair_strokes`; what no hint led to is kept for the gaps around, which ask for it, too."""
    return _kept(first, last) if hint is None else pair_strokes(first, last, hint)


def places_within(scene: Scene, pair: StrokePair) -> tuple[KeyPlaces, KeyPlaces]:
    """The gap's own keys."""
    start, goal = pair.first.points.astype(float), pair.last.points.astype(float)
    back = affine.IDENTITY if scene.tracks is None else np.linalg.inv(_whole_way(scene.tracks))
    return KeyPlaces(0.0, start, start), KeyPlaces(1.0, affine.apply(back, goal), goal)


def places_at_keys(
    scene: Scene, own: Side, neighbours: Sequence[Neighbour], *, back: bool
) -> list[KeyPlaces]:
    """Where the strokes' points are at the neighbours, nearest first."""
    nearer = scene.task.first_strokes if back else scene.task.last_strokes
    marks = own.marks
    found: list[KeyPlaces] = []
    for neighbour in neighbours:
        pair = (
            pair_keys(neighbour.strokes, nearer) if back else pair_keys(nearer, neighbour.strokes)
        )
        held = _holding(scene, neighbour)
        if pair is None or held is None:
            break
        first, last = sides(pair)
        marks = carried(marks, last, first) if back else carried(marks, first, last)
        found.append(KeyPlaces(neighbour.time, affine.apply(held, marks.places), marks.places))
        nearer = neighbour.strokes
    return found


def _holding(scene: Scene, neighbour: Neighbour) -> np.ndarray | None:
    """What undoes a path's motion from the first key to a neighbour: 3 x 3, None if unknown."""
    if scene.tracks is None:
        return affine.IDENTITY
    points = neighbour.points
    if points is None or points.shape != scene.tracks[0].shape or not np.isfinite(points).all():
        return None
    return np.linalg.inv(_whole_way(np.stack([scene.tracks[0], points])))


def _whole_way(tracks: np.ndarray) -> np.ndarray:
    """A path's motion from its first moment to its last: 3 x 3."""
    return trajectory.motion(tracks)[-1]
