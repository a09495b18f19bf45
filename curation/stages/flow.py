"""Optical flow without weights: DIS, and its repair region by region; any stage may call it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from curation.backends.interfaces import FlowEstimator
from curation.stages.elements import lab_gradient, region_labels, to_lab
from curation.stages.regions import touching


@dataclass(frozen=True)
class FlowSettings:
    """How motion is measured.

    `preset`: of OpenCV's DIS, 0 fastest .. 2 best. `regions`: repair flow by region, which takes
    the motion of objects out of flat backdrops (`spec/curation.md` 3.3). `camera_modes`: common
    motions that every region may follow. `agree_px`: within it of its region's motion a pixel
    keeps its own. `edge`: least Lab gradient that tells motion. `cap`: largest Lab error counted.
    """

    preset: int = 2
    regions: bool = True
    camera_modes: int = 3
    agree_px: float = 1.0
    edge: float = 1.0
    cap: float = 20.0


def dis_flow(first: np.ndarray, second: np.ndarray, preset: int = 2) -> np.ndarray:
    """Dense inverse search between two RGB uint8 pictures: float32 [h, w, 2], pixels, x then y.

    Pictures below 16 pixels a side have no flow; theirs is zero.
    """
    if min(first.shape[:2]) < 16:
        return np.zeros((*first.shape[:2], 2), np.float32)
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (first, second)]
    return _dis(preset).calc(grey[0], grey[1], None)  # pyright: ignore[reportCallIssue, reportArgumentType]


def _dis(preset: int) -> cv2.DISOpticalFlow:
    return cv2.DISOpticalFlow_create(preset)  # pyright: ignore[reportAttributeAccessIssue]


def clip_flow(frames: np.ndarray, settings: FlowSettings | None = None) -> np.ndarray:
    """Flow from every frame to the next, float32 [frames - 1, h, w, 2].

    frames: RGB uint8 [frames, h, w, 3].
    """
    settings = settings or FlowSettings()
    cut_up = settings.regions
    regions = np.stack([region_labels(f) for f in frames]) if cut_up else frames[..., 0]
    return flows(frames, regions, settings)[1]


def flows(
    frames: np.ndarray,
    regions: np.ndarray,
    settings: FlowSettings,
    estimate: FlowEstimator | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Flow as it was estimated and repaired by region, float32 [frames - 1, h, w, 2] both.

    frames: RGB uint8 [frames, h, w, 3]; regions: int [frames, h, w]. `estimate`: None is DIS.
    """
    shape = (len(frames) - 1, *frames.shape[1:3], 2)
    raw, repaired = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for index, (first, second) in enumerate(pairwise(frames)):
        if np.array_equal(first, second):
            continue
        raw[index] = (
            estimate(first, second)
            if estimate is not None
            else dis_flow(first, second, settings.preset)
        )
        repaired[index] = (
            region_flow(first, second, raw[index], regions[index], settings)
            if settings.regions
            else raw[index]
        )
    return raw, repaired


def raw_flow(frames: np.ndarray, settings: FlowSettings) -> np.ndarray:
    """DIS from every frame to the next as it is, float32 [frames - 1, h, w, 2]."""
    flow = np.zeros((len(frames) - 1, *frames.shape[1:3], 2), np.float32)
    for index, (first, second) in enumerate(pairwise(frames)):
        if not np.array_equal(first, second):
            flow[index] = dis_flow(first, second, settings.preset)
    return flow


def arrivals(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns and rows to which the pixels of a flow [h, w, 2] go, float32 [h, w] both."""
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return x + flow[..., 0], y + flow[..., 1]


def seen_along(flow: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The second picture as the pixels of the first find it along their flow; its shape."""
    x, y = arrivals(flow)
    return cv2.remap(second, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)


def textured_pixels(frames: np.ndarray, settings: FlowSettings) -> np.ndarray:
    """Which pixels can tell their motion, bool [frames, h, w]."""
    return np.stack([lab_gradient(to_lab(frame), 1.0) > settings.edge for frame in frames])


def region_flow(
    first: np.ndarray,
    second: np.ndarray,
    flow: np.ndarray,
    labels: np.ndarray,
    settings: FlowSettings | None = None,
) -> np.ndarray:
    """Flow float32 [h, w, 2] in which every region moves as its own edges tell.

    first, second: RGB uint8 [h, w, 3]; flow: of DIS; labels: int [h, w] from 0, regions of
    `first`.
    """
    settings = settings or FlowSettings()
    lab = [to_lab(first), to_lab(second)]
    ways, _ = region_ways(lab[0], lab[1], flow, labels, settings)
    return follow_ways(flow, ways, labels, settings.agree_px)


def follow_ways(
    flow: np.ndarray, ways: np.ndarray, labels: np.ndarray, agree_px: float
) -> np.ndarray:
    """Flow that keeps to itself within `agree_px` of its region's way and else follows that."""
    rigid = ways.astype(np.float32)[labels]
    apart = np.linalg.norm(flow - rigid, axis=2) > agree_px
    return np.where(apart[..., None], rigid, flow)


def region_ways(
    first: np.ndarray,
    second: np.ndarray,
    flow: np.ndarray,
    labels: np.ndarray,
    settings: FlowSettings,
) -> tuple[np.ndarray, np.ndarray]:
    """One translation for every region, float64 [regions, 2], and the Lab error it leaves.

    first, second: Lab float32 [h, w, 3]. A region follows one out of: none, the camera's, its own
    median flow, its neighbours' medians; the one whose edges, two pixels around it included, look
    most alike in `second`.
    """
    edge = lab_gradient(first, 1.0)
    textured = edge > settings.edge
    count = int(labels.max()) + 1
    medians = region_medians(flow, labels, textured)
    shared = camera_modes(flow, textured, settings.camera_modes)
    choices = _choices(labels, medians, shared, count)
    errors = _errors([first, second], edge, labels, choices, settings)
    best = errors.argmin(axis=0)
    every = np.arange(count)
    return choices[best, every], errors[best, every]


def region_medians(flow: np.ndarray, labels: np.ndarray, textured: np.ndarray) -> np.ndarray:
    """Median flow of the textured pixels of every region, float64 [regions, 2]; NaN: has none."""
    count = int(labels.max()) + 1
    where = np.flatnonzero(textured.ravel())
    region = labels.ravel()[where]
    pixels = flow.reshape(-1, 2)[where]
    size = np.bincount(region, minlength=count)
    start = np.cumsum(size) - size
    medians = np.full((count, 2), np.nan)
    some = size > 0
    for axis in range(2):
        order = np.lexsort((pixels[:, axis], region))
        medians[some, axis] = pixels[order[(start + size // 2)[some]], axis]
    return medians


def camera_modes(flow: np.ndarray, textured: np.ndarray, most: int) -> np.ndarray:
    """The commonest motions of textured pixels, float64 [n <= most, 2], the commonest first."""
    pixels = flow[textured].astype(np.float64)
    if not len(pixels):
        return np.zeros((0, 2))
    cells, counts = np.unique(np.round(pixels), axis=0, return_counts=True)
    picked: list[np.ndarray] = []
    for cell in cells[np.argsort(-counts, kind="stable")]:
        if len(picked) == most:
            break
        close = pixels[np.abs(pixels - cell).max(axis=1) <= 1.0]
        mode = np.median(close, axis=0)
        if all(np.linalg.norm(mode - other) > 1.0 for other in picked):
            picked.append(mode)
    return np.stack(picked)


_NEIGHBOURS = 6


def _choices(labels: np.ndarray, medians: np.ndarray, shared: np.ndarray, count: int) -> np.ndarray:
    """Translations that each region may follow, float64 [choices, regions, 2]."""
    own = np.where(np.isnan(medians), 0.0, medians)
    around = np.repeat(own[None], _NEIGHBOURS, 0)
    filled = [0] * count
    for a, b in touching(labels)[0].tolist():
        for region, other in ((a, b), (b, a)):
            if filled[region] < _NEIGHBOURS:
                around[filled[region], region] = own[other]
                filled[region] += 1
    zero = np.zeros((1, count, 2))
    camera = np.repeat(shared[:, None], count, 1)
    return np.concatenate([zero, camera, own[None], around])


def _errors(
    lab: list[np.ndarray],
    edge: np.ndarray,
    labels: np.ndarray,
    choices: np.ndarray,
    settings: FlowSettings,
) -> np.ndarray:
    """Mean Lab error of every choice on the edges of every region, float64 [choices, regions]."""
    row, column, region = _edge_pixels(labels, edge > settings.edge)
    weight = edge[row, column]
    count = choices.shape[1]
    total = np.bincount(region, weight, count) + 1e-9
    source = lab[0][row, column]
    errors = np.empty(choices.shape[:2])
    for index, choice in enumerate(choices):
        way = choice[region]
        found = _sampled(lab[1], column + way[:, 0], row + way[:, 1])
        apart = np.minimum(np.linalg.norm(found - source, axis=1), settings.cap)
        errors[index] = np.bincount(region, weight * apart, count) / total
    return errors


def _edge_pixels(
    labels: np.ndarray, textured: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and regions of the textured pixels in each region or two pixels around it."""
    row, column = np.nonzero(textured)
    own = labels[row, column]
    found = [(row, column, own)]
    height, width = labels.shape
    for dy, dx in ((-2, 0), (2, 0), (0, -2), (0, 2)):
        other = labels[(row + dy).clip(0, height - 1), (column + dx).clip(0, width - 1)]
        near = other != own
        found.append((row[near], column[near], other[near]))
    rows, columns, regions = zip(*found, strict=True)
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(regions)


def _sampled(picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bilinear values at `x`, `y` (pixel indices); far outside counts as wholly different."""
    if not len(x):
        return np.zeros((0, picture.shape[2]), np.float32)
    wide = 512  # OpenCV maps may have no more than 32767 rows
    padding = -len(x) % wide
    maps = [np.pad(axis.astype(np.float32), (0, padding)).reshape(-1, wide) for axis in (x, y)]
    values = cv2.remap(
        picture, maps[0], maps[1], cv2.INTER_LINEAR, None, cv2.BORDER_CONSTANT, (1e3, 1e3, 1e3)
    )
    return values.reshape(-1, picture.shape[2])[: len(x)]
