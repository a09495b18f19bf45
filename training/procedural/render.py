"""Draws a procedural clip at any resolution: exact layers, sketches, tracks and composites."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import skia

from shared.pictures import Picture, alpha_over
from training.procedural.canvas import pen, polygon, sketch_line_px, straight, surface
from training.procedural.clip import Clip, Layer
from training.procedural.figure import Part
from training.procedural.motion import ASPECT
from training.procedural.plate import Plate

OVERSCAN = 0.5  # art is kept this many frame sizes beyond each border


@dataclass(frozen=True)
class SketchStyle:
    """How sketches are drawn; the default is a clean line of constant width.

    `width_px`: line width, None = 1.2 px or 0.6 % of the height, whichever is more.
    `jitter_px`: rms of a smooth hand wobble that differs from frame to frame.
    `gaps`: share of the line length that is left out. `doubles`: share of the lines that are drawn
    twice, each time with a wobble and gaps of its own. `seed`: of wobble, gaps and doubles.
    """

    width_px: float | None = None
    jitter_px: float = 0.0
    gaps: float = 0.0
    doubles: float = 0.0
    seed: int = 0


CLEAN = SketchStyle()


@dataclass(frozen=True, eq=False)
class RenderedClip:
    """A clip as pixels; layers in depth order, the first lies lowest.

    `plate` uint8 [h, w, 4], opaque. `layers`: per layer, per frame one `Picture` with straight
    alpha that may reach beyond the canvas (overscan). `sketches` uint8 [layers, frames, h, w]:
    255 on a stroke, 0 on paper; lines hidden behind the layer's own parts are left out, other
    layers hide nothing. `tracks` float32 [layers, frames, 4, 2]: material points in canvas pixels,
    (0, 0) being the outer corner of the top-left pixel. `composites` uint8 [frames, h, w, 4]:
    alpha-over of plate and layers, exactly.
    """

    clip: Clip
    width: int
    height: int
    plate: np.ndarray
    layers: tuple[tuple[Picture, ...], ...]
    sketches: np.ndarray
    tracks: np.ndarray
    composites: np.ndarray


def render(clip: Clip, width: int, height: int, *, sketch: SketchStyle = CLEAN) -> RenderedClip:
    """Draw a clip at `width` x `height` pixels, anti-aliased; equal arguments give equal bits."""
    plate = _draw_plate(clip.plate, width, height)
    layers = tuple(_layer_pictures(clip, layer, width, height) for layer in clip.layers)
    sketches = np.stack(
        [_layer_sketches(clip, index, width, height, sketch) for index in range(len(clip.layers))]
    )  # [layers, frames, h, w]
    times = [clip.time(frame) for frame in range(clip.frames)]
    tracks = np.stack(
        [
            np.stack([to_pixels(layer.tracked(time), width, height) for time in times])
            for layer in clip.layers
        ]
    ).astype(np.float32)  # [layers, frames, 4, 2]
    composites = np.stack(
        [composite(plate, [layer[f] for layer in layers]) for f in range(clip.frames)]
    )  # [frames, h, w, 4]
    return RenderedClip(clip, width, height, plate, layers, sketches, tracks, composites)


def composite(plate: np.ndarray, pictures: list[Picture]) -> np.ndarray:
    """Alpha-over of pictures (lowest first) on an opaque plate uint8 [h, w, 4]."""
    height, width = plate.shape[:2]
    result = plate
    for picture in pictures:
        result = alpha_over(result, picture.on_canvas(width, height))
    return result


def to_pixels(points: np.ndarray, width: int, height: int) -> np.ndarray:
    """Points [..., 2] in frame heights to canvas pixels; the nominal frame is centred."""
    return points * height + np.array([(width - ASPECT * height) / 2, 0.0])


def _layer_pictures(clip: Clip, layer: Layer, width: int, height: int) -> tuple[Picture, ...]:
    if layer.stratum == "static":
        return (_draw_layer(layer, 0.0, width, height),) * clip.frames
    return tuple(_draw_layer(layer, clip.time(f), width, height) for f in range(clip.frames))


def _draw_layer(layer: Layer, time: float, width: int, height: int) -> Picture:
    outlines = [to_pixels(points, width, height) for points in layer.outlines(time)]
    margin = 2 + math.ceil(max(part.line_width for part in layer.figure.parts) * height)
    every = np.concatenate(outlines)
    low = np.floor(every.min(axis=0)).astype(int) - margin
    high = np.ceil(every.max(axis=0)).astype(int) + margin
    size = np.array([width, height])
    low = np.maximum(low, -(size * OVERSCAN).astype(int))
    high = np.minimum(high, size + (size * OVERSCAN).astype(int))
    if (high <= low).any():
        return Picture(np.zeros((1, 1, 4), np.uint8))
    drawn = surface(int(high[0] - low[0]), int(high[1] - low[1]))
    canvas = drawn.getCanvas()
    for part, points in zip(layer.figure.parts, outlines, strict=True):
        _paint(canvas, part, points - low, height)
    return Picture(straight(drawn), int(low[0]), int(low[1])).cropped()


def _paint(canvas: skia.Canvas, part: Part, points: np.ndarray, height: int) -> None:
    path = polygon(points, closed=part.closed)
    if part.fill is not None and part.closed:
        paint = skia.Paint(AntiAlias=True, Color=skia.Color(*part.fill))
        if part.fill_end is not None:  # two opposite vertices carry the shading along
            ends = [skia.Point(*points[0].tolist()), skia.Point(*points[len(points) // 2].tolist())]
            colours = [skia.Color(*part.fill), skia.Color(*part.fill_end)]
            paint.setShader(skia.GradientShader.MakeLinear(ends, colours))
        canvas.drawPath(path, paint)
    if part.line is not None:
        canvas.drawPath(path, pen(skia.Color(*part.line), part.line_width * height))


def _layer_sketches(
    clip: Clip, index: int, width: int, height: int, style: SketchStyle
) -> np.ndarray:
    """Line drawings of one layer: uint8 [frames, h, w]."""
    layer = clip.layers[index]
    boil = np.random.default_rng([style.seed, clip.seed, index])
    noisy = style.jitter_px > 0 or style.gaps > 0 or style.doubles > 0
    frames: list[np.ndarray] = []
    for frame in range(clip.frames):
        if frames and layer.stratum == "static" and not noisy:
            frames.append(frames[0])
            continue
        outlines = [to_pixels(p, width, height) for p in layer.outlines(clip.time(frame))]
        frames.append(_draw_sketch(layer, outlines, (width, height), style, boil))
    return np.stack(frames)


def _draw_sketch(
    layer: Layer,
    outlines: list[np.ndarray],
    size: tuple[int, int],
    style: SketchStyle,
    boil: np.random.Generator,
) -> np.ndarray:
    """One hidden-line drawing: every part first clears what it covers, then draws its line."""
    drawn = surface(*size)
    canvas = drawn.getCanvas()
    brush = pen(skia.ColorWHITE, style.width_px or sketch_line_px(size[1]))
    eraser = skia.Paint(AntiAlias=True, BlendMode=skia.BlendMode.kDstOut)
    for part, points in zip(layer.figure.parts, outlines, strict=True):
        if not part.sketched:
            continue
        if part.closed:
            canvas.drawPath(polygon(points, closed=True), eraser)
        twice = style.doubles > 0 and boil.random() < style.doubles
        for _ in range(2 if twice else 1):
            _draw_stroke(canvas, brush, part, points, style, boil)
    return np.ascontiguousarray(drawn.toarray()[..., 3])


def _draw_stroke(
    canvas: skia.Canvas,
    brush: skia.Paint,
    part: Part,
    points: np.ndarray,
    style: SketchStyle,
    boil: np.random.Generator,
) -> None:
    if style.jitter_px:
        points = points + _wobble(boil, len(points), style.jitter_px)
    if style.gaps:
        brush.setPathEffect(_dashes(boil, points, style.gaps))
    canvas.drawPath(polygon(points, closed=part.closed), brush)


def _wobble(rng: np.random.Generator, count: int, rms_px: float) -> np.ndarray:
    """Smooth periodic offsets [count, 2]: three low harmonics along the line."""
    s = np.arange(count)[:, None] / count * 2 * math.pi
    offset = np.zeros((count, 2))
    for harmonic in (1, 2, 3):
        phase = rng.uniform(0, 2 * math.pi, 2)
        offset += rng.normal(0, rms_px * math.sqrt(2 / 3), 2) * np.cos(harmonic * s + phase)
    return offset


def _dashes(rng: np.random.Generator, points: np.ndarray, gaps: float) -> skia.PathEffect:
    length = float(np.hypot(*np.diff(points, axis=0).T).sum()) + 1.0
    drawn = length * rng.uniform(0.25, 0.5)
    gap = drawn * gaps / (1 - gaps)
    return skia.DashPathEffect.Make([drawn, gap], float(rng.uniform(0, drawn + gap)))


def _draw_plate(plate: Plate, width: int, height: int) -> np.ndarray:
    drawn = surface(width, height)
    canvas = drawn.getCanvas()
    colours = [skia.Color(*plate.top), skia.Color(*plate.bottom)]
    gradient = skia.GradientShader.MakeLinear([skia.Point(0, 0), skia.Point(0, height)], colours)
    canvas.drawPaint(skia.Paint(Shader=gradient))
    for shape in plate.shapes:
        path = polygon(to_pixels(shape.points, width, height), closed=True)
        canvas.drawPath(path, skia.Paint(AntiAlias=True, Color=skia.Color(*shape.fill)))
        if shape.line is not None:
            canvas.drawPath(path, pen(skia.Color(*shape.line), 0.008 * height))
    return straight(drawn)
