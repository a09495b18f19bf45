"""Skia canvases, pens and paths that every drawing of procedural clips is made with."""

from __future__ import annotations

from itertools import starmap

import numpy as np
import skia

PAINTER = f"skia-python/{skia.__version__}"
"""Name and version of what turns shapes into pixels; other versions may differ in soft edges."""


def surface(width: int, height: int) -> skia.Surface:
    """An empty 8-bit canvas."""
    return skia.Surface.MakeRasterN32Premul(width, height)


def pen(colour: int, width_px: float) -> skia.Paint:
    """A round smooth pen of a Skia colour."""
    return skia.Paint(
        AntiAlias=True,
        Color=colour,
        Style=skia.Paint.kStroke_Style,
        StrokeWidth=width_px,
        StrokeCap=skia.Paint.kRound_Cap,
        StrokeJoin=skia.Paint.kRound_Join,
    )


def polygon(points: np.ndarray, *, closed: bool) -> skia.Path:
    """A path through points [p, 2]."""
    builder = skia.PathBuilder()
    builder.addPolygon(list(starmap(skia.Point, points.tolist())), closed)
    return builder.detach()


def straight(drawn: skia.Surface) -> np.ndarray:
    """Pixels of a surface as straight-alpha RGBA: uint8 [h, w, 4], colourless where transparent."""
    pixels = drawn.toarray(colorType=skia.kRGBA_8888_ColorType)
    pixels = np.ascontiguousarray(pixels)
    pixels[pixels[..., 3] == 0] = 0
    return pixels


class NumberCanvas:
    """A picture of whole numbers: the last shape that covers a pixel's centre leaves its number."""

    def __init__(self, width: int, height: int) -> None:
        self.surface = surface(width, height)
        self._canvas = self.surface.getCanvas()
        self._fill = skia.Paint(AntiAlias=False)
        self._line = pen(skia.ColorBLACK, 1.0)
        self._line.setAntiAlias(False)

    def clear(self) -> None:
        """Back to 0 everywhere."""
        self._canvas.clear(skia.Color(0, 0, 0))

    def shape(self, path: skia.Path, number: int, *, filled: bool, line_px: float) -> None:
        """Mark what a shape covers with a number 0..65535; `line_px` 0 where it has no line."""
        colour = skia.Color(number & 255, number >> 8, 0)
        if filled:
            self._fill.setColor(colour)
            self._canvas.drawPath(path, self._fill)
        if line_px > 0:
            self._line.setColor(colour)
            self._line.setStrokeWidth(line_px)
            self._canvas.drawPath(path, self._line)

    def numbers(self) -> np.ndarray:
        """The picture: uint16 [h, w]."""
        pixels = self.surface.toarray(colorType=skia.kRGBA_8888_ColorType)
        return pixels[..., 0].astype(np.uint16) | pixels[..., 1].astype(np.uint16) << 8


class SketchCanvas:
    """A line drawing in which whatever lies in front hides the lines behind it."""

    def __init__(self, width: int, height: int, line_px: float) -> None:
        self.surface = surface(width, height)
        self._canvas = self.surface.getCanvas()
        self._pen = pen(skia.ColorWHITE, line_px)
        self._eraser = skia.Paint(AntiAlias=True, BlendMode=skia.BlendMode.kDstOut)

    def clear(self) -> None:
        """Back to blank paper."""
        self._canvas.clear(skia.ColorTRANSPARENT)

    def shape(self, path: skia.Path, *, hides: bool, drawn: bool = True) -> None:
        """A shape in front of all earlier ones."""
        if hides:
            self._canvas.drawPath(path, self._eraser)
        if drawn:
            self._canvas.drawPath(path, self._pen)

    def cover(self) -> np.ndarray:
        """How much of each pixel is line: uint8 [h, w], 255 on a stroke."""
        return np.ascontiguousarray(self.surface.toarray()[..., 3])


def sketch_line_px(height: int) -> float:
    """Width of clean sketch lines in a picture of that height."""
    return max(1.2, 0.006 * height)
