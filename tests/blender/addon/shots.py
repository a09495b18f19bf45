"""Small requests made by hand, so that the link can be tested without an export."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from shared.blobs import MemoryBlobs
    from shared.shot import PictureRef, ShotRequest


def moving_square(
    part: Callable[[str], ModuleType], *, frames: int = 9, side: int = 64
) -> tuple[ShotRequest, MemoryBlobs]:
    """A square that moves over a background between two keys: (request, blobs)."""
    shot, codec = part("shared.shot"), part("shared.pictures")
    blobs = part("shared.blobs").MemoryBlobs()

    def picture(pixels: np.ndarray, x: int = 0, y: int = 0) -> PictureRef:
        height, width = pixels.shape[:2]
        sha256 = blobs.put(codec.encode_png(pixels))
        return shot.PictureRef(blob=sha256, width=width, height=height, x=x, y=y)

    sky = np.zeros((side, side * 2, 4), np.uint8)
    sky[:] = (90, 160, 220, 255)
    square = np.zeros((20, 20, 4), np.uint8)
    square[:] = (230, 60, 40, 255)
    square[5:15, 5:15] = (250, 220, 60, 255)
    keys = (
        shot.Key(frame=1, picture=picture(square, 10, 20)),
        shot.Key(frame=frames, picture=picture(square, 80, 30)),
    )
    layers = (
        shot.Layer(
            name="sky",
            order=0,
            role=shot.Role.BACKGROUND,
            keys=(shot.Key(frame=1, picture=picture(sky)),),
        ),
        shot.Layer(name="square", order=1, role=shot.Role.ANIMATE, keys=keys),
    )
    request = shot.ShotRequest(
        width=side * 2,
        height=side,
        fps=24.0,
        start=1,
        end=frames,
        layers=layers,
        look=shot.Look(engine="layer-motion"),
    )
    return request, blobs
