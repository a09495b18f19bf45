"""Elements followed through a clip without weights: warped labels, snapped to fresh regions.

`spec/curation.md` 3.4. What is hidden wholly and returns is not found again; it is told as lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_matrix

from curation.stages.elements import ElementSettings, region_labels, to_lab
from curation.stages.flow import (
    FlowSettings,
    arrivals,
    dis_flow,
    follow_ways,
    raw_flow,
    region_ways,
    seen_along,
    textured_pixels,
)
from curation.stages.leaps import LeapSettings, leaping_ways
from curation.stages.palette import palette, support
from curation.stages.regions import touching
from curation.stages.rests import RestSettings, camera_path, region_rests, resting
from curation.stages.strokes import cut_strokes


@dataclass(frozen=True)
class MaskletSettings:
    """How labels travel.

    `preset`: of DIS. `share`: a region takes one label when it holds this much of the votes;
    else its pixels keep theirs. `doubt`: Lab error that halves a vote. `lost`: an element is lost
    below this share of its largest area. `blind`: what a vote for a label counts that never showed
    such a colour, against 1 + it for one that did. `against`: what a vote of a region that rests
    counts for a label that moves.
    """

    preset: int = 2
    share: float = 0.6
    doubt: float = 8.0
    lost: float = 0.1
    blind: float = 0.2
    against: float = 0.1
    regions: ElementSettings = field(default_factory=ElementSettings)
    flow: FlowSettings = field(default_factory=FlowSettings)
    leaps: LeapSettings = field(default_factory=LeapSettings)
    rests: RestSettings = field(default_factory=RestSettings)


@dataclass(frozen=True, eq=False)
class Masklets:
    """labels int32 [frames, h, w] as in the first frame; lost bool [frames, labels]."""

    labels: np.ndarray
    lost: np.ndarray


def propagate(
    frames: np.ndarray,
    first: np.ndarray,
    settings: MaskletSettings | None = None,
    *,
    regions: np.ndarray | None = None,
) -> Masklets:
    """Follow the labels of the first frame through all others.

    frames: RGB uint8 [frames, h, w, 3]; first: int [h, w] from 0; regions: int [frames, h, w],
    where they are known already. Nothing new is ever labelled: what enters takes a label that is
    there.
    """
    settings = settings or MaskletSettings()
    labels = np.zeros((len(frames), *first.shape), np.int32)
    labels[0] = first
    colours = palette(to_lab(frames[0]), first)
    rests = seen_resting(frames, settings.flow, settings.rests)
    moves = region_rests(rests[0], first, len(colours)) < settings.rests.moving
    for index in range(1, len(frames)):
        if np.array_equal(frames[index], frames[index - 1]):
            labels[index] = labels[index - 1]
            continue
        fresh = (
            cut_strokes(region_labels(frames[index], settings.regions))
            if regions is None
            else regions[index]
        )
        still = region_rests(rests[index], fresh, int(fresh.max()) + 1) > settings.rests.still
        trusted = np.where(still[:, None] & moves, settings.against, 1.0)
        labels[index] = carry(
            frames[index - 1], frames[index], labels[index - 1], fresh, colours, settings, trusted
        )
    return Masklets(labels, _lost(labels, len(colours), settings.lost))


def seen_resting(frames: np.ndarray, flow: FlowSettings, settings: RestSettings) -> np.ndarray:
    """`resting` of a clip, float32 [frames, h, w], along the camera's path by DIS."""
    path = camera_path(raw_flow(frames, flow), textured_pixels(frames, flow))
    return resting(frames, path, settings)


def carry(
    before: np.ndarray,
    after: np.ndarray,
    labels: np.ndarray,
    regions: np.ndarray,
    colours: np.ndarray,
    settings: MaskletSettings,
    trusted: np.ndarray | float = 1.0,
) -> np.ndarray:
    """Labels of `before` carried to `after` (RGB uint8 [h, w, 3]) and snapped to its regions.

    Every region of `after` looks for where it came from: so what a moving thing uncovers follows
    the backdrop that it belongs to, not the thing. `colours`: of `palette`; trusted: float64
    [regions, labels], what each vote counts.
    """
    lab = [to_lab(after), to_lab(before)]
    back = dis_flow(after, before, settings.preset)
    ways, errors = region_ways(lab[0], lab[1], back, regions, settings.flow)
    ways = leaping_ways(lab[0], lab[1], regions, ways, errors, settings.leaps)
    back = follow_ways(back, ways, regions, settings.flow.agree_px)
    warped, error = _warped(lab, labels, back)
    votes, trust = ballots(warped, error, regions, len(colours), settings.doubt)
    shown = support(lab[0], regions, colours)
    likely = shown[np.arange(len(shown)), votes.argmax(axis=1)]
    votes += hearsay(votes, np.minimum(trust, likely), regions)
    votes += returning(shown, likely, labels, regions)
    votes *= (settings.blind + shown) * trusted
    return snap(warped, votes, regions, settings.share)


def _warped(
    lab: list[np.ndarray], labels: np.ndarray, back: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Labels fetched along the flow back in time, and how unlike the places look, Lab [h, w]."""
    height, width = labels.shape
    x, y = arrivals(back)
    column = np.rint(x).astype(np.int32).clip(0, width - 1)
    row = np.rint(y).astype(np.int32).clip(0, height - 1)
    return labels[row, column], np.linalg.norm(seen_along(back, lab[1]) - lab[0], axis=2)


def ballots(
    warped: np.ndarray, error: np.ndarray, regions: np.ndarray, kinds: int, doubt: float
) -> tuple[np.ndarray, np.ndarray]:
    """Votes of each region's pixels for their labels, float64 [regions, labels], and their trust.

    A pixel's vote counts 1 / (1 + Lab error / doubt); trust [regions] is their mean.
    """
    count = int(regions.max()) + 1
    ballot = regions.ravel().astype(np.int64) * kinds + warped.ravel()
    weight = 1.0 / (1.0 + error.ravel() / doubt)
    votes = np.bincount(ballot, weight, count * kinds).reshape(count, kinds)
    area = np.bincount(regions.ravel(), minlength=count)
    return votes, votes.sum(axis=1) / np.maximum(area, 1)


def hearsay(votes: np.ndarray, trust: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """What the neighbours of doubtful regions vote for, float64 [regions, labels].

    A region that nothing before looks like was hidden; what lies beside it lay over it.
    """
    count = len(votes)
    area = np.bincount(regions.ravel(), minlength=count)
    opinion = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1e-9)
    pairs, length = touching(regions)
    rows = np.concatenate([pairs[:, 0], pairs[:, 1]])
    columns = np.concatenate([pairs[:, 1], pairs[:, 0]])
    weight = np.concatenate([length, length]) * trust[columns]
    beside = csr_matrix((weight, (rows, columns)), (count, count))
    total = np.asarray(beside.sum(axis=1)).ravel()
    return ((1.0 - trust) * area / np.maximum(total, 1e-9))[:, None] * (beside @ opinion)


_FAMILIAR, _STRANGE = 0.85, 0.4


def returning(
    shown: np.ndarray, likely: np.ndarray, labels: np.ndarray, regions: np.ndarray
) -> np.ndarray:
    """Votes for labels out of sight whose colours come back, float64 [regions, labels].

    shown: of `support`; likely [regions]: the same for what a region would be called otherwise.
    """
    count, kinds = shown.shape
    gone = np.bincount(labels.ravel(), minlength=kinds) == 0
    area = np.bincount(regions.ravel(), minlength=count)
    fits = gone & (shown > _FAMILIAR) & (likely < _STRANGE)[:, None]
    return fits * area[:, None].astype(np.float64)


def snap(warped: np.ndarray, votes: np.ndarray, regions: np.ndarray, share: float) -> np.ndarray:
    """Give every region the label that holds more than `share` of its votes; int32 [h, w]."""
    winner = votes.argmax(axis=1)
    clear = votes.max(axis=1) > share * votes.sum(axis=1)
    return np.where(clear[regions], winner[regions], warped).astype(np.int32)


def _lost(labels: np.ndarray, count: int, share: float) -> np.ndarray:
    """Elements that are as good as gone, bool [frames, labels]."""
    area = np.stack([np.bincount(frame.ravel(), minlength=count) for frame in labels])
    return area < share * np.maximum(area.max(axis=0), 1)
