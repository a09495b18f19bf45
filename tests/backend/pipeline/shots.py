"""Builds real, small shots for the pipeline's tests: drawn pictures, paths, sketches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import msgspec
import numpy as np

from shared.blobs import MemoryBlobs
from shared.pictures import decode_png, encode_png
from shared.result import ResultManifest
from shared.shot import (
    ArrayRef,
    Control,
    Key,
    Layer,
    PictureRef,
    Role,
    ShotRequest,
    Sketch,
    SketchFrame,
    Trajectory,
)
from shared.strokes import save_arrays


@dataclass
class ShotBuilder:
    """Collects pictures and layers of one shot; layers are stacked in the order they are added."""

    width: int = 96
    height: int = 64
    blobs: MemoryBlobs = field(default_factory=MemoryBlobs)
    layers: list[Layer] = field(default_factory=list)

    def picture(self, pixels: np.ndarray, x: int = 0, y: int = 0) -> PictureRef:
        """Store a picture."""
        height, width = pixels.shape[:2]
        blob = self.blobs.put(encode_png(pixels))
        return PictureRef(blob=blob, width=width, height=height, x=x, y=y)

    def disc(
        self, centre: tuple[float, float], radius: float = 0.15, colour: int = 200
    ) -> PictureRef:
        """An outlined disc; centre as part of width and height, radius as part of the height."""
        pixels = np.zeros((self.height, self.width, 4), np.uint8)
        place = round(centre[0] * self.width), round(centre[1] * self.height)
        radius_px = max(2, round(radius * self.height))
        cv2.circle(pixels, place, radius_px, (colour, 80, 255 - colour, 255), -1, cv2.LINE_AA)
        cv2.circle(pixels, place, radius_px, (20, 16, 24, 255), 2, cv2.LINE_AA)
        return self.picture(pixels)

    def add(
        self,
        name: str,
        keys: Mapping[int, PictureRef | None],
        *controls: Control,
        role: Role = Role.ANIMATE,
        exposure: int | None = None,
        group: str = "",
    ) -> ShotBuilder:
        """Add a layer on top; a key of None is deliberately empty."""
        layer = Layer(
            name=name,
            order=len(self.layers),
            role=role,
            keys=tuple(Key(frame=frame, picture=keys[frame]) for frame in sorted(keys)),
            controls=controls,
            exposure=exposure,
            group=group,
        )
        self.layers.append(layer)
        return self

    def plate(self, *frames: int) -> ShotBuilder:
        """Add an opaque background, by default drawn on frame 1."""
        rows, columns = np.mgrid[: self.height, : self.width]
        keys: dict[int, PictureRef | None] = {}
        for frame in frames or (1,):
            channels = (columns * 2 % 256, rows * 3 % 256, (rows + columns + frame) % 256)
            pixels = np.stack([*channels, np.full_like(rows, 255)], -1).astype(np.uint8)
            keys[frame] = self.picture(pixels)
        return self.add("plate", keys, role=Role.BACKGROUND)

    def path(self, points: Mapping[int, tuple[float, float]]) -> Trajectory:
        """A path of one point through camera positions in pixels by frame."""
        arrays = {
            "frames": np.array(sorted(points), np.int32),
            "points": np.array([[points[frame]] for frame in sorted(points)], np.float32),
        }
        return Trajectory(tracks=ArrayRef(blob=self.blobs.put(save_arrays(arrays))))

    def sketch(self, centres: Mapping[int, tuple[float, float]], radius: float = 0.15) -> Sketch:
        """Drawn circles at positions as parts of width and height, by frame."""
        frames = []
        for frame, (x, y) in sorted(centres.items()):
            pixels = np.zeros((self.height, self.width, 4), np.uint8)
            place = round(x * self.width), round(y * self.height)
            cv2.circle(pixels, place, round(radius * self.height), (0, 0, 0, 255), 1, cv2.LINE_AA)
            frames.append(SketchFrame(frame=frame, picture=self.picture(pixels)))
        return Sketch(frames=tuple(frames))

    def request(self, start: int = 1, end: int = 9, **changes: object) -> ShotRequest:
        """The finished request; `changes` replace fields such as `mode` or `look`."""
        request = ShotRequest(
            width=self.width,
            height=self.height,
            fps=24,
            start=start,
            end=end,
            layers=tuple(self.layers),
        )
        return msgspec.structs.replace(request, **changes)


def walking_disc(builder: ShotBuilder, name: str = "disc", *, last: int = 9) -> ShotBuilder:
    """Add a disc with two keys, at frame 1 on the left and at `last` on the right."""
    return builder.add(name, {1: builder.disc((0.3, 0.5)), last: builder.disc((0.7, 0.5))})


def layer_pixels(manifest: ResultManifest, blobs: MemoryBlobs, name: str, frame: int) -> np.ndarray:
    """A returned layer's picture on a scene frame: uint8 [h, w, 4]."""
    layer = next(layer for layer in manifest.layers if layer.name == name)
    return decode_png(blobs.get(layer.frames[frame - manifest.start]))


def composite_pixels(manifest: ResultManifest, blobs: MemoryBlobs, frame: int) -> np.ndarray:
    """The returned composite on a scene frame: uint8 [h, w, 4]."""
    return decode_png(blobs.get(manifest.composite[frame - manifest.start]))
