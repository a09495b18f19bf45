"""Elements that enter later, told from what was there all along; `layering` calls it.

Keyframes every few frames, what moves there and nothing followed so far explains, traced back to
its entry (`spec/curation.md` 1.3, 1.4). Uncovered backdrop moves as the camera does, so it never
is a candidate; a limb that comes out from behind its body touches what is known; a thing that
starts to move is traced back to a place where it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from curation.stages.elements import lab_gradient, to_lab
from curation.stages.flow import FlowSettings, dis_flow, region_ways
from curation.stages.masklets import MaskletSettings, carry
from curation.stages.palette import palette
from curation.stages.regions import touching


@dataclass(frozen=True)
class RefineSettings:
    """Which newcomers are found.

    `every`: frames from keyframe to keyframe; 0 looks for none. `apart_px`: least motion against
    the camera's, pixels per frame. `uncovered`: least share of a candidate that no known moving
    element covers. `least`: its least area, share of the picture. `gone`: traced back, it is gone
    below this share of its area. `back`: most frames that it is traced back; whoever is still
    there was there before. `stays`: frames that it must last.
    """

    every: int = 4
    apart_px: float = 1.5
    uncovered: float = 0.5
    least: float = 0.002
    gone: float = 0.1
    back: int = 12
    stays: int = 4


@dataclass(frozen=True, eq=False)
class _Footage:
    """frames RGB uint8 [frames, h, w, 3]; regions int [frames, h, w], of every frame for itself."""

    frames: np.ndarray
    regions: np.ndarray
    settings: RefineSettings
    follow: MaskletSettings


def refine(
    frames: np.ndarray,
    labels: np.ndarray,
    regions: np.ndarray,
    settings: RefineSettings | None = None,
    follow: MaskletSettings | None = None,
) -> np.ndarray:
    """Labels in which newcomers have numbers of their own, after all others; int32 [frames, h, w].

    frames: RGB uint8 [frames, h, w, 3]; labels: int [frames, h, w], the first frame's regions
    followed; regions: int [frames, h, w], of every frame for itself.
    """
    footage = _Footage(frames, regions, settings or RefineSettings(), follow or MaskletSettings())
    result = labels.astype(np.int32)
    every = footage.settings.every
    if not every or len(frames) < 2:
        return result
    known = _known_at_first(footage, int(labels.max()) + 1)
    for key in range(every, len(frames) - 1, every):
        seeds = _candidates(footage, key, result[key], known)
        if seeds.any():
            known = _examine(footage, key, seeds, result, known)
    return result


def first_shown(labels: np.ndarray) -> np.ndarray:
    """The frame in which every label first has half of its largest area, int64 [labels]."""
    count = int(labels.max()) + 1
    area = np.stack([np.bincount(frame.ravel(), minlength=count) for frame in labels])
    return (2 * area >= np.maximum(area.max(axis=0), 1)).argmax(axis=0)


def neighbours(labels: np.ndarray) -> np.ndarray:
    """Touching labels, int [borders, 2]: on the first frame, newcomers where they are first shown.

    labels: int [frames, h, w].
    """
    pairs = [touching(labels[0])[0]]
    there = int(labels[0].max()) + 1
    for label, frame in enumerate(first_shown(labels)[there:].tolist(), there):
        found = touching(labels[frame])[0]
        pairs.append(found[(found == label).any(axis=1)])
    return np.unique(np.concatenate(pairs), axis=0)


def _known_at_first(footage: _Footage, count: int) -> np.ndarray:
    """Which of the first frame's regions move, bool [count]."""
    moving = np.zeros(count, bool)
    found = _moving(footage, 0)
    moving[: len(found)] = found
    return moving


def _moving(footage: _Footage, frame: int) -> np.ndarray:
    """Which regions of a frame move against the camera, bool [regions]."""
    frames, regions = footage.frames, footage.regions[frame]
    later = frame + 1
    while later < len(frames) - 1 and np.array_equal(frames[frame], frames[later]):
        later += 1
    settings = FlowSettings()
    flow = dis_flow(frames[frame], frames[later], settings.preset)
    lab = [to_lab(frames[frame]), to_lab(frames[later])]
    ways, _ = region_ways(lab[0], lab[1], flow, regions, settings)
    textured = lab_gradient(lab[0], 1.0) > settings.edge
    y, x = np.nonzero(textured)
    camera = _camera(np.stack([x, y], 1).astype(np.float64), flow[y, x])
    middles = _middles(regions, len(ways))
    expected = middles @ camera[:, :2].T + camera[:, 2]
    return np.linalg.norm(ways - expected, axis=1) > footage.settings.apart_px * (later - frame)


def _camera(points: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """The motion that most textured pixels share, float64 [2, 3]: matrix and shift, of points."""
    thin = slice(None, None, max(1, len(points) // 8000))
    start = np.ascontiguousarray(points[thin], np.float32)
    if len(points) >= 8:
        matrix, _ = cv2.estimateAffinePartial2D(
            start, start + flow[thin], ransacReprojThreshold=1.0
        )
        if matrix is not None:
            return matrix - np.eye(2, 3)
    return np.zeros((2, 3))


def _middles(regions: np.ndarray, count: int) -> np.ndarray:
    """Mean place of every region, float64 [count, 2], x and y."""
    y, x = np.mgrid[: regions.shape[0], : regions.shape[1]]
    flat = regions.ravel()
    area = np.maximum(np.bincount(flat, minlength=count), 1)
    sums = [np.bincount(flat, axis.ravel(), count) for axis in (x, y)]
    return np.stack(sums, 1) / area[:, None]


def _candidates(footage: _Footage, key: int, labels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Moving pieces of a keyframe that known labels do not explain, int32 [h, w] from 1; 0 none."""
    settings, regions = footage.settings, footage.regions[key]
    moving = _moving(footage, key)[regions]
    count, pieces = cv2.connectedComponents(moving.astype(np.uint8), connectivity=4)
    area = np.bincount(pieces.ravel(), minlength=count)
    solid = cv2.morphologyEx(moving.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    core = np.bincount(pieces.ravel(), solid.ravel(), count)
    free = np.bincount(pieces.ravel(), ~known[labels].ravel(), count)
    new = (free >= settings.uncovered * area) & (core >= settings.least * labels.size)
    new[0] = False
    number = (np.cumsum(new) * new).astype(np.int32)
    return number[np.asarray(pieces, np.int64)]


def _examine(
    footage: _Footage, key: int, seeds: np.ndarray, labels: np.ndarray, known: np.ndarray
) -> np.ndarray:
    """Trace candidates back; put newcomers into `labels`; the labels known now, bool [labels]."""
    settings = footage.settings
    first = max(0, key - settings.back)
    past = _traced(footage, seeds, range(key, first - 1, -1))
    count = int(seeds.max()) + 1
    now = np.bincount(seeds.ravel(), minlength=count)
    then = np.bincount(past[-1].ravel(), minlength=count)
    gone = then < settings.gone * now
    gone[0] = False
    stayed = (past[-1] > 0) & ~gone[past[-1]]
    known = known | _mostly_within(labels[key - len(past) + 1], stayed, len(known))
    if not gone.any():
        return known
    future = _traced(footage, np.where(gone[seeds], seeds, 0), range(key, len(footage.frames)))
    last = np.bincount(future[min(settings.stays, len(future) - 1)].ravel(), minlength=count)
    new = gone & (last >= settings.gone * now)
    # not the frame where it is gone: its last pixels on frame 0 would count as there from the start
    masks = {key - step: mask for step, mask in enumerate(past[:-1])}
    masks |= {key + step: mask for step, mask in enumerate(future)}
    return _put(masks, new, labels, known)


def _traced(footage: _Footage, seeds: np.ndarray, way: range) -> list[np.ndarray]:
    """`seeds` followed along frames in the order of `way`; ends where none is left."""
    found = [seeds]
    colours = palette(to_lab(footage.frames[way[0]]), seeds)
    for before, after in pairwise(way):
        if not found[-1].any():
            break
        frames = footage.frames[before], footage.frames[after]
        if np.array_equal(*frames):
            found.append(found[-1])
            continue
        regions = footage.regions[after]
        found.append(carry(*frames, found[-1], regions, colours, footage.follow))
    return found


def _mostly_within(labels: np.ndarray, mask: np.ndarray, count: int) -> np.ndarray:
    """Labels with more than half of their pixels in a mask, bool [count]."""
    area = np.bincount(labels.ravel(), minlength=count)
    inside = np.bincount(labels.ravel(), mask.ravel(), count)
    return (2 * inside > area)[:count]


def _put(
    masks: dict[int, np.ndarray], new: np.ndarray, labels: np.ndarray, known: np.ndarray
) -> np.ndarray:
    """Write newcomers into `labels`, with numbers after the known ones; returns these and those."""
    numbers = np.where(new, len(known) + np.cumsum(new) - 1, -1)
    for frame, mask in masks.items():
        shown = numbers[mask]
        labels[frame] = np.where(shown >= 0, shown, labels[frame])
    return np.concatenate([known, np.ones(int(new.sum()), bool)])
