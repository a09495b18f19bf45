"""Looks at a key's art for what it may do while nothing tells it to move; for idle motion only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np

from .warp import Art

_GLANCE_PX = 192
_SEEN = 0.05
_GROUND_SHARE = 0.98
_ROOT_SHARE = 0.08
_TALL = 1.25
_WIDE = 1.6
_SOLID = 0.5
_MANY_PARTS = 6
_LARGEST_SHARE = 0.5
_THIN_ALPHA = 0.85
_THIN_SHARE = 0.5
_WARM_SHARE, _WARM_SPREAD, _WARM_INWARD = 0.7, 0.3, 0.35


class Idle(Enum):
    """What a layer does while it waits."""

    SWAY = "sway"  # bends about its root, as what stands or grows
    BREATHE = "breathe"  # swells and sinks back on its base
    DRIFT = "drift"  # hangs in the air or floats
    FLICKER = "flicker"  # ripples, as smoke, sparks and rain do
    BURN = "burn"  # licks upwards from its base, as flames do


@dataclass(frozen=True, eq=False)
class Stance:
    """Where art stands, in camera pixels.

    `root` [2]: where it holds on to the ground; `centre` [2]: of its alpha mass; `size` [2]: width
    and height. `known` [4]: as in `warp.Art`: borders at which the camera cuts it.
    """

    root: np.ndarray
    centre: np.ndarray
    size: np.ndarray
    known: np.ndarray


def stance_of(art: Art) -> Stance:
    """Where a key's art stands. Empty art stands somewhere, one pixel large."""
    box = art.box
    rows = max(1, round(_ROOT_SHARE * box.height))
    foot = art.pixels[-rows:, :, 3].sum(axis=0)
    total = float(foot.sum())
    across = float(foot @ (np.arange(box.width) + 0.5)) / total if total else box.width / 2
    return Stance(
        root=np.array([box.left + across, float(box.bottom)]),
        centre=art.centroid,
        size=np.array([max(box.width, 1), max(box.height, 1)], float),
        known=np.array(art.known),
    )


def between(first: Stance, last: Stance, share: float) -> Stance:
    """Where art stands on its way; it is cut wherever a key is cut."""
    root, centre, size = (
        (1 - share) * one + share * other
        for one, other in (
            (first.root, last.root),
            (first.centre, last.centre),
            (first.size, last.size),
        )
    )
    low = np.maximum(first.known[:2], last.known[:2])
    high = np.minimum(first.known[2:], last.known[2:])
    return Stance(root, centre, size, np.concatenate([low, high]))


def kind_of(art: Art, camera_height: int) -> Idle:
    """What suits the art: by its parts, its place and its outline."""
    scale = min(1.0, _GLANCE_PX / max(art.box.width, art.box.height))
    size = max(1, round(art.box.width * scale)), max(1, round(art.box.height * scale))
    alpha = cv2.resize(art.pixels[..., 3], size, interpolation=cv2.INTER_AREA)
    seen = alpha > _SEEN
    if _is_effect(alpha, seen):
        return Idle.FLICKER
    if _glows_from_within(art, size):
        return Idle.BURN
    if art.box.bottom >= _GROUND_SHARE * camera_height or art.box.height >= _TALL * art.box.width:
        return Idle.SWAY
    if art.box.width <= _WIDE * art.box.height and float(seen.mean()) >= _SOLID:
        return Idle.BREATHE
    return Idle.DRIFT


def _is_effect(alpha: np.ndarray, seen: np.ndarray) -> bool:
    """Many small parts, or mostly seen through."""
    area = int(seen.sum())
    if not area:
        return False
    inner = cv2.erode(seen.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if inner.any() and float((alpha[inner] < _THIN_ALPHA).mean()) > _THIN_SHARE:
        return True
    sizes = cv2.connectedComponentsWithStats(seen.astype(np.uint8), connectivity=8)[2][1:, 4]
    return len(sizes) >= _MANY_PARTS and float(sizes.max()) < _LARGEST_SHARE * area


def _glows_from_within(art: Art, size: tuple[int, int]) -> bool:
    """Mostly reds to yellows, stronger than any skin, that grow lighter from the rim inwards."""
    small = cv2.resize(art.pixels, size, interpolation=cv2.INTER_AREA)
    alpha = small[..., 3]
    solid = alpha > _SOLID
    if not solid.any():
        return False
    red, green, blue = np.moveaxis(small[..., :3] / np.maximum(alpha, _SEEN)[..., None], 2, 0)
    warm = solid & (red > 0.5) & (red >= green) & (green > blue) & (blue < 0.5 * red)
    if warm.sum() < _WARM_SHARE * solid.sum():
        return False
    tones = green[warm]
    if float(np.percentile(tones, 90) - np.percentile(tones, 10)) < _WARM_SPREAD:
        return False
    inside = cv2.distanceTransform(np.pad(solid, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    return float(np.corrcoef(tones, inside[warm])[0, 1]) > _WARM_INWARD
