"""Dissolves and fades: stretches in which one picture turns into another without either moving.

A gradual transition is a mixture of its two ends with a share that only rises, and its ends are
different pictures. Pans move (no mixture explains their frames), flashes come back to where they
were, and what only darkens keeps its edges in place. `spec/curation.md` 1.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from curation.stages.cuts import Piece, unexplained
from curation.stages.flow import dis_flow, seen_along


@dataclass(frozen=True)
class TransitionSettings:
    """How a gradual transition is told. `halves`: frames to either side that are looked at.

    `mixture`: most that a mixture of the ends may leave, as a share of what lies between them.
    `leap`: largest share of the way in one frame; more is a hard cut. `apart`: least mean change
    of 255 between the ends. `same`: ends whose edges agree more than this, -1..1, show the same.
    `far`, `near`: least share of the change, between the ends and from frame to frame, that motion
    does not explain. `residual`: of 255, below which one picture is another one moved.
    `flat`: largest departure of 255 from one colour in a frame that shows nothing. `flash`: most
    frames of showing nothing after which the old picture may be back. `margin`: frames dropped
    besides, on either side.
    """

    halves: tuple[int, ...] = (3, 5, 8, 12, 18, 26)
    mixture: float = 0.5
    leap: float = 0.55
    apart: float = 6.0
    same: float = 0.46
    far: float = 0.6
    near: float = 0.35
    residual: float = 8.0
    flat: float = 12.0
    flash: int = 3
    margin: int = 2
    width_px: int = 96


Transition = Piece
"""Frames `first` .. `end` - 1, which belong to no shot."""

_STEEP = 0.5  # of the fastest pace; motion alone makes a share creep
_GAP = 3  # frames between a ramp's found part and the frames of nothing that it leads to
_BACK = 0.04  # a share may fall by as much: noise, compression
_EDGE_WIDTH_PX, _WAY_PX, _COARSE_PX = 256, 6.0, 3.0


def find_transitions(
    frames: np.ndarray, settings: TransitionSettings | None = None
) -> list[Transition]:
    """Stretches to drop, rising and apart from each other.

    frames: RGB uint8 [frames, h, w, 3]. Longer ones than twice the largest of `halves` are found
    only in part.
    """
    return _Search(frames, settings or TransitionSettings()).found()


class _Search:
    def __init__(self, frames: np.ndarray, settings: TransitionSettings) -> None:
        self._settings = settings
        self._colours = _soft_colours(_resized(frames, settings.width_px))
        self._pictures = _resized(frames, _EDGE_WIDTH_PX)
        self._greys = [_edge_grey(picture) for picture in self._pictures]
        self._flat = _flat(self._colours, settings.flat)
        self._known: dict[tuple[int, int], tuple[tuple[float, float], tuple[float, float]]] = {}

    def found(self) -> list[Transition]:
        """Windows of all lengths vote on the frames that they see: the more agree, the surer."""
        count = len(self._colours)
        mixed, seen = np.zeros(count, np.int64), np.zeros(count, np.int64)
        for half in self._settings.halves:
            for middle in range(half, count - half):
                start, end = middle - half, middle + half
                share = self._shares(start, end) if self._promising(start, end) else None
                if share is not None and self._other_picture(start, end):
                    first, after = _ramp(share)
                    mixed[start + first : start + after] += 1
                    seen[start : end + 1] += 1
        gone = (seen > 0) & (2 * mixed >= seen)
        return _runs(self._with_blanks(gone), self._settings.margin)

    def _promising(self, start: int, end: int) -> bool:
        """Whether the frame in the middle is a mixture of the ends at all."""
        before, middle, after = self._colours[[start, (start + end) // 2, end]]
        share, left, apart = _mixture(middle[None], before, after)
        within = 0.1 < float(share[0]) < 0.9
        near = float(left[0]) <= self._settings.mixture
        return apart >= self._settings.apart and within and near

    def _shares(self, start: int, end: int) -> np.ndarray | None:
        """How far each frame of a window is on its way, float [frames]; None: no transition."""
        window = self._colours[start : end + 1]
        share, left, _ = _mixture(window, window[0], window[-1])
        steps = np.diff(share)
        if steps.min() < -_BACK or steps.max() > self._settings.leap:
            return None
        return share if float(left.max()) <= self._settings.mixture else None

    def _other_picture(self, start: int, end: int) -> bool:
        """Whether the ends show different things: one of them nothing, or edges elsewhere."""
        if self._flat[start] or self._flat[end]:
            return not (self._flat[start] and self._flat[end])
        if edge_likeness(self._greys[start], self._greys[end]) >= self._settings.same:
            return False
        if self._moved(start, end):
            return False
        left = np.array([self._left(index, index + 1) for index in range(start, end)])
        return bool((left[:, :, 0].sum(0) >= self._settings.near * left[:, :, 1].sum(0)).all())

    def _moved(self, start: int, end: int) -> bool:
        """Whether motion explains the change, of the pictures or of their stretched contrast.

        Where light fades while the camera moves, only the latter is explained.
        """
        far = self._settings.far
        return any(left < far * change for left, change in self._left(start, end))

    def _left(self, start: int, end: int) -> tuple[tuple[float, float], tuple[float, float]]:
        """What motion leaves of a change, and that change: in the pictures, and stretched."""
        key = (start, end)
        if key not in self._known:
            pair = self._pictures[start], self._pictures[end]
            stretched = _three(self._greys[start]), _three(self._greys[end])
            self._known[key] = (
                (unexplained(*pair), _change(*pair)),
                (unexplained(*stretched), _change(*stretched)),
            )
        return self._known[key]

    def _with_blanks(self, gone: np.ndarray) -> np.ndarray:
        """Frames of nothing are dropped too, and short ones that the old picture follows are not.

        Those are flashes and blinks: their shot goes on, with the ramps that lead there and back.
        """
        dropped = gone.copy()
        for blank in _runs(self._flat, 0):
            before, after = blank.first, blank.end
            while gone[max(0, before - _GAP) : before].any():
                before -= 1
            while gone[after : after + _GAP].any():
                after += 1
            brief = blank.end - blank.first <= self._settings.flash
            if brief and before > 0 and after < len(gone) and self._is_back(before - 1, after):
                dropped[before:after] = False
            else:
                dropped[blank.first : blank.end] = True
        return dropped

    def _is_back(self, before: int, after: int) -> bool:
        left = self._left(before, after)[0][0]
        alike = edge_likeness(self._greys[before], self._greys[after])
        return left <= self._settings.residual or alike >= self._settings.same


def _resized(frames: np.ndarray, width_px: int) -> np.ndarray:
    """uint8 [frames, h, w, 3], no wider than that."""
    height, width = frames.shape[1:3]
    scale = min(1.0, width_px / width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.stack([cv2.resize(f, size, interpolation=cv2.INTER_AREA) for f in frames])


def _soft_colours(small: np.ndarray) -> np.ndarray:
    """float32 [frames, pixels * 3]: all colours, for pictures of one brightness still differ."""
    soft = [cv2.GaussianBlur(frame, (0, 0), 1.0).reshape(-1) for frame in small]
    return np.stack(soft).astype(np.float32)


def _flat(colours: np.ndarray, most: float) -> np.ndarray:
    """Whether each frame shows one colour and nothing else, bool [frames]."""
    pixels = colours.reshape(len(colours), -1, 3)
    middle = np.median(pixels, axis=1, keepdims=True)
    return np.abs(pixels - middle).max(axis=(1, 2)) <= most


def _mixture(
    pictures: np.ndarray, before: np.ndarray, after: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Shares of `after`, what they leave unexplained relative to the change, and that change."""
    change = after - before
    apart = float(np.abs(change).mean())
    power = float(change @ change)
    if power == 0:
        return np.zeros(len(pictures)), np.zeros(len(pictures)), 0.0
    share = (pictures - before) @ change / power
    rest = np.abs(pictures - before - share[:, None] * change).mean(axis=1)
    return share, rest / apart, apart


def edge_likeness(first: np.ndarray, second: np.ndarray) -> float:
    """How far the edges of two grey pictures agree once small motion is undone, -1..1.

    Gradients are compared by direction and relative strength, so that a change of brightness or
    contrast leaves the answer as it is; coarse ones too, so that one of sharpness does.
    """
    flow = dis_flow(_three(first), _three(second), preset=1)
    # a flow that may go anywhere finds likenesses between any two pictures
    flow *= np.minimum(1, _WAY_PX / np.maximum(np.linalg.norm(flow, axis=2), _WAY_PX))[..., None]
    moved = seen_along(flow, second)
    coarse = (cv2.GaussianBlur(picture, (0, 0), _COARSE_PX) for picture in (first, second))
    return max(_agreement(first, second), _agreement(first, moved), _agreement(*coarse))


def _edge_grey(picture: np.ndarray) -> np.ndarray:
    """Grey uint8 with its contrast stretched to the full range, so that flow sees dim pictures."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    soft = cv2.GaussianBlur(grey, (0, 0), 1.0).astype(np.float32)
    low, high = np.percentile(soft, (1, 99))
    return ((soft - low) * (255 / max(1.0, high - low))).clip(0, 255).astype(np.uint8)


def _three(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=-1)


def _agreement(first: np.ndarray, second: np.ndarray) -> float:
    one, two = _gradients(first), _gradients(second)
    power = float(np.sqrt((one**2).sum() * (two**2).sum()))
    return float((one * two).sum()) / power if power else 0.0


def _gradients(grey: np.ndarray) -> np.ndarray:
    """Gradients, each of its size's square root long: a few strong edges do not decide alone."""
    both = np.stack([cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)])
    return both / np.sqrt(np.hypot(both[0], both[1]) + 1.0)


def _change(before: np.ndarray, after: np.ndarray) -> float:
    return float(cv2.absdiff(before, after).mean())


def _ramp(share: np.ndarray) -> tuple[int, int]:
    """First frame of the steep part of a rise from 0 to 1, and the one behind its last.

    Over four frames, for a mixture may be held on twos; what moves besides rises slowly.
    """
    pace = np.convolve(np.diff(share), np.ones(4) / 4, mode="same")
    steep = np.flatnonzero(pace >= _STEEP * pace.max())
    return int(steep[0]) + 1, int(steep[-1]) + 1


def _runs(marked: np.ndarray, margin: int) -> list[Transition]:
    """Stretches of marked frames, widened and joined where they touch."""
    wide = marked.copy()
    for shift in range(1, margin + 1):
        wide[:-shift] |= marked[shift:]
        wide[shift:] |= marked[:-shift]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], wide.view(np.int8), [0]])))
    return [Transition(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def outside(cuts: Sequence[int], gone: Sequence[Transition]) -> list[int]:
    """The cuts that no transition explains."""
    return [cut for cut in cuts if not any(part.first <= cut <= part.end for part in gone)]
