"""Shots for benchmarks at any size: plate, ball on a path, turning box, sketched creature."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from shared.blobs import MemoryBlobs
from shared.pictures import encode_png
from shared.shot import (
    ArrayRef,
    Control,
    Key,
    Layer,
    Look,
    PictureRef,
    Role,
    ShotRequest,
    Sketch,
    SketchFrame,
    Trajectory,
)
from shared.strokes import save_arrays

FRAMES = 16
_INK = (24, 20, 28, 255)


def bench_shot(width: int, height: int, engine: str = "auto") -> tuple[ShotRequest, MemoryBlobs]:
    """A shot of 16 frames and four layers, keys at frames 1 and 17: three of them animated."""
    blobs = MemoryBlobs()
    stage = _Stage(width, height, blobs)
    layers = (
        stage.layer("plate", Role.BACKGROUND, _plate, (0.0,)),
        stage.layer("box", Role.ANIMATE, _box, (0.0, 1.0)),
        stage.layer("ball", Role.ANIMATE, _ball, (0.0, 1.0), stage.path(_ball_centre)),
        stage.layer("creature", Role.ANIMATE, _creature, (0.0, 1.0), stage.sketch(_creature)),
    )
    placed = tuple(
        Layer(name=name, order=order, role=role, keys=keys, controls=controls)
        for order, (name, role, keys, controls) in enumerate(layers)
    )
    request = ShotRequest(
        width=width,
        height=height,
        fps=24,
        start=1,
        end=FRAMES,
        layers=placed,
        look=Look(engine=engine),
    )
    return request, blobs


class _Pen:
    """Draws anti-aliased shapes in units of the picture's height."""

    def __init__(self, width: int, height: int, *, lines_only: bool = False) -> None:
        self.pixels = np.zeros((height, width, 4), np.uint8)
        self.width, self.height = width, height
        self._lines_only = lines_only

    def polygon(self, points: np.ndarray, colour: tuple[int, int, int]) -> None:
        corners = np.rint(points * self.height * 16).astype(np.int32)
        if not self._lines_only:
            cv2.fillPoly(self.pixels, [corners], (*colour, 255), cv2.LINE_AA, shift=4)
        line_px = max(1, round(self.height / 120))
        cv2.polylines(self.pixels, [corners], True, _INK, line_px, cv2.LINE_AA, shift=4)

    def blob(self, centre: np.ndarray, radius: np.ndarray, colour: tuple[int, int, int]) -> None:
        angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        self.polygon(centre + radius * np.stack([np.cos(angles), np.sin(angles)], -1), colour)


_Draw = Callable[[_Pen, float], None]
_LayerParts = tuple[str, Role, tuple[Key, ...], tuple[Control, ...]]


class _Stage:
    def __init__(self, width: int, height: int, blobs: MemoryBlobs) -> None:
        self._size = width, height
        self._blobs = blobs

    def layer(
        self, name: str, role: Role, draw: _Draw, times: tuple[float, ...], *controls: Control
    ) -> _LayerParts:
        keys = tuple(
            Key(frame=1 + round(time * FRAMES), picture=self._picture(draw, time)) for time in times
        )
        return name, role, keys, controls

    def path(self, centre: Callable[[float], np.ndarray]) -> Trajectory:
        frames = np.arange(1, FRAMES + 2, dtype=np.int32)
        points = [centre((frame - 1) / FRAMES) * self._size[1] for frame in frames]
        arrays = {"frames": frames, "points": np.stack(points)[:, None].astype(np.float32)}
        return Trajectory(tracks=ArrayRef(blob=self._blobs.put(save_arrays(arrays))))

    def sketch(self, draw: _Draw) -> Sketch:
        return Sketch(
            frames=tuple(
                SketchFrame(
                    frame=frame, picture=self._picture(draw, (frame - 1) / FRAMES, lines_only=True)
                )
                for frame in range(1, FRAMES + 2)
            )
        )

    def _picture(self, draw: _Draw, time: float, *, lines_only: bool = False) -> PictureRef:
        width, height = self._size
        pen = _Pen(width, height, lines_only=lines_only)
        draw(pen, time)
        return PictureRef(blob=self._blobs.put(encode_png(pen.pixels)), width=width, height=height)


def _plate(pen: _Pen, time: float) -> None:
    del time
    rows = np.linspace(0, 1, pen.height)[:, None]
    pen.pixels[..., 0] = np.rint(150 + 70 * rows)
    pen.pixels[..., 1] = np.rint(190 + 30 * rows)
    pen.pixels[..., 2] = np.rint(235 - 40 * rows)
    pen.pixels[..., 3] = 255
    wide = pen.width / pen.height
    for shift, level, colour in ((0.0, 0.7, (120, 168, 110)), (1.7, 0.82, (84, 138, 84))):
        x = np.linspace(-0.05, wide + 0.05, 64)
        top = np.stack([x, level + 0.05 * np.sin(3 * x + shift)], -1)
        pen.polygon(np.concatenate([top, [[wide + 0.05, 1.1], [-0.05, 1.1]]]), colour)


def _ball_centre(time: float) -> np.ndarray:
    return np.array([0.25 + 0.9 * time, 0.72 - 1.9 * time * (1 - time)])


def _ball(pen: _Pen, time: float) -> None:
    pen.blob(_ball_centre(time), np.array([0.08, 0.08]), (214, 74, 52))


def _box(pen: _Pen, time: float) -> None:
    angle = 0.15 + 0.6 * time
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = np.array([[-0.14, -0.1], [0.14, -0.1], [0.14, 0.1], [-0.14, 0.1]])
    pen.polygon(corners @ turn.T + (1.15 + 0.12 * time, 0.66), (236, 196, 92))


def _creature(pen: _Pen, time: float) -> None:
    bend = np.sin(np.pi * time) * 0.12
    body = np.array([0.7, 0.62 - bend / 2])
    pen.blob(body, np.array([0.13, 0.17 + bend / 3]), (146, 108, 190))
    pen.blob(body - (0.02 - bend, 0.22), np.array([0.1, 0.09]), (170, 134, 208))
    for side in (-1, 1):
        foot = np.array([side * 0.08 + bend, 0.2])
        eye = np.array([side * 0.035 - 0.02 + bend, -0.24])
        pen.blob(body + foot, np.array([0.05, 0.035]), (120, 84, 160))
        pen.blob(body + eye, np.array([0.018, 0.024]), (250, 250, 250))
