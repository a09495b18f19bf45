"""Makes the same shot at another size, for drafts and finals from one package; used by the CLI."""

from __future__ import annotations

from dataclasses import replace

import cv2
import msgspec
import numpy as np

from shared.blobs import Blobs, MemoryBlobs
from shared.errors import AcetateError
from shared.pictures import check_size, decode_png, encode_png
from shared.shot import (
    ArrayRef,
    Control,
    Key,
    Layer,
    PictureRef,
    ShotRequest,
    Sketch,
    SketchFrame,
    Trajectory,
)
from shared.strokes import drawing_from_bytes, drawing_to_bytes, load_arrays, save_arrays

MAX_DISTORTION = 0.02
"""Relative difference of aspect that rounding to whole pixels may cause; more is refused."""


def rescale_shot(
    request: ShotRequest, blobs: Blobs, width: int, height: int
) -> tuple[ShotRequest, Blobs]:
    """The request and its blobs at `width` x `height` pixels.

    Pictures are resampled (area filter when shrinking, cubic when growing); strokes and
    trajectories are scaled exactly. Raises `size` for another aspect than the camera's.
    """
    if (width, height) == (request.width, request.height):
        return request, blobs
    if not (16 <= width <= 8192 and 16 <= height <= 8192):
        raise AcetateError("size", width=width, height=height)
    factors = width / request.width, height / request.height
    if abs(factors[0] / factors[1] - 1) > MAX_DISTORTION:
        detail = f"the camera's aspect is {request.width}:{request.height}"
        raise AcetateError("size", width=width, height=height, detail=detail)
    rescaler = _Rescaler(blobs, *factors)
    layers = tuple(rescaler.layer(layer) for layer in request.layers)
    request = msgspec.structs.replace(request, width=width, height=height, layers=layers)
    return request, rescaler.results


class _Rescaler:
    def __init__(self, blobs: Blobs, factor_x: float, factor_y: float) -> None:
        self._blobs = blobs
        self._factor = np.array([factor_x, factor_y], np.float32)
        self.results = MemoryBlobs()

    def layer(self, layer: Layer) -> Layer:
        return msgspec.structs.replace(
            layer,
            keys=tuple(self._key(key) for key in layer.keys),
            controls=tuple(self._control(control) for control in layer.controls),
        )

    def _key(self, key: Key) -> Key:
        return msgspec.structs.replace(
            key, picture=self._picture(key.picture), strokes=self._strokes(key.strokes)
        )

    def _control(self, control: Control) -> Control:
        if isinstance(control, Trajectory):
            return Trajectory(tracks=self._tracks(control.tracks))
        if isinstance(control, Sketch):
            return Sketch(frames=tuple(self._sketch(frame) for frame in control.frames))
        return control

    def _sketch(self, frame: SketchFrame) -> SketchFrame:
        return msgspec.structs.replace(
            frame, picture=self._picture(frame.picture), strokes=self._strokes(frame.strokes)
        )

    def _picture(self, ref: PictureRef | None) -> PictureRef | None:
        if ref is None:
            return None
        # Whole target pixels that cover the scaled picture; the art keeps its sub-pixel place.
        low = np.floor(self._factor * (ref.x, ref.y)).astype(int)
        high = np.ceil(self._factor * (ref.x + ref.width, ref.y + ref.height)).astype(int)
        width, height = (int(side) for side in np.maximum(high - low, 1))
        check_size(width, height)
        pixels = decode_png(self._blobs.get(ref.blob)).astype(np.float32)
        pixels[..., :3] *= pixels[..., 3:] / 255
        scaled = _resampled(
            pixels, self._factor, self._factor * (ref.x, ref.y) - low, (width, height)
        )
        alpha = np.clip(scaled[..., 3:], 0, 255)
        colour = scaled[..., :3] * (255 / np.maximum(alpha, 1.0))
        straight = np.clip(np.rint(np.concatenate([colour, alpha], axis=-1)), 0, 255)
        straight[straight[..., 3] == 0] = 0
        blob = self.results.put(encode_png(straight.astype(np.uint8)))
        return PictureRef(blob=blob, width=width, height=height, x=int(low[0]), y=int(low[1]))

    def _strokes(self, ref: ArrayRef | None) -> ArrayRef | None:
        if ref is None:
            return None
        drawing = drawing_from_bytes(self._blobs.get(ref.blob))
        scaled = replace(
            drawing,
            points=drawing.points * self._factor,
            radius=drawing.radius * float(np.sqrt(self._factor.prod())),
        )
        return ArrayRef(blob=self.results.put(drawing_to_bytes(scaled)))

    def _tracks(self, ref: ArrayRef) -> ArrayRef:
        arrays = load_arrays(self._blobs.get(ref.blob))
        if "points" not in arrays or arrays["points"].shape[-1:] != (2,):
            raise AcetateError("bad_package", where="a trajectory")
        arrays["points"] = (arrays["points"] * self._factor).astype(np.float32)
        return ArrayRef(blob=self.results.put(save_arrays(arrays)))


def _resampled(
    pixels: np.ndarray, factor: np.ndarray, offset: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Premultiplied pixels on a new grid: target pixel t shows source (t - offset) / factor."""
    if factor.min() < 1.0:
        # An area filter first: sparser sampling than one per source pixel would alias.
        inner = np.maximum(np.rint(factor * (pixels.shape[1], pixels.shape[0])), 1)
        factor = factor * (pixels.shape[1], pixels.shape[0]) / inner
        inner_size = (int(inner[0]), int(inner[1]))
        pixels = cv2.resize(pixels, inner_size, interpolation=cv2.INTER_AREA)
    # Pixel centres lie at half coordinates, hence the shift by half a pixel on both sides.
    shift = offset + 0.5 * factor - 0.5
    matrix = np.array([[factor[0], 0, shift[0]], [0, factor[1], shift[1]]], np.float64)
    return cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_CUBIC)
