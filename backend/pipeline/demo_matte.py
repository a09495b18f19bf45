"""Soft edges for a layer cut from a flat picture, exact on recomposition; used by `demo_stack`."""

from __future__ import annotations

import cv2
import numpy as np

_EDGE_PX = 2
_ALIKE = 8.0
_LEAST_INSIDE = 0.35


def around(mask: np.ndarray, reach_px: int = _EDGE_PX) -> np.ndarray:
    """A mask grown by `reach_px`: bool [h, w]."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * reach_px + 1,) * 2, np.uint8)) > 0


def cut_softly(
    frame: np.ndarray, mask: np.ndarray, hidden: np.ndarray, above: np.ndarray, below: np.ndarray
) -> np.ndarray:
    """Cut `mask` out of a frame so that the cut over `below` gives the frame again.

    uint8 [h, w, 4], straight alpha. `frame`, `below` uint8 [h, w, 3]; `mask`, `hidden` (continued
    under what lies `above`) bool [h, w]. Pixels within 2 px of the outline, where a picture mixes
    both sides, are unmixed: the layer's colour is that of its nearest inner pixel, the share is
    the projection of the mixture on the way from one colour to the other.
    """
    result = np.zeros((*mask.shape, 4), np.uint8)
    result[mask] = np.concatenate([frame[mask], np.full((int(mask.sum()), 1), 255, np.uint8)], -1)
    outside = ~(mask | hidden | above)
    inner = mask & around(outside, 1)
    band = inner | (around(mask) & outside)
    if not band.any() or not mask.any():
        return result
    core = mask & ~inner
    own = _nearest(frame, core if core.any() else mask)[band].astype(np.float64)  # [n, 3]
    seen, back = frame[band].astype(np.float64), below[band].astype(np.float64)
    alpha = _share(seen, own, back, mask[band])
    colour = back + (seen - back) / np.maximum(alpha, 1e-6)[:, None]
    cut = np.concatenate([np.clip(np.rint(colour), 0, 255), alpha[:, None] * 255], axis=1)
    cut[alpha == 0] = 0
    result[band] = np.rint(cut).astype(np.uint8)
    return result


def _share(seen: np.ndarray, own: np.ndarray, back: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Share [n] 0..1, in steps of 1/255, of the layer in mixed pixels [n, 3]."""
    way, gone = own - back, seen - back
    length = (way**2).sum(axis=1)
    share = (gone * way).sum(axis=1) / np.maximum(length, 1e-6)
    share = np.where(length < _ALIKE**2, inside * 1.0, np.clip(share, 0, 1))
    share = np.where(inside, np.maximum(share, _LEAST_INSIDE), share)
    # No colour lies beyond black and white: the least share with which one explains the pixel.
    room = np.where(gone > 0, 255 - back, back)
    least = (np.abs(gone) / np.maximum(room, 1e-6)).max(axis=1).clip(0, 1)
    drawn = inside | ((share > 0.04) & (np.abs(gone).max(axis=1) > _ALIKE))
    return np.where(drawn, np.ceil(np.maximum(share, least) * 255 - 1e-6) / 255, 0.0)


def _nearest(frame: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Every pixel's nearest known colour: uint8 [h, w, 3]."""
    distance_to = np.where(known, 0, 255).astype(np.uint8)
    _, found = cv2.distanceTransformWithLabels(
        distance_to, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    labels = found.astype(np.intp)
    colours = np.zeros((int(labels.max()) + 1, 3), np.uint8)
    colours[labels[known]] = frame[known]
    return colours[labels]
