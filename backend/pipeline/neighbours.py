"""Collects the keys around a gap that tell how its strokes pass; called where tasks are made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from backend.layer_motion.strokes.cycle import comes_round
from backend.layer_motion.task import Neighbour
from backend.pipeline.artwork import Artwork
from backend.pipeline.plan import Gap
from shared.shot import Key, Layer

_MAX_NEIGHBOURS = 3
"""Keys on each side of a gap that tell how it is passed; further ones would tell nothing."""
_FEWEST_KEYS = 4
"""Of a cycle, its first one drawn again as its last among them."""


def neighbours(layer: Layer, gap: Gap, artwork: Artwork, *, ahead: bool) -> tuple[Neighbour, ...]:
    """The layer's next keys before or behind a gap, nearest first, up to one without strokes.

    A layer whose last key shows its first one again goes round: its keys stand before the first
    and behind the last one, too.
    """
    if gap.last is None:
        return ()
    found: list[Neighbour] = []
    for key, lap in _onward(layer, gap.last if ahead else gap.first, artwork, ahead=ahead):
        neighbour = _neighbour(layer, gap, artwork, key, lap)
        if neighbour is None or len(found) == _MAX_NEIGHBOURS:
            break
        found.append(neighbour)
    return tuple(found)


def _onward(
    layer: Layer, start: Key, artwork: Artwork, *, ahead: bool
) -> Iterator[tuple[Key, tuple[float, np.ndarray]]]:
    """Keys from one on, each with the frames and the shift [2] of the lap that it lies in."""
    keys = layer.keys if ahead else layer.keys[::-1]
    number = keys.index(start)
    yield from ((key, (0.0, np.zeros(2))) for key in keys[number + 1 :])
    shift = _round(layer, artwork)
    if shift is not None:
        lap = keys[-1].frame - keys[0].frame
        yield from ((key, (lap, shift if ahead else -shift)) for key in keys[1:-1])


def _round(layer: Layer, artwork: Artwork) -> np.ndarray | None:
    if len(layer.keys) < _FEWEST_KEYS:
        return None
    first, last = (artwork.key_strokes(layer.keys[end]) for end in (0, -1))
    return None if first is None or last is None else comes_round(first, last)


def _neighbour(
    layer: Layer, gap: Gap, artwork: Artwork, key: Key, lap: tuple[float, np.ndarray]
) -> Neighbour | None:
    strokes, tracks = artwork.key_strokes(key), artwork.tracks(layer)
    if strokes is None:
        return None
    frames, shift = lap
    points = None if tracks is None else tracks.at((key.frame,))[0] + shift
    if shift.any():
        strokes = replace(strokes, points=(strokes.points + shift).astype(np.float32))
    return Neighbour(gap.time_of(key.frame + frames), strokes, points)
