"""Plain data between the pipeline and layer motion: one layer in one gap, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from shared.pictures import Picture
from shared.strokes import Drawing


@dataclass(frozen=True, eq=False)
class Neighbour:
    """A further key of the layer, outside the gap.

    `time`: as `GapTask.times`, negative before the gap, over 1 behind it. `points` [p, 2]: where
    the layer's tracked points are at that key, camera pixels; None without trajectory. `again`: a
    key of the round before or behind, of a layer whose last key shows its first one again.
    """

    time: float
    strokes: Drawing
    points: np.ndarray | None = None
    again: bool = False


@dataclass(frozen=True, eq=False)
class GapTask:
    """One layer between two of its keys, or onward from one key.

    Moments are numbered 0 (first key), 1..n (the wanted drawings), and n + 1 (last key, only where
    there is one). `width`, `height`: camera size in pixels; pictures may reach beyond it.
    `times` [n]: position of each wanted drawing, strictly between 0 and 1 with a last key; without
    one in (0, 1], 1 being the end of the range. `seconds`: duration of the whole gap.
    `tracks` float32 [moments, p, 2]: camera pixels, one row per moment; None without trajectory.
    `sketches`: moment -> line map float32 [height, width], 1 on a stroke, 0 on paper. May hold the
    keys' own moments; sparse in time. Line maps are camera-sized.
    `motion_score` 0..1 or None where none was given: how lively the layer idles where neither
    tracks nor sketches say how it moves. `progress` [n]: how much of the way between both keys
    lies behind at each wanted drawing, 0..1; None leaves the pace to layer motion. `seed` tells
    apart idle motions; equal seeds idle alike. `before`, `behind`: further keys drawn as strokes,
    the nearest first, without a break in the layer's drawings.
    """

    width: int
    height: int
    first: Picture
    last: Picture | None
    times: tuple[float, ...]
    seconds: float = 1.0
    tracks: np.ndarray | None = None
    sketches: Mapping[int, np.ndarray] = field(default_factory=dict)
    first_strokes: Drawing | None = None
    last_strokes: Drawing | None = None
    motion_score: float | None = None
    seed: int = 0
    progress: tuple[float, ...] | None = None
    before: tuple[Neighbour, ...] = ()
    behind: tuple[Neighbour, ...] = ()


@dataclass(frozen=True, eq=False)
class GapResult:
    """The wanted drawings of one gap, in order, and the method that made them.

    `method`: one of `trajectory`, `registration`, `sketch`, `strokes`, `hold`, `crossfade`, `idle`
    (a motion score alone, on top of whatever leads from key to key), with `+mini` behind it where
    the sketch expert refined the drawings. `fit_errors_px`: per drawing
    the distance left between its strokes and the sketch it follows, in pixels of the working size
    (about 100 lines); None where no sketch was followed, or one whose tremble the drawing does not
    share, so that no network brings it back; empty where nothing is known.
    `notes`: what went otherwise than the controls ask, as parts of a sentence about the layer.
    `strokes`: per drawing the strokes that show it, in camera pixels, so that they stay editable;
    a held drawing's are its key's own. None where a drawing is made of pixels; empty where unknown.
    """

    pictures: tuple[Picture, ...]
    method: str
    fit_errors_px: tuple[float | None, ...] = ()
    notes: tuple[str, ...] = ()
    strokes: tuple[Drawing | None, ...] = ()
