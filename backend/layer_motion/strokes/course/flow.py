"""How matched strokes pass through their keys, told by the keys before and behind; for the course.

A gap alone knows no speed and no arc: its strokes would start and stop at every key, or turn there
in a corner. With further keys every point has a smooth path through all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ... import trajectory
from ...plan import Scene
from ...task import Neighbour
from ...trajectory import EndSpeed
from ..layout.pair import StrokePair
from .carry import sides
from .key_places import KeyPlaces, own_key, places_at_keys, places_within
from .key_speeds import speeds_at_keys
from .own_way import KeySpeed, OwnWay, bulge

_SAME_SPEED = 0.35  # slower over faster side of its first key, where a layer goes round


@dataclass(frozen=True, eq=False)
class Flow:
    """What comes on top of a pair's own way, and the speeds that it has among its neighbours.

    `places` [keys, P, 2]: where its points are at all keys that are known, in order of time;
    `key`: which of them begins the gap.
    """

    own: OwnWay
    speeds: tuple[KeySpeed, KeySpeed]
    places: np.ndarray
    key: int

    def at(self, progress: float) -> np.ndarray:
        """Displacement [P, 2] at `progress` 0..1, nothing at the keys (cubic Hermite forms)."""
        leave, arrive = self.speeds
        ahead = progress + bulge(progress, leave.pace - 1.0, arrive.pace - 1.0)
        aside = [
            speed.total - speed.pace[:, None] * own
            for speed, own in zip(self.speeds, self.own.speeds, strict=True)
        ]
        gained = self.own.at(ahead[:, None]) - self.own.at(progress)
        return gained + bulge(progress, *aside)


def known_keys(scene: Scene, pair: StrokePair) -> list[KeyPlaces]:
    """Where a pair's points are at all keys that show its strokes, its own among them, in order."""
    first, last = sides(pair)
    before = places_at_keys(scene, first, scene.task.before, back=True)
    behind = places_at_keys(scene, last, scene.task.behind, back=False)
    return _without_false_rounds(
        [*before[::-1], *places_within(scene, pair), *behind],
        (_again(scene.task.before, before), _again(scene.task.behind, behind)),
    )


def flow_through(
    scene: Scene,
    pair: StrokePair,
    known: Sequence[KeyPlaces],
    still: Callable[[float], np.ndarray],
) -> Flow | None:
    """The flow of a pair through the `known` keys, or None where there are only its own.

    `still`: points [P, 2] of the pair at a progress 0..1, without the motion that the layer's path
    tells.
    """
    if len(known) == len((pair.first, pair.last)):
        return None
    key, places = own_key(known), np.stack([key.held for key in known])
    own = OwnWay.of(still, (places[key], places[key + 1]), pair.first.offsets)
    speeds = speeds_at_keys(known, own, pair.first.offsets, _path_ends(scene))
    return Flow(own, speeds, places, key)


def _path_ends(scene: Scene) -> tuple[EndSpeed, EndSpeed]:
    """How fast the layer's path begins and ends; untold where a flow's progress already tells."""
    if scene.tracks is None or scene.task.progress is not None:
        return EndSpeed(), EndSpeed()
    return trajectory.end_speeds(scene.tracks, scene.times)


def _again(neighbours: Sequence[Neighbour], found: Sequence[KeyPlaces]) -> int:
    return sum(neighbour.again for neighbour in neighbours[: len(found)])


def _without_false_rounds(known: list[KeyPlaces], rounds: tuple[int, int]) -> list[KeyPlaces]:
    """Keys in order of time, without those of rounds before or behind that are none.

    `rounds`: how many at either end are the layer's own keys once more. A layer whose last key
    shows its first one again goes round only where it leaves it about as fast as it comes, on or
    back: what gathers slowly, acts and settles slowly stands still there.
    """
    before, behind = rounds
    low = before if before and not _goes_round(known, before) else 0
    high = behind if behind and not _goes_round(known, len(known) - 1 - behind) else 0
    return known[low : len(known) - high]


def _goes_round(known: list[KeyPlaces], key: int) -> bool:
    """Whether points leave a key about as fast as they come to it, whichever way."""
    one, here, other = known[key - 1 : key + 2]
    coming = (here.held - one.held) / (here.time - one.time)
    going = (other.held - here.held) / (other.time - here.time)
    slow, fast = sorted((float(np.linalg.norm(coming)), float(np.linalg.norm(going))))
    return slow > _SAME_SPEED * fast
