"""Brings the moved art of two keys to one place before it is mixed; called by the engine.

Poses are fitted at a working height of about 100 lines, so that on a large camera the outlines of
both keys lie several pixels apart and a mixture shows each of them. Here the remaining flow between
the two moved arts is measured on their colours (local least squares in Gaussian windows, coarse to
fine) and each key goes its share of it (bundled-model specification 3 and 5.5, step 3).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from . import warp
from .key_shares import KeyShares
from .pose import Box, Field, Pose, pixel_centres, source_positions

_FROM_LINES = 448  # below this half a working pixel is at most two output pixels, a soft line
_SIDE_PX = 192
_GLANCE_PX = 64
_PAD_PX = 6
_VISIBLE = 1 / 255
_ROUNDS = ((16.0, 4.0), (10.0, 3.0), (6.0, 2.0), (4.0, 1.0), (3.0, 0.7))  # window, blur; sigmas
_STEPS = 6
_SETTLED_PX = 0.04
_WINDOW_CELLS = 3
_DAMPING = 0.1
_FLAT = 0.002
_TRUSTED, _USELESS = 0.6, 0.9  # difference left: below the flow counts in full, above not at all
_SAME = 0.004
_STEEP, _SOFTER_PX = 0.8, (1.5, 3.0, 6.0, 12.0)  # change of flow per pixel; sigmas
_INVERSE_STEPS = 8


@dataclass(frozen=True, eq=False)
class _View:
    """Moved art at measuring size: premultiplied `pixels` [h, w, 4]; `known` [h, w] 0..1."""

    pixels: np.ndarray
    known: np.ndarray


def wanted(height: int) -> bool:
    """True where a camera of this many lines shows what the working height leaves apart."""
    return height >= _FROM_LINES


def agree(
    arts: tuple[warp.Art, warp.Art], poses: tuple[Pose, Pose], shares: KeyShares, frame: Box
) -> tuple[Pose, Pose]:
    """Poses of both keys' art that meet: where shares are 0 at the first's, where 1 at the last's.

    The given poses come back where no flow between them explains how the arts differ. Only what
    the camera's `frame` shows is compared: beyond it keys hold what others had to guess.
    """
    if not all(frame.meets(warp.landing_box(*one)) for one in zip(arts, poses, strict=True)):
        return poses
    box = _shown_box(arts, poses, frame)
    scale = min(1.0, _SIDE_PX / max(box.width, box.height))
    views = _views(arts, poses, box, scale)
    flow = _unfolded(_flow(*views))
    flow *= np.float32(_trust(*views, flow))
    if not flow.any():
        return poses
    share = shares.at(pixel_centres(box, (flow.shape[1], flow.shape[0])))[..., None]
    eased = share * share * (3 - 2 * share)
    half_way = _at_meeting(flow, 1.0 - eased)
    first, last = (
        replace(pose, nudge=_field(half_way * part, box))
        for pose, part in zip(poses, (eased, eased - 1.0), strict=True)
    )
    return first, last


def _shown_box(arts: tuple[warp.Art, warp.Art], poses: tuple[Pose, Pose], frame: Box) -> Box:
    """Where the frame shows either art, with a margin; found on a very small picture."""
    boxes = [warp.landing_box(art, pose) for art, pose in zip(arts, poses, strict=True)]
    box = boxes[0].union(boxes[1]).clipped(frame)
    views = _views(arts, poses, box, min(1.0, _GLANCE_PX / max(box.width, box.height)))
    shown = np.maximum(views[0].pixels[..., 3], views[1].pixels[..., 3]) > _VISIBLE
    if not shown.any():
        return box
    step = np.array([box.width / shown.shape[1], box.height / shown.shape[0]])
    columns, rows = np.flatnonzero(shown.any(axis=0)), np.flatnonzero(shown.any(axis=1))
    low = np.floor((np.array([columns[0], rows[0]]) - 1) * step - _PAD_PX).astype(int)
    high = np.ceil((np.array([columns[-1], rows[-1]]) + 2) * step + _PAD_PX).astype(int)
    return Box(
        box.left + int(low[0]), box.top + int(low[1]),
        box.left + int(high[0]), box.top + int(high[1]),
    ).clipped(frame)  # fmt: skip


def _views(
    arts: tuple[warp.Art, warp.Art], poses: tuple[Pose, Pose], box: Box, scale: float
) -> tuple[_View, _View]:
    size = max(8, round(box.width * scale)), max(8, round(box.height * scale))
    first, last = (_view(art, pose, box, size) for art, pose in zip(arts, poses, strict=True))
    return first, last


def _view(art: warp.Art, pose: Pose, box: Box, size: tuple[int, int]) -> _View:
    where = source_positions(pose, pixel_centres(box, size))
    small_size = (
        max(1, min(art.box.width, round(art.box.width * size[0] / box.width))),
        max(1, min(art.box.height, round(art.box.height * size[1] / box.height))),
    )
    small = cv2.resize(art.pixels, small_size, interpolation=cv2.INTER_AREA)
    across = (where[..., 0] - art.box.left) * np.float32(small_size[0] / art.box.width)
    down = (where[..., 1] - art.box.top) * np.float32(small_size[1] / art.box.height)
    half = np.float32(0.5)
    pixels = cv2.remap(
        small, across - half, down - half, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    return _View(pixels, warp.inside(where, art.known))


def _flow(first: _View, last: _View) -> np.ndarray:
    """Flow float32 [h, w, 2]: pixel p of the last view shows what the first has at p + flow."""
    flow = np.zeros((*last.known.shape, 2), np.float32)
    known = first.known * last.known
    for window, blur in _ROUNDS:
        pair = [cv2.GaussianBlur(view.pixels, (0, 0), blur) for view in (first, last)]
        for _ in range(_STEPS):
            change = _change(_pulled(pair[0], flow), pair[1], known, window)
            flow += np.clip(change, -window / 4, window / 4)
            if np.abs(change).max() < _SETTLED_PX:
                break
    return flow


def _unfolded(flow: np.ndarray) -> np.ndarray:
    """The flow, softer where it changes so steeply that neighbours would pass each other.

    There both arts show different things, and pixels looked up along it would be torn apart.
    """
    for sigma in _SOFTER_PX:
        slopes = np.stack([*np.gradient(flow, axis=(0, 1))], axis=3)
        steep = np.sqrt((slopes**2).sum(axis=(2, 3))) > _STEEP
        if not steep.any():
            break
        reach = 2 * round(2 * sigma) + 1
        wide = cv2.dilate(steep.astype(np.float32), np.ones((reach, reach), np.uint8))
        softer = cv2.GaussianBlur(flow, (0, 0), sigma)
        flow = flow + cv2.GaussianBlur(wide, (0, 0), sigma)[..., None] * (softer - flow)
    return flow


def _trust(first: _View, last: _View, flow: np.ndarray) -> float:
    """How far a flow may count, 0..1: it has to take away differences of colour and of alpha.

    New colours on the same outlines are no motion; a flow made of them would bend the outlines.
    """
    known = first.known * last.known
    before = (first.pixels - last.pixels) ** 2
    after = (_pulled(first.pixels, flow) - last.pixels) ** 2
    left = [
        _mean(after[..., part], known) / (_mean(before[..., part], known) + _SAME)
        for part in (slice(0, 4), slice(3, 4))
    ]
    return float(np.clip((_USELESS - max(left)) / (_USELESS - _TRUSTED), 0.0, 1.0))


def _mean(squares: np.ndarray, known: np.ndarray) -> float:
    return float(np.sqrt((squares.mean(axis=2) * known).mean()))


def _change(one: np.ndarray, other: np.ndarray, known: np.ndarray, window: float) -> np.ndarray:
    """Displacement [h, w, 2] that explains, within each window, how two pictures differ."""
    middle = (one + other) / 2
    across = cv2.Sobel(middle, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    down = cv2.Sobel(middle, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    left = other - one
    products = (across * across, across * down, down * down, across * left, down * left)
    sums = np.stack([product.sum(axis=2) * known for product in products], axis=2)
    cell = max(1, int(window / _WINDOW_CELLS))  # wide windows need no fine grid
    rows, columns = known.shape
    size = -(-columns // cell), -(-rows // cell)
    smooth = [
        cv2.GaussianBlur(
            cv2.resize(np.ascontiguousarray(part), size, interpolation=cv2.INTER_AREA),
            (0, 0),
            window / cell,
        )
        for part in (sums[..., :3], sums[..., 3:])
    ]
    change = _solved(*smooth)
    return cv2.resize(change, (columns, rows), interpolation=cv2.INTER_LINEAR)


def _solved(slopes: np.ndarray, pulls: np.ndarray) -> np.ndarray:
    """Damped least squares per pixel: slopes [h, w, 3] xx, xy, yy against pulls [h, w, 2]."""
    xx, xy, yy = np.moveaxis(slopes, 2, 0)
    x_rest, y_rest = np.moveaxis(pulls, 2, 0)
    energy = xx + yy
    damping = _DAMPING * energy + (_FLAT * float(energy.max()) + 1e-9)
    xx, yy = xx + damping, yy + damping
    determinant = xx * yy - xy * xy
    return (
        np.stack([x_rest * yy - y_rest * xy, y_rest * xx - x_rest * xy], axis=2)
        / (determinant[..., None])
    )


def _pulled(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Values [h, w, n] looked up at every pixel plus its offset; borders go on."""
    rows, columns = offsets.shape[:2]
    across = np.arange(columns, dtype=np.float32) + offsets[..., 0]
    down = np.arange(rows, dtype=np.float32)[:, None] + offsets[..., 1]
    return cv2.remap(values, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _at_meeting(flow: np.ndarray, part: np.ndarray) -> np.ndarray:
    """The flow as seen from p + part * flow(p), where both arts meet; part float32 [h, w, 1]."""
    there = flow
    for _ in range(_INVERSE_STEPS):
        there = _pulled(flow, there * -part)
    return there


def _field(offsets: np.ndarray, box: Box) -> Field:
    """Offsets in measuring pixels over a box as a field in camera pixels."""
    rows, columns = offsets.shape[:2]
    steps = np.array([box.width / columns, box.height / rows], np.float32)
    return Field(offsets * steps, box.left, box.top, (float(steps[0]), float(steps[1])))
