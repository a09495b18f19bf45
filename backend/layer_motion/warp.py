"""Moves a key's art by a backward map, sampled once at full resolution; for layer motion only.

Everything here is premultiplied float32 RGBA in 0..1 on the camera plane, cropped to where
there is art.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from shared.pictures import Picture

from . import affine
from .key_shares import KeyShares
from .pose import Box as Box
from .pose import Pose, pixel_centres, source_positions
from .resampling import resampled

_MARGIN_PX = 2
OVERSCAN = 0.5
_MINIFY_FROM = 1.4
_UNKNOWN = 1e-6
_LEAST_SHARE = 1e-3  # of a key, so that it shows what the other cannot


@dataclass(frozen=True, eq=False)
class Art:
    """A key's art ready for sampling.

    `pixels` float32 [h, w, 4] premultiplied, cropped; `box`: its place. `known` [4]: left, top,
    right and bottom border of what the key shows; infinite where the art ends by itself, the
    camera's border where the art is cut there.
    """

    pixels: np.ndarray
    box: Box
    known: tuple[float, float, float, float]
    picture: Picture

    @property
    def is_whole(self) -> bool:
        """True where no side of the art is cut by the camera's border."""
        return all(np.isinf(self.known))

    @property
    def centroid(self) -> np.ndarray:
        """Centre of the alpha mass: float64 [2] camera pixels."""
        alpha = self.pixels[..., 3]
        total = max(float(alpha.sum()), 1e-9)
        across = float(alpha.sum(axis=0) @ (np.arange(self.box.width) + 0.5)) / total
        down = float(alpha.sum(axis=1) @ (np.arange(self.box.height) + 0.5)) / total
        return np.array([self.box.left + across, self.box.top + down])


@dataclass(frozen=True, eq=False)
class Patch:
    """Sampled art: premultiplied float32 [h, w, 4] at `box`; `weight` [h, w], 0 where unknown."""

    pixels: np.ndarray
    box: Box
    weight: np.ndarray | None


def prepare(picture: Picture, width: int, height: int) -> Art:
    """Crop, premultiply and find the sides that the camera's border (width x height) cuts."""
    cropped = picture.cropped()
    box = Box(cropped.x, cropped.y, cropped.x + cropped.width, cropped.y + cropped.height)
    pixels = cropped.pixels.astype(np.float32) / np.float32(255.0)
    pixels[..., :3] *= pixels[..., 3:]
    far = float("inf")
    known = (
        0.0 if box.left == 0 else -far,
        0.0 if box.top == 0 else -far,
        float(width) if box.right == width else far,
        float(height) if box.bottom == height else far,
    )
    return Art(pixels, box, known, cropped)


def frame_limit(width: int, height: int, *arts: Art) -> Box:
    """How far results may reach: the camera with overscan, and all of the keys' own art."""
    margin_x, margin_y = int(width * OVERSCAN), int(height * OVERSCAN)
    limit = Box(-margin_x, -margin_y, width + margin_x, height + margin_y)
    for art in arts:
        limit = limit.union(art.box)
    return limit


def whole_shift(pose: Pose) -> tuple[int, int] | None:
    """The whole-pixel translation a pose amounts to, or None; such art needs no resampling."""
    if not pose.is_affine or not np.allclose(pose.forward[:2, :2], np.eye(2), atol=1e-7):
        return None
    shift = np.rint(pose.forward[:2, 2])
    if not np.allclose(shift, pose.forward[:2, 2], atol=1e-4):
        return None
    return int(shift[0]), int(shift[1])


def sample(art: Art, pose: Pose, limit: Box, cover: Box | None = None) -> Patch:
    """The art at a pose, resampled once, cropped to where it lands (at most `limit`).

    Of art that the camera's border cuts, all of `cover` is looked at: it is unknown there, not
    empty.
    """
    box = landing_box(art, pose).clipped(limit)
    if cover is not None and not art.is_whole:
        box = box.union(cover.clipped(limit))
    source = _minified(art, np.linalg.inv(pose.forward))
    where = source_positions(pose, pixel_centres(box))  # [h, w, 2] camera pixels of the key
    weight = None if art.is_whole else inside(where, art.known)
    scale = source.shape[1] / art.box.width, source.shape[0] / art.box.height
    across = (where[..., 0] - art.box.left) * np.float32(scale[0]) - np.float32(0.5)
    down = (where[..., 1] - art.box.top) * np.float32(scale[1]) - np.float32(0.5)
    left, top, right, bottom = (bool(np.isfinite(side)) for side in art.known)
    pixels = resampled(source, across, down, (left, top, right, bottom))
    if weight is not None:
        pixels[weight == 0] = 0
    return Patch(pixels, box, weight)


def landing_box(art: Art, pose: Pose) -> Box:
    """A camera rectangle outside of which a pose shows nothing of the art."""
    left, top, right, bottom = art.box.left, art.box.top, art.box.right, art.box.bottom
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], float)
    landed = affine.apply(pose.forward, corners)
    margin = _MARGIN_PX + pose.reach
    low = np.clip(np.floor(landed.min(axis=0) - margin), -1e6, 1e6).astype(int)
    high = np.clip(np.ceil(landed.max(axis=0) + margin), -1e6, 1e6).astype(int)
    return Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def _minified(art: Art, backward: np.ndarray) -> np.ndarray:
    """The art's pixels, area-averaged first where the pose shrinks it a lot (no aliasing)."""
    stretch = np.linalg.svd(backward[:2, :2], compute_uv=False)
    factor = float(stretch[-1])
    if factor < _MINIFY_FROM:
        return art.pixels
    size = (max(1, round(art.box.width / factor)), max(1, round(art.box.height / factor)))
    return cv2.resize(art.pixels, size, interpolation=cv2.INTER_AREA)


def inside(where: np.ndarray, known: tuple[float, float, float, float]) -> np.ndarray:
    """1 where positions lie in the known rectangle, falling to 0 within one pixel outside."""
    left, top, right, bottom = known
    across = np.minimum(where[..., 0] - left, right - where[..., 0])
    down = np.minimum(where[..., 1] - top, bottom - where[..., 1])
    return np.clip(np.minimum(across, down) + 1.0, 0.0, 1.0).astype(np.float32)


def blend(first: Patch, last: Patch, shares: KeyShares, *, fills: bool = True) -> Patch:
    """Mix two patches by the last one's shares.

    `fills`: each counts only where it is known, and there it fills in what the other does not know.
    """
    box = first.box.union(last.box)
    one, other = _placed(first, box), _placed(last, box)
    share = shares.at(pixel_centres(box))
    if fills and (first.weight is not None or last.weight is not None):
        weight_one = np.maximum(1 - share, _LEAST_SHARE) * _placed_weight(first, box)
        weight_other = np.maximum(share, _LEAST_SHARE) * _placed_weight(last, box)
        total = weight_one + weight_other
        share = np.where(total < _UNKNOWN, share, weight_other / np.maximum(total, _UNKNOWN))
    return Patch(one + (other - one) * share[..., None], box, None)


def _placed(patch: Patch, box: Box) -> np.ndarray:
    if patch.box == box:
        return patch.pixels
    canvas = np.zeros((box.height, box.width, 4), np.float32)
    canvas[_window(patch.box, box)] = patch.pixels
    return canvas


def _placed_weight(patch: Patch, box: Box) -> np.ndarray:
    canvas = np.ones((box.height, box.width), np.float32)
    if patch.weight is not None:
        canvas[_window(patch.box, box)] = patch.weight
    return canvas


def _window(inner: Box, outer: Box) -> tuple[slice, slice]:
    return (
        slice(inner.top - outer.top, inner.bottom - outer.top),
        slice(inner.left - outer.left, inner.right - outer.left),
    )


def placed(patch: Patch, box: Box) -> Patch:
    """The same art on a larger rectangle, transparent and known around it."""
    weight = None if patch.weight is None else _placed_weight(patch, box)
    return Patch(_placed(patch, box), box, weight)


def faded(patch: Patch, strength: float) -> Patch:
    """The same art at a fraction of its alpha."""
    return Patch(patch.pixels * np.float32(strength), patch.box, patch.weight)


def to_picture(patch: Patch) -> Picture:
    """Straight-alpha 8-bit form, cropped."""
    alpha = patch.pixels[..., 3:]
    colour = patch.pixels[..., :3] / np.maximum(alpha, np.float32(1e-6))
    straight = np.concatenate([colour, alpha], axis=2)
    pixels = np.clip(np.rint(straight * 255.0), 0, 255).astype(np.uint8)
    pixels[pixels[..., 3] == 0] = 0
    return Picture(pixels, patch.box.left, patch.box.top).cropped()


def shifted(art: Art, shift: tuple[int, int]) -> Picture:
    """The key's own pixels, bit-equal, moved by whole pixels."""
    return Picture(art.picture.pixels, art.picture.x + shift[0], art.picture.y + shift[1])
