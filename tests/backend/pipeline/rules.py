"""The four rules of a result, as one check that any shot and any engine must pass."""

from __future__ import annotations

import numpy as np

from shared.blobs import MemoryBlobs
from shared.pictures import Picture, alpha_over, decode_png
from shared.result import ResultManifest
from shared.shot import Key, Layer, Role, ShotRequest


def check_rules(
    request: ShotRequest, inputs: MemoryBlobs, manifest: ResultManifest, outputs: MemoryBlobs
) -> None:
    """Assert every rule on every frame of a result."""
    assert manifest.request_sha256 == request.sha256
    assert [layer.name for layer in manifest.layers] == [layer.name for layer in request.stack]
    frames = range(request.start, request.end + 1)
    assert len(manifest.composite) == len(frames)
    for index, frame in enumerate(frames):
        below = np.zeros((request.height, request.width, 4), np.uint8)
        for layer, returned in zip(request.stack, manifest.layers, strict=True):
            pixels = decode_png(outputs.get(returned.frames[index]))
            assert pixels.shape == below.shape
            check_artists_own(request, layer, frame, inputs, pixels, returned.painted)
            below = alpha_over(below, pixels)
        composite = decode_png(outputs.get(manifest.composite[index]))
        assert np.array_equal(composite, below), f"composite of frame {frame}"


def check_artists_own(
    request: ShotRequest,
    layer: Layer,
    frame: int,
    inputs: MemoryBlobs,
    pixels: np.ndarray,
    painted: tuple[int, ...],
) -> None:
    """Held layers and key frames carry the artist's own bits."""
    own = own_pixels(request, layer, frame, inputs)
    at_key = any(key.frame == frame for key in layer.keys)
    if layer.role is not Role.ANIMATE or at_key:
        assert np.array_equal(pixels, own), f'"{layer.name}" at frame {frame}'
        assert frame not in painted
    elif frame not in painted:
        assert np.array_equal(pixels, own), f'held "{layer.name}" at frame {frame}'


def own_pixels(request: ShotRequest, layer: Layer, frame: int, inputs: MemoryBlobs) -> np.ndarray:
    """The drawing in effect, cut to the camera: uint8 [h, w, 4]."""
    key = drawing_in_effect(layer, frame)
    if key is None or key.picture is None:
        return np.zeros((request.height, request.width, 4), np.uint8)
    picture = Picture(decode_png(inputs.get(key.picture.blob)), key.picture.x, key.picture.y)
    return picture.on_canvas(request.width, request.height)


def drawing_in_effect(layer: Layer, frame: int) -> Key | None:
    """The last key at or before a frame."""
    earlier = [key for key in layer.keys if key.frame <= frame]
    return earlier[-1] if earlier else None
