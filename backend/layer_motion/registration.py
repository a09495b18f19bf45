"""Finds the affine map between a layer's own two key pictures; for layer motion only.

Many starts at half the working size, two Gauss-Newton steps each, the best three refined, the
winner polished at the whole working size. Differences are measured on blurred premultiplied RGBA.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from shared.pictures import Picture

from . import affine
from .pose import Box
from .warp import Art, prepare

_WORKING_LINES = 112
_OVERSCAN = 0.3
_TURNS_DEG = (-75.0, -50.0, -25.0, 0.0, 25.0, 50.0, 75.0)
_COARSE_STEPS = 3
_REFINED = 3
_REFINE_STEPS = 14
_FINE_STEPS = 12
_DAMPING = 1e-3
_TURN_COST = 0.3  # per radian, relative: a blob fits itself at many turns, and seldom turns far
_STRETCH_COST = 0.15  # per unit of log stretch along each axis
_SHIFT_REACH, _SHIFT_STEPS, _SHIFTS_KEPT = 0.5, 15, 3
_COMPARED = 0.5  # least share of the art that a shift must leave to compare
_CLOSE = 0.02  # maps whose 2x2 parts differ by less are one candidate


@dataclass(frozen=True, eq=False)
class _View:
    """One key at a working scale. `pixels` float32 [h, w, 4], 0 where the key shows nothing.

    `shown` float32 [h, w]: 1 where the key shows something; `known` [h, w] 0..1: how far a pixel
    counts, less along a cut, where it is blurred from one side only.
    """

    pixels: np.ndarray
    shown: np.ndarray
    known: np.ndarray


@dataclass(frozen=True, eq=False)
class Registration:
    """`matrix`: first key's camera plane to the last key's. `error`: rms difference left, 0..1.

    `start_errors`: what the guesses that were given leave as they are, unimproved.
    """

    matrix: np.ndarray
    error: float
    start_errors: tuple[float, ...] = ()


def register(
    first: Art, last: Art, width: int, height: int, starts: Sequence[np.ndarray] = ()
) -> Registration:
    """The affine map that carries the first key's art onto the last key's.

    `starts`: further first guesses, such as where a trajectory ends. The answer is never dearer
    than leaving the art in place, by what is left and by how far it turns and stretches.
    """
    box = _common_box(first, last, width, height)
    scale = min(1.0, _WORKING_LINES / height)
    half = scale / 2
    guesses = [affine.IDENTITY, *starts, *_guesses(first, last)]
    coarse = _view(first, box, half, 1.5), _view(last, box, half, 1.5)
    if not (first.is_whole and last.is_whole):
        guesses += _best_shifts(first, last, coarse, box, half)
    ranked = _ranked(coarse, [_to_view(m, box, half) for m in guesses], _COARSE_STEPS)
    ranked = _ranked(coarse, _distinct(ranked)[:_REFINED], _REFINE_STEPS)
    fine = _view(first, box, scale, 0.7), _view(last, box, scale, 0.7)
    candidates = [_to_view(_from_view(ranked[0], box, half), box, scale)]
    best = min(
        (_ranked(fine, candidates, _FINE_STEPS)[0], affine.IDENTITY),
        key=lambda matrix: _cost(_error(fine, matrix), matrix),
    )
    as_given = tuple(_error(fine, _to_view(start, box, scale)) for start in starts)
    return Registration(_from_view(best, box, scale), _error(fine, best), as_given)


def register_plates(
    first: Art, last: Art, width: int, height: int, starts: Sequence[np.ndarray] = ()
) -> Registration:
    """As `register`, by what of both plates the camera sees.

    What a plate shows beyond the frame is often continued from what lies inside, and says nothing
    of a pan. Where either leaves most of the frame empty, or where little that is seen at first
    would be seen at the end, all of both counts.
    """
    whole = register(first, last, width, height, starts)
    seen = Box(0, 0, width, height)
    if first.box.clipped(seen) == first.box and last.box.clipped(seen) == last.box:
        return whole
    parts = _in_frame(first, width, height), _in_frame(last, width, height)
    if min(float(part.pixels[..., 3].sum()) for part in parts) < _COMPARED * width * height:
        return whole
    framed = register(*parts, width, height, (*starts, whole.matrix))
    if shared_view(framed.matrix, width, height) < _COMPARED:
        return whole
    return replace(framed, start_errors=framed.start_errors[:-1])


def _in_frame(art: Art, width: int, height: int) -> Art:
    return prepare(Picture(art.picture.on_canvas(width, height)), width, height)


def shared_view(forward: np.ndarray, width: int, height: int) -> float:
    """Share 0..1 of the camera's frame that is still in it after a map."""
    size = np.array([width, height])
    shift = np.abs(affine.apply(forward, size / 2) - size / 2) / size
    return float(np.prod(np.maximum(1 - shift, 0)))


def _common_box(first: Art, last: Art, width: int, height: int) -> Box:
    margin_x, margin_y = int(width * _OVERSCAN), int(height * _OVERSCAN)
    limit = Box(-margin_x, -margin_y, width + margin_x, height + margin_y)
    both = first.box.union(last.box)
    pad = max(4, height // 24)
    padded = Box(both.left - pad, both.top - pad, both.right + pad, both.bottom + pad)
    return padded.clipped(limit)


def _view(art: Art, box: Box, scale: float, blur: float) -> _View:
    size = (max(8, round(box.width * scale)), max(8, round(box.height * scale)))
    canvas = np.zeros((box.height, box.width, 4), np.float32)
    part = art.box.clipped(box)
    if part.left >= art.box.left and part.top >= art.box.top:
        rows = slice(part.top - art.box.top, part.bottom - art.box.top)
        columns = slice(part.left - art.box.left, part.right - art.box.left)
        piece = art.pixels[rows, columns]
        canvas[
            part.top - box.top : part.top - box.top + piece.shape[0],
            part.left - box.left : part.left - box.left + piece.shape[1],
        ] = piece
    small = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), blur)
    shown = np.ones((size[1], size[0]), np.float32)
    if art.is_whole:
        return _View(soft, shown, shown)
    left, top, right, bottom = art.known
    across = box.left + (np.arange(size[0]) + 0.5) * box.width / size[0]
    down = box.top + (np.arange(size[1]) + 0.5) * box.height / size[1]
    shown[:] = ((across >= left) & (across <= right)) & ((down >= top) & (down <= bottom))[:, None]
    # Emptiness beyond the cut is no part of the art: it must not bleed in.
    share = cv2.GaussianBlur(shown, (0, 0), blur, borderType=cv2.BORDER_REPLICATE)
    soft *= (shown / np.maximum(share, np.float32(0.1)))[..., None]
    return _View(soft, shown, shown * np.clip(2 * share - 1, 0, 1))


def _to_view(matrix: np.ndarray, box: Box, scale: float) -> np.ndarray:
    """A camera map in pixel indices of a view."""
    inward = affine.translation(-0.5, -0.5) @ affine.scaling(scale)
    inward = inward @ affine.translation(-box.left, -box.top)
    return inward @ matrix @ np.linalg.inv(inward)


def _from_view(matrix: np.ndarray, box: Box, scale: float) -> np.ndarray:
    inward = affine.translation(-0.5, -0.5) @ affine.scaling(scale)
    inward = inward @ affine.translation(-box.left, -box.top)
    return np.linalg.inv(inward) @ matrix @ inward


def _guesses(first: Art, last: Art) -> list[np.ndarray]:
    start, end = first.centroid, last.centroid
    shift = affine.translation(*(end - start))
    areas = float(first.pixels[..., 3].sum()), float(last.pixels[..., 3].sum())
    growth = float(np.clip(np.sqrt(areas[1] / max(areas[0], 1e-6)), 0.4, 2.5))
    return [shift, *(shift @ affine.rotation_about(start, turn, growth) for turn in _TURNS_DEG)]


def _best_shifts(
    first: Art, last: Art, views: tuple[_View, _View], box: Box, scale: float
) -> list[np.ndarray]:
    """Shifts under which what both keys know of cut art agrees best; a cut moves the centroid."""
    reach = _SHIFT_REACH * np.array([box.width, box.height])
    middle = (last.centroid - first.centroid) / 2
    steps = np.linspace(-1, 1, _SHIFT_STEPS)
    found = []
    for across in steps:
        for down in steps:
            shift = affine.translation(*(middle + reach * (across, down)))
            view_map = _to_view(shift, box, scale)
            found.append((_shift_cost(views, view_map), shift))
    found.sort(key=lambda entry: entry[0])
    return [shift for _, shift in found[:_SHIFTS_KEPT]]


def _shift_cost(views: tuple[_View, _View], forward: np.ndarray) -> float:
    """Difference where both are known, relative to the art compared; infinite for too little."""
    first, last = views
    warped, weight = _pull(first, np.linalg.inv(forward), last)
    weight = weight * last.known
    seen = float((np.maximum(warped[..., 3], last.pixels[..., 3]) * weight).sum())
    whole = max(float(first.pixels[..., 3].sum()), float(last.pixels[..., 3].sum()), 1e-6)
    if seen < _COMPARED * whole:
        return float("inf")
    gap = ((warped - last.pixels) ** 2 * weight[..., None]).sum()
    return float(gap) / seen


def _ranked(
    views: tuple[_View, _View], guesses: Sequence[np.ndarray], steps: int
) -> list[np.ndarray]:
    """Improved guesses, best first: the difference left, dearer for maps that change much."""
    improved = [_descend(views, guess, steps) for guess in guesses]
    improved.sort(key=lambda entry: _cost(*entry))
    return [matrix for _, matrix in improved]


def _cost(error: float, matrix: np.ndarray) -> float:
    return error * (1 + effort(matrix))


def effort(matrix: np.ndarray) -> float:
    """How unlikely a motion is, from its turn and its stretches; 0 for a shift."""
    if not affine.is_regular(matrix):
        return float("inf")
    left, stretch, right = np.linalg.svd(matrix[:2, :2])
    turn = left @ right
    angle = abs(affine.turn(turn))
    return _TURN_COST * angle + _STRETCH_COST * float(np.abs(np.log(stretch)).sum())


def _distinct(ranked: list[np.ndarray]) -> list[np.ndarray]:
    """The best of each basin, so that equal finds do not crowd out other answers."""
    kept: list[np.ndarray] = []
    for matrix in ranked:
        if all(np.abs(matrix[:2, :2] - other[:2, :2]).max() > _CLOSE for other in kept):
            kept.append(matrix)
    return kept


def _descend(views: tuple[_View, _View], guess: np.ndarray, steps: int) -> tuple[float, np.ndarray]:
    """Gauss-Newton on the backward map (last key's index to the first's): (error, forward map)."""
    first, last = views
    backward = np.linalg.inv(guess)
    best = (_error(views, guess), guess)
    design = _design(last.pixels.shape[0], last.pixels.shape[1])
    for _ in range(steps):
        warped, weight = _pull(first, backward, last)
        step = _newton_step(warped, last.pixels - warped, weight * last.known, design, backward)
        backward = backward + step
        if not affine.is_regular(backward):
            break
        forward = np.linalg.inv(backward)
        error = _error(views, forward)
        if error < best[0]:
            best = (error, forward)
        if np.abs(step[:2, :2]).max() * max(warped.shape) + np.abs(step[:2, 2]).max() < 0.004:
            break
    return best


def _design(rows: int, columns: int) -> np.ndarray:
    """Centred and scaled pixel coordinates with a constant: float32 [rows * columns, 3]."""
    across, down = np.meshgrid(np.arange(columns), np.arange(rows))
    stacked = np.stack([across, down, np.ones_like(across)], axis=-1)
    return stacked.reshape(-1, 3).astype(np.float32)


def _pull(view: _View, backward: np.ndarray, like: _View) -> tuple[np.ndarray, np.ndarray]:
    size = (like.pixels.shape[1], like.pixels.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    pixels = cv2.warpAffine(view.pixels, backward[:2], size, flags=flags)
    if view.shown is view.known:
        return pixels, np.ones_like(like.known)
    shown, known = (
        cv2.warpAffine(part, backward[:2], size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        for part in (view.shown, view.known)
    )
    pixels /= np.maximum(shown, np.float32(0.25))[..., None]
    return pixels, known


def _newton_step(
    warped: np.ndarray,
    residual: np.ndarray,
    weight: np.ndarray,
    design: np.ndarray,
    backward: np.ndarray,
) -> np.ndarray:
    """Change of the backward map [3, 3] that explains the residual to first order."""
    across = cv2.Sobel(warped, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    down = cv2.Sobel(warped, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    slopes = np.stack([across, down], axis=-1).reshape(-1, 4, 2)  # [pixels, channels, 2]
    active = np.flatnonzero((np.abs(slopes).sum(axis=(1, 2)) > 1e-4) & (weight.ravel() > 0.5))
    if len(active) < 12:
        return np.zeros((3, 3))
    slopes, place = slopes[active], design[active]
    middle = place.mean(axis=0) * np.array([1, 1, 0], np.float32)
    spread = max(float(place[:, :2].std()), 1.0)
    local = (place - middle) / np.array([spread, spread, 1], np.float32)
    columns = (slopes[..., :, None] * local[:, None, None, :]).reshape(-1, 6).astype(np.float64)
    difference = residual.reshape(-1, 4)[active].ravel().astype(np.float64)
    normal = columns.T @ columns
    normal += np.eye(6) * (_DAMPING * np.trace(normal) / 6 + 1e-9)
    inner = np.linalg.solve(normal, columns.T @ difference).reshape(2, 3)
    change = np.zeros((3, 3))
    change[:2, :2] = inner[:, :2] / spread
    change[:2, 2] = inner[:, 2] - change[:2, :2] @ middle[:2]
    # slopes are those of the warped picture, so the change acts before the old backward map
    return backward @ change


def _error(views: tuple[_View, _View], forward: np.ndarray) -> float:
    first, last = views
    warped, weight = _pull(first, np.linalg.inv(forward), last)
    share = (weight * last.known)[..., None]
    total = max(float(share.sum()), 1.0)
    error = float(np.sqrt(((warped - last.pixels) ** 2 * share).sum() / total / 4))
    return error / _compared(views, warped, share)


def _compared(views: tuple[_View, _View], warped: np.ndarray, share: np.ndarray) -> float:
    """1 where enough of the art is compared, falling with it: little overlap always agrees."""
    first, last = views
    seen = float((np.maximum(warped[..., 3], last.pixels[..., 3]) * share[..., 0]).sum())
    whole = max(float(first.pixels[..., 3].sum()), float(last.pixels[..., 3].sum()), 1e-6)
    return min(1.0, max(seen / (_COMPARED * whole), 0.01))
