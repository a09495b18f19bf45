"""Turns a painted picture into layers: takes its colours, keeps each layer's own shape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

PAPER = 255.0
"""Grey of what lies below the lowest layer when a model needs an opaque picture."""

MIN_WEIGHT = 0.05
"""Part of a pixel that a layer must own before it takes over paint; below, colour is noise."""


def visible_weights(alphas: Sequence[np.ndarray]) -> list[np.ndarray]:
    """How much of each pixel shows each layer: float32 [h, w] per layer in 0..1, lowest first.

    `alphas`: float32 [h, w] in 0..1. The rest of a pixel, up to 1, shows the paper.
    """
    weights: list[np.ndarray] = []
    free = np.ones_like(alphas[0]) if alphas else np.ones((1, 1), np.float32)
    for alpha in reversed(alphas):
        weights.append(alpha * free)
        free = free * (1 - alpha)
    return weights[::-1]


def over_paper(layers: Sequence[np.ndarray]) -> np.ndarray:
    """What the layers look like on paper: uint8 [h, w, 4] each -> float32 [h, w, 3] in 0..255."""
    picture = np.full((*layers[0].shape[:2], 3), PAPER, np.float32)
    for layer in layers:
        alpha = layer[..., 3:].astype(np.float32) / 255
        picture = picture * (1 - alpha) + layer[..., :3] * alpha
    return picture


def separate(
    painted: np.ndarray, layers: Sequence[np.ndarray], is_free: Sequence[bool]
) -> list[np.ndarray]:
    """Give the free layers the colours that make the stack look like `painted`.

    `painted` float32 [h, w, 3] in 0..255; `layers` uint8 [h, w, 4] straight alpha, lowest first.
    Alpha is never touched, and layers that are not free come back as they are. Where several free
    layers share a pixel, each changes in proportion to what is seen of it (the smallest change
    that explains the paint); hidden parts keep their colour.
    """
    weights = visible_weights([layer[..., 3].astype(np.float32) / 255 for layer in layers])
    missing = painted - over_paper(layers)  # [h, w, 3]
    power = np.zeros(painted.shape[:2], np.float32)
    for weight, free in zip(weights, is_free, strict=True):
        if free:
            power += weight * weight
    share = np.divide(1.0, power, out=np.zeros_like(power), where=power >= MIN_WEIGHT**2)
    result: list[np.ndarray] = []
    for layer, weight, free in zip(layers, weights, is_free, strict=True):
        if not free:
            result.append(layer)
            continue
        change = missing * (weight * share)[..., None]
        recoloured = layer.copy()
        recoloured[..., :3] = np.clip(np.rint(layer[..., :3] + change), 0, 255).astype(np.uint8)
        result.append(recoloured)
    return result
