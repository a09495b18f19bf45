"""Collects the keys around a gap that tell how its strokes pass; called where tasks are made."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from backend.layer_motion.task import Neighbour
from backend.pipeline.artwork import Artwork
from backend.pipeline.plan import Gap
from shared.shot import Key, Layer

_MAX_NEIGHBOURS = 3
"""Keys on each side of a gap that tell how it is passed; further ones would tell nothing."""
_FEWEST_KEYS = 4
"""Of a layer that goes round, its first one drawn again as its last among them."""


def neighbours(layer: Layer, gap: Gap, artwork: Artwork, *, ahead: bool) -> tuple[Neighbour, ...]:
    """The layer's next keys before or behind a gap, nearest first, up to one without strokes.

    A layer whose last key shows its first one again may go round: its keys stand before the first
    and behind the last one, too.
    """
    if gap.last is None:
        return ()
    found: list[Neighbour] = []
    tracks = artwork.tracks(layer)
    onward = _onward(layer, gap.last if ahead else gap.first, artwork, ahead=ahead)
    for key, lap in islice(onward, _MAX_NEIGHBOURS):
        strokes = artwork.key_strokes(key)
        if strokes is None:
            break
        points = None if tracks is None else tracks.at((key.frame,))[0]
        found.append(Neighbour(gap.time_of(key.frame + lap), strokes, points, again=lap != 0))
    return tuple(found)


def _onward(
    layer: Layer, start: Key, artwork: Artwork, *, ahead: bool
) -> Iterator[tuple[Key, int]]:
    """Keys from one on, each with the frames by which its round lies later."""
    keys = layer.keys if ahead else layer.keys[::-1]
    yield from ((key, 0) for key in keys[keys.index(start) + 1 :])
    if len(keys) >= _FEWEST_KEYS and artwork.comes_round(layer):
        yield from ((key, keys[-1].frame - keys[0].frame) for key in keys[1:-1])
