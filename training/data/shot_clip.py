"""A drawn shot with all that its layers and strokes tell exactly, and what must be guessed.

Masks come from the layers' alpha, depth from their order, tracks and flow from strokes that
correspond from drawing to drawing. Called by shot_source.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from backend.pipeline.artwork import Artwork
from backend.pipeline.deliver import place
from backend.pipeline.plan import key_in_effect
from backend.stroke_outline import centre_line
from curation.dataset.clip import Tracks
from curation.stages.sketches import sketch
from shared.blobs import Blobs
from shared.shot import Key, Layer, ShotRequest
from shared.strokes import Drawing
from training.data.stroke_motion import correspond, stroke_flow, stroke_numbers
from training.procedural.canvas import SketchCanvas, sketch_line_px
from training.procedural.exact import element_scores

_PAPER = 255
_SOLID = 128
_TRACKS_PER_LAYER = 48


@dataclass(frozen=True, eq=False)
class DrawnShot:
    """Pixels and motion of some frames of a shot; layers lowest first.

    `frames` uint8 [f, h, w, 3] over white. `top` uint8 [f, h, w]: k > 0 shows layer k - 1.
    `flow` float32 [f - 1, h, w, 2], or None where some strokes have no partner. `scores` float64
    [layers], pixels per frame. `guessed`: whether optical flow had to help with the scores.
    """

    layers: tuple[Layer, ...]
    frames: np.ndarray
    top: np.ndarray
    flow: np.ndarray | None
    scores: np.ndarray
    guessed: bool
    tracks: Tracks
    sketch: np.ndarray
    sketched_by_hand: bool


class _Drawings:
    """What every layer shows at every frame, decoded once per key."""

    def __init__(self, request: ShotRequest, blobs: Blobs, frames: Sequence[int]) -> None:
        self.size = request.width, request.height
        stack = request.stack
        self.layers = tuple(one for one in stack if not all(key.is_empty for key in one.keys))
        artwork = Artwork(request, blobs)
        self.keys = [[_shown(layer, frame) for frame in frames] for layer in self.layers]
        self.strokes = cache(artwork.key_strokes)
        self.picture = cache(artwork.key_picture)
        self.numbers = cache(self._numbered)

    def _numbered(self, key: Key) -> np.ndarray:
        drawing = self.strokes(key)
        if drawing is None:
            return np.zeros(self.size[::-1], np.uint16)
        return stroke_numbers(drawing, *self.size)

    def row(self, index: int) -> list[Key | None]:
        """What is shown at the frame of that index, lowest layer first."""
        return [keys[index] for keys in self.keys]

    def partners(self, one: Key | None, other: Key | None) -> tuple[Drawing, Drawing] | None:
        """Both drawings, where every stroke has its partner."""
        if one is None or other is None:
            return None
        before, after = self.strokes(one), self.strokes(other)
        if before is None or after is None or not correspond(before, after):
            return None
        return before, after


def _shown(layer: Layer, frame: int) -> Key | None:
    key = key_in_effect(layer, frame)
    return None if key is None or key.is_empty else key


def draw_shot(request: ShotRequest, blobs: Blobs, frames: Sequence[int]) -> DrawnShot:
    """Draw scene frames `frames` with all that is known. Raises as decoding the shot does."""
    drawings = _Drawings(request, blobs, frames)
    pictures, tops = _pictures(drawings, len(frames))
    flow, unknown = _flow(drawings, tops)
    scores = element_scores(_guessed(flow, unknown, pictures), tops, len(drawings.layers) + 1)
    by_hand = all(key is None or key.strokes is not None for keys in drawings.keys for key in keys)
    lines = _sketch(drawings, len(frames)) if by_hand else np.stack([sketch(p) for p in pictures])
    return DrawnShot(
        layers=drawings.layers,
        frames=pictures,
        top=tops,
        flow=None if unknown.any() else flow,
        scores=scores[1:],
        guessed=bool(unknown.any()),
        tracks=_tracks(drawings, tops),
        sketch=lines,
        sketched_by_hand=by_hand,
    )


def _pictures(drawings: _Drawings, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Composites [f, h, w, 3] and topmost layers [f, h, w]; held frames repeat exactly."""
    width, height = drawings.size
    frames = np.empty((count, height, width, 3), np.uint8)
    tops = np.zeros((count, height, width), np.uint8)
    for index in range(count):
        if index and drawings.row(index) == drawings.row(index - 1):
            frames[index], tops[index] = frames[index - 1], tops[index - 1]
            continue
        canvas = np.full((height, width, 4), _PAPER, np.uint8)
        for number, key in enumerate(drawings.row(index), 1):
            if key is not None:
                picture = drawings.picture(key)
                place(canvas, picture)
                tops[index][picture.on_canvas(width, height)[..., 3] >= _SOLID] = number
        frames[index] = canvas[..., :3]
    return frames, tops


def _flow(drawings: _Drawings, tops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Motion to the next frame [f - 1, h, w, 2], and where nothing tells it: bool [f - 1, h, w]."""
    count, height, width = tops.shape
    flow = np.zeros((count - 1, height, width, 2), np.float32)
    unknown = np.zeros((count - 1, height, width), np.bool_)
    for index in range(count - 1):
        rows = zip(drawings.row(index), drawings.row(index + 1), strict=True)
        for number, (one, other) in enumerate(rows, 1):
            seen = tops[index] == number
            if one is None or one is other or not seen.any():
                continue
            pair = drawings.partners(one, other)
            if pair is None:
                unknown[index] |= seen
            else:
                flow[index] += stroke_flow(*pair, drawings.numbers(one), seen)
    return flow, unknown


def _guessed(flow: np.ndarray, unknown: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """The flow with its unknown pixels filled in by optical flow."""
    if not unknown.any():
        return flow
    filled = flow.copy()
    seeker = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    for index in np.flatnonzero(unknown.any(axis=(1, 2))):
        grey = [cv2.cvtColor(pictures[i], cv2.COLOR_RGB2GRAY) for i in (index, index + 1)]
        found = seeker.calc(grey[0], grey[1], np.zeros_like(filled[index]))
        filled[index][unknown[index]] = found[unknown[index]]
    return filled


def _tracks(drawings: _Drawings, tops: np.ndarray) -> Tracks:
    """Stroke points, each followed as long as its strokes have partners."""
    count = len(tops)
    found = [Tracks.none(count)]
    for number, keys in enumerate(drawings.keys):
        start = 0
        while start < count:
            stop = start + 1
            while stop < count and _goes_on(drawings, keys[stop - 1], keys[stop]):
                stop += 1
            if keys[start] is not None and stop > start + 1:
                found.append(_followed(drawings, tops, number, range(start, stop)))
            start = stop
    return Tracks(
        np.concatenate([one.points for one in found]),
        np.concatenate([one.visible for one in found]),
        np.concatenate([one.elements for one in found]),
    )


def _goes_on(drawings: _Drawings, one: Key | None, other: Key | None) -> bool:
    if one is other:
        return one is not None and drawings.strokes(one) is not None
    return drawings.partners(one, other) is not None


def _followed(drawings: _Drawings, tops: np.ndarray, number: int, run: range) -> Tracks:
    """Points of one layer over the frames of a run; outside it they rest unseen."""
    keys = drawings.keys[number]
    shown = [(index, key) for index in run if (key := keys[index]) is not None]
    first = drawings.strokes(shown[0][1])
    if first is None:
        return Tracks.none(len(tops))
    owners = np.repeat(np.arange(first.stroke_count), np.diff(first.offsets))
    step = max(1, len(owners) // _TRACKS_PER_LAYER)
    chosen = np.arange(step // 2, len(owners), step)
    points = np.zeros((len(chosen), len(tops), 2), np.float32)
    visible = np.zeros((len(chosen), len(tops)), np.bool_)
    for index, key in shown:
        drawing = drawings.strokes(key)
        if drawing is None:
            continue
        points[:, index] = drawing.points[chosen]
        seen = np.where(tops[index] == number + 1, drawings.numbers(key), 0)
        visible[:, index] = _near(seen, points[:, index], owners[chosen] + 1)
    points[:, : run.start] = points[:, run.start : run.start + 1]
    points[:, run.stop :] = points[:, run.stop - 1 : run.stop]
    kept = visible.any(axis=1)
    return Tracks(points[kept], visible[kept], np.full(kept.sum(), number, np.uint16))


def _near(numbers: np.ndarray, points: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Which points [n, 2] have a pixel of their own stroke at most one pixel away: bool [n]."""
    height, width = numbers.shape
    x, y = np.floor(points).astype(np.int64).T
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    found = np.zeros(len(points), np.bool_)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            row, column = np.clip(y + down, 0, height - 1), np.clip(x + right, 0, width - 1)
            found |= numbers[row, column] == owners
    return inside & found


def _sketch(drawings: _Drawings, count: int) -> np.ndarray:
    """The artist's own lines, without those that other drawings hide: uint8 [f, h, w]."""
    width, height = drawings.size
    canvas = SketchCanvas(width, height, sketch_line_px(height))
    sketches: list[np.ndarray] = []
    for index in range(count):
        if index and drawings.row(index) == drawings.row(index - 1):
            sketches.append(sketches[-1])
            continue
        canvas.clear()
        for key in drawings.row(index):
            drawing = None if key is None else drawings.strokes(key)
            if drawing is not None:
                _trace(canvas, drawing)
        sketches.append(255 - canvas.cover())
    return np.stack(sketches)


def _trace(canvas: SketchCanvas, drawing: Drawing) -> None:
    """Centre lines of one drawing; outlines of its fills where it has no lines at all."""
    lines = (drawing.stroke_colour[:, 3] > 0) & (drawing.holdout & 1 == 0)
    fills = (drawing.fill_colour[:, 3] > 0.5) & (drawing.holdout & 2 == 0)
    drawn = lines if lines.any() else fills
    for stroke in np.flatnonzero(np.diff(drawing.offsets)):
        points = drawing.stroke_points(int(stroke))
        closed = bool(drawing.cyclic[stroke])
        if fills[stroke] and not closed and len(points) > 2:  # fills close what lines leave open
            canvas.shape(centre_line(points, closed=True), hides=True, drawn=False)
        hides = bool(fills[stroke]) and closed
        canvas.shape(centre_line(points, closed=closed), hides=hides, drawn=bool(drawn[stroke]))
