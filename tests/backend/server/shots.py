"""Small shots for tests of queue, transport and command line."""

from __future__ import annotations

import numpy as np

from shared.blobs import MemoryBlobs
from shared.pictures import encode_png
from shared.shot import Key, Layer, Look, PictureRef, Role, ShotRequest


def make_shot(
    prompt: str = "", *, seed: int = 0, layers: int = 2, noisy: bool = False, frames: int = 5
) -> tuple[ShotRequest, MemoryBlobs]:
    """A shot of some animated squares; `noisy` pictures are large and do not compress."""
    blobs = MemoryBlobs()
    side = 640 if noisy else 64
    made = []
    for order in range(layers):
        keys = []
        for frame in (1, frames):
            pixels = _noise(order, frame, side) if noisy else _square(order, frame, side)
            ref = PictureRef(blob=blobs.put(encode_png(pixels)), width=side, height=side)
            keys.append(Key(frame=frame, picture=ref))
        name = f"layer {order}"
        made.append(Layer(name=name, order=order, role=Role.ANIMATE, keys=tuple(keys)))
    request = ShotRequest(
        width=side,
        height=side,
        fps=24.0,
        start=1,
        end=frames,
        layers=tuple(made),
        look=Look(engine="layer-motion", prompt=prompt, seed=seed),
    )
    return request, blobs


def _square(order: int, frame: int, side: int) -> np.ndarray:
    pixels = np.zeros((side, side, 4), np.uint8)  # [h, w, 4]
    left = 4 + 2 * frame
    pixels[10 + 12 * order : 26 + 12 * order, left : left + 20] = (200, 30 * order, 60, 255)
    return pixels


def _noise(order: int, frame: int, side: int) -> np.ndarray:
    generator = np.random.default_rng(order * 1000 + frame)
    return generator.integers(0, 256, (side, side, 4), np.uint8)  # [h, w, 4]
