"""Clips of a data set for the suites: layers cut out of the frames by their label maps.

What no given frame shows is filled in, never looked up in the truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from curation.dataset.clip import LayeredClip
from curation.stages.sketches import sketch
from shared.errors import AcetateError
from shared.pictures import Picture
from training.data.clips import ClipSource
from training.suites.clip import (
    ASKED_TRACKS,
    SCORE_WIDTH_PX,
    STATIC_SCORE,
    SuiteClip,
    SuiteLayer,
    grown,
    opaque,
    spread_out,
)

LEAST_BACKDROP = 0.01  # of the picture; with less without a label the lowest still layer serves
SLOW, FAST = 1.0, 5.0  # pixels per frame at `SCORE_WIDTH_PX`: bounds of the strata
_FILL_RADIUS_PX = 3
_VERSION = 2


def long_enough(source: ClipSource, frames: int) -> np.ndarray:
    """Numbers of the clips that have so many frames: int64 [n]. Raises `usage` where none has."""
    lengths = np.array([source.frame_count(index) for index in range(len(source))])
    found = np.flatnonzero(lengths >= frames)
    if not len(found):
        longest = int(lengths.max(initial=0))
        where = f"no clip has {frames} frames; the longest has {longest}"
        raise AcetateError("usage", where=where)
    return found


def data_set_clips(
    source: ClipSource, numbers: np.ndarray, *, frames: int, width: int, height: int
) -> Iterator[SuiteClip]:
    """Clips `numbers` of a source, each in `frames` frames evenly spaced over its whole length.

    Raises what the source raises for damaged clips.
    """
    for number in numbers.tolist():
        last = source.frame_count(number) - 1
        picks = np.rint(np.linspace(0, last, frames)).astype(int).tolist()
        identity = f"layered/{_VERSION} {source.fingerprint} {number} {picks} {width}x{height}"
        stride = last / max(frames - 1, 1)
        yield of_layered(source.clip(number, picks), width, height, identity, stride=stride)


def of_layered(
    clip: LayeredClip, width: int, height: int, identity: str, *, stride: float = 1.0
) -> SuiteClip:
    """A data set's clip at another size: the shorter side fits, the rest is cut off centrally.

    `stride`: frames of the source from one frame of `clip` to the next, on average. The clip's
    rate and scores are the source's; those of the suite count its own frames and pixels.
    """
    crop = _Crop.of(clip.frames.shape[2], clip.frames.shape[1], width, height)
    frames = np.stack([crop.picture(frame) for frame in clip.frames])
    scale = _score_scale(clip, crop) * stride
    scores = [layer.score * scale for layer in clip.layers]
    labels = np.stack([crop.labels(frame) for frame in clip.layer_labels()])
    order = _depth_order(clip, labels, scores)
    labels, order = _with_backdrop(labels, order, scores)
    lines = _lines(clip, frames, crop)
    layers = tuple(
        _layer(clip, number, scores[number], frames, labels == place + 1, lines, crop)
        for place, number in enumerate(order)
    )
    # a layer's anti-aliased rim lies outside its label and would stay behind as a ghost
    early, late = (grown(labels[key] > 0) for key in (0, -1))
    filled = _filled(frames[0], early)
    seen_late = (early & ~late)[..., None]
    both = _filled(np.where(seen_late, frames[-1], frames[0]), early & late)
    return SuiteClip(
        clip_id=clip.clip_id,
        identity=identity,
        stratum=_stratum([layer.score for layer in layers]),
        fps=clip.fps / stride,
        caption=clip.caption,
        frames=frames,
        labels=labels,
        backdrop=opaque(filled),
        backdrop_of_two=opaque(both),
        layers=layers,
    )


def _score_scale(clip: LayeredClip, crop: _Crop) -> float:
    """What turns a score of the clip into pixels per source frame at `SCORE_WIDTH_PX`."""
    measured = clip.score_scale
    pixels = crop.factor * clip.frames.shape[2] / measured.width
    return pixels * SCORE_WIDTH_PX / crop.width / measured.frame_step


@dataclass(frozen=True)
class _Crop:
    """Scale by `factor`, then cut `width` x `height` pixels off at `left`, `top`."""

    factor: float
    left: int
    top: int
    width: int
    height: int

    @classmethod
    def of(cls, from_width: int, from_height: int, width: int, height: int) -> _Crop:
        factor = max(width / from_width, height / from_height)
        left = max(0, round(from_width * factor) - width) // 2
        top = max(0, round(from_height * factor) - height) // 2
        return cls(factor, left, top, width, height)

    def picture(self, frame: np.ndarray) -> np.ndarray:
        how = cv2.INTER_AREA if self.factor < 1 else cv2.INTER_CUBIC
        return self._cut(frame, how)

    def labels(self, labels: np.ndarray) -> np.ndarray:
        return self._cut(labels, cv2.INTER_NEAREST)

    def points(self, points: np.ndarray) -> np.ndarray:
        return (points * self.factor - (self.left, self.top)).astype(np.float32)

    def _cut(self, frame: np.ndarray, how: int) -> np.ndarray:
        height, width = frame.shape[:2]
        size = (
            max(self.width, round(width * self.factor)),
            max(self.height, round(height * self.factor)),
        )
        scaled = frame if size == (width, height) else cv2.resize(frame, size, interpolation=how)
        bottom, right = self.top + self.height, self.left + self.width
        return np.ascontiguousarray(scaled[self.top : bottom, self.left : right])


def _depth_order(clip: LayeredClip, labels: np.ndarray, scores: Sequence[float]) -> list[int]:
    """Layers, the lowest first; without known depth still ones, then large ones, lie lower."""
    numbers = list(range(len(clip.layers)))
    if clip.depth_known:
        return numbers
    areas = [int((labels == number + 1).sum()) for number in numbers]
    return sorted(numbers, key=lambda n: (scores[n] >= STATIC_SCORE, -areas[n], n))


def _with_backdrop(
    labels: np.ndarray, order: list[int], scores: Sequence[float]
) -> tuple[np.ndarray, list[int]]:
    """Labels in depth order; the lowest still layer is the backdrop where none is left bare."""
    if order and (labels == 0).mean() < LEAST_BACKDROP and scores[order[0]] < STATIC_SCORE:
        order = order[1:]
    table = np.zeros(len(scores) + 1, np.uint8)
    for place, number in enumerate(order):
        table[number + 1] = place + 1
    return table[labels], order


def _layer(
    clip: LayeredClip,
    number: int,
    score: float,
    frames: np.ndarray,
    shown: np.ndarray,
    lines: np.ndarray,
    crop: _Crop,
) -> SuiteLayer:
    tracks, visible = _tracks(clip, number, crop)
    drawn = [np.where(grown(s), line, 0) for s, line in zip(shown, lines, strict=True)]
    return SuiteLayer(
        name=clip.layers[number].name,
        score=score,
        first=_cut_out(frames[0], shown[0]),
        last=_cut_out(frames[-1], shown[-1]),
        tracks=tracks,
        visible=visible,
        sketches=np.stack(drawn).astype(np.uint8),
    )


def _tracks(clip: LayeredClip, number: int, crop: _Crop) -> tuple[np.ndarray, np.ndarray]:
    """Up to `ASKED_TRACKS` tracks of a layer, seen longest and far apart: [f, p, 2], [f, p]."""
    layer_of = np.array([element.layer for element in clip.elements] or [0])
    own = np.flatnonzero(layer_of[clip.tracks.elements] == number)
    points = crop.points(clip.tracks.points[own])
    visible = clip.tracks.visible[own].copy()
    x, y = points[..., 0], points[..., 1]
    visible &= (x >= 0) & (y >= 0) & (x < crop.width) & (y < crop.height)
    lasting = np.cumprod(visible, axis=1).sum(axis=1)
    best = np.flatnonzero(lasting == lasting.max(initial=0)) if len(own) else np.zeros(0, int)
    chosen = best[spread_out(points[best, 0], ASKED_TRACKS)]
    return points[chosen].transpose(1, 0, 2).copy(), visible[chosen].T.copy()


def _lines(clip: LayeredClip, frames: np.ndarray, crop: _Crop) -> np.ndarray:
    """Strokes of the whole picture: uint8 [frames, h, w], 255 on a line."""
    if clip.sketch is not None:
        return 255 - np.stack([crop.picture(sketch) for sketch in clip.sketch])
    return 255 - np.stack([sketch(frame) for frame in frames])


def _cut_out(frame: np.ndarray, shown: np.ndarray) -> Picture:
    art = np.concatenate([frame, np.full_like(frame[..., :1], 255)], axis=2)
    art[~shown] = 0
    return Picture(art).cropped()


def _filled(frame: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """The frame with its holes painted from around them; itself where all of it is a hole."""
    if not holes.any() or holes.all():
        return frame
    return cv2.inpaint(frame, holes.astype(np.uint8), _FILL_RADIUS_PX, cv2.INPAINT_TELEA)


def _stratum(scores: Sequence[float]) -> str:
    fastest = max(scores, default=0.0)
    if fastest < STATIC_SCORE:
        return "static"
    return "slow" if fastest < SLOW else "medium" if fastest < FAST else "fast"
