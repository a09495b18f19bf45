"""Layer masks and layer opacity, applied to finished pictures; pure numpy, only `keys` calls it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..shared.pictures import Picture


def masked(
    picture: Picture,
    opacity: np.ndarray,
    inverts: Sequence[bool],
    covers: Sequence[np.ndarray | None],
) -> Picture:
    """Scale a picture's alpha by the layer's opacity [h, w] and its masks.

    `covers`: alpha 0..1 [h, w] of each mask's source, in layer order; None for one that shows
    nothing. Masks combine one after the other: a plain one adds where it covers, an inverted one
    takes away; what the first one leaves decides where the stack starts.
    """
    factor = opacity
    if inverts:
        factor = factor * _mask(inverts, covers, opacity.shape)
    if bool((factor >= 1.0).all()):
        return picture
    pixels = picture.pixels.copy()
    pixels[..., 3] = np.rint(pixels[..., 3] * np.clip(factor, 0.0, 1.0)).astype(np.uint8)
    return Picture(pixels, picture.x, picture.y)


def _mask(
    inverts: Sequence[bool], covers: Sequence[np.ndarray | None], shape: tuple[int, ...]
) -> np.ndarray:
    mask = np.full(shape, 1.0 if inverts[0] else 0.0, np.float32)
    for invert, cover in zip(inverts, covers, strict=True):
        if cover is None:
            continue
        mask = mask * (1.0 - cover) if invert else mask + cover * (1.0 - mask)
    return mask
