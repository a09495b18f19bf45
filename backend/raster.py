"""Draws Grease Pencil strokes with Skia; pipeline, previews and tests call `draw`, `draw_lines`.

Follows what was measured of Blender's own renderer: fill below line, stroke by stroke; blending in
linear light; holdouts cut what lies below within the layer; the layer's opacity scales the finished
layer as a whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import skia

from backend.stroke_outline import StrokeOutlines, centre_line
from shared.pictures import Picture, check_size
from shared.strokes import Drawing

# Half floats hold linear light finely enough for 8-bit sRGB, at half the cost of floats.
_COLOUR_TYPE = skia.kRGBA_F16_ColorType
_EVEN_COLOUR = 1.0 / 512.0
_COLOUR_STEP = 1.0 / 48.0


@dataclass(frozen=True)
class _Window:
    """Whole pixels to draw: left, top inclusive, right, bottom exclusive."""

    left: int
    top: int
    right: int
    bottom: int


def draw(
    drawing: Drawing, *, width: int, height: int, scale: float = 1.0, margin_px: int = 0
) -> Picture:
    """Draw all strokes: straight-alpha sRGB, cropped to what is drawn.

    `width`, `height`: camera size in pixels of the drawing's own coordinates; the result has
    `scale` times as many. Art up to `margin_px` result pixels beyond the camera border is kept
    (then `x`, `y` may be negative). Raises `size` or `picture_too_large`.
    """
    points = drawing.points * np.float32(scale)  # [P, 2]
    radius = drawing.radius * np.float32(scale)  # [P]
    frame_px = (max(1, round(width * scale)), max(1, round(height * scale)))
    window = _window(points, radius, frame_px, margin_px)
    if window is None:
        return Picture(np.zeros((1, 1, 4), np.uint8))
    size = (window.bottom - window.top, window.right - window.left)
    check_size(size[1], size[0])
    buffer = np.zeros((*size, 4), np.float16)  # [h, w, 4] premultiplied linear light
    info = skia.ImageInfo.Make(size[1], size[0], _COLOUR_TYPE, skia.kPremul_AlphaType)
    surface = skia.Surface.MakeRasterDirect(info, buffer)
    canvas = surface.getCanvas()
    canvas.translate(-window.left, -window.top)
    _paint_strokes(canvas, drawing, points, radius)
    surface.flushAndSubmit()
    pixels = _to_srgb(buffer, float(drawing.layer_opacity[0]))
    return Picture(pixels, window.left, window.top).cropped()


def draw_lines(drawing: Drawing, *, width: int, height: int, line_px: float) -> np.ndarray:
    """A clean line map of the drawing: float32 [height, width], 1 on a line, 0 off it.

    Every visible line is drawn with the same width `line_px`, whatever its radius and colour.
    A drawing that shows fills only gives their outlines. Holdouts draw nothing.
    """
    cover = np.zeros((height, width), np.uint8)
    info = skia.ImageInfo.Make(width, height, skia.kAlpha_8_ColorType, skia.kPremul_AlphaType)
    surface = skia.Surface.MakeRasterDirect(info, cover)
    canvas = surface.getCanvas()
    paint = _line_paint(line_px)
    for stroke in _line_strokes(drawing):
        points = drawing.stroke_points(stroke)
        canvas.drawPath(centre_line(points, closed=bool(drawing.cyclic[stroke])), paint)
    surface.flushAndSubmit()
    return cover.astype(np.float32) / 255.0


def _line_strokes(drawing: Drawing) -> list[int]:
    kept = [s for s in range(drawing.stroke_count) if len(drawing.stroke_points(s))]
    lines = [
        s for s in kept if drawing.stroke_colour[s, 3] > 0.0 and not int(drawing.holdout[s]) & 1
    ]
    if lines:
        return lines
    return [s for s in kept if drawing.fill_colour[s, 3] > 0.0 and not int(drawing.holdout[s]) & 2]


def _line_paint(line_px: float) -> skia.Paint:
    return skia.Paint(
        AntiAlias=True,
        Style=skia.Paint.kStroke_Style,
        StrokeWidth=max(line_px, 0.1),
        StrokeCap=skia.Paint.kRound_Cap,
        StrokeJoin=skia.Paint.kRound_Join,
    )


def _window(
    points: np.ndarray, radius: np.ndarray, frame_px: tuple[int, int], margin_px: int
) -> _Window | None:
    if not len(points):
        return None
    reach = radius[:, None] + 1.0
    low = np.floor((points - reach).min(axis=0))
    high = np.ceil((points + reach).max(axis=0))
    left, top = (int(value) for value in np.maximum(low, -margin_px))
    right, bottom = (int(value) for value in np.minimum(high, np.add(frame_px, margin_px)))
    return _Window(left, top, right, bottom) if left < right and top < bottom else None


def _paint_strokes(
    canvas: skia.Canvas, drawing: Drawing, points: np.ndarray, radius: np.ndarray
) -> None:
    outlines = StrokeOutlines(drawing.offsets, points, radius, drawing.cyclic, drawing.round_caps)
    colours = _line_colours(drawing)
    fills = _linear(drawing.fill_colour)
    offsets: list[int] = drawing.offsets.tolist()
    for stroke in range(drawing.stroke_count):
        span = slice(offsets[stroke], offsets[stroke + 1])
        if span.start == span.stop:
            continue
        holdout = int(drawing.holdout[stroke])
        if fills[stroke, 3] > 0.0 and span.stop - span.start > 2:
            canvas.drawPath(outlines.fill(stroke), _solid(fills[stroke], cut=bool(holdout & 2)))
        if drawing.stroke_colour[stroke, 3] <= 0.0:
            continue
        line = _Line(points[span], radius[span], colours[span], bool(drawing.cyclic[stroke]))
        _paint_line(canvas, line, outlines.line(stroke), cut=bool(holdout & 1))


@dataclass(frozen=True, eq=False)
class _Line:
    points: np.ndarray  # [p, 2]
    radius: np.ndarray  # [p]
    colours: np.ndarray  # [p, 4] straight linear
    cyclic: bool


def _line_colours(drawing: Drawing) -> np.ndarray:
    """Vertex paint mixed over each line's colour, in linear light: [P, 4] straight."""
    line = np.repeat(_linear(drawing.stroke_colour), np.diff(drawing.offsets), axis=0)
    paint = _linear(drawing.point_colour)
    mix = paint[:, 3:]
    line[:, :3] = line[:, :3] * (1.0 - mix) + paint[:, :3] * mix
    line[:, 3] *= drawing.opacity
    return line


def _paint_line(canvas: skia.Canvas, line: _Line, path: skia.Path, *, cut: bool) -> None:
    first = line.colours[0]
    if np.abs(line.colours - first).max() <= _EVEN_COLOUR:
        canvas.drawPath(path, _solid(first, cut=cut))
        return
    # Colours that change along the stroke: paint its pieces over each other without blending,
    # keep what lies inside the outline, then blend the stroke once, as Blender does.
    mode = skia.BlendMode.kDstOut if cut else skia.BlendMode.kSrcOver
    canvas.saveLayer(path.getBounds().makeOutset(1.0, 1.0), skia.Paint(BlendMode=mode))
    _paint_pieces(canvas, line)
    canvas.saveLayer(None, skia.Paint(BlendMode=skia.BlendMode.kDstIn))
    canvas.drawPath(path, skia.Paint(AntiAlias=True))
    canvas.restore()
    canvas.restore()


def _paint_pieces(canvas: skia.Canvas, line: _Line) -> None:
    """Paint a line wider than it is, in pieces of one colour; dots fill the wedges of its turns."""
    paint = skia.Paint(BlendMode=skia.BlendMode.kSrc)
    dots = zip(line.points.tolist(), line.radius.tolist(), line.colours, strict=True)
    for (x, y), radius, colour in dots:
        paint.setColor4f(_colour4f(colour), None)
        canvas.drawCircle(x, y, radius + 1.0, paint)
    paint.setStyle(skia.Paint.kStroke_Style)
    count = len(line.points)
    for index in range(count if line.cyclic else count - 1):
        _paint_segment(canvas, line, index, (index + 1) % count, paint)


def _paint_segment(
    canvas: skia.Canvas, line: _Line, start: int, stop: int, paint: skia.Paint
) -> None:
    change = float(np.abs(line.colours[stop] - line.colours[start]).max())
    edges = np.linspace(0.0, 1.0, max(1, math.ceil(change / _COLOUR_STEP)) + 1)[:, None]
    middles = (edges[1:] + edges[:-1]) / 2
    places = line.points[start] + (line.points[stop] - line.points[start]) * edges
    colours = line.colours[start] + (line.colours[stop] - line.colours[start]) * middles
    paint.setStrokeWidth(2.0 * float(max(line.radius[start], line.radius[stop])) + 2.0)
    for (first, second), colour in zip(pairwise(places.tolist()), colours, strict=True):
        paint.setColor4f(_colour4f(colour), None)
        canvas.drawLine(*first, *second, paint)


def _solid(colour: np.ndarray, *, cut: bool) -> skia.Paint:
    paint = skia.Paint(AntiAlias=True)
    paint.setColor4f(_colour4f(colour), None)
    if cut:
        paint.setBlendMode(skia.BlendMode.kDstOut)
    return paint


def _colour4f(colour: np.ndarray) -> skia.Color4f:
    return skia.Color4f(*colour.tolist())


def _linear(srgb: np.ndarray) -> np.ndarray:
    """Straight sRGB [n, 4] to straight linear light [n, 4]."""
    linear = srgb.astype(np.float32, copy=True)
    colour = srgb[:, :3]
    linear[:, :3] = np.where(
        colour <= 0.04045, colour / 12.92, ((np.maximum(colour, 0.0) + 0.055) / 1.055) ** 2.4
    )
    return linear


def _srgb_table() -> np.ndarray:
    """Bit pattern of a half float in linear light -> uint8 sRGB: [65536]."""
    value = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32)
    value = np.clip(np.nan_to_num(value, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
    srgb = np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1.0 / 2.4) - 0.055)
    return np.rint(srgb * 255.0).astype(np.uint8)


_TO_SRGB = _srgb_table()


def _to_srgb(buffer: np.ndarray, opacity: float) -> np.ndarray:
    """Premultiplied linear half floats [h, w, 4] to straight sRGB uint8 [h, w, 4]."""
    half_alpha = buffer[..., 3]
    pixels = _TO_SRGB[buffer.view(np.uint16)]
    rows, columns = np.nonzero((half_alpha > 0.0) & (half_alpha < 1.0))
    partial = buffer[rows, columns].astype(np.float32)  # [n, 4]
    straight = (partial[:, :3] / partial[:, 3:]).astype(np.float16)
    pixels[rows, columns, :3] = _TO_SRGB[straight.view(np.uint16)]
    pixels[..., 3] = _alpha_table(opacity)[buffer.view(np.uint16)[..., 3]]
    pixels[pixels[..., 3] == 0] = 0
    return pixels


@lru_cache(maxsize=8)
def _alpha_table(opacity: float) -> np.ndarray:
    """Bit pattern of a half float 0..1 -> uint8 alpha at a layer's opacity: [65536]."""
    value = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32)
    value = np.nan_to_num(value, nan=0.0, posinf=1.0, neginf=0.0) * np.float32(opacity)
    return np.rint(np.clip(value, 0.0, 1.0) * 255.0).astype(np.uint8)
