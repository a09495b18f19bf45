"""Why a clip should not be trained on: every reason has a code; nothing is thrown away here.

`spec/curation.md` 4.2: score all, filter late.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from curation.dataset.clip import LayeredClip
from curation.stages.drawings import active_rect, drawing_numbers


class Reason(StrEnum):
    """Codes of rejection; they are written into the index and stay as they are."""

    SHORT = "short"
    SMALL = "small"
    STATIC = "static"
    WILD = "wild_motion"
    BARS = "bars"
    BLURRED = "blurred"
    FEW_ELEMENTS = "few_elements"
    UNSTABLE = "unstable_masks"
    FEW_TRACKS = "few_tracks"
    ONE_LAYER = "one_layer"


@dataclass(frozen=True)
class FilterSettings:
    """Bounds. `speed_px`, `drawings`: a clip below both is static. `jump`: factor of area between
    frames that counts as unstable; `jumps`: share of them allowed. `one_layer`: largest share of
    the picture that a single layer may hold. `bars`: share of the picture that may be bars.
    `sharp`: least 99th percentile of the Laplacian, of 255. `wild_px`: largest mean score.
    """

    frames: int = 16
    side_px: int = 256
    speed_px: float = 0.1
    drawings: int = 3
    wild_px: float = 60.0
    bars: float = 0.02
    sharp: float = 12.0
    elements: int = 2
    jump: float = 2.0
    jumps: float = 0.3
    tracks: float = 0.02
    grid: int = 60
    one_layer: float = 0.99


@dataclass(frozen=True)
class Quality:
    """What the filters look at, each a plain number for the index's histograms."""

    frames: int
    side_px: int
    speed_px: float
    drawings: int
    bars: float
    sharpness: float
    elements: int
    jumps: float
    tracks: float
    largest_layer: float


def measure_quality(clip: LayeredClip, settings: FilterSettings | None = None) -> Quality:
    """The figures of a clip. Speed is the 95th percentile of its elements' scores, in pixels."""
    scores = np.array([element.score for element in clip.elements])
    layer = np.array([element.layer for element in clip.elements], np.int64)
    return quality_of(clip.frames, clip.labels, layer, scores, clip.tracks.visible, settings)


def quality_of(
    frames: np.ndarray,
    labels: np.ndarray,
    layer: np.ndarray,
    scores: np.ndarray,
    visible: np.ndarray,
    settings: FilterSettings | None = None,
) -> Quality:
    """The figures of a clip's parts.

    frames: RGB uint8 [frames, h, w, 3]; labels: int [frames, h, w], k > 0 is element k - 1; layer,
    scores: [elements]; visible: bool [tracks, frames].
    """
    settings = settings or FilterSettings()
    height, width = frames.shape[1:3]
    left, top, right, bottom = active_rect(frames)
    shown = np.bincount(labels.ravel(), minlength=len(layer) + 1)[1:]
    counts = np.bincount(layer, shown)
    return Quality(
        frames=len(frames),
        side_px=min(height, width),
        speed_px=float(np.percentile(scores, 95)) if len(scores) else 0.0,
        drawings=int(drawing_numbers(frames)[-1]) + 1,
        bars=1.0 - (right - left) * (bottom - top) / (height * width),
        sharpness=sharpness(frames[len(frames) // 2]),
        elements=len(layer),
        jumps=area_jumps(labels, settings.jump),
        tracks=float(visible[:, -1].sum()) / settings.grid**2,
        largest_layer=float(counts.max() / labels.size) if len(counts) else 1.0,
    )


def judge(quality: Quality, settings: FilterSettings | None = None) -> tuple[Reason, ...]:
    """All reasons against a clip, in the order of `Reason`; empty: it is good."""
    settings = settings or FilterSettings()
    still = quality.speed_px < settings.speed_px and quality.drawings < settings.drawings
    against = {
        Reason.SHORT: quality.frames < settings.frames,
        Reason.SMALL: quality.side_px < settings.side_px,
        Reason.STATIC: still,
        Reason.WILD: quality.speed_px > settings.wild_px,
        Reason.BARS: quality.bars > settings.bars,
        Reason.BLURRED: quality.sharpness < settings.sharp,
        Reason.FEW_ELEMENTS: quality.elements < settings.elements,
        Reason.UNSTABLE: quality.jumps > settings.jumps,
        Reason.FEW_TRACKS: quality.tracks < settings.tracks,
        Reason.ONE_LAYER: quality.largest_layer > settings.one_layer,
    }
    return tuple(reason for reason in Reason if against[reason])


def sharpness(picture: np.ndarray) -> float:
    """99th percentile of the Laplacian's size, of 255, of an RGB uint8 picture [h, w, 3]."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return float(np.percentile(np.abs(cv2.Laplacian(grey, cv2.CV_32F)), 99))


def area_jumps(labels: np.ndarray, factor: float, least_px: int = 100) -> float:
    """Share of steps at which a seen element's area changes by more than `factor`.

    labels: int [frames, h, w], 0 is none; elements below `least_px` on either side do not count.
    """
    count = int(labels.max()) + 1
    area = np.stack([np.bincount(frame.ravel(), minlength=count) for frame in labels])[:, 1:]
    before, after = area[:-1], area[1:]
    seen = np.minimum(before, after) >= least_px
    ratio = np.maximum(before, after) / np.maximum(np.minimum(before, after), 1)
    return float((ratio[seen] > factor).mean()) if seen.any() else 0.0
