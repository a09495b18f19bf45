"""Takes flat key frames apart into a stack of layers by their masks; used by `official_demo`.

Nothing says what lies behind a layer or which of two is in front; both are inferred here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from backend.pipeline.demo_ground import complete_ground
from backend.pipeline.demo_matte import around, cut_softly
from backend.pipeline.fill import fill_from
from shared.pictures import alpha_over

_GROUND_UNCOVERED = 0.1
_STILL_LEVELS = 6.0
_REACH = 0.08
_BAR_NOISE = 0.01


@dataclass(frozen=True, eq=False)
class Slot:
    """One layer slot: `masks` bool [keys, h, w] at the key frames; `is_static`: it never moves."""

    number: int
    masks: np.ndarray
    is_static: bool = False


@dataclass(frozen=True, eq=False)
class Stack:
    """Key frames taken apart. `ground` uint8 [keys, h, w, 3]: the whole backdrop, completed.

    `bars` bool [h, w]: strips along the sides that no slot ever covers, as of a narrower film.
    `cuts`: slots above it from below, each uint8 [keys, h, w, 4], straight alpha. `ground_slot`:
    the slot that is the backdrop; None where the backdrop is what no mask covers. `is_still`:
    the backdrop is the same at all keys.
    """

    ground: np.ndarray
    bars: np.ndarray
    ground_slot: Slot | None
    cuts: tuple[tuple[Slot, np.ndarray], ...]
    is_still: bool


def take_apart(frames: np.ndarray, slots: Sequence[Slot]) -> Stack:
    """Frames uint8 [keys, h, w, 3] to layers whose alpha-over gives the frames again, bit-equal."""
    ordered = from_below(slots)
    ground_slot = ordered[0] if _is_ground(ordered) else None
    objects = ordered[1:] if ground_slot else ordered
    visible = _visible(objects, frames.shape[:3])  # [objects, keys, h, w]
    open_ground = np.asarray(~visible.any(axis=0))
    is_still = bool(ground_slot and ground_slot.is_static) or _is_same(frames, open_ground)
    bars = _bars(ordered)
    sure = np.stack([seen & ~around(~seen) for seen in open_ground & ~bars])
    ground = complete_ground(frames, sure, bars, is_still=is_still)
    cuts = [np.zeros((*frames.shape[:3], 4), np.uint8) for _ in objects]
    for key in range(len(frames)):
        canvas = _opaque(ground[key])
        for index, slot in enumerate(objects):
            above = np.asarray(visible[index + 1 :, key].any(axis=0))
            hidden, under = _hidden(frames, slot, visible[index], above, key)
            cut = cut_softly(frames[key], visible[index, key], hidden, above, canvas[..., :3])
            cut[hidden, :3], cut[hidden, 3] = under[hidden], 255
            cuts[index][key] = cut
            canvas = alpha_over(canvas, cut)
        _make_exact(frames[key], canvas, visible[:, key], ground[key], [c[key] for c in cuts])
    return Stack(ground, bars, ground_slot, tuple(zip(objects, cuts, strict=True)), is_still)


def from_below(slots: Sequence[Slot]) -> list[Slot]:
    """Slots in the order they are stacked: no picture tells it, so larger ones lie lower."""
    return sorted(slots, key=lambda slot: (-int(slot.masks.sum()), slot.number))


def _is_ground(ordered: Sequence[Slot]) -> bool:
    """Whether the lowest slot is what lies behind all others: together they cover the frame."""
    covered = np.any([slot.masks for slot in ordered], axis=0)
    return float(1 - covered[:, ~_bars(ordered)].mean()) < _GROUND_UNCOVERED


def _bars(slots: Sequence[Slot]) -> np.ndarray:
    """Strips along the sides without any slot in them: bool [h, w].

    Only where what is left is full of slots; otherwise the strips are part of a scenery.
    """
    covered = np.any([slot.masks for slot in slots], axis=(0, 1))  # [h, w]
    bars = np.ones_like(covered)
    rows = np.flatnonzero(covered.mean(axis=1) > _BAR_NOISE)
    columns = np.flatnonzero(covered.mean(axis=0) > _BAR_NOISE)
    if len(rows) and len(columns):
        bars[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = False
    if bars.all() or float(1 - covered[~bars].mean()) >= _GROUND_UNCOVERED:
        return np.zeros_like(covered)
    return bars


def _visible(objects: Sequence[Slot], shape: tuple[int, ...]) -> np.ndarray:
    """Where each object is seen, those above it taken off: bool [objects, *shape]."""
    visible = np.zeros((len(objects), *shape), np.bool_)
    above = np.zeros(shape, np.bool_)
    for index in reversed(range(len(objects))):
        visible[index] = objects[index].masks & ~above
        above |= objects[index].masks
    return visible


def _is_same(frames: np.ndarray, open_ground: np.ndarray) -> bool:
    """Whether the backdrop looks alike wherever both keys show it."""
    both = open_ground.all(axis=0)
    if len(frames) < 2 or not both.any():
        return len(frames) < 2
    change = np.abs(frames[0][both].astype(np.int16) - frames[1][both])
    return float(change.mean()) < _STILL_LEVELS


def _hidden(
    frames: np.ndarray, slot: Slot, visible: np.ndarray, above: np.ndarray, key: int
) -> tuple[np.ndarray, np.ndarray]:
    """Where a slot goes on under those above it, bool [h, w], and its picture there."""
    frame, seen = frames[key], visible[key]
    hidden = above & (slot.masks[key] | (_hull(seen) & _near(seen)))
    if not hidden.any() or not seen.any():
        return np.zeros_like(seen), frame
    picture = fill_from(frame, seen, hidden)
    if slot.is_static:
        for other in range(len(frames)):
            shown = visible[other] & above
            hidden |= shown
            picture[shown] = frames[other][shown]
    return hidden, picture


def _near(seen: np.ndarray) -> np.ndarray:
    reach_px = max(2, round(_REACH * seen.shape[0]))
    return around(seen, reach_px)


def _hull(seen: np.ndarray) -> np.ndarray:
    """The convex hull of each connected piece, together: bool [h, w]."""
    contours, _ = cv2.findContours(
        seen.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    canvas = np.zeros(seen.shape, np.uint8)
    for contour in contours:
        cv2.fillConvexPoly(canvas, cv2.convexHull(contour), (1,))
    return canvas > 0


def _make_exact(
    frame: np.ndarray,
    canvas: np.ndarray,
    visible: np.ndarray,
    ground: np.ndarray,
    cuts: Sequence[np.ndarray],
) -> None:
    """Give pixels that do not come out as in the frame wholly to their owner, in place."""
    wrong = (canvas[..., :3] != frame).any(axis=-1)
    owned = np.zeros_like(wrong)
    for own, cut in zip(reversed(visible), reversed(cuts), strict=True):
        cut[wrong & ~own & ~owned & (cut[..., 3] > 0)] = 0
        fixed = wrong & own
        cut[fixed, :3], cut[fixed, 3] = frame[fixed], 255
        owned |= own
    rest = wrong & ~owned
    ground[rest] = frame[rest]


def _opaque(picture: np.ndarray) -> np.ndarray:
    return np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
